"""One random schedule of faults in virtual time, all of it from one seed, and what came of it."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from app.ownership import Place
from tests.app.reliability.checks import Checks
from tests.app.reliability.machine import Machine, Rules
from tests.app.reliability.model import Member
from tests.app.reliability.proxy import Proxy
from tests.app.reliability.storage import Storage
from tests.app.reliability.world import REGIONS, Box, World

HOUR = 3_600.0
NIGHTS = (30.0, 600.0, 1.5 * HOUR, 26 * HOUR, 50 * HOUR)
SETTLED = 180.0  # by then everything must be quiet again

PRODUCT = Rules()


@dataclass(slots=True)
class Outcome:
    """What came of one schedule."""

    seed: int
    wrong: list[tuple[str, str]]
    faults: Counter[str]
    trace: list[str] = field(repr=False)


class Schedule:
    """One run: everything in it follows from the seed, and from ``only`` if it names the faults that may happen."""

    def __init__(self, seed: int, rules: Rules = PRODUCT, *, only: Collection[str] = (), tracing: bool = False) -> None:
        self.seed = seed
        self.world = world = World(seed, tracing=tracing)
        self.storage = Storage(world)
        self.checks = Checks(world, self.storage)
        rng = world.rng
        # Clocks may be wrong by days where as many epochs are kept as in the product; else few are kept.
        self.odd_clocks = rng.random() < 0.4
        least = 100 if self.odd_clocks else rng.choice((0, 2))
        entries = rng.choice((3, 6, 10, 25))
        self.machines = [
            Machine(
                Place(machine=f"m{n}", region=rng.choice(REGIONS), app="rooms"),
                world,
                self.storage,
                self.checks,
                rules,
                entries=entries,
                least=least,
            )
            for n in range(rng.choice((2, 2, 3, 3, 4, 5)))
        ]
        self.members: list[Member] = []
        for n in range(rng.choice((2, 2, 3, 3, 4, 6))):
            again = n > 0 and rng.random() < 0.15  # a second page of the same member
            self.members.append(rules.member(n, self.members[-1].by if again else f"{n:016x}", world))
        self.proxy = Proxy(world, self.machines, self.checks)
        for machine in self.machines:
            machine.proxy = self.proxy
        for member in self.members:
            member.proxy = self.proxy
        kinds: list[tuple[str, Callable[[], None]]] = [
            ("crash", self._crash),
            ("crash", self._crash),
            ("suspend", self._suspend),
            ("suspend", self._suspend),
            ("stop", self._stop),
            ("move", self._move),
            ("sleep", self._sleep),
            ("store away from a machine", self._cut_off),
            ("store fails", self._flaky),
            ("store slow", self._slow),
            ("machine hidden", self._hide),
            ("connections cut", self._cut),
            ("connections cut", self._cut),
            ("page reloaded", self._reload),
            ("proxy wrong at times", self._lie),
        ]
        if self.odd_clocks:
            kinds.append(("clock wrong", self._clock))
        self._kinds = [kind for kind in kinds if not only or kind[0] in only]
        self._weather = Box(Place(machine="", region="", app=""))  # where the ends of faults wait: they end with it

    def run(self) -> Outcome:
        world, rng = self.world, self.world.rng
        days = rng.choice((1, 1, 2, 2, 3))
        total, troubles = rng.randint(8, 24), rng.randint(2, 14)
        for day in range(days):
            self._day(total // days, -(-troubles // days))
            if day < days - 1:
                self._night(rng.choice(NIGHTS))
        self._settle()
        holds = [one.hold for one in self.machines if one.hold is not None and one.hold.open]
        self.checks.end(self.members, holds)
        faults = world.faults
        faults["acknowledged"] = sum(len(one.acknowledged) for one in self.members)
        faults["refused"] = sum(len(one.refused) for one in self.members)
        faults["refused by a stale holder, yet there"] = self.checks.refused_yet_there
        faults["numbers written again after deletion"] = self.storage.recreated
        faults["epochs"] = len(self.storage.began)
        return Outcome(self.seed, world.wrong, faults, world.trace or [])

    def _day(self, operations: int, troubles: int) -> None:
        world, rng = self.world, self.world.rng
        length = rng.uniform(6.0, 25.0)
        self._wake_up()
        for _ in range(operations):
            world.at(rng.uniform(0.2, length), None, self._act, rng.choice(self.members), rng.choice((1, 1, 1, 2, 4)))
        for _ in range(troubles):
            when = rng.uniform(0.5, length)
            world.at(when, None, self._trouble)
            if rng.random() < 0.5:
                world.at(when - rng.random() * 0.25, None, self._act, rng.choice(self.members), 1)
        world.run(world.now + length)

    def _act(self, member: Member, times: int) -> None:
        for _ in range(times):
            member.act()

    def _night(self, length: float) -> None:
        world, rng = self.world, self.world.rng
        self._say(f"nothing happens for {length:.0f} s")
        world.faults["nights"] += 1
        self.checks.awake = False
        for member in self.members:
            member.awake = False
            if member.connection is not None and rng.random() < 0.7:
                member.connection.cut()
        world.run(world.now + length)

    def _wake_up(self) -> None:
        self.checks.awake = True
        for member in self.members:
            member.awake = True
            self.world.at(self.world.rng.random(), None, member.connect)
        for machine in self.machines:
            if machine.hold is not None and machine.hold.open:
                machine.hold.tend_soon()

    def _settle(self) -> None:
        """All faults end, everybody comes back, and time passes until nothing happens any more."""
        world = self.world
        self._say("all faults end")
        self._weather.life += 1
        self.storage.errors = self.storage.unanswered = self.proxy.lies = 0.0
        self.storage.slow = 1.0
        self.checks.hint_is_true = True
        for machine in self.machines:
            machine.hidden = machine.cut_off = False
            machine.slow = 1.0
            machine.wakes = True
            machine.start()
            if machine.frozen:
                world.thaw(machine)
        for member in self.members:
            if member.connection is not None:
                member.connection.cut()
        self._wake_up()
        world.run(world.now + SETTLED / 3)
        self.checks.awake = False
        if world.run(world.now + SETTLED):
            world.violate("unsettled", "things still happen long after the last fault")

    # Faults --------------------------------------------------------------------------

    def _trouble(self) -> None:
        name, cause = self.world.rng.choice(self._kinds)
        self.world.faults[f"fault: {name}"] += 1
        self._say(name)
        cause()

    def _victim(self) -> Machine:
        """Mostly one that holds the room."""
        rng = self.world.rng
        holders = [one for one in self.machines if one.hold is not None]
        return rng.choice(holders if holders and rng.random() < 0.8 else self.machines)

    def _until(self, most: float, thing: Any, **well: Any) -> None:
        """Some time later these attributes are as they should be again; often soon."""

        def mend() -> None:
            for name, value in well.items():
                setattr(thing, name, value)

        self.world.at(0.2 + self.world.rng.random() ** 2 * most, self._weather, mend)

    def _crash(self) -> None:
        machine = self._victim()
        self._say(f"{machine.place.machine} crashes")
        machine.crash()
        machine.stopped = False
        self.world.at(0.2 + self.world.rng.random() ** 2 * 8.0, self._weather, machine.start)

    def _suspend(self) -> None:
        machine = self._victim()
        if not machine.up or machine.frozen:
            return
        rng = self.world.rng
        self._say(f"{machine.place.machine} is suspended")
        machine.frozen = True
        machine.wakes = rng.random() < 0.3
        if machine.hold is not None:
            for connection in machine.hold.connections:
                if rng.random() < 0.7:
                    connection.cut()
        # Until soon, or into the next days.
        pause = rng.choice((0.5, 3.0, 20.0, 40.0, 27 * HOUR, 51 * HOUR)) * rng.random()
        self.world.at(pause, self._weather, self._resume, machine)

    def _resume(self, machine: Machine) -> None:
        if machine.frozen:
            self._say(f"{machine.place.machine} is resumed")
            self.world.thaw(machine)

    def _stop(self) -> None:
        self._victim().stop()

    def _move(self) -> None:
        self._end("moved", self.world.rng.choice(REGIONS))

    def _sleep(self) -> None:
        self._end("asked", "")

    def _end(self, why: str, to: str) -> None:
        machine = self._victim()
        if machine.hold is not None and machine.hold.open and not machine.frozen:
            machine.hold.release(why, to)

    def _cut_off(self) -> None:
        machine = self._victim()
        self._say(f"{machine.place.machine} does not reach the store")
        machine.cut_off = True
        self._until(25.0, machine, cut_off=False)

    def _hide(self) -> None:
        machine = self._victim()
        self._say(f"the proxy does not reach {machine.place.machine}")
        machine.hidden = True
        if machine.hold is not None and self.world.rng.random() < 0.5:
            for connection in machine.hold.connections:
                connection.cut()
        self._until(15.0, machine, hidden=False)

    def _flaky(self) -> None:
        storage, rng = self.storage, self.world.rng
        storage.errors, storage.unanswered = rng.random() * 0.5, rng.random() * 0.5
        self._until(10.0, storage, errors=0.0, unanswered=0.0)

    def _slow(self) -> None:
        # For everybody, or for one machine, whose members then see much that is not stored.
        rng = self.world.rng
        slowed = self.storage if rng.random() < 0.4 else self._victim()
        slowed.slow = rng.choice((10.0, 60.0, 400.0))
        self._until(15.0, slowed, slow=1.0)

    def _cut(self) -> None:
        for member in self.members:
            if member.connection is not None and self.world.rng.random() < 0.6:
                member.connection.cut()

    def _reload(self) -> None:
        member = self.world.rng.choice(self.members)
        member.reload()
        member.try_again(0.1)

    def _lie(self) -> None:
        self.proxy.lies = 0.4
        self._until(20.0, self.proxy, lies=0.0)

    def _clock(self) -> None:
        machine, rng = self._victim(), self.world.rng
        machine.offset = rng.choice((-50 * HOUR, -HOUR, -20.0, 20.0, HOUR, 50 * HOUR)) * rng.random()
        self._say(f"the clock of {machine.place.machine} is wrong by {machine.offset:.0f} s")

    def _say(self, text: str) -> None:
        if self.world.trace is not None:
            self.world.say("fault", text)


def run(seed: int, rules: Rules = PRODUCT, *, only: Collection[str] = (), tracing: bool = False) -> Outcome:
    """One schedule."""
    return Schedule(seed, rules, only=only, tracing=tracing).run()


def explain(seed: int, rules: Rules = PRODUCT, *, only: Collection[str] = ()) -> str:
    """The whole story of one schedule, and what is wrong with it."""
    outcome = run(seed, rules, only=only, tracing=True)
    verdict = [f"{kind}: {text}" for kind, text in outcome.wrong] or ["nothing is wrong"]
    return "\n".join([f"seed {seed}", *outcome.trace, f"seed {seed}", *verdict])
