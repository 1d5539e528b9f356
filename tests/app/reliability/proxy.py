"""The platform's proxy: takes visitors to machines, replays on request, and is at times wrong about who is there."""

from typing import TYPE_CHECKING

from app.arrival import Arrival
from app.onward import ReplayTo
from app.signing import State, Word
from flylab.wire.regions import ANY
from flylab.wire.replay import FailureReason, ReplayFailure
from tests.app.reliability.machine import Machine
from tests.app.reliability.world import REGIONS, ROOM, World

if TYPE_CHECKING:
    from tests.app.reliability.checks import Checks
    from tests.app.reliability.model import Visit

LOBBY = 0.25  # share of visitors who come through a lobby, which believes the hint


class Proxy:
    """``lies`` is the share of decisions in which a machine that is well counts as unavailable."""

    def __init__(self, world: World, machines: list[Machine], checks: "Checks") -> None:
        self.lies = 0.0
        self._world = world
        self._machines = machines
        self._checks = checks

    def enter(self, visit: "Visit") -> None:
        """A visitor comes in at some edge."""
        rng = self._world.rng
        edge = rng.choice(REGIONS)
        hint = self._checks.hint() if rng.random() < LOBBY else None
        if hint is not None and hint.holder is not None and not hint.released:
            state = State(room=ROOM, word=Word.HINT, epoch=hint.epoch)
            self._prefer(hint.holder.machine, state, edge, None, visit)
            return
        machine = self._any(None)
        if machine is None:
            visit.refused()
        else:
            self._hand(machine, Arrival(edge=edge), visit)

    def follow(self, origin: Machine, decision: ReplayTo, visit: "Visit") -> None:
        """Do what a machine asks for."""
        replay, state = decision.replay, decision.state
        assert state is not None
        edge = origin.place.region
        if replay.prefer_instance:
            self._prefer(replay.prefer_instance, state, edge, origin, visit)
            return
        there = [one for one in self._machines if self._reaches(one) and not (replay.elsewhere and one is origin)]
        if replay.regions and ANY not in replay.regions:
            there = [one for one in there if one.place.region in replay.regions]
        if there:
            machine = self._world.rng.choice(there)
            self._hand(machine, Arrival(edge=edge, state=state, hops=state.hops), visit)
        else:
            self._came_back(origin, edge, visit)

    def _prefer(self, name: str, state: State, edge: str, origin: Machine | None, visit: "Visit") -> None:
        for machine in self._machines:
            if machine.place.machine == name and self._reaches(machine):
                self._hand(machine, Arrival(edge=edge, state=state, hops=state.hops), visit)
                return
        other = self._any(name)
        if other is not None:
            self._hand(other, Arrival(edge=edge, state=state, hops=state.hops, unavailable=name), visit)
        elif origin is not None:
            self._came_back(origin, edge, visit)
        else:
            visit.refused()

    def _came_back(self, origin: Machine, edge: str, visit: "Visit") -> None:
        failure = ReplayFailure(
            instance=None,
            app=origin.place.app,
            region=None,
            replay_source=origin.place.machine,
            reason=FailureReason.NO_CANDIDATE,
            elapsed_ms=1,
        )
        self._hand(origin, Arrival(edge=edge, failed=failure), visit)

    def _any(self, but: str | None) -> Machine | None:
        there = [one for one in self._machines if one.place.machine != but and self._reaches(one)]
        return self._world.rng.choice(there) if there else None

    def _reaches(self, machine: Machine) -> bool:
        if machine.hidden or not (machine.up or machine.stopped) or (machine.frozen and not machine.wakes):
            return False
        if self.lies and self._world.rng.random() < self.lies:
            self._world.faults["proxy wrong"] += 1
            return False
        return True

    def _hand(self, machine: Machine, arrival: Arrival, visit: "Visit") -> None:
        if machine.stopped:
            machine.start()
        if machine.frozen and machine.wakes:
            self._world.at(0.3, None, self._wake, machine, machine.life)
        self._world.at(self._world.rng.uniform(0.005, 0.05), machine, machine.arrive, arrival, visit)

    def _wake(self, machine: Machine, life: int) -> None:
        if machine.life == life and machine.frozen and machine.wakes:
            if self._world.trace is not None:
                self._world.say(machine.place.machine, "is woken by the proxy")
            self._world.thaw(machine)
