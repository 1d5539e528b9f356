"""A day of rooms on one app: members come, wake machines, are replayed to their room's one, and leave again.

    member ──► room awake? ── yes ─► its machine (a replay to that instance)
                   └── no ─► the nearest free machine takes it, after a start where none runs

What the room server does is here in a few lines: a room lives on one machine while it has members; a machine that is
told to go away gives up its rooms, and their members come back at once; with ``ends_after`` a machine without members
ends. Distances are left out: a wait is for machines, not for light.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from flylab.errors import UsageError
from flylab.published.network import rtt
from flylab.rules import lifecycle as on
from flylab.rules.autostop import AutostopSettings
from flylab.rules.routing import NoCandidate
from flylab.sim.traffic import Stay
from flylab.sim.world import Durations, Moment, World
from flylab.wire.machine import Guest, MachineConfig, Port, Service
from flylab.wire.machine import MachineState as S
from flylab.wire.services import AUTOSTOP, Concurrency

_BEFORE = 3_600.0  # seconds before the day in which machines are made and, where they may, stopped
_AGAIN = 0.5  # seconds after which a visitor whom nobody could take tries again; our choice
_CLOSED = on.Stop(source="user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an app's machines are run."""

    name: str
    regions: tuple[str, ...]
    machines: int = 2  # in each region
    autostop: str = "off"  # what the proxy may do with a machine that is one too many
    ends_after: float = 0.0  # seconds without members after which a machine ends by itself; 0: never
    soft_limit: int = 50  # connections
    hard_limit: int | None = None
    minimum: int = 0  # min_machines_running
    stopped: bool = True  # whether the day begins with all of them stopped

    def __post_init__(self) -> None:
        if not self.regions or self.machines < 1:
            raise UsageError("a plan has at least one region, and one machine in each")
        if self.autostop not in AUTOSTOP:
            raise UsageError(f"autostop is {self.autostop!r}; it is one of {', '.join(AUTOSTOP)}")
        if not self.ends_after >= 0:
            raise UsageError(f"ends_after is {self.ends_after!r}; it is 0 or more seconds")

    def config(self) -> MachineConfig:
        """The machine that all of them are."""
        service = Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)),),
            autostart=True,
            autostop=self.autostop,
            min_machines_running=self.minimum,
            concurrency=Concurrency(type="connections", soft_limit=self.soft_limit, hard_limit=self.hard_limit),
        )
        return MachineConfig(image="rooms", guest=Guest(memory_mb=512), services=(service,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A member came into a room; ``wait`` is from the first try until a machine had them, None: they gave up."""

    room: str
    region: str
    machine: str
    at: float
    wait: float | None
    woke: bool  # a machine had to be started for it, or was being started
    again: bool  # they had been in the room, and their machine went away


@dataclass(frozen=True, slots=True)
class Span:
    """A machine was in a state; seconds since the day began."""

    machine: str
    region: str
    state: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened; seconds since the day began."""

    plan: Plan
    seconds: float
    moments: tuple[Moment, ...]
    joins: tuple[Join, ...]

    @property
    def interrupted(self) -> int:
        """How often a member was thrown out of a room by a machine that was taken down."""
        return sum(join.again for join in self.joins)

    def seconds_in(self, *states: str) -> dict[str, float]:
        """Machine seconds in these states, by region."""
        found = dict.fromkeys(self.plan.regions, 0.0)
        for span in self.spans():
            if span.state in states:
                found[span.region] += span.ends - span.begins
        return found

    def spans(self) -> Iterator[Span]:
        """Each machine's states one after the other, cut to the day; those of no length are left out."""
        last: dict[str, Moment] = {}
        for moment in self.moments:
            if (before := last.get(moment.machine)) is not None:
                yield from self._span(before, moment.at)
            last[moment.machine] = moment
        for moment in last.values():
            yield from self._span(moment, self.seconds)

    def _span(self, moment: Moment, ends: float) -> Iterator[Span]:
        begins, ends = max(moment.at, 0.0), min(ends, self.seconds)
        if ends > begins:
            yield Span(moment.machine, moment.region, moment.state, begins, ends)


def running(spans: Iterable[tuple[float, float]], *, seconds: float, every: float = 300.0) -> list[tuple[float, int]]:
    """How many of these spans (begin, end) are under way, at the end of each stretch of time."""
    steps = sorted(change for begins, ends in spans for change in ((begins, 1), (ends, -1)))
    found, up, place = [], 0, 0
    for number in range(1, int(seconds / every) + 1):
        while place < len(steps) and steps[place][0] < number * every:
            up += steps[place][1]
            place += 1
        found.append((number * every, up))
    return found


def day(
    plan: Plan,
    stays: Iterable[Stay],
    *,
    seconds: float,
    seed: int = 0,
    durations: Durations | None = None,
    autostop: AutostopSettings | None = None,
) -> Day:
    """Run it; the same result for the same arguments."""
    world = World(rtt=rtt(), rng=Random(seed), durations=durations, autostop=autostop)
    machines = [
        world.create(f"rooms-{region}-{number}", region, plan.config())
        for region in plan.regions
        for number in range(1, plan.machines + 1)
    ]
    if plan.stopped:
        for machine in machines:
            world.at(_BEFORE / 2, partial(_told, world, machine))
    rooms = _Rooms(world, plan)
    for stay in stays:
        moved = replace(stay, begins=stay.begins + _BEFORE, ends=stay.ends + _BEFORE)
        world.at(moved.begins, partial(rooms.come, moved))
    world.run(_BEFORE + seconds)
    return Day(
        plan=plan,
        seconds=seconds,
        moments=tuple(replace(moment, at=moment.at - _BEFORE) for moment in world.moments),
        joins=tuple(replace(join, at=join.at - _BEFORE) for join in rooms.joins),
    )


def _told(world: World, machine: str) -> None:
    world.report(machine, _CLOSED)


@dataclass(eq=False, slots=True, kw_only=True)
class _Member:
    stay: Stay
    since: float  # when they began to try
    machine: str = ""  # where a place is taken for them
    inside: bool = False
    woke: bool = False
    again: bool = False


class _Rooms:
    """Which machine holds which room, and who is in it."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.joins: list[Join] = []
        self._world = world
        self._plan = plan
        self._holders: dict[str, str] = {}  # room → machine
        self._members: dict[str, list[_Member]] = {}  # machine → those who have a place there
        self._empty: dict[str, int] = {}  # machine → how often it has become empty
        world.going_away = self._go_away
        world.changed = self._look_after

    def come(self, stay: Stay) -> None:
        self._seek(_Member(stay=stay, since=self._world.now))

    def _seek(self, member: _Member) -> None:
        world, room = self._world, member.stay.room
        if world.now >= member.stay.ends:
            self._joined(member, wait=None)
            return
        found = world.choose(member.stay.region, instance=self._holders.get(room))
        if isinstance(found, NoCandidate):
            if not found.busy and not found.soon:
                self._holders.pop(room, None)  # its machine will not come back by itself
            world.after(_AGAIN, lambda: self._seek(member))
            return
        machine = found.row.id
        # The place is taken when it is decided, so that two who decide in one moment see each other.
        self._holders[room] = member.machine = machine
        self._members.setdefault(machine, []).append(member)
        world.loads.reserve(machine)
        if found.wake:
            member.woke = member.woke or world.state(machine) is not S.STARTED
            world.wake(machine, lambda up: self._woken(member, machine, up=up))
        else:
            self._enter(member)

    def _woken(self, member: _Member, machine: str, *, up: bool) -> None:
        if member.machine != machine:
            return  # thrown out meanwhile
        if up and self._world.state(machine) is S.STARTED:
            self._enter(member)
        else:
            self._give_up_place(member)
            self._world.after(_AGAIN, lambda: self._seek(member))

    def _enter(self, member: _Member) -> None:
        member.inside = True
        self._joined(member, wait=self._world.now - member.since)
        machine = member.machine
        self._world.at(member.stay.ends, lambda: self._leave(member, machine))

    def _leave(self, member: _Member, machine: str) -> None:
        if member.inside and member.machine == machine:
            self._give_up_place(member)

    def _joined(self, member: _Member, wait: float | None) -> None:
        stay = member.stay
        self.joins.append(
            Join(
                room=stay.room,
                region=stay.region,
                machine=member.machine if wait is not None else "",
                at=member.since,
                wait=wait,
                woke=member.woke,
                again=member.again,
            )
        )

    def _give_up_place(self, member: _Member) -> None:
        machine, room = member.machine, member.stay.room
        member.machine, member.inside = "", False
        self._members[machine].remove(member)
        self._world.loads.release(machine)
        if not any(other.stay.room == room for other in self._members[machine]) and self._holders.get(room) == machine:
            del self._holders[room]
        if not self._members[machine]:
            self._empty[machine] = self._empty.get(machine, 0) + 1
            self._end_later(machine)

    def _end_later(self, machine: str) -> None:
        """End the machine once it has been without members for long enough, if that is how it is run."""
        times = self._empty.get(machine, 0)

        def look() -> None:
            if not self._members.get(machine) and self._empty.get(machine, 0) == times:
                self._world.report(machine, on.Exited(code=0))

        if self._plan.ends_after:
            self._world.after(self._plan.ends_after, look)

    def _look_after(self, machine: str) -> None:
        """A machine has changed: when it is up without members, its time begins."""
        if self._world.state(machine) is S.STARTED and not self._members.get(machine):
            self._end_later(machine)

    def _go_away(self, machine: str) -> None:
        """Its members are told to come back; its rooms are free for whoever is asked first."""
        for room in [room for room, holder in self._holders.items() if holder == machine]:
            del self._holders[room]
        for member in list(self._members.get(machine, ())):
            member.again = member.again or member.inside
            self._give_up_place(member)
            member.since, member.woke = self._world.now, False
            self._world.after(0.0, partial(self._seek, member))


def waits(joins: Iterable[Join], *, woke: bool | None = None) -> list[float]:
    """The seconds that members waited for a machine, all or those who did or did not need a start."""
    return [join.wait for join in joins if join.wait is not None and woke in (None, join.woke)]
