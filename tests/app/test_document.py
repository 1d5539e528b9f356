"""Shapes, stamps, and taking edits back; longer stories are in test_room."""

from collections.abc import Callable

import pytest

from app.document import Document
from app.entries import DEFAULTS, Change, Look
from app.shaping import Refused
from app.undo import Step


class Log:
    """A document with the number of its last entry."""

    def __init__(self, *, shapes: int = 100, room: int = 10**6) -> None:
        self.document = Document(most_shapes=shapes, most_bytes=room)
        self.seq = 0

    def edit(self, *changes: Change) -> Step:
        self.seq += 1
        return self.document.commit(self.seq, self.document.plan(self.seq, changes))

    def take_back(self, step: Step) -> Step | None:
        """Undo or redo, as the step says; None when there is nothing left to do."""
        plan = self.document.revert(step)
        if not plan.changes:
            return None
        self.seq += 1
        return self.document.commit(self.seq, plan, edit=step.seq)

    def x(self, key: str = "s") -> object:
        placed = self.document.placed.get(key)
        return None if placed is None else placed.shape.x


def new(key: str = "s", **more: object) -> Change:
    return Change(id=key, set=Look(kind="rect", x=0.0, y=0.0, **more))  # type: ignore[arg-type]


def put(x: float, key: str = "s") -> Change:
    return Change(id=key, set=Look(x=x))


def gone(key: str = "s") -> Change:
    return Change(id=key, gone=True)


def test_changes_are_made_in_order_and_all_or_none() -> None:
    log = Log()
    log.edit(new(), put(1.0), new("t"), gone("t"))
    assert (log.x(), log.x("t")) == (1.0, None)
    before = log.document.shapes()
    with pytest.raises(Refused, match="is of kind 'rect'"):
        log.edit(put(2.0), new("u"), Change(id="s", set=Look(kind="pen")))
    assert log.document.shapes() == before


def test_what_is_said_about_gone_shapes_is_left_out() -> None:
    log = Log()
    log.edit(new())
    plan = log.document.plan(2, [put(1.0, "t"), put(2.0), gone("u")])
    assert plan.changes == [put(2.0)]
    with pytest.raises(Refused, match=r"^t, u are not there any more$") as refused:
        log.document.plan(2, [put(1.0, "t"), gone("u")])
    assert refused.value.code == "gone"
    with pytest.raises(Refused, match=r"^a, b, c and 1 more are not there"):
        log.document.plan(2, [gone("a"), gone("b"), gone("c"), gone("d")])
    with pytest.raises(Refused, match=r"^a is not there"):
        log.document.plan(2, [gone("a"), put(1.0, "a")])


def test_a_shape_may_be_made_anew_as_another_kind_once_it_is_gone() -> None:
    log = Log()
    log.edit(new())
    log.edit(gone(), Change(id="s", set=Look(kind="note", x=5.0, y=5.0)))
    assert [shape.kind for shape in log.document.shapes()] == ["note"]


def test_a_step_takes_back_only_what_still_stands() -> None:
    log = Log()
    log.edit(new())
    step = log.edit(Change(id="s", set=Look(x=1.0, y=1.0)))
    log.edit(put(7.0))
    again = log.take_back(step)
    shape = log.document.placed["s"].shape
    assert (shape.x, shape.y) == (7.0, 0.0)
    assert again is not None
    log.take_back(again)
    shape = log.document.placed["s"].shape
    assert (shape.x, shape.y) == (7.0, 1.0)


def test_steps_of_one_property_are_taken_back_one_after_the_other() -> None:
    log = Log()
    steps = [log.edit(new()), log.edit(put(1.0)), log.edit(put(2.0)), log.edit(put(3.0))]
    redo: list[Step] = []
    for step, x in zip(reversed(steps), (2.0, 1.0, 0.0, None), strict=True):
        again = log.take_back(step)
        assert again is not None
        redo.append(again)
        assert log.x() == x
    for step, x in zip(reversed(redo), (0.0, 1.0, 2.0, 3.0), strict=True):
        assert log.take_back(step) is not None
        assert log.x() == x


