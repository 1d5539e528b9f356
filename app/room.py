"""One room as a single sequenced log with the members who are in it; pure, decides numbers and never does I/O."""

import hashlib
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from app.protocol import Accepted, Cursors, Joined, Left, Member, Renamed, Said

# Twelve hues a twelfth of the circle apart: neighbours stay tellable, and the page picks lightness for its theme.
_HUES = 12


class Snapshot(Struct, frozen=True):
    """All that is needed to go on from ``seq``; ``ops`` are the operations that must not be applied again."""

    seq: int
    entries: list[Said]
    ops: list[tuple[str, str, int]]


@dataclass(slots=True)
class _Present:
    member: Member
    connections: int


class Room:
    """A room's log and presence. Methods change only the room and return what others must be told."""

    def __init__(self, name: str, *, history: int, ops: int) -> None:
        self.name = name
        self.seq = 0
        self._entries: deque[Said] = deque(maxlen=history)
        self._ops: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._most_ops = ops
        self._present: dict[str, _Present] = {}
        self._cursors: dict[str, tuple[float, float]] = {}
        self._moved: set[str] = set()

    # The log -----------------------------------------------------------------

    def say(self, by: str, op: str, text: str, *, at: float) -> Said | Accepted:
        """Append a line of chat, or tell where it already is when this operation came before."""
        known = self._ops.get((by, op))
        if known is not None:
            return Accepted(op=op, seq=known)
        member = self._present[by].member
        said = Said(seq=self.seq + 1, by=by, op=op, name=member.name, hue=member.hue, text=text, at=at)
        self._append(said)
        return said

    def since(self, seq: int) -> list[Said] | None:
        """The entries after ``seq``, or None when some of them are no longer kept (or ``seq`` lies in the future)."""
        if seq > self.seq or seq < self.seq - len(self._entries):
            return None
        return [entry for entry in self._entries if entry.seq > seq]

    def tail(self) -> list[Said]:
        """All entries that are kept, oldest first."""
        return list(self._entries)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            seq=self.seq, entries=list(self._entries), ops=[(by, op, seq) for (by, op), seq in self._ops.items()]
        )

    def restore(self, snapshot: Snapshot | None, entries: Iterable[Said]) -> None:
        """Take up a stored log: the snapshot, then the entries after it."""
        if snapshot is not None:
            self.seq = snapshot.seq
            self._entries.extend(snapshot.entries)
            self._ops.update({(by, op): seq for by, op, seq in snapshot.ops})
        for entry in entries:
            if entry.seq > self.seq:
                self._append(entry)

    def _append(self, said: Said) -> None:
        self.seq = said.seq
        self._entries.append(said)
        self._ops[said.by, said.op] = said.seq
        if len(self._ops) > self._most_ops:
            self._ops.popitem(last=False)

    # Who is here -------------------------------------------------------------

    @property
    def members(self) -> list[Member]:
        """Everybody with at least one connection, in order of arrival."""
        return [present.member for present in self._present.values()]

    def enter(self, member_id: str, name: str, *, region: str) -> Joined | Renamed | None:
        """A connection of this member opened; a second one (another tab) counts, and may bring a new name."""
        present = self._present.get(member_id)
        if present is None:
            member = Member(id=member_id, name=name, hue=_hue(member_id), region=region)
            self._present[member_id] = _Present(member, 1)
            return Joined(member=member)
        present.connections += 1
        return self.rename(member_id, name)

    def rename(self, member_id: str, name: str) -> Renamed | None:
        present = self._present[member_id]
        if present.member.name == name:
            return None
        present.member = replace(present.member, name=name)
        return Renamed(member=present.member)

    def leave(self, member_id: str) -> Left | None:
        """A connection of this member closed; it has left when that was its last."""
        present = self._present[member_id]
        present.connections -= 1
        if present.connections:
            return None
        del self._present[member_id]
        self._cursors.pop(member_id, None)
        self._moved.discard(member_id)
        return Left(id=member_id)

    # Cursors: never stored, only the latest counts ---------------------------

    def point(self, member_id: str, x: float | None, y: float | None) -> None:
        if x is None or y is None:
            self._cursors.pop(member_id, None)
        else:
            self._cursors[member_id] = (round(x, 4), round(y, 4))
        self._moved.add(member_id)

    def take_moves(self) -> Cursors | None:
        """The cursors that changed since the last call, for everybody."""
        if not self._moved:
            return None
        moves = Cursors(c=[(member, *self._cursors.get(member, (None, None))) for member in sorted(self._moved)])
        self._moved.clear()
        return moves

    def cursors(self) -> list[tuple[str, float, float]]:
        """Every cursor that points somewhere, for somebody who saw none of the moves."""
        return [(member, x, y) for member, (x, y) in self._cursors.items()]


def member_id(key: str) -> str:
    """The public id of the member who holds this secret; the same on every machine and after every reconnect."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def _hue(member: str) -> int:
    return int(member, 16) % _HUES * (360 // _HUES)
