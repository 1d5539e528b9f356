"""The stacks of steps, and how much of them is kept."""

from app.entries import Look
from app.undo import ITEM_BYTES, Put, Step, UndoHistory, UndoLimits

ITEM = ITEM_BYTES + 200


def step(seq: int, items: int = 1) -> Step:
    return Step(seq, seq, [Put(f"s{number}", {"x": seq}, Look(x=0.0), {"x": 0}) for number in range(items)])


def history(*, steps: int = 100, members: int = 10, room: int = 10**6, items: int = 1_000) -> UndoHistory:
    return UndoHistory(UndoLimits(steps=steps, members=members, bytes=room, items=items))


def seqs(steps: list[Step]) -> list[int]:
    return [one.seq for one in steps]


def test_the_newest_comes_first_and_a_fresh_edit_ends_what_could_be_done_again() -> None:
    undo = history()
    for seq in (1, 2, 3):
        undo.edited("ada", step(seq))
    assert seqs(undo.undo("ada")) == [3, 2, 1]
    undo.undone("ada", 3, step(3))
    undo.undone("ada", 2, step(2))
    assert (seqs(undo.undo("ada")), seqs(undo.redo("ada"))) == ([1], [2, 3])
    undo.redone("ada", 2, step(2))
    assert (seqs(undo.undo("ada")), seqs(undo.redo("ada"))) == ([2, 1], [3])
    undo.edited("ada", step(9))
    assert (seqs(undo.undo("ada")), seqs(undo.redo("ada"))) == ([9, 2, 1], [])
    assert undo.bytes == 3 * ITEM
    assert (undo.undo("bob"), undo.redo("bob")) == ([], [])


def test_what_had_nothing_left_to_take_back_is_passed_over() -> None:
    undo = history()
    for seq in (1, 2, 3):
        undo.edited("ada", step(seq))
    undo.undone("ada", 1, step(1))
    assert (seqs(undo.undo("ada")), seqs(undo.redo("ada")), undo.bytes) == ([], [1], ITEM)


def test_an_edit_that_left_nothing_to_take_back_is_no_step() -> None:
    undo = history()
    undo.edited("ada", step(1))
    undo.undone("ada", 1, step(1))
    undo.edited("ada", step(2, items=0))
    assert (undo.undo("ada"), undo.redo("ada"), undo.bytes) == ([], [], 0)


def test_the_oldest_steps_go_first() -> None:
    undo = history(steps=3)
    for seq in range(1, 6):
        undo.edited("ada", step(seq))
    assert (seqs(undo.undo("ada")), undo.bytes) == ([5, 4, 3], 3 * ITEM)


def test_many_shapes_leave_room_for_fewer_steps_but_for_one_always() -> None:
    undo = history(items=10)
    undo.edited("ada", step(1, 4))
    undo.edited("ada", step(2, 4))
    undo.edited("ada", step(3, 4))
    assert seqs(undo.undo("ada")) == [3, 2]
    undo.edited("ada", step(4, 50))
    assert seqs(undo.undo("ada")) == [4]


def test_who_takes_the_most_room_loses_steps_first() -> None:
    undo = history(room=4 * ITEM)
    undo.edited("bob", step(1))
    for seq in range(2, 6):
        undo.edited("eve", step(seq))
    assert (seqs(undo.undo("bob")), seqs(undo.undo("eve"))) == ([1], [5, 4, 3])
    undo.edited("eve", step(6, 9))  # more than there may be at all
    assert (seqs(undo.undo("bob")), seqs(undo.undo("eve")), undo.bytes) == ([1], [], ITEM)


def test_of_those_who_take_as_much_who_did_nothing_for_longest_loses_steps_first() -> None:
    undo = history(room=4 * ITEM)
    for seq, by in enumerate(("ada", "bob", "bob", "ada", "eve"), 1):
        undo.edited(by, step(seq))
    assert (seqs(undo.undo("ada")), seqs(undo.undo("bob")), seqs(undo.undo("eve"))) == ([4, 1], [3], [5])
    undo.undone("bob", 3, step(3))
    other = history(room=4 * ITEM)
    other.restore(undo.all())
    for one in (undo, other):
        one.edited("eve", step(6))
        assert (seqs(one.undo("ada")), seqs(one.redo("bob")), seqs(one.undo("eve"))) == ([4], [3], [6, 5])


def test_the_members_are_bounded() -> None:
    undo = history(members=2)
    for seq, by in enumerate(("ada", "bob", "ada", "eve"), 1):
        undo.edited(by, step(seq))
    assert [one.by for one in undo.all()] == ["ada", "eve"]
    assert undo.bytes == 3 * ITEM


def test_what_was_kept_and_taken_up_is_the_same_and_independent() -> None:
    undo, other = history(), history()
    undo.edited("ada", step(1))
    undo.edited("bob", step(2))
    undo.undone("bob", 2, step(2))
    kept = undo.all()
    other.restore(kept)
    other.edited("ada", step(3))
    assert undo.all() == kept
    assert (undo.bytes, other.bytes) == (2 * ITEM, 3 * ITEM)
