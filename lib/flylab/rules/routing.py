"""Which machine gets a request: constraints first, then closeness, then load; it forwards and starts nothing.

The order follows Fly's documentation (reference/load-balancing and reference/fly-proxy-autostop-autostart):

    nearest region first; in one region   running, below its soft limit
                                        ▸ being started already, below its soft limit
                                        ▸ stopped or suspended, with autostart
                                        ▸ about to be stopped by autostop, which this calls off
                                        ▸ running or being started, at or over the soft limit, below the hard one
    the next region only when none of these is there; a soft limit never moves a request to another region

With ``start_abroad`` a stopped machine of the nearest region that has one comes before the last row: the page on
autostart says so, the one on load balancing says the opposite.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from flylab.rules.proximity import RoundTrip, expand
from flylab.rules.rows import AppRow, Loads, Row, View
from flylab.rules.services import PUBLIC_PORTS, service_for
from flylab.wire.machine import MachineState, Service

__all__ = ["PUBLIC_PORTS", "AppRow", "Choice", "Loads", "NoCandidate", "Row", "View", "Wanted", "choose", "service_for"]

SOFT_LIMIT = 20  # reference/configuration: soft_limit when unset

_OVER_SOFT = 4  # the last of the rows above
_WAKEABLE = frozenset({MachineState.STOPPED, MachineState.SUSPENDED})
# States that end by themselves, so that asking again a moment later may find a candidate.
PASSING = frozenset(
    {
        MachineState.CREATING,
        MachineState.STOPPING,
        MachineState.SUSPENDING,
        MachineState.RESTARTING,
        MachineState.REPLACING,
        MachineState.UPDATING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asks of its machine; the app's own machines without constraints by default."""

    app: str
    regions: tuple[str, ...] = ()  # codes and aliases in order of preference
    region_forced: bool = True  # False: after the listed regions all others, nearest first
    instance: str | None = None
    prefer_instance: str | None = None
    without: frozenset[str] = frozenset()
    port: int | None = None  # the public port that the client connected to; None stands for both web ports
    raw: bool = False  # a connection to a port without an http handler


@dataclass(frozen=True, slots=True)
class Choice:
    """A machine that can take the request, after a start when ``wake`` is set."""

    row: Row
    service: Service
    wake: bool = False
    unavailable: str | None = None  # the preferred instance that could not be used


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """Nobody can take the request now; ``busy`` means at the hard limit, ``soon`` that this may pass by itself."""

    code: str
    text: str
    busy: bool = False
    soon: bool = False


def choose(
    view: View,
    loads: Loads,
    wanted: Wanted,
    *,
    edge_region: str,
    rtt: RoundTrip,
    rng: Random,
    start_abroad: bool = False,
) -> Choice | NoCandidate:
    """Pick the machine for one request; the caller reserves it in the same step."""
    if wanted.instance is not None:
        return _exactly(view, loads, wanted, wanted.instance)
    places = view.places(wanted.app)
    allowed = allowed_regions(wanted, edge_region, view.near(wanted.app, edge_region, rtt), rtt)
    if wanted.prefer_instance is not None:
        preferred = _preferred(view, loads, wanted, wanted.prefer_instance, allowed)
        if preferred is not None:
            return preferred
    refused: list[NoCandidate] = []
    for place, region in enumerate(allowed):
        tier, best = _best_of(places[region].values(), loads, wanted, refused)
        if not best:
            continue
        if tier == _OVER_SOFT and start_abroad:
            best = _stopped_elsewhere(places, allowed[place + 1 :], loads, wanted) or best
        return _by_chance(best, rng, unavailable=wanted.prefer_instance)
    return _why_none(wanted, refused, anywhere=any(row.id not in wanted.without for row in view.rows(wanted.app)))


def _preferred(view: View, loads: Loads, wanted: Wanted, machine_id: str, allowed: tuple[str, ...]) -> Choice | None:
    row = view.row(machine_id)
    if row is None or row.app != wanted.app or row.id in wanted.without or row.region not in allowed:
        return None
    judged = judge(row, loads, wanted)
    return judged if isinstance(judged, Choice) else None


def _best_of(rows: Iterable[Row], loads: Loads, wanted: Wanted, refused: list[NoCandidate]) -> tuple[int, list[Choice]]:
    """The candidates of the lowest tier; why the others are none goes to ``refused``."""
    lowest, best = _OVER_SOFT + 1, []  # type: int, list[Choice]
    for row in rows:
        if row.id in wanted.without:
            continue
        judged = judge(row, loads, wanted)
        if isinstance(judged, NoCandidate):
            refused.append(judged)
            continue
        tier = _tier(judged, loads)
        if tier < lowest:
            lowest, best = tier, [judged]
        elif tier == lowest:
            best.append(judged)
    return lowest, best


