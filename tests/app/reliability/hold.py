"""One machine's hold on the room: what app/hub.py and app/journal.py do around `Room` and `Tenure`, with callbacks.

Only the shells are written anew here. What to store, what an answer means, who resumes, what counts once, what may be
deleted: all of that is decided by the product's own rules, or by a broken variant of one (`Rules`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from app.entries import PROPERTIES, AnyEntry, Edited, Epoch, Released, Shape, format_entry
from app.history import Log, keep_epochs, plan_compaction
from app.layout import room_prefix, snapshot_key
from app.protocol import Accepted, Error, Redo, Say, Undo
from app.room import Room, RoomLimits, decode_snapshot, encode_snapshot
from app.segments import Began, Checkpoint, format_checkpoint
from app.shaping import values_of
from app.tenure import LONGEST_BACK_OFF, Acknowledge, Effect, Look, Lost, Put, Retry, Tenure, Verify
from tests.app.reliability.world import ROOM

if TYPE_CHECKING:
    from tests.app.reliability.machine import Machine
    from tests.app.reliability.model import Connection

LIMITS = RoomLimits(history=12)  # so that lines of chat are forgotten in every longer run
RELEASE = 2.5  # as in app/rooms.py
WORTH_A_SNAPSHOT = 4

Keep = Callable[[Sequence[Began], float, int], tuple[Began, ...]]


def keep(began: Sequence[Began], now: float, least: int) -> tuple[Began, ...]:
    """Which epochs' segments stay, by the product's rule."""
    return keep_epochs(began, now, least=least)


class Item:
    """An entry on its way to members: the same for all, with what it does to the shapes taken apart once."""

    __slots__ = ("changes", "entry", "line", "seq")

    def __init__(self, entry: AnyEntry, line: bytes) -> None:
        self.entry = entry
        self.seq = entry.seq
        self.line = line
        self.changes: list[tuple[str, dict[str, Any] | None]] = []
        if isinstance(entry, Edited):
            self.changes = [
                (one.id, None if one.gone or one.set is UNSET else values_of(one.set, PROPERTIES))
                for one in entry.changes
            ]


@dataclass(frozen=True, slots=True)
class Welcome:
    """`app.protocol.Welcome` and the parts of the state that follow it, as far as the model of a client reads them."""

    epoch: int
    seq: int
    stored: int
    resumed: bool
    op: int
    skipped: list[int]
    log: str
    shapes: dict[str, dict[str, Any]]
    chat: list[Any]


class Hold:
    """Taking the room, holding it, and the end of that."""

    def __init__(self, machine: "Machine", log: Log, epoch: Epoch) -> None:
        self.machine = machine
        self.world = machine.world
        self.storage = machine.storage
        self.rules = machine.rules
        self.epoch = epoch
        self.tenure: Tenure = self.rules.tenure(ROOM, epoch, self.world.rng)
        self.room: Room = self.rules.room(ROOM, LIMITS)
        self.stored = epoch.seq - 1
        self.open = False
        self.leaving = False
        self.closed = False
        self.connections: list[Connection] = []
        self.empty_since: float | None = None
        self._log = log
        self._began = (*log.began, Began(epoch.epoch, epoch.seq, epoch.at))
        self._base = 0
        self._items: list[Item] = []
        self._snapshot_at = 0
        self._snapshot: tuple[int, bytes] | None = None  # folded, to be stored when all of it is
        self._snapshotting = False
        self._then: tuple[int, Callable[[], None]] | None = None  # once so much is stored
        self._state: tuple[int, dict[str, dict[str, Any]], list[Any]] | None = None
        self._tending = False

    def __repr__(self) -> str:
        return f"{self.machine.place.machine}, epoch {self.epoch.epoch}"

    # The journal ---------------------------------------------------------------

    def pump(self) -> None:
        """Have the store do what the tenure wants next."""
        if self.closed:
            return
        step = self.tenure.next_put(self.machine.wall())
        if type(step) is Put:
            self.storage.ask(self.machine, "create", (step.key, step.body), self._created, step.within)
        elif type(step) is Verify:
            self.storage.ask(self.machine, "keys", step.listings, self._verified, step.within)

    def _created(self, answered: bool, made: bool) -> None:
        if self.closed:
            return
        if not answered:
            self._perform(self.tenure.failed(self.machine.wall()))
        elif made:
            self._perform(self.tenure.put_done(self.machine.wall(), created=True))
        else:
            flight = self.tenure._flight
            assert flight is not None
            self.storage.ask(self.machine, "get", (flight.key,), self._found)

    def _found(self, answered: bool, bodies: list[bytes | None]) -> None:
        if self.closed:
            return
        now = self.machine.wall()
        self._perform(
            self.tenure.put_done(now, created=False, found=bodies[0]) if answered else self.tenure.failed(now)
        )

    def _verified(self, answered: bool, keys: list[str]) -> None:
        if self.closed:
            return
        now = self.machine.wall()
        self._perform(self.tenure.verified(now, newer=bool(keys)) if answered else self.tenure.failed(now))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Acknowledge(seq=seq):
                    self.acknowledge(seq)
                case Retry(at=at):
                    pause = min(at - self.machine.wall(), LONGEST_BACK_OFF)
                    self.world.at(max(0.0, pause), self.machine, self.pump)
                    return
                case Lost(why=why):
                    self.closed = True
                    self.machine.lost(self, why)
                    return
        self.pump()

    def acknowledge(self, seq: int) -> None:
        """So much is stored."""
        self.stored = seq
        self.machine.checks.acknowledged(self, seq)
        if not self.open:
            self._opened()
            return
        for connection in self.connections:
            connection.send(seq)
        if self._snapshot is not None and seq >= self._snapshot[0]:
            self._store_snapshot()
        if self._then is not None and seq >= self._then[0]:
            then, self._then = self._then[1], None
            then()

    def _store_snapshot(self) -> None:
        assert self._snapshot is not None
        (seq, body), self._snapshot = self._snapshot, None
        kept = self.rules.keep(self._began, self.machine.wall(), self.machine.least)
        reads = self.tenure.reads_after(seq)
        key = snapshot_key(ROOM, seq)
        stored = format_checkpoint(Checkpoint(seq=seq, reads=reads, epoch=self.epoch, began=kept, body=body))

        def put(answered: bool, _: None) -> None:
            if answered:
                self.storage.ask(self.machine, "get", (key,), read_back)
            else:
                self._snapshot_done(False)

        def read_back(answered: bool, bodies: list[bytes | None]) -> None:
            if not answered or bodies[0] != stored:
                self._snapshot_done(False)
                return
            self._began = kept
            self._snapshot_at = seq
            self.tenure.covered(reads)
            self.storage.ask(self.machine, "keys", ((room_prefix(ROOM), ""),), listed)

        def listed(answered: bool, keys: list[str]) -> None:
            if answered:
                self.storage.ask(self.machine, "delete", plan_compaction(keys, reads=reads, kept=kept), deleted)
            else:
                self._snapshot_done(True)

        def deleted(_answered: bool, _: None) -> None:
            self._snapshot_done(True)  # what it covers may stay: the next one deletes it

        self.storage.ask(self.machine, "put", (key, stored), put)

    def _snapshot_done(self, well: bool) -> None:
        self._snapshotting = False
        self.world.faults["snapshots" if well else "snapshots failed"] += 1
        if self._then is not None and self.leaving and self._then[0] <= self.stored:
            then, self._then = self._then[1], None
            then()

    # The hub ---------------------------------------------------------------------

    def _opened(self) -> None:
        self.open = True
        log = self._log
        entries = [*log.entries, self.epoch]
        snapshot = None if log.snapshot is None else decode_snapshot(log.snapshot[1])
        self.room.restore(snapshot, entries)
        self._base = self.epoch.seq - len(entries)
        self._snapshot_at = self._base
        self._items = [Item(entry, format_entry(entry)) for entry in entries]
        self.empty_since = self.world.now
        self.machine.opened(self)
        self.tend_soon()

    def join(self, connection: "Connection", client: str, epoch: int, since: int, log: str) -> None:
        """Seat a member, as `Hub.join` does."""
        room = self.room
        first = room.since(epoch, since, log)
        resumed = first is not None and self._base <= since <= room.seq
        op, skipped = room.known(connection.member.by, client)
        shapes, chat = ({}, []) if resumed else self._whole()
        connection.send(Welcome(self.epoch.epoch, room.seq, self.stored, resumed, op, skipped, room.log, shapes, chat))
        if resumed:
            for item in self._items[since - self._base :]:
                connection.send(item)
        self.connections.append(connection)
        self.empty_since = None
        self.machine.checks.told(self, self.stored)

    def leave(self, connection: "Connection") -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            if not self.connections:
                self.empty_since = self.world.now

    def act(self, connection: "Connection", message: Any) -> None:
        """What a member asks, as `Hub.act` does it."""
        if self.leaving or self.closed or connection.dead:
            return
        member, client = connection.seen, connection.client
        at = self.machine.wall()
        kind = type(message)
        outcome: Any
        if kind is Say:
            outcome = self.room.say(member, client, message, at=at)
        elif kind is Undo:
            outcome = self.room.undo(member, client, message, at=at)
        elif kind is Redo:
            outcome = self.room.redo(member, client, message, at=at)
        else:
            outcome = self.room.edit(member, client, message, at=at)
        if type(outcome) is Accepted or type(outcome) is Error:
            connection.send(outcome)
            return
        self.write(outcome)

    def write(self, entry: AnyEntry) -> None:
        """An entry that the room has applied goes to everybody and into the store."""
        line = format_entry(entry)
        item = Item(entry, line)
        self._items.append(item)
        for connection in self.connections:
            connection.send(item)
        self.tenure.queue(entry.seq, line)
        if entry.seq - self._snapshot_at >= self.machine.snapshot_entries and not self._snapshotting:
            self._fold()
        # A turn of the loop later, so that what comes at once is stored together.
        self.world.at(0.0, self.machine, self.pump)

    def _fold(self) -> None:
        self._snapshotting = True
        self._snapshot = self.room.seq, encode_snapshot(self.room.snapshot())
        if self.stored >= self.room.seq:
            self._store_snapshot()

    def _whole(self) -> tuple[dict[str, dict[str, Any]], list[Any]]:
        if self._state is None or self._state[0] != self.room.seq:
            self._state = self.room.seq, shapes_by_id(self.room.shapes()), self.room.chat()
        return self._state[1], self._state[2]

    # Looking after -----------------------------------------------------------------

    def tend_soon(self) -> None:
        """Begin to look after it; stops by itself at night."""
        if not self._tending:
            self._tending = True
            self.world.at(self.world.rng.uniform(1.0, 6.0), self.machine, self._tend)

    def _tend(self) -> None:
        self._tending = False
        if self.closed or self.leaving or not self.machine.checks.awake:
            return
        if self.empty_since is None:
            self.look()
        elif self.world.now - self.empty_since >= 6.0:
            self.release("empty", "")
            return
        self.tend_soon()

    def look(self) -> None:
        """See whether somebody else took the room."""
        asked = self.machine.wall()
        step = self.tenure.look(asked)
        if step is None:
            return
        last = self.tenure.last

        def looked(answered: bool, found: list[Any]) -> None:
            if answered and not self.closed:
                self._perform(self.tenure.looked(last, asked, newer=any(found)))

        if type(step) is Look:
            self.storage.ask(self.machine, "get", (step.key,), looked)
        else:
            self.storage.ask(self.machine, "keys", step.listings, looked)  # type: ignore[union-attr]

    # The end -------------------------------------------------------------------------

    def release(self, why: str, to: str) -> None:
        """Have everything stored and folded, and say in the log that the room is free."""
        if self.leaving or self.closed:
            return
        self.leaving = True
        if self.world.trace is not None:
            self.world.say(self.machine.place.machine, f"releases: {why} {to}")

        def flushed() -> None:
            if self.room.seq - self._snapshot_at >= WORTH_A_SNAPSHOT and not self._snapshotting:
                self._then = self.stored, say_so
                self._fold()
            else:
                say_so()

        def say_so() -> None:
            seq = self.room.seq + 1
            entry = Released(seq=seq, at=self.machine.wall(), epoch=self.epoch.epoch, why=why, to=to)
            self._then = seq, lambda: released(entry)
            self.tenure.queue(seq, format_entry(entry))
            self.pump()

        def released(entry: Released) -> None:
            self.room.apply(entry)
            item = Item(entry, format_entry(entry))
            for connection in self.connections:
                connection.send(item)
                connection.send(entry.seq)
            self.closed = True
            self.machine.ended(self, released=True, to=to)

        def too_late() -> None:
            if not self.closed:
                self.closed = True
                self.machine.ended(self, released=False, to=to)

        self.world.at(2 * RELEASE, self.machine, too_late)
        if self.stored >= self.room.seq:
            flushed()
        else:
            self._then = self.room.seq, flushed

    def dismiss(self) -> None:
        """Send everybody away."""
        for connection in self.connections:
            connection.send("bye")
        self.connections.clear()


def shapes_by_id(shapes: list[Shape]) -> dict[str, dict[str, Any]]:
    """Shapes as a client keeps them."""
    return {shape.id: values_of(shape, PROPERTIES) for shape in shapes}
