"""Keys: their order is the order of the log, and what is not ours is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.layout import (
    hint_key,
    parse_key,
    public_key,
    room_prefix,
    segment_key,
    segment_prefix,
    snapshot_key,
    snapshot_prefix,
)

rooms = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)
numbers = st.integers(1, 10**12 - 1)


@given(rooms, numbers)
def test_keys_come_back(room: str, number: int) -> None:
    assert parse_key(segment_key(room, number)) == ("log", number)
    assert parse_key(snapshot_key(room, number)) == ("snap", number)


@given(rooms, numbers, numbers)
def test_the_order_of_keys_is_the_order_of_numbers(room: str, one: int, other: int) -> None:
    assert (segment_key(room, one) < segment_key(room, other)) == (one < other)
    assert (snapshot_key(room, one) < snapshot_key(room, other)) == (one < other)


@given(rooms, numbers)
def test_every_key_lies_under_its_prefix(room: str, number: int) -> None:
    assert segment_key(room, number).startswith(segment_prefix(room))
    assert snapshot_key(room, number).startswith(snapshot_prefix(room))
    assert segment_prefix(room).startswith(room_prefix(room))
    assert snapshot_prefix(room).startswith(room_prefix(room))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "rooms/blue/log/1",
        "rooms/blue/log/0000000000001",
        "rooms/blue/log/00000000000x",
        "rooms/blue/owner",
        "rooms/blue/log/000000000001/x",
        "x/rooms/blue/log/000000000001",
        "rooms/blue/log/000000000001\n",
    ],
)
def test_other_objects_are_passed_over(key: str) -> None:
    assert parse_key(key) is None


def test_where_things_lie() -> None:
    assert segment_key("blue", 17) == "rooms/blue/log/000000000017"
    assert snapshot_key("blue", 17) == "rooms/blue/snap/000000000017"
    assert (hint_key("blue"), public_key("blue")) == ("owners/blue", "public/blue")
