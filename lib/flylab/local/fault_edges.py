"""The platform as an edge sees it while faults are armed: machines that are not there, loads that are old, no wakes."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from flylab.errors import RuleError
from flylab.rules.faults import Subject
from flylab.rules.late import refusal
from flylab.rules.routing import SOFT_LIMIT, Loads, Row, View
from flylab.wire.link import Link
from flylab.wire.machine import MachineState as S

if TYPE_CHECKING:
    from flylab.local.edge import Edge, Waker
    from flylab.local.hearing import Hearing
    from flylab.local.troubles import Troubles

VIEW = frozenset({"target_gone", "stale_edge"})
LOADS = frozenset({"stale_load"})
WAKER = frozenset({"bad_edge", "wake_refused", "lease_held", "snapshot_lost", "migrate"})
_DOWN = frozenset({S.STOPPED, S.SUSPENDED})
_WAKE_TEXT = {
    "PM01": "the Machines API refused: rate limit exceeded",
    "PM07": "it could not be changed from stopping to started",
    "PM08": "it is in no state from which it can be started",
}


class BentEdge:
    """One edge and what it looks at; with nothing armed it looks at the platform itself, so nothing costs anything."""

    def __init__(self, edge: "Edge", troubles: "Troubles") -> None:
        self._edge = edge
        self._troubles = troubles
        self._platform, self._view, self._loads, self._hearing = edge.platform, edge.view, edge.loads, edge.hearing

    def going_away(self, machine_id: str) -> int:
        """Close the WebSockets to a machine, as before it is stopped; how many there were."""
        return self._edge.websockets.close(machine_id)

    def disturbed(self, region: str, addresses: Collection[object], *, cut: bool) -> None:
        """The link to the machines of a region, which listen there, is another one; so it is for what is open."""
        edge = self._edge
        delay = edge.latency.one_way(edge.region, region)
        for upstream in [each for each in edge.pool.open if each.peer in addresses]:
            if cut:
                upstream.cut()
            else:
                upstream.stretch(delay)

    @property
    def region(self) -> str:
        return self._edge.region

    def look(self, names: frozenset[str], links: Collection[Link]) -> None:
        """These faults are armed now, or none, and these links are disturbed."""
        edge, troubles = self._edge, self._troubles
        bent_view, bent_loads = _BentView(self._view, troubles), _BentLoads(self._loads, self._view, troubles)
        edge.view = cast("View", bent_view) if names & VIEW else self._view
        edge.loads = cast("Loads", bent_loads) if names & LOADS else self._loads
        bent = bool(names & WAKER) or any(link.cut for link in links)
        edge.platform = _BentWaker(self._platform, edge.region, troubles) if bent else self._platform
        bent_hearing = _BentHearing(self._hearing, self._troubles.platform.view)
        edge.hearing = cast("Hearing", bent_hearing) if names & VIEW else self._hearing
        edge.notes = {"faults": sorted(names)} if names else {}
        if links:
            edge.notes["links"] = [str(link) for link in links]


class _BentWaker:
    """Implements ``edge.Waker``."""

    def __init__(self, platform: "Waker", region: str, troubles: "Troubles") -> None:
        self.view, self.loads = platform.view, platform.loads
        self._platform = platform
        self._region = region
        self._troubles = troubles

    async def wake(self, machine_id: str) -> None:
        life = self._troubles.life(machine_id)
        if life is not None and life.state in _DOWN:
            if struck := self._troubles.strikes_machine(("wake_refused", "lease_held"), life):
                held = f"machine ID {machine_id} lease currently held by somebody else"
                code = struck.word or "PM01"
                text = held if struck.name == "lease_held" else _WAKE_TEXT[code]
                raise RuleError(code, f"machine {machine_id} was not woken: {text}")
            await self._troubles.before_start(life)
        await self._platform.wake(machine_id)

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        address = self._platform.address(machine_id, internal_port)
        if address is None:
            return None
        life = self._troubles.life(machine_id)
        if life is not None and self._troubles.links.is_cut(self._region, life.region):
            return self._troubles.traps.deaf()
        here = Subject(app=life.app if life else "", region=self._region, machine=machine_id)
        return self._troubles.traps.deaf() if self._troubles.strikes("bad_edge", here) else address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


class _BentView:
    """A ``View``: all that is not bent is that of the view behind it."""

    def __init__(self, view: View, troubles: "Troubles") -> None:
        self._view = view
        self._troubles = troubles

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def rows(self, app: str) -> Iterable[Row]:
        return [self._stale(row) for row in self._view.rows(app) if not self._struck("target_gone", row)]

    def row(self, machine_id: str) -> Row | None:
        row = self._view.row(machine_id)
        return None if row is None or self._struck("target_gone", row) else row

    def _stale(self, row: Row) -> Row:
        stale = row.state in _DOWN and self._struck("stale_edge", row)
        return replace(row, state=S.STARTED, healthy=True) if stale else row

    def _struck(self, name: str, row: Row) -> bool:
        return self._troubles.strikes(name, Subject(app=row.app, region=row.region, machine=row.id)) is not None


class _BentHearing:
    """A ``Hearing``: the host of a stopped machine refuses what was sent to it, whatever the edge held it for."""

    def __init__(self, hearing: "Hearing", truth: View) -> None:
        self._hearing = hearing
        self._truth = truth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hearing, name)

    def refusal(self, row: Row) -> str | None:
        return self._hearing.refusal(row) or refusal(self._truth, row)


class _BentLoads:
    """``Loads`` of which some are believed to be at the soft limit."""

    def __init__(self, loads: Loads, view: View, troubles: "Troubles") -> None:
        self._loads = loads
        self._view = view
        self._troubles = troubles

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loads, name)

    def of(self, machine_id: str) -> int:
        load, row = self._loads.of(machine_id), self._view.row(machine_id)
        if row is None:
            return load
        here = Subject(app=row.app, region=row.region, machine=row.id)
        return max(load, _soft(row)) if self._troubles.strikes("stale_load", here) else load


def _soft(row: Row) -> int:
    """The largest soft limit of its services, so that it counts as reached whichever of them is asked for."""
    given = [service.concurrency for service in row.services]
    limits = [SOFT_LIMIT if each is None or each.soft_limit is None else each.soft_limit for each in given]
    return max(limits, default=SOFT_LIMIT)
