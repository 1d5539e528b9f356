"""One room as a fold over its log, and the decisions about what comes next in it; pure.

    member's message ──► decide ──► Entry, applied already    (it goes to everybody, and to the store)
                            ├─────► Accepted                  (it is in the log already)
                            └─────► Error                     (nothing changed)

Whatever the room knows follows from its entries alone, so that another machine that reads the same log goes on in the
same way: with the same numbers, the same undo and the same memory of what was done already.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from app.access import EDIT, Gate, Revoked, change_gate
from app.document import Document, Plan
from app.entries import ASKED, Access, AnyEntry, Edited, Epoch, Operation, Released, Said, Shape
from app.operations import TOO_OLD, WINDOW, Operations
from app.protocol import Accepted, Edit, Error, Member, Redo, Say, Share, State, Undo, clean_text
from app.shaping import Refused, weigh
from app.snapshots import Snapshot, decode_snapshot, encode_snapshot
from app.undo import Step, UndoHistory, UndoLimits
from flylab.errors import ParseError

__all__ = ["Room", "RoomLimits", "Snapshot", "decode_snapshot", "encode_snapshot"]

STARTS = 100  # epochs whose beginning is remembered, for members who come back from one of them (our choice)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLimits:
    """What one room may hold; all numbers are our choice."""

    history: int = 500
    shapes: int = 5_000
    room_bytes: int = 4 * 1024 * 1024
    clients: int = 10_000
    undo: int = 100
    undo_members: int = 200
    undo_bytes: int = 4 * 1024 * 1024
    undo_items: int = 2_000


class Room:
    """What the log of one room says. An entry that a decision returns is applied already and must go into the log."""

    def __init__(self, name: str, limits: RoomLimits | None = None) -> None:
        limits = limits or RoomLimits()
        self.name = name
        self.seq = 0
        self.epoch = 0
        self.log = ""  # names the log: whoever wrote its first entry
        self.gate = Gate()
        self.gated = 0  # the entry that says so; 0: it lies before the snapshot, or there is none
        self.revoked: Revoked | None = None
        self.ordered = 0.0  # when somebody last moved it or put it to sleep by hand; 0: never
        self._starts: deque[tuple[int, int]] = deque(maxlen=STARTS)
        self._chat: deque[Said] = deque(maxlen=limits.history)
        self._document = Document(most_shapes=limits.shapes, most_bytes=limits.room_bytes)
        self._undo = UndoHistory(
            UndoLimits(steps=limits.undo, members=limits.undo_members, bytes=limits.undo_bytes, items=limits.undo_items)
        )
        self._operations = Operations(most=limits.clients)
        self._folds: dict[type, Callable[[Any], None]] = {
            Epoch: self._began,
            Released: self._released,
            Said: self._said,
            Edited: self._edited,
            Access: self._opened,
        }

    # What is in it -------------------------------------------------------------

    def shapes(self) -> list[Shape]:
        """All shapes, in the order in which they were made."""
        return self._document.shapes()

    def chat(self) -> list[Said]:
        """The last lines of chat, oldest first."""
        return list(self._chat)

    def known(self, by: str, client: str, *, upto: int | None = None) -> tuple[int, list[int]]:
        """The last operation of the client that is in the log, and those before it that are not.

        With ``upto``, those that may be in a later entry count as such that are not: when they come again, they are
        found to be there. More than `WINDOW` back none can still be kept by the client.
        """
        last, skipped = self._operations.known(by, client)
        if upto is not None and last and self._operations.find(by, client, last) > upto:
            skipped = sorted({*skipped, *range(max(1, last - WINDOW + 1), last + 1)})
        return last, skipped

    def since(self, epoch: int, since: int, log: str = "") -> int | None:
        """The first entry to send to somebody who heard up to ``since`` in ``epoch``; None: everything afresh.

        What was heard in an epoch and not stored before the next one began is not part of the log. ``log`` is the
        log that was heard, if the member says so: a room in memory begins a new one with every process.
        """
        if epoch < 1 or since > self.seq or (log and log != self.log):
            return None
        later = None
        for number, start in reversed(self._starts):
            if number == epoch:
                return since + 1 if later is None or since < later else None
            later = start
        return None

    def state(self, part_bytes: int = 65_536) -> list[State]:
        """All shapes and the last lines of chat, in parts of about this size; at least one."""
        parts: list[State] = []
        shapes: list[Shape] = []
        chat: list[Said] = []
        size = 0
        for shape in self._document.shapes():
            shapes.append(shape)
            size += weigh(shape)
            if size >= part_bytes:
                parts.append(State(shapes=shapes, chat=[]))
                shapes, size = [], 0
        for said in self._chat:
            chat.append(said)
            size += 150 + len(said.text)
            if size >= part_bytes:
                parts.append(State(shapes=shapes, chat=chat))
                shapes, chat, size = [], [], 0
        if shapes or chat or not parts:
            parts.append(State(shapes=shapes, chat=chat))
        return parts

    # Decisions -----------------------------------------------------------------

    def say(self, member: Member, client: str, message: Say, *, at: float) -> Said | Accepted | Error:
        """A line of chat."""
        by, op = member.id, message.op
        found = self._operations.find(by, client, op)
        if found or member.role != EDIT:
            return self._not_again(found, op)
        text = clean_text(message.text)
        if not text:
            return Error(code="empty", text="there is no text in this line", op=op)
        said = Said(
            seq=self.seq + 1, at=at, by=by, client=client, op=op, name=member.name, hue=member.hue, text=text
        )  # fmt: skip
        self._said(said)
        return said

    def edit(self, member: Member, client: str, message: Edit, *, at: float) -> Edited | Accepted | Error:
        """Changes to shapes, all of them or none; those of shapes that are gone are left out."""
        by, op = member.id, message.op
        found = self._operations.find(by, client, op)
        if found or member.role != EDIT:
            return self._not_again(found, op)
        seq = self.seq + 1
        try:
            plan = self._document.plan(seq, message.changes)
        except Refused as exc:
            return Error(code=exc.code, text=str(exc), op=op)
        edited = Edited(seq=seq, at=at, by=by, client=client, op=op, changes=plan.changes)
        self._do(edited, plan)
        return edited

    def undo(self, member: Member, client: str, message: Undo, *, at: float) -> Edited | Accepted | Error:
        """Take back the member's last edit of which something still stands."""
        return self._walk(member, client, message.op, self._undo.undo(member.id), at, undo=True)

    def redo(self, member: Member, client: str, message: Redo, *, at: float) -> Edited | Accepted | Error:
        """Do again what the member took back last, as far as nobody wrote over it since."""
        return self._walk(member, client, message.op, self._undo.redo(member.id), at, undo=False)

    def share(
        self, member: Member, client: str, message: Share, *, at: float, by_link: bool, generation: int
    ) -> Access | Accepted | Error:
        """Change who may come in; ``by_link``: the member may edit because of a link, not because everybody may.

        ``generation`` is drawn at random, for the links that follow if some are revoked.
        """
        by, op = member.id, message.op
        found = self._operations.find(by, client, op)
        if found or member.role != EDIT:
            return self._not_again(found, op)
        if not by_link:
            return Error(code="not-yours", text="only who came by an edit link can change who may come in", op=op)
        if message.public is UNSET and message.listed is UNSET and message.revoke is UNSET:
            return Error(code="invalid", text="say what to change: public, listed or revoke", op=op)
        return self._open(by, client, op, change_gate(self.gate, message, generation=generation), at)

    def open_to(self, public: str, *, listed: bool, at: float) -> Access:
        """What the room itself says about who may come in, as when it is made."""
        return self._open("", "", 0, self.gate._replace(public=public, listed=listed), at)

    def _open(self, by: str, client: str, op: int, gate: Gate, at: float) -> Access:
        access = Access(seq=self.seq + 1, at=at, by=by, client=client, op=op, **gate._asdict())
        self._opened(access)
        return access

    def _walk(
        self, member: Member, client: str, op: int, steps: list[Step], at: float, *, undo: bool
    ) -> Edited | Accepted | Error:
        by = member.id
        found = self._operations.find(by, client, op)
        if found or member.role != EDIT:
            return self._not_again(found, op)
        for step in steps:
            plan = self._document.revert(step)
            if plan.changes:
                break
        else:
            if undo:
                return Error(code="nothing-to-undo", text="nothing of yours is left to take back", op=op)
            return Error(code="nothing-to-redo", text="there is nothing to do again", op=op)
        try:
            self._document.afford(plan)
        except Refused as exc:
            return Error(code=exc.code, text=str(exc), op=op)
        edited = Edited(
            seq=self.seq + 1,
            at=at,
            by=by,
            client=client,
            op=op,
            changes=plan.changes,
            undoes=step.seq if undo else 0,
            redoes=0 if undo else step.seq,
        )
        self._do(edited, plan, step)
        return edited

    def _not_again(self, found: int, op: int) -> Accepted | Error:
        if found > 0:
            return Accepted(op=op, seq=found)
        if found == 0:
            return Error(code="read-only", text="you may look at this room, not change it", op=op)
        if found == TOO_OLD:
            return Error(code="too-old", text=f"operation {op} is so old that nobody knows whether it counted", op=op)
        return Error(code="gap", text=f"operation {op} is more than {WINDOW} past the last one: count afresh", op=op)

    # The fold ------------------------------------------------------------------

    def apply(self, entry: AnyEntry) -> None:
        """Take in the next entry of the log; raises `ParseError` when it is not the next one."""
        if entry.seq != self.seq + 1:
            raise ParseError(f"log of room {self.name!r}", entry.seq, f"entry {self.seq + 1} was to follow")
        self._folds[type(entry)](entry)

    def _began(self, entry: Epoch) -> None:
        self.seq = entry.seq
        self.epoch = entry.epoch
        self.log = self.log or entry.writer
        self._starts.append((entry.epoch, entry.seq))

    def _released(self, entry: Released) -> None:
        self.seq = entry.seq
        if entry.why == ASKED:
            self.ordered = entry.at

    def _said(self, entry: Said) -> None:
        self._chat.append(entry)
        self.seq = entry.seq
        self._operations.count(entry.by, entry.client, entry.op, entry.seq)

    def _opened(self, entry: Access) -> None:
        if entry.edit != self.gate.edit:
            self.revoked = Revoked.after(self.revoked, entry.by, self.gate.edit)
        self.gate = Gate(entry.public, entry.listed, entry.edit, entry.view)
        self.gated = entry.seq
        self._count(entry)

    def _edited(self, entry: Edited) -> None:
        step = None
        if entry.undoes:
            step = _find(self._undo.undo(entry.by), entry.undoes)
        elif entry.redoes:
            step = _find(self._undo.redo(entry.by), entry.redoes)
        if step is not None:
            plan = self._document.revert(step)
            # What the log says counts, also where it was written by a room with other limits.
            if plan.changes == entry.changes:
                self._do(entry, plan, step)
                return
        self._do(entry, self._document.replay(entry.seq, entry.changes))

    def _do(self, entry: Edited, plan: Plan, step: Step | None = None) -> None:
        back = self._document.commit(entry.seq, plan, edit=0 if step is None else step.seq)
        if not (entry.undoes or entry.redoes):
            self._undo.edited(entry.by, back)
        elif step is not None and entry.undoes:
            self._undo.undone(entry.by, step.seq, back)
        elif step is not None:
            self._undo.redone(entry.by, step.seq, back)
        self._count(entry)

    def _count(self, entry: Operation) -> None:
        self.seq = entry.seq
        if entry.op:
            self._operations.count(entry.by, entry.client, entry.op, entry.seq)

    # Snapshots -----------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """All that is needed to go on from here; what happens to the room later does not change it."""
        return Snapshot(
            seq=self.seq,
            log=self.log,
            starts=list(self._starts),
            gate=self.gate,
            revoked=self.revoked,
            ordered=self.ordered,
            chat=list(self._chat),
            shapes=list(self._document.placed.values()),
            tombs=list(self._document.tombs.items()),
            forgotten=self._document.forgotten,
            undo=self._undo.all(),
            counted=self._operations.all(),
        )

    def restore(self, snapshot: Snapshot | None, entries: Iterable[AnyEntry]) -> None:
        """Take up a stored log in a room that is new: the snapshot, then the entries after it."""
        if snapshot is not None:
            self.seq = snapshot.seq
            self.gate = snapshot.gate
            self.revoked = snapshot.revoked
            self.ordered = snapshot.ordered
            self.log = snapshot.log
            self._starts.extend(snapshot.starts)
            self.epoch = self._starts[-1][0] if self._starts else 0
            self._chat.extend(snapshot.chat)
            self._document.restore(snapshot.shapes, snapshot.tombs, snapshot.forgotten)
            self._undo.restore(snapshot.undo)
            self._operations.restore(snapshot.counted)
        for entry in entries:
            if entry.seq > self.seq:
                self.apply(entry)


def _find(steps: list[Step], seq: int) -> Step | None:
    return next((step for step in steps if step.seq == seq), None)