def _stopped_elsewhere(
    places: Mapping[str, Mapping[str, Row]], regions: tuple[str, ...], loads: Loads, wanted: Wanted
) -> list[Choice]:
    for region in regions:
        down = [row for row in places[region].values() if row.state in _WAKEABLE]
        _, best = _best_of(down, loads, wanted, [])
        if best:
            return best
    return []


def _exactly(view: View, loads: Loads, wanted: Wanted, machine_id: str) -> Choice | NoCandidate:
    row = view.row(machine_id)
    if row is None:
        # The proxy keeps trying for a machine that is gone (seen by others, tldraw/tldraw pull request 8748).
        return NoCandidate("PR04", f"machine {machine_id!r} is not there", soon=True)
    if row.app != wanted.app:
        return NoCandidate("PA03", f"machine {machine_id!r} is not a machine of app {wanted.app!r}")
    if machine_id in wanted.without:
        return NoCandidate("PR04", f"machine {machine_id!r} was tried or ruled out and nothing else may be used")
    return judge(row, loads, wanted)


def judge(row: Row, loads: Loads, wanted: Wanted) -> Choice | NoCandidate:
    """Whether one machine could take a request now, whatever else there is."""
    service = service_for(row, wanted.port, raw=wanted.raw)
    if service is None:
        return NoCandidate("PR01", f"machine {row.id} has no service {_entrance(wanted)}")
    if row.cordoned:
        return NoCandidate("PR01", f"machine {row.id} is cordoned")
    if row.state in PASSING:
        return NoCandidate("PR03", f"machine {row.id} is {row.state}", soon=True)
    hard = service.concurrency.hard_limit if service.concurrency else None
    if hard is not None and loads.of(row.id) >= hard:
        code = "PL02" if service.concurrency and service.concurrency.type == "requests" else "PL01"
        return NoCandidate(code, f"machine {row.id} is at its hard limit of {hard}", busy=True)
    if row.state is MachineState.STARTED:
        if row.healthy:
            return Choice(row, service, wake=row.draining)
        return NoCandidate("PR01", f"machine {row.id} fails its checks", soon=True)
    if row.state is MachineState.STARTING:
        return Choice(row, service, wake=True)
    if row.state in _WAKEABLE:
        if service.autostart:
            return Choice(row, service, wake=True)
        return NoCandidate("PR03", f"machine {row.id} is {row.state} and its service has no autostart")
    return NoCandidate("PR03", f"machine {row.id} is {row.state}")


def _entrance(wanted: Wanted) -> str:
    if wanted.raw:
        return f"without an http handler on port {wanted.port}"
    return f"with an http handler on port {wanted.port or '80 or 443'}"


def allowed_regions(wanted: Wanted, edge_region: str, near: tuple[str, ...], rtt: RoundTrip) -> tuple[str, ...]:
    """Where a request may go among the regions ``near``, the best first."""
    if not wanted.regions:
        return near
    listed = expand(wanted.regions, edge_region, near, rtt)
    return listed if wanted.region_forced else tuple(dict.fromkeys(listed + near))


def _by_chance(equal: list[Choice], rng: Random, *, unavailable: str | None) -> Choice:
    chosen = equal[0] if len(equal) == 1 else rng.choice(sorted(equal, key=lambda choice: choice.row.id))
    return Choice(chosen.row, chosen.service, chosen.wake, unavailable) if unavailable else chosen


def _tier(choice: Choice, loads: Loads) -> int:
    load = loads.of(choice.row.id)
    concurrency = choice.service.concurrency
    soft = SOFT_LIMIT if concurrency is None or concurrency.soft_limit is None else concurrency.soft_limit
    if load >= soft:
        return _OVER_SOFT
    if not choice.wake:
        return 0
    if choice.row.draining:
        return 3
    return 1 if load or choice.row.state is MachineState.STARTING else 2


def _why_none(wanted: Wanted, refused: list[NoCandidate], *, anywhere: bool) -> NoCandidate:
    # The reason that gives most hope speaks for all: a place that may become free, then a state that will pass.
    for reason in sorted(refused, key=lambda reason: (not reason.busy, not reason.soon, reason.text)):
        return reason
    if anywhere:
        return NoCandidate("PR03", f"app {wanted.app!r} has no machine in {','.join(wanted.regions)}")
    if wanted.without:
        return NoCandidate("PR03", f"app {wanted.app!r} has no other machine")
    return NoCandidate("PR01", f"app {wanted.app!r} has no machines")