def test_where_there_was_nothing_the_default_is_written() -> None:
    log = Log()
    log.edit(new())
    step = log.edit(Change(id="s", set=Look(fill="red", text="a")))
    plan = log.document.revert(step)
    assert plan.changes == [Change(id="s", set=Look(fill=DEFAULTS.fill, text=DEFAULTS.text))]


def test_a_shape_comes_back_as_it_was() -> None:
    log = Log()
    log.edit(new(fill="red"))
    moved = log.edit(put(4.0))
    before = log.document.placed["s"]
    removed = log.edit(gone())
    assert log.take_back(moved) is None
    again = log.take_back(removed)
    assert log.document.placed["s"] == before
    assert again is not None
    assert log.take_back(again) is not None
    assert log.x() is None


@pytest.mark.parametrize("meanwhile", [lambda log: log.edit(new()), lambda log: (log.edit(new()), log.edit(gone()))])
def test_a_shape_that_somebody_made_anew_or_removed_again_is_left_alone(meanwhile: Callable[[Log], object]) -> None:
    log = Log()
    log.edit(new())
    removed = log.edit(gone())
    meanwhile(log)
    assert log.take_back(removed) is None


def test_a_made_shape_goes_unless_somebody_changed_it() -> None:
    log = Log()
    made = log.edit(new(), new("t"))
    changed = log.edit(put(5.0))
    again = log.take_back(made)
    assert (log.x(), log.x("t")) == (5.0, None)
    assert again is not None
    assert log.take_back(again) is not None
    assert log.x("t") == 0.0
    log.take_back(changed)
    assert log.take_back(made) is not None  # the change was taken back: it is as it was made
    assert log.x() is None


def test_replacing_a_shape_is_taken_back_as_one() -> None:
    log = Log()
    log.edit(new(fill="red"))
    before = log.document.placed["s"]
    replaced = log.edit(gone(), Change(id="s", set=Look(kind="note", x=5.0, y=5.0)))
    plan = log.document.revert(replaced)
    assert [change.gone for change in plan.changes] == [True, False]
    again = log.take_back(replaced)
    assert log.document.placed["s"] == before
    assert again is not None
    log.take_back(again)
    assert log.document.placed["s"].shape.kind == "note"


def test_what_was_made_and_removed_at_once_leaves_no_step() -> None:
    log = Log()
    assert log.edit(new(), gone()).items == []
    assert log.document.tombs == {}


def test_a_shape_is_not_made_again_over_a_removal_that_is_forgotten() -> None:
    log = Log(shapes=2)
    made = log.edit(new())
    again = log.take_back(made)  # it never was: there is no tomb
    assert again is not None
    log.edit(new())
    log.edit(gone())
    assert log.take_back(again) is None
    for key in ("a", "b"):
        log.edit(new(key))
        log.edit(gone(key))
    assert "s" not in log.document.tombs
    assert log.take_back(again) is None


def test_there_may_be_so_many_shapes_of_such_a_size() -> None:
    log = Log(shapes=2, room=1_000)
    log.edit(new(), new("t"))
    with pytest.raises(Refused, match="may have 2 shapes, this one has 2") as refused:
        log.edit(new("u"))
    assert refused.value.code == "limit"
    with pytest.raises(Refused, match="may take 1000 bytes"):
        log.edit(Change(id="s", set=Look(text="ä" * 400)))
    assert log.document.bytes == 400
    log.edit(gone("t"), new("u"))
    log.edit(Change(id="s", set=Look(text="a" * 600)))
    assert log.document.bytes == 1_000
    log.edit(Change(id="s", set=Look(text="b" * 600)))
    log.edit(gone("u"))
    log.edit(gone("s"))
    assert log.document.bytes == 0


def test_a_full_room_can_shrink_where_its_limits_became_smaller() -> None:
    log = Log()
    log.edit(new(), new("t"), new("u"))
    smaller = Document(most_shapes=1, most_bytes=300)
    smaller.restore(log.document.placed.values(), [], 0)
    smaller.commit(9, smaller.plan(9, [put(1.0)]))
    smaller.commit(10, smaller.plan(10, [gone()]))
    assert smaller.bytes == 400
