"""What members can take back and do again: the steps, and each member's two stacks of them; pure."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct

from app.entries import Look
from app.shaping import Placed, weigh

ITEM_BYTES = 100  # counted for an item whatever it holds


class Put(Struct, array_like=True, frozen=True, tag=0):
    """Give properties that still carry the expected stamps another value and stamp."""

    id: str
    expects: dict[str, int]
    to: Look
    stamps: dict[str, int]


class Turn(Struct, array_like=True, frozen=True, tag=1):
    """Remove, bring back or replace a shape that is just as expected.

    Expected is one that was made by ``made`` and has these ``stamps``, or when not ``present`` one that ``made``
    removed (0: that never was). Then there is ``to``, or nothing with the tomb's stamp ``tomb``.
    """

    id: str
    present: bool
    made: int
    stamps: dict[str, int]
    to: Placed | None
    tomb: int = 0


class Step(Struct, array_like=True, frozen=True):
    """How to take the edit ``seq`` back, or how to do it again, as found by entry ``when``."""

    seq: int
    when: int
    items: list[Put | Turn]

    def weigh(self) -> int:
        """About how many bytes it takes."""
        return sum(ITEM_BYTES + _weigh(item) for item in self.items)


class Stacks(Struct, array_like=True):
    """One member's steps, the newest last."""

    by: str
    undo: list[Step]
    redo: list[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoLimits:
    """How much is kept. Of too many members, who did nothing for longest loses their steps; of too many bytes, who has
    most of them loses steps, the oldest first.
    """

    steps: int
    members: int
    bytes: int  # of all steps of a room
    items: int  # changed shapes in all steps of a member: what one undo may have to look at


class UndoHistory:
    """The stacks of all members. The room calls these in the order of the log, and so does whoever restores it."""

    def __init__(self, limits: UndoLimits) -> None:
        self._limits = limits
        self._stacks: OrderedDict[str, Stacks] = OrderedDict()
        self.bytes = 0
        self._sizes: dict[str, int] = {}  # the bytes of each member

    def undo(self, by: str) -> list[Step]:
        """What the member can take back, the newest first."""
        stacks = self._stacks.get(by)
        return [] if stacks is None else stacks.undo[::-1]

    def redo(self, by: str) -> list[Step]:
        """What the member can do again, the newest first."""
        stacks = self._stacks.get(by)
        return [] if stacks is None else stacks.redo[::-1]

    def edited(self, by: str, step: Step) -> None:
        """A fresh edit: it can be taken back, and what was taken back before cannot be done again."""
        stacks = self._touch(by)
        self._drop(by, stacks.redo, len(stacks.redo))
        self._push(by, stacks.undo, step)
        self._trim()

    def undone(self, by: str, seq: int, step: Step | None) -> None:
        """The edit ``seq`` was taken back, and ``step`` does it again. Newer ones had nothing left to take back."""
        stacks = self._touch(by)
        self._drop_down_to(by, stacks.undo, seq)
        if step is not None:
            self._push(by, stacks.redo, step)
            self._trim()

    def redone(self, by: str, seq: int, step: Step | None) -> None:
        """The edit ``seq`` was done again, and ``step`` takes it back."""
        stacks = self._touch(by)
        self._drop_down_to(by, stacks.redo, seq)
        if step is not None:
            self._push(by, stacks.undo, step)
            self._trim()

    def all(self) -> list[Stacks]:
        """Everything, the member who did nothing for longest first."""
        return [Stacks(one.by, list(one.undo), list(one.redo)) for one in self._stacks.values()]

    def restore(self, stacks: Iterable[Stacks]) -> None:
        """Take up what `all` gave."""
        self._stacks = OrderedDict((one.by, Stacks(one.by, list(one.undo), list(one.redo))) for one in stacks)
        self._sizes = {by: sum(step.weigh() for step in (*one.undo, *one.redo)) for by, one in self._stacks.items()}
        self.bytes = sum(self._sizes.values())

    def _touch(self, by: str) -> Stacks:
        stacks = self._stacks.get(by)
        if stacks is None:
            stacks = self._stacks[by] = Stacks(by, [], [])
            self._sizes[by] = 0
            if len(self._stacks) > self._limits.members:
                self._forget(next(iter(self._stacks)))
        else:
            self._stacks.move_to_end(by)
        return stacks

    def _push(self, by: str, stack: list[Step], step: Step) -> None:
        if not step.items:
            return
        stack.append(step)
        self._grow(by, step.weigh())
        items = sum(len(one.items) for one in stack)
        while len(stack) > self._limits.steps or (items > self._limits.items and len(stack) > 1):
            items -= len(stack[0].items)
            self._drop(by, stack, 1)

    def _drop(self, by: str, stack: list[Step], count: int) -> None:
        """Drop the oldest ones."""
        for step in stack[:count]:
            self._grow(by, -step.weigh())
        del stack[:count]

    def _drop_down_to(self, by: str, stack: list[Step], seq: int) -> None:
        while stack:
            step = stack.pop()
            self._grow(by, -step.weigh())
            if step.seq == seq:
                return

    def _grow(self, by: str, size: int) -> None:
        self.bytes += size
        self._sizes[by] += size

    def _trim(self) -> None:
        # Whoever takes the most room gives way, so that nobody is pushed out by somebody's huge edits. Of equals, who
        # did nothing for longest comes first; there are few enough members to look at each.
        while self.bytes > self._limits.bytes:
            stacks = self._stacks[max(self._stacks, key=self._sizes.__getitem__)]
            self._drop(stacks.by, stacks.undo or stacks.redo, 1)

    def _forget(self, by: str) -> None:
        stacks = self._stacks.pop(by)
        self._drop(by, stacks.undo, len(stacks.undo))
        self._drop(by, stacks.redo, len(stacks.redo))
        del self._sizes[by]


def _weigh(item: Put | Turn) -> int:
    if isinstance(item, Put):
        return weigh(item.to)
    return 0 if item.to is None else weigh(item.to.shape)
