"""One app's machines under a virtual clock: the fleet, what an edge sees, loads and autostop.

Nothing here decides, the platform's rules do; what its driver does with processes is a duration here. ``run`` takes
what is due from a heap, so that a day costs as much as what happens in it.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import count
from random import Random

from flylab import ids
from flylab.errors import RuleError, UsageError
from flylab.rules import actions as do
from flylab.rules import lifecycle as on
from flylab.rules.actions import Action
from flylab.rules.autostop import Autostop, AutostopSettings, CloseSockets, SoftCordon, Step, TakeDown, Uncordon
from flylab.rules.edge_view import EdgeView
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.life import Life
from flylab.rules.orders import CreateApp, CreateMachine, FleetEvent, Happened
from flylab.rules.proximity import RoundTrip
from flylab.rules.routing import Choice, Loads, NoCandidate, Wanted, choose
from flylab.rules.standing import Standing, primary_region, standing
from flylab.rules.waking import COMING, check_startable
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S

APP = "rooms"
_EPOCH = 1_790_000_000.0  # when virtual time begins; only differences mean anything
_ENDS = frozenset({S.STOPPED, S.SUSPENDED, S.FAILED, S.LAUNCH_FAILED, S.DESTROYING, S.DESTROYED})
# What the fleet asks of a platform that has disks, checks and secrets; none of that is simulated.
_NOTHING = (
    do.AppChanged, do.AppDropped, do.Changed, do.CheckTold, do.CopyFolder, do.DropFolder, do.Kept, do.MakeFolder,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Seconds that a machine needs for its steps; all of them inputs, measured or published by others."""

    boot: float = 1.0
    resume: float = 0.3
    suspend: float = 1.0
    stop: float = 1.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) >= 0:
                raise UsageError(f"{each.name} is {getattr(self, each.name)!r}; a duration is 0 or more seconds")


@dataclass(frozen=True, slots=True)
class Moment:
    """A machine reached a state; seconds of virtual time."""

    at: float
    machine: str
    region: str
    state: str


@dataclass(slots=True)
class _Machine:
    """What a driver remembers: which step under way still counts, and who waits for the machine to be up."""

    turn: int = 0
    waiting: list[Callable[[bool], None]] = field(default_factory=list)


