"""The shapes of a room, and which entry of the log wrote what of them; pure.

Every property of every shape carries the number of the entry that wrote it, its *stamp*; so does being there (``made``)
and being gone (a tomb). An edit leaves behind the `Step` that takes it back: what it found, with the stamps it found.
Taking a step back touches only what still carries the stamp that the edit left there, and puts values and stamps
back as they were, so that the steps before it fit again. What somebody else wrote since carries another stamp.

    edit ──► Plan (changes as they count, shapes after them) ──► commit ──► Step ──► revert ──► Plan ──► commit ──► …
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from app.entries import DEFAULTS, Change, Look, Shape
from app.shaping import (
    Placed,
    Refused,
    change_shape,
    check_change,
    check_known,
    check_new,
    make,
    overlay,
    weigh,
    whole,
)
from app.undo import Put, Step, Turn


@dataclass(frozen=True, slots=True)
class Plan:
    """What an edit does: its changes as they count, and the shapes after them; ``tombs`` are the stamps of removals
    that are not its own, ``growth`` and ``more`` what it adds to the room in bytes and shapes.
    """

    changes: list[Change]
    after: dict[str, Placed | None]
    growth: int
    more: int
    tombs: dict[str, int] = field(default_factory=dict)


class Document:
    """All shapes, in the order in which they were made; ``bytes`` is about what they take."""

    def __init__(self, *, most_shapes: int, most_bytes: int) -> None:
        self._most_shapes = most_shapes
        self._most_bytes = most_bytes
        self.placed: dict[str, Placed] = {}
        self.tombs: dict[str, int] = {}
        # The latest removal that is no longer among the tombs, which are as many as there can be shapes.
        self.forgotten = 0
        self.bytes = 0

    def restore(self, placed: Iterable[Placed], tombs: Iterable[tuple[str, int]], forgotten: int) -> None:
        """Take up what was stored, in its order."""
        self.placed = {one.shape.id: one for one in placed}
        self.tombs = dict(tombs)
        self.forgotten = forgotten
        self.bytes = sum(weigh(one.shape) for one in self.placed.values())

    def shapes(self) -> list[Shape]:
        return [one.shape for one in self.placed.values()]

    # Plans: nothing changes until one is committed -----------------------------

    def plan(self, seq: int, changes: Sequence[Change]) -> Plan:
        """What a member's edit would do as entry ``seq``, or `Refused`; what it says about gone shapes is left out."""
        plan = self._draw(seq, [check_change(change) for change in changes], strict=True)
        if not plan.changes:
            ids = list(dict.fromkeys(change.id for change in changes))
            named = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
            raise Refused("gone", f"{named} {'is' if len(ids) == 1 else 'are'} not there any more")
        self.afford(plan)
        return plan

    def replay(self, seq: int, changes: Sequence[Change]) -> Plan:
        """What an edit that is in the log does; nothing about it is refused."""
        return self._draw(seq, changes, strict=False)

    def revert(self, step: Step) -> Plan:
        """What is left to take back of a step; the plan has no changes when that is nothing."""
        changes: list[Change] = []
        after: dict[str, Placed | None] = {}
        tombs: dict[str, int] = {}
        for item in step.items:
            placed = self.placed.get(item.id)
            if isinstance(item, Put):
                if placed is not None:
                    self._put(item, placed, changes, after)
            elif self._as_expected(item, placed, step.when):
                after[item.id] = item.to
                if placed is not None:
                    changes.append(Change(id=item.id, gone=True))
                if item.to is not None:
                    changes.append(Change(id=item.id, set=whole(item.to.shape)))
                else:
                    tombs[item.id] = item.tomb
        return self._measured(changes, after, tombs)

    def afford(self, plan: Plan) -> None:
        """Raise `Refused` when a room may not have what the plan adds."""
        if plan.more > 0 and len(self.placed) + plan.more > self._most_shapes:
            raise Refused("limit", f"a room may have {self._most_shapes} shapes, this one has {len(self.placed)}")
        if plan.growth > 0 and self.bytes + plan.growth > self._most_bytes:
            raise Refused("limit", f"the shapes of a room may take {self._most_bytes} bytes: remove some first")

    def commit(self, seq: int, plan: Plan, *, edit: int = 0) -> Step:
        """Do it as entry ``seq``; returns how to take it back. ``edit`` is the one that it undoes or redoes."""
        items: list[Put | Turn] = []
        placed, tombs = self.placed, self.tombs
        for key, new in plan.after.items():
            old = placed.get(key)
            if new is None:
                if old is not None:
                    tomb = plan.tombs.get(key, seq)
                    items.append(Turn(key, False, tomb, {}, old))
                    del placed[key]
                    self._bury(key, tomb)
                continue
            if old is None:
                items.append(Turn(key, True, new.made, new.stamps, None, tombs.pop(key, 0)))
            elif old.made == new.made:
                items.append(_back(key, old, new))
            else:
                items.append(Turn(key, True, new.made, new.stamps, old))
            placed[key] = new
        self.bytes += plan.growth
        return Step(edit or seq, seq, items)

    # Details -------------------------------------------------------------------

    def _draw(self, seq: int, changes: Sequence[Change], *, strict: bool) -> Plan:
        kept: list[Change] = []
        after: dict[str, Placed | None] = {}
        for change in changes:
            key, look = change.id, change.set
            placed = after[key] if key in after else self.placed.get(key)
            if change.gone or look is UNSET:
                if placed is None:
                    continue
                after[key] = None
            elif placed is not None:
                if strict:
                    check_known(placed.shape, look)
                after[key] = change_shape(placed, look, seq)
            elif look.kind is not UNSET:
                if strict:
                    check_new(key, look)
                after[key] = make(key, look, seq)
            else:
                continue
            kept.append(change)
        return self._measured(kept, after, {})

    def _measured(self, changes: list[Change], after: dict[str, Placed | None], tombs: dict[str, int]) -> Plan:
        growth = more = 0
        for key, new in after.items():
            old = self.placed.get(key)
            if old is not None:
                if new is not None and old.shape.text is new.shape.text and old.shape.points is new.shape.points:
                    continue
                growth -= weigh(old.shape)
                more -= 1
            if new is not None:
                growth += weigh(new.shape)
                more += 1
        return Plan(changes, after, growth, more, tombs)

    @staticmethod
    def _put(item: Put, placed: Placed, changes: list[Change], after: dict[str, Placed | None]) -> None:
        made = placed.made
        stamps = dict(placed.stamps)
        values: dict[str, Any] = {}
        for name, expected in item.expects.items():
            if placed.stamps.get(name, made) != expected:
                continue
            value = getattr(item.to, name)
            values[name] = getattr(DEFAULTS, name) if value is UNSET else value
            if item.stamps[name] == made:
                stamps.pop(name, None)
            else:
                stamps[name] = item.stamps[name]
        if values:
            changes.append(Change(id=item.id, set=Look(**values)))
            after[item.id] = Placed(overlay(placed.shape, values), made, stamps)

    def _as_expected(self, item: Turn, placed: Placed | None, when: int) -> bool:
        if placed is not None:
            return item.present and placed.made == item.made and placed.stamps == item.stamps
        if item.present or self.tombs.get(item.id, 0) != item.made:
            return False
        # No tomb: it never was, or its tomb is forgotten. The step knows what was removed before it.
        return item.made != 0 or self.forgotten <= when

    def _bury(self, key: str, tomb: int) -> None:
        if tomb == 0:
            return
        self.tombs[key] = tomb
        if len(self.tombs) > self._most_shapes:
            self.forgotten = max(self.forgotten, self.tombs.pop(next(iter(self.tombs))))


def _back(key: str, old: Placed, new: Placed) -> Put:
    """How to get from the new properties of a shape to its old ones."""
    was, now, made = old.stamps, new.stamps, old.made
    names = [name for name in now if was.get(name, made) != now[name]]
    names += [name for name in was if name not in now]
    shape = old.shape
    return Put(
        key,
        {name: now.get(name, made) for name in names},
        Look(**{name: getattr(shape, name) for name in names}),
        {name: was.get(name, made) for name in names},
    )
