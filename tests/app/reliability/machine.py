"""A machine that can hold the room: reads the log, asks app/placement.py, takes the room; what app/rooms.py does."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.arrival import Arrival
from app.entries import Epoch
from app.history import HoleError, Log, assemble, plan_load
from app.layout import room_prefix, segment_key, snapshot_key
from app.onward import ReplayTo
from app.ownership import Place
from app.placement import Serve, Standing, Take, place_request, place_unread
from app.room import Room
from app.segments import Checkpoint, parse_checkpoint, parse_segment
from app.tenure import Tenure
from flylab.errors import ParseError
from tests.app.reliability.hold import Hold, Keep, keep
from tests.app.reliability.model import Member, Visit
from tests.app.reliability.storage import Reach, Storage
from tests.app.reliability.world import ROOM, World

if TYPE_CHECKING:
    from tests.app.reliability.checks import Checks
    from tests.app.reliability.proxy import Proxy

LOOKS = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that a run is made with: the product's, unless a test breaks one on purpose."""

    tenure: type[Tenure] = Tenure
    room: type[Room] = Room
    hold: type[Hold] = Hold
    keep: Keep = keep
    member: type[Member] = Member


class Machine(Reach):
    """One machine through all of its lives."""

    def __init__(
        self, place: Place, world: World, storage: Storage, checks: "Checks", rules: Rules, *, entries: int, least: int
    ) -> None:
        super().__init__(place)
        self.world = world
        self.storage = storage
        self.checks = checks
        self.rules = rules
        self.snapshot_entries = entries
        self.least = least
        self.proxy: Proxy
        self.up = True
        self.stopped = False  # gave everything up in order; the proxy may start it
        self.hidden = False  # the proxy cannot reach it
        self.wakes = True  # the proxy may resume it
        self.offset = world.rng.uniform(-2.0, 2.0)
        self.hold: Hold | None = None
        self._gave_up: int | None = None
        self._waiting: list[tuple[Arrival, Visit]] = []
        self._busy = False
        self._closing = False
        self._looks = 0

    def wall(self) -> float:
        """Its own clock."""
        return self.world.now + self.offset

    # Faults ------------------------------------------------------------------------

    def crash(self) -> None:
        """Everything in its memory is gone."""
        connections = [] if self.hold is None else self.hold.connections
        self.life += 1
        self.frozen = self.up = self._busy = self._closing = False
        self.backlog.clear()
        self.hold = self._gave_up = None
        self._waiting.clear()
        for connection in connections:
            connection.cut()

    def start(self) -> None:
        """A new life."""
        if not self.up:
            self.life += 1
            self.up = True
            self.stopped = False

    def stop(self) -> None:
        """Give the room up in order and go."""
        if not self.up or self.frozen:
            return
        self._closing = True
        if self.hold is not None and self.hold.open:
            self.hold.release("leaving", "")
        self.world.at(6.0, self, self._go)

    def _go(self) -> None:
        self.crash()
        self.stopped = True

    # Arriving ------------------------------------------------------------------------

    def arrive(self, arrival: Arrival, visit: Visit) -> None:
        """Somebody wants to enter the room."""
        hold = self.hold
        if hold is not None and hold.open and not hold.leaving:
            visit.seat(hold)
            return
        hint = self.checks.hint()
        if hint is not None and hint.holder != self.place and not hint.released:
            decision = place_request(
                ROOM, hint, me=self.place, held=None, arrival=arrival, unable="closing" if self._closing else ""
            )
            if isinstance(decision, ReplayTo):
                self.proxy.follow(self, decision, visit)
                return
        self._waiting.append((arrival, visit))
        if not self._busy and hold is None:
            self._looks = 0
            self._read()

    def _read(self) -> None:
        self._busy = True
        self._looks += 1
        if self._looks > LOOKS:
            self._refuse_all()
            return
        self.storage.ask(self, "keys", ((room_prefix(ROOM), ""),), self._listed)

    def _listed(self, answered: bool, keys: list[str]) -> None:
        if not answered:
            self._unread()
            return
        load = plan_load(keys)
        segments = [segment_key(ROOM, first) for first in load.segments]
        if load.snapshot is None:
            self._fetch(None, segments)
            return
        key = snapshot_key(ROOM, load.snapshot)

        def got(answered: bool, bodies: list[bytes | None]) -> None:
            if not answered:
                self._unread()
            elif bodies[0] is None:
                self._read()
            else:
                checkpoint = parse_checkpoint(bodies[0], key=key)
                straddling = [segment_key(ROOM, checkpoint.reads)] if checkpoint.reads <= checkpoint.seq else []
                self._fetch(checkpoint, straddling + segments)

        self.storage.ask(self, "get", (key,), got)

    def _fetch(self, checkpoint: Checkpoint | None, keys: list[str]) -> None:
        # In two calls, between which anything may happen.
        middle = len(keys) // 2 if len(keys) > 1 and self.world.rng.random() < 0.5 else len(keys)
        bodies: list[bytes | None] = []

        def got(answered: bool, some: list[bytes | None]) -> None:
            if not answered:
                self._unread()
                return
            bodies.extend(some)
            if len(bodies) < len(keys):
                self.storage.ask(self, "get", tuple(keys[middle:]), got)
            else:
                self._assemble(checkpoint, keys, bodies)

        if keys:
            self.storage.ask(self, "get", tuple(keys[:middle]), got)
        else:
            self._assemble(checkpoint, [], [])

    def _assemble(self, checkpoint: Checkpoint | None, keys: list[str], bodies: list[bytes | None]) -> None:
        if None in bodies:
            self._read()  # a segment vanished: somebody made a snapshot
            return
        pairs = zip(keys, bodies, strict=True)
        try:
            log = assemble(ROOM, checkpoint, [parse_segment(body, key=key) for key, body in pairs])  # type: ignore[arg-type]
        except HoleError as exc:
            if self._looks == LOOKS:
                self.world.violate("unreadable", f"{self.place.machine} finds a log with a hole: {exc}")
            self._read()
            return
        except ParseError as exc:
            self.world.violate("unreadable", f"{self.place.machine} cannot read the log: {exc}")
            self._refuse_all()
            return
        self._decide(log)

    def _decide(self, log: Log) -> None:
        state = standing(log)
        unable = "closing" if self._closing else ""
        waiting, self._waiting = self._waiting, []
        for index, (arrival, visit) in enumerate(waiting):
            decision = place_request(ROOM, state, me=self.place, held=None, arrival=arrival, unable=unable)
            if isinstance(decision, Take):
                self._waiting = waiting[index:] + self._waiting
                self._take(log, decision)
                return
            self._answer(decision, visit)
        self._busy = False
        if self._waiting:
            self._looks = 0
            self._read()

    def _unread(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._busy = False
        for arrival, visit in waiting:
            decision = place_unread(ROOM, me=self.place, held=None, gave_up=self._gave_up, arrival=arrival)
            self._answer(decision, visit)

    def _answer(self, decision: Any, visit: Visit) -> None:
        if isinstance(decision, ReplayTo):
            self.proxy.follow(self, decision, visit)
        else:
            assert not isinstance(decision, Serve)
            visit.refused()

    def _refuse_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._busy = False
        for _, visit in waiting:
            visit.refused()

    def _take(self, log: Log, decision: Take) -> None:
        epoch = Epoch(
            seq=log.next,
            at=self.wall(),
            epoch=decision.epoch + 1,
            machine=self.place.machine,
            region=self.place.region,
            app=self.place.app,
            writer=f"{self.place.machine}.{self.life}",
            why=decision.why,
        )
        self.hold = self.rules.hold(self, log, epoch)
        self.world.faults[f"epochs {decision.why}"] += 1
        if self.world.trace is not None:
            self.world.say(self.place.machine, f"tries to take epoch {epoch.epoch} at {epoch.seq}: {decision.why}")
        self.hold.pump()

    # What becomes of a hold --------------------------------------------------------------

    def opened(self, hold: Hold) -> None:
        """The room is ours, and everybody who waited comes in."""
        self._busy = False
        self._gave_up = None
        self.checks.note(Standing(epoch=hold.epoch.epoch, holder=self.place))
        waiting, self._waiting = self._waiting, []
        for _, visit in waiting:
            visit.seat(hold)
        if self._closing:
            hold.release("leaving", "")

    def lost(self, hold: Hold, why: str) -> None:
        """Somebody else was first, or took it; or the store does not answer."""
        if self.world.trace is not None:
            self.world.say(self.place.machine, f"has lost epoch {hold.epoch.epoch} (stored {hold.stored}): {why}")
        self.hold = None
        if not hold.open:
            self._read()
            return
        if why == "storage":
            self._gave_up = hold.epoch.epoch
        self.world.faults[f"lost: {why}"] += 1
        hold.dismiss()
        self._look_again()

    def ended(self, hold: Hold, *, released: bool, to: str) -> None:
        """We gave it up."""
        self.hold = None
        if released:
            self.world.faults["released"] += 1
            self.checks.note(Standing(epoch=hold.epoch.epoch, holder=self.place, released=True, to=to))
        hold.dismiss()
        self._look_again()

    def _look_again(self) -> None:
        if self._waiting and not self._busy:
            self._looks = 0
            self._read()


def standing(log: Log) -> Standing:
    """What a log says about who holds the room, as in app/rooms.py."""
    if log.epoch is None:
        return Standing()
    holder = Place(machine=log.epoch.machine, region=log.epoch.region, app=log.epoch.app)
    if log.released is None:
        return Standing(epoch=log.epoch.epoch, holder=holder)
    return Standing(epoch=log.epoch.epoch, holder=holder, released=True, to=log.released.to)