class World:
    """Machines of one app; everything happens inside ``run``."""

    def __init__(
        self,
        *,
        rtt: RoundTrip,
        rng: Random,
        durations: Durations | None = None,
        autostop: AutostopSettings | None = None,
    ) -> None:
        self.now = 0.0
        self.loads = Loads()
        self.moments: list[Moment] = []
        self.going_away: Callable[[str], None] = lambda _: None  # a machine's WebSockets are closed with 1001
        self.changed: Callable[[str], None] = lambda _: None
        self._rtt = rtt
        self._rng = rng
        self._durations = durations or Durations()
        self._fleet = Fleet(FleetSettings(), lambda wall: ids.ulid(rng, wall))
        self._edges = EdgeView(self._fleet)
        self._autostop = Autostop(autostop or AutostopSettings(), self.now)
        self._leaving: set[str] = set()
        self._machines: dict[str, _Machine] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._apply(CreateApp(id=APP, name=APP, organization="personal"))
        self._every_pass()

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call at that moment; what lies in the past is called now, in the order in which it was asked for."""
        heapq.heappush(self._due, (max(when, self.now), next(self._order), call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now + seconds, call)

    def run(self, until: float) -> None:
        """Let everything happen that is due by then."""
        while self._due and self._due[0][0] <= until:
            self.now, _, call = heapq.heappop(self._due)
            # Loads and machines change here alone, so looking before and after sees what looking each second would.
            self._look()
            call()
            self._look()
        self.now = until

    # ── machines ────────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, name: str, region: str, config: MachineConfig) -> str:
        """Make and launch a machine; its id."""
        machine = ids.machine_id(self._rng)
        self._machines[machine] = _Machine()
        version = ids.ulid(self._rng, _EPOCH + self.now)
        self._apply(CreateMachine(id=machine, app=APP, name=name, region=region, config=config, version=version))
        return machine

    def state(self, machine: str) -> S:
        return self._life(machine).state

    def region(self, machine: str) -> str:
        return self._life(machine).region

    def report(self, machine: str, what: on.Happening) -> bool:
        """What happens to a machine, or is asked of it; False when its state does not allow it."""
        try:
            self._apply(Happened(machine, what))
        except RuleError:
            return False
        return True

    def choose(self, region: str, *, instance: str | None = None) -> Choice | NoCandidate:
        """Where the edge in a region sends a visitor: to that machine, or to whichever is nearest and free."""
        wanted = Wanted(app=APP, instance=instance)
        return choose(self._edges.view, self.loads, wanted, edge_region=region, rtt=self._rtt, rng=self._rng)

    def wake(self, machine: str, told: Callable[[bool], None]) -> None:
        """Start it for a visitor, unless that is under way or it is up; ``told`` hears whether it came up."""
        life = self._life(machine)
        if life.state is S.STARTED:
            self._edges.needed(machine)  # autostop may be about to take it down
            told(True)
            return
        if life.state not in COMING:
            try:
                check_startable(life)
            except RuleError:
                told(False)
                return
            self._machines[machine].waiting.append(told)
            self.report(machine, on.Start(source="proxy"))
            return
        self._machines[machine].waiting.append(told)

    # ── what the platform does ──────────────────────────────────────────────────────────────────────────────────

    def _apply(self, event: FleetEvent) -> None:
        self._perform(self._fleet.apply(event, _EPOCH + self.now))

    def _perform(self, actions: list[Action]) -> None:
        self._edges.tell_of_apps([action.app for action in actions if isinstance(action, do.AppChanged)])
        for machine in [action.machine for action in actions if isinstance(action, do.Changed)]:
            self._tell_of(machine)
        for action in actions:
            match action:
                case do.Noted(machine=machine, region=region, event=event):
                    self.moments.append(Moment(self.now, machine, region, event.status))
                case do.LaunchNext(machine=machine):
                    self.after(0.0, partial(self._told, machine, on.Start()))
                case do.Spawn(machine=machine):
                    self._step(machine, self._durations.boot, on.Started())
                case do.Thaw(machine=machine):
                    self._step(machine, self._durations.resume, on.Started())
                case do.Freeze(machine=machine):
                    self._step(machine, self._durations.suspend, on.Suspended())
                case do.Terminate(machine=machine, timeout=timeout):
                    self._step(machine, min(self._durations.stop, timeout), on.Exited())
                case do.Remove(machine=machine):
                    self._step(machine, 0.0, on.Removed())
                case do.RestartLater(machine=machine, spawns=spawns, pause=pause):
                    self.after(pause, partial(self._told, machine, on.RestartDue(spawns)))
                case do.Forgotten(machine=machine):
                    self._edges.view.drop(machine)
                case _:
                    assert isinstance(action, _NOTHING), action

    def _step(self, machine: str, seconds: float, what: on.Happening) -> None:
        """The driver is busy with a machine; whatever it was busy with before does not count any more."""
        mine = self._machines[machine]
        mine.turn += 1
        turn = mine.turn

        def done() -> None:
            if mine.turn == turn:
                self._told(machine, what)

        self.after(seconds, done)

    def _told(self, machine: str, what: on.Happening) -> None:
        self.report(machine, what)

    def _tell_of(self, machine: str) -> None:
        life = self._fleet.find(machine)
        self._edges.tell(machine, life)
        found = None if life is None else standing(life)
        if found is not None:
            self._autostop.put(found, self.now)
        else:
            self._do(self._autostop.drop(machine))
        if life is not None:
            self._settle(life)
        self.changed(machine)

    def _settle(self, life: Life) -> None:
        """Tell those who wait for a machine, once it is up or will not be."""
        up = life.state is S.STARTED
        if not up and life.state not in _ENDS:
            return
        mine = self._machines[life.id]
        waiting, mine.waiting = mine.waiting, []
        for told in waiting:
            self.after(0.0, partial(told, up))

    # ── autostop ────────────────────────────────────────────────────────────────────────────────────────────────

    def _every_pass(self) -> None:
        self.after(self._autostop.settings.period, self._every_pass)

    def _look(self) -> None:
        self._do(self._autostop.tick(self.loads.of, self.loads.touched(), self.now, self._primary))

    def _do(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case SoftCordon(machine=machine):
                    called_off = self._call_off if self._autostop.settings.request_cancels else None
                    self._edges.drain(machine, called_off)
                    self._leaving.add(machine)
                    self._again_soon(machine)
                case Uncordon(machine=machine):
                    self._leaving.discard(machine)
                    self._edges.drain_no_more(machine)
                case CloseSockets(machine=machine):
                    self._edges.drain(machine, None)
                    self.going_away(machine)
                case TakeDown(machine=machine, suspend=suspend):
                    self._leaving.discard(machine)
                    self.report(machine, on.Suspend(source="proxy") if suspend else on.Stop(source="proxy"))
                    self._edges.drain_no_more(machine)

    def _again_soon(self, machine: str) -> None:
        """Look every second while a machine is on its way down, as the platform does."""
        if machine in self._leaving:
            self.after(self._autostop.settings.tick, lambda: self._again_soon(machine))

    def _call_off(self, machine: str) -> None:
        self._do(self._autostop.call_off(machine, self.now))

    def _primary(self, machine: Standing) -> str:
        lives = [life for life in self._fleet.machines(APP) if life.config.services]
        oldest = min(lives, key=lambda life: (life.created_at, life.id)).region if lives else ""
        return primary_region(machine, lambda _: oldest)

    def _life(self, machine: str) -> Life:
        life = self._fleet.find(machine)
        if life is None:
            raise UsageError(f"there is no machine {machine!r}")
        return life
