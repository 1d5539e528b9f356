"""The log and the presence of one room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import Accepted, Cursors, Joined, Left, Renamed, Said
from app.room import Room, member_id

ADA, BOB = member_id("the-secret-of-ada"), member_id("the-secret-of-bob")


@pytest.fixture
def room() -> Room:
    made = Room("blue", history=5, ops=8)
    made.enter(ADA, "Ada", region="ams")
    return made


def say(room: Room, op: str, by: str = ADA) -> Said | Accepted:
    return room.say(by, op, f"text of {op}", at=1.0)


def test_numbers_have_no_gap(room: Room) -> None:
    assert [say(room, f"op{n}").seq for n in range(20)] == list(range(1, 21))


def test_what_was_missed_is_exact_or_refused(room: Room) -> None:
    for n in range(1, 11):
        say(room, f"op{n}")
    assert [entry.seq for entry in room.tail()] == [6, 7, 8, 9, 10]
    assert [entry.seq for entry in room.since(8) or []] == [9, 10]
    assert room.since(10) == []
    assert len(room.since(5) or []) == 5
    assert room.since(4) is None  # entry 5 is no longer kept
    assert room.since(11) is None  # from a log that is not this one


def test_an_operation_counts_once_per_member(room: Room) -> None:
    room.enter(BOB, "Bob", region="iad")
    assert say(room, "op") == Said(seq=1, by=ADA, op="op", name="Ada", hue=ANY_HUE(room), text="text of op", at=1.0)
    assert say(room, "op") == Accepted(op="op", seq=1)
    assert say(room, "op", BOB).seq == 2


def ANY_HUE(room: Room) -> int:
    return room.members[0].hue


def test_memory_of_operations_is_bounded(room: Room) -> None:
    for n in range(9):
        say(room, f"op{n}")
    assert isinstance(say(room, "op8"), Accepted)
    assert isinstance(say(room, "op0"), Said)  # so old that it is forgotten


def test_a_member_with_two_tabs_is_one_member(room: Room) -> None:
    assert isinstance(room.enter(BOB, "Bob", region="iad"), Joined)
    assert room.enter(BOB, "Bob", region="iad") is None
    assert isinstance(room.enter(BOB, "Robert", region="iad"), Renamed)
    assert [member.name for member in room.members] == ["Ada", "Robert"]
    assert room.leave(BOB) is None
    assert room.leave(BOB) is None
    assert room.leave(BOB) == Left(id=BOB)


def test_cursors_are_gathered_and_only_the_latest_counts(room: Room) -> None:
    room.enter(BOB, "Bob", region="iad")
    assert room.take_moves() is None
    room.point(ADA, 0.1, 0.1)
    room.point(ADA, 0.123456, 0.2)
    room.point(BOB, 0.5, 0.5)
    assert room.cursors() == [(ADA, 0.1235, 0.2), (BOB, 0.5, 0.5)]
    assert room.take_moves() == Cursors(c=sorted([(ADA, 0.1235, 0.2), (BOB, 0.5, 0.5)]))
    assert room.take_moves() is None
    room.point(BOB, None, None)
    assert room.take_moves() == Cursors(c=[(BOB, None, None)])
    room.point(ADA, 0.9, 0.9)
    room.leave(ADA)
    assert (room.take_moves(), room.cursors()) == (None, [])


@given(st.lists(st.sampled_from([f"op{n}" for n in range(12)]), max_size=40), st.integers(0, 40))
def test_a_room_that_was_stored_and_restored_goes_on_as_if_it_had_not_been(ops: list[str], cut: int) -> None:
    whole, stored = Room("blue", history=50, ops=50), Room("blue", history=50, ops=50)
    for room in (whole, stored):
        room.enter(ADA, "Ada", region="ams")
    for op in ops[:cut]:
        assert say(whole, op) == say(stored, op)
    snapshot, later = stored.snapshot(), [entry for op in ops[cut:] if isinstance(entry := say(stored, op), Said)]
    woken = Room("blue", history=50, ops=50)
    woken.restore(snapshot, later)
    woken.enter(ADA, "Ada", region="ams")
    for op in ops[cut:]:
        say(whole, op)
    assert (woken.seq, woken.tail()) == (whole.seq, whole.tail())
    assert [say(woken, op) for op in ops] == [say(whole, op) for op in ops]


def test_the_public_id_does_not_tell_the_secret() -> None:
    assert member_id("a" * 20) != member_id("b" * 20)
    assert len(ADA) == 16
    assert "ada" not in ADA
