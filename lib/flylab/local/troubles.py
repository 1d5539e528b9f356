"""The armed faults of one platform, put where they bite: edges, driver, checks and API ask here; the rules judge.

Only what is armed is put in the way, and taken out again afterwards, so that nothing is slower without faults.

    arm, disarm ─► rules.Faults ─► look(names) ──► BentEdge · FaultyDriver · Background;  Gate asks by itself
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import cast

from flylab.errors import RuleError
from flylab.local.driver import Driver
from flylab.local.edge import Edge
from flylab.local.fault_background import Background
from flylab.local.fault_edges import BentEdge
from flylab.local.fault_machines import FaultyDriver
from flylab.local.fault_traps import Traps
from flylab.local.platform import Platform
from flylab.rules import lifecycle as on
from flylab.rules.checks import ports_of
from flylab.rules.faults import Faults, Struck, Subject
from flylab.rules.life import Life
from flylab.rules.links import Links
from flylab.rules.orders import Checked, Happened, Migrate
from flylab.rules.waiting import Wanted
from flylab.wire.fault import Fault
from flylab.wire.link import Link
from flylab.wire.machine import MachineState as S

_COLD = 10.0  # seconds in which a frozen machine has to be gone; our choice, it takes milliseconds


class Troubles:
    """What the rest of the platform knows of faults."""

    def __init__(self, platform: Platform, rng: Random, regions: Collection[str]) -> None:
        self.platform = platform
        self.traps = Traps()
        self.on = False  # whether anything is armed
        self.links = Links(regions)
        self._rules = Faults()
        self._rng = rng
        self._regions = regions
        self._edges: list[BentEdge] = []
        self._driver: FaultyDriver | None = None
        self._background = Background(self)
        self._timer: asyncio.TimerHandle | None = None

    # ── for whoever puts the platform together ──────────────────────────────────────────────────────────────────

    def driver(self, driver: Driver) -> Driver:
        """The driver that the platform is to be given."""
        self._driver = FaultyDriver(driver, self)
        self.platform.launch_delay = self._launch_delay
        self.platform.watchers.append(self._look_at)
        return cast("Driver", self._driver)

    def edge(self, edge: Edge) -> Edge:
        """Take charge of what the edge looks at."""
        self._edges.append(BentEdge(edge, self))
        return edge

    def checked(self, apply: Callable[[Checked], None]) -> Callable[[Checked], None]:
        """What is told of the results of checks."""

        def told(checked: Checked) -> None:
            life = self.life(checked.machine)
            if self.on and life and checked.passed and self.strikes_machine("check_flap", life):
                checked = replace(checked, passed=False, output="a fault of flylab: check_flap")
            apply(checked)

        return told

    async def close(self) -> None:
        """Disarm everything; before the platform closes, whose orders are not to be held up."""
        self.clear()
        self.mend()
        await self._background.close()
        await self.traps.close()

    # ── arming ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def arm(self, fault: Fault) -> Fault:
        """Arm it, from now on; raises ``invalid_argument``."""
        if fault.region and fault.region not in self._regions:
            here = ", ".join(self._regions)
            raise RuleError("invalid_argument", f"region '{fault.region[:80]}' is unknown here; there are {here}")
        armed = self._rules.arm(fault, self._rng.getrandbits(32), self.platform.clock.wall())
        try:
            if armed.name == "early_port":
                await self.traps.open_dropping()
            elif armed.name == "target_5xx" and isinstance(armed.value, float):
                await self.traps.open_broken(int(armed.value))
            elif armed.name in ("bad_edge", "host_down"):
                self.traps.deaf()
            elif armed.name == "slow_port":
                self.traps.closed()
        except OSError as exc:
            self._rules.disarm(armed.id)
            raise RuleError("unavailable", f"fault '{armed.name}' needs a port, and there is none: {exc}") from exc
        self._look()
        return armed

    def disarm(self, which: str) -> list[Fault]:
        """By id or by name; raises ``not_found``."""
        gone = self._rules.disarm(which)
        self._look()
        return gone

    def clear(self) -> list[Fault]:
        gone = self._rules.clear()
        self._look()
        return gone

    def armed(self) -> list[Fault]:
        return self._rules.armed(self.platform.clock.wall())

    def past(self) -> list[Fault]:
        """The last that struck and are not armed any more."""
        return list(self._rules.past)

    def disturb(self, link: Link) -> Link:
        """Make a link slow or cut it, also for the connections that are open; raises ``invalid_argument``."""
        if link.cut:
            self._trap()
        told = self.links.disturb(link)
        self._look()
        self._felt([told])
        return told

    def mend(self, ends: tuple[str, str] | None = None) -> list[Link]:
        """One link, or all; raises ``not_found``."""
        gone = self.links.mend_all() if ends is None else [self.links.mend(*ends)]
        self._look()
        self._felt(gone)
        return gone

    def _trap(self) -> None:
        try:
            self.traps.deaf()
        except OSError as exc:
            raise RuleError("unavailable", f"a cut link needs a port, and there is none: {exc}") from exc

    def _felt(self, links: list[Link]) -> None:
        for link in links:
            for edge in self._edges:
                for here, there in {(link.a, link.b), (link.b, link.a)}:
                    if edge.region == here:
                        edge.disturbed(there, self._addresses(there), cut=self.links.is_cut(here, there))

    def _addresses(self, region: str) -> set[object]:
        """Where the machines of a region listen."""
        machines = [life for life in self.platform.fleet.machines() if life.region == region]
        return {self.platform.driver.address(life.id, port) for life in machines for port in ports_of(life.config)}

    def _look(self) -> None:
        """Put in the way what is armed and nothing else."""
        self._rules.armed(self.platform.clock.wall())
        names = self._rules.names
        self.on = bool(names)
        for edge in self._edges:
            edge.look(names, self.links.all())
        if self._driver is not None:
            self._driver.look(names)
            if not names & {"slow_replace", "slow_destroy"}:
                self._driver.hurry()
        self._background.look(names)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (end := self._rules.next_end()) is not None:
            pause = max(end - self.platform.clock.wall(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def strikes(self, names: str | Iterable[str], subject: Subject, *, once: str = "") -> Struck | None:
        """The fault that strikes now, if any; it is counted."""
        return self._rules.struck(names, subject, self.platform.clock.wall(), once=once) if self.on else None

    def strikes_machine(self, names: str | Iterable[str], life: Life, *, once: str = "") -> Struck | None:
        """The same for a machine; ``once`` holds for this machine."""
        return self.strikes(names, subject_of(life), once=once and f"{life.id}:{once}")

    def threatens(self, name: str, subject: Subject) -> bool:
        """Whether it would strike, not counted."""
        return self.on and self._rules.threatens(name, subject, self.platform.clock.wall())

    def life(self, machine_id: str) -> Life | None:
        return self.platform.fleet.find(machine_id)

    def age(self, life: Life) -> float:
        """Seconds since the machine was last started."""
        for event, _ in reversed(life.log):
            if event.type == "start" and event.status == S.STARTED:
                return self.platform.clock.wall() - event.timestamp / 1000
        return 0.0

    def report(self, machine_id: str, what: on.Happening) -> None:
        self.platform.report(machine_id, what)

    def going_away(self, machine_id: str) -> int:
        """All edges close the WebSockets to a machine; how many there were."""
        return sum(edge.going_away(machine_id) for edge in self._edges)

    # ── doing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def before_start(self, life: Life) -> bool:
        """A machine that is down is about to be started: it may have lost its snapshot or its host.

        True when it has moved.
        """
        if life.state is S.SUSPENDED and self.strikes_machine("snapshot_lost", life):
            self.platform.apply(Happened(life.id, on.Stop(source="flyd")))
            with suppress(RuleError):
                await self.platform.wait(life, Wanted(states=frozenset({"stopped", "destroyed"})), _COLD)
        if life.state is S.STOPPED and self.strikes_machine("migrate", life):
            self.platform.apply(Migrate(life.id))
            return True
        return False

    def _launch_delay(self, machine_id: str) -> float:
        life = self.life(machine_id)
        struck = life and life.state is S.CREATED and self.strikes_machine("stuck_created", life, once="launch")
        return struck.seconds if struck else 0.0

    def _look_at(self, life: Life) -> None:
        """A machine has changed."""
        if not self.on or life.state is not S.STOPPED or not life.log:
            return
        last, _ = life.log[-1]
        exited = last.request.get("exit_event")
        asked = isinstance(exited, dict) and exited.get("requested_stop")
        if asked and self.strikes_machine("restart_fights_stop", life, once=last.id):
            asyncio.get_running_loop().call_soon(self.report, life.id, on.Start(source="flyd"))


def subject_of(life: Life) -> Subject:
    """The machine as faults are aimed at it."""
    return Subject(app=life.app, region=life.region, machine=life.id)
