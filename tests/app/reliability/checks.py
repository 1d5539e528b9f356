"""What is promised, held against what happened: while a run goes on, and all of it at its end."""

from typing import Any

from app.entries import AnyEntry, Edited, Operation, Said, parse_entry
from app.placement import Standing
from app.protocol import Say
from app.room import Room, encode_snapshot
from app.segments import parse_checkpoint
from tests.app.reliability.hold import LIMITS, Hold, Item, shapes_by_id
from tests.app.reliability.model import Member, Shapes, apply_changes
from tests.app.reliability.storage import Storage
from tests.app.reliability.world import ROOM, World


class Checks:
    """Told of every acknowledgement; ``awake`` is whether it is day. Also keeps the hint, which may be any old one."""

    def __init__(self, world: World, storage: Storage) -> None:
        self.awake = True
        self.hint_is_true = False
        self.refused_yet_there = 0
        self._world = world
        self._storage = storage
        self._hints: list[Standing] = []
        self._marks: list[tuple[int, int, str]] = []  # epoch, up to, hold
        self._writers: dict[int, str] = {}

    # The hint ------------------------------------------------------------------------

    def note(self, standing: Standing) -> None:
        """Somebody writes the hint."""
        if self.hint_is_true or self._world.rng.random() < 0.9:
            self._hints.append(standing)

    def hint(self) -> Standing | None:
        """What somebody reads there."""
        if not self._hints:
            return None
        luck = 1.0 if self.hint_is_true else self._world.rng.random()
        return self._hints[-1] if luck > 0.3 else None if luck < 0.1 else self._world.rng.choice(self._hints)

    # While it goes on ------------------------------------------------------------------

    def acknowledged(self, hold: Hold, seq: int) -> None:
        """A machine says that everything up to ``seq`` is stored."""
        epoch, writer = hold.epoch.epoch, hold.tenure.hold
        if self._writers.setdefault(epoch, writer) != writer:
            self._world.violate("two writers", f"{hold} acknowledges, and so did somebody else in this epoch")
        for newer, first in self._storage.began:
            if newer > epoch and first <= seq:
                self._world.violate("fenced", f"{hold} acknowledges {seq}, but epoch {newer} began at {first}")
        self.told(hold, seq)
        self._marks.append((epoch, seq, writer))
        if self._world.trace is not None:
            self._world.say(hold.machine.place.machine, f"acknowledges {seq} in epoch {epoch}")

    def told(self, hold: Hold, seq: int) -> None:
        """A machine tells a member that everything up to ``seq`` is stored."""
        if seq > self._storage.last:
            self._world.violate("early", f"{hold} says {seq} is stored, the store has {self._storage.last}")

    # At the end --------------------------------------------------------------------------

    def end(self, members: list[Member], holds: list[Hold]) -> None:
        """Everything that must hold when all is quiet again."""
        lines = [line for segment in self._storage.segments for line in segment.lines]
        entries = [parse_entry(line) for line in lines]
        self._holders(holds)
        self._epochs(entries)
        self._writers_of_segments()
        self._operations(members, entries)
        self._views(members, entries, lines)
        self._settled(members, holds, len(entries))

    def _holders(self, holds: list[Hold]) -> None:
        if len(holds) != 1:
            self._world.violate("unsettled", f"the room is held by {holds or 'nobody'}")
        if self._storage.stray():
            self._world.violate("hole", f"nobody can read {self._storage.stray()}")

    def _epochs(self, entries: list[AnyEntry]) -> None:
        if [epoch for epoch, _ in self._storage.began] != list(range(1, len(self._storage.began) + 1)):
            self._world.violate("order", f"epochs began as {self._storage.began}")
        if [entry.seq for entry in entries] != list(range(1, len(entries) + 1)):
            self._world.violate("order", "the numbers of the log are not 1, 2, 3, …")

    def _writers_of_segments(self) -> None:
        wrote = {seq: one for one in self._storage.segments for seq in range(one.first, one.last + 1)}
        for epoch, seq, writer in self._marks:
            segment = wrote.get(seq)
            if segment is None or (segment.epoch, segment.hold) != (epoch, writer):
                self._world.violate("fenced", f"epoch {epoch} acknowledged {seq}, which it did not write")

    def _operations(self, members: list[Member], entries: list[AnyEntry]) -> None:
        times: dict[tuple[str, int], int] = {}
        for entry in entries:
            if isinstance(entry, Operation) and entry.op:
                key = entry.client, entry.op
                times[key] = times.get(key, 0) + 1
                if times[key] == 2:
                    self._world.violate("duplicated", f"operation {entry.client}/{entry.op} is in the log twice")
        sent = {key: message for member in members for key, message in member.sent.items()}
        for entry in entries:
            if isinstance(entry, Said) and entry.text != _text(sent.get((entry.client, entry.op))):
                self._world.violate("forged", f"entry {entry.seq} is not what its client said")
        for member in members:
            for client, op in member.acknowledged:
                if (client, op) not in times:
                    self._world.violate("lost", f"operation {client}/{op} was acknowledged and is not in the log")
            self.refused_yet_there += sum(key in times for key in member.refused)

    def _views(self, members: list[Member], entries: list[AnyEntry], lines: list[bytes]) -> None:
        seen: dict[int, list[tuple[str, Shapes, list[Any]]]] = {}
        for member in members:
            for item in member.confirmed:
                if item.seq > len(lines) or lines[item.seq - 1] != item.line:
                    self._world.violate("order", f"{member.name} saw {item.entry} stored, the log has something else")
            last = (member.seq, member.shapes, member.chat)
            for seq, shapes, chat in [*member.states, last]:
                seen.setdefault(seq, []).append((member.name, shapes, chat))
        snapshots: dict[int, list[bytes]] = {}
        for seq, body in self._storage.snapshots:
            snapshots.setdefault(seq, []).append(body)
        self._fold(entries, seen, snapshots)

    def _fold(
        self,
        entries: list[AnyEntry],
        seen: dict[int, list[tuple[str, Shapes, list[Any]]]],
        snapshots: dict[int, list[bytes]],
    ) -> None:
        """Fold the log once with the room's own rule and once with the clients', and compare along the way."""
        room = Room(ROOM, LIMITS)
        shapes: Shapes = {}
        chat: list[Any] = []
        for entry in entries:
            room.apply(entry)
            if type(entry) is Said:
                chat = [*chat, entry][-LIMITS.history :]
            elif type(entry) is Edited:
                apply_changes(shapes, Item(entry, b""))
            for name, its_shapes, its_chat in seen.pop(entry.seq, ()):
                if its_shapes != shapes or its_chat != chat:
                    self._world.violate("diverged", f"{name} saw something else than the log says at {entry.seq}")
            for body in snapshots.pop(entry.seq, ()):
                self._compare(body, room)
        if shapes_by_id(room.shapes()) != shapes or room.chat() != chat:
            self._world.violate("diverged", "the room's fold and the clients' differ")
        for seq in (*seen, *snapshots):
            if seq > len(entries):
                self._world.violate("diverged", f"somebody has entry {seq}, the log ends at {len(entries)}")

    def _compare(self, body: bytes, room: Room) -> None:
        checkpoint = parse_checkpoint(body, key=f"/{room.seq:012d}")
        if checkpoint.body != encode_snapshot(room.snapshot()):
            self._world.violate("diverged", f"the snapshot at {room.seq} is not the fold of the log")

    def _settled(self, members: list[Member], holds: list[Hold], last: int) -> None:
        for hold in holds:
            if hold.room.seq != last or hold.stored != last:
                self._world.violate(
                    "diverged", f"{hold} is at {hold.room.seq}, stored {hold.stored}; the log ends at {last}"
                )
        for member in members:
            if member.connection is None or member.connection.hold not in holds:
                self._world.violate("unsettled", f"{member.name} is not in the room")
            elif member.seq != last or member.stored != last:
                self._world.violate("diverged", f"{member.name} has {member.seq}, stored {member.stored}, of {last}")
            if member.pending:
                self._world.violate("pending", f"{member.client} still waits for {list(member.pending)}")


def _text(message: Any) -> str | None:
    return message.text if type(message) is Say else None
