"""What is stored of a room at one point; that it is all there is to know is in test_room."""

from contextlib import suppress
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.entries import Change, Look
from app.protocol import Edit, Member
from app.room import Room, RoomLimits
from app.snapshots import VERSION, Snapshot, decode_snapshot, encode_snapshot
from flylab.errors import ParseError
from tests.app.cases import Afternoon

ADA = Member(id="a" * 16, n=1, name="Ada", hue=30, region="ams")


def busy() -> Room:
    """A room in which there is something of everything."""
    afternoon = Afternoon(Random(3), RoomLimits(shapes=4))
    for _ in range(300):
        afternoon.step()
    return afternoon.room


def test_every_part_of_it_is_used_and_comes_back() -> None:
    snapshot = busy().snapshot()
    for name in Snapshot.__struct_fields__:
        assert getattr(snapshot, name), f"{name} is empty: this test shows nothing about it"
    again = decode_snapshot(encode_snapshot(snapshot))
    assert again == snapshot
    room = Room("blue", RoomLimits(shapes=4))
    room.restore(again, [])
    assert room.snapshot() == snapshot
    assert room.epoch == snapshot.starts[-1][0]


def test_what_was_counted_is_counted_anew() -> None:
    """A restored room knows how full it is."""
    limits = RoomLimits(room_bytes=600, shapes=3)
    room, woken = Room("blue", limits), Room("blue", limits)
    shapes = [Change(id=f"s{n}", set=Look(kind="text", x=0.0, y=0.0, text="x" * 50)) for n in range(2)]
    room.edit(ADA, "tab", Edit(op=1, changes=shapes), at=0.0)
    woken.restore(room.snapshot(), [])
    for one in (room, woken):
        longer = Edit(op=2, changes=[Change(id="s0", set=Look(text="x" * 151))])
        assert one.edit(ADA, "tab", longer, at=0.0).code == "limit"  # type: ignore[union-attr]
        fitting = Edit(op=2, changes=[Change(id="s0", set=Look(text="x" * 150))])
        assert one.edit(ADA, "tab", fitting, at=0.0).seq == 2  # type: ignore[union-attr]


def test_one_that_was_stored_before_there_was_more_to_know_is_read() -> None:
    snapshot = busy().snapshot()
    stored = msgspec.msgpack.decode(encode_snapshot(snapshot))
    del stored["revoked"], stored["ordered"]
    assert decode_snapshot(msgspec.msgpack.encode(stored)) == replace(snapshot, revoked=None, ordered=0.0)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "cannot read snapshot"),
        (b"{}", "cannot read snapshot"),
        (msgspec.msgpack.encode({"v": VERSION}), "missing required field"),
        (msgspec.msgpack.encode({"v": VERSION + 1, "else": []}), "only version 1 is known here"),
        (encode_snapshot(busy().snapshot())[:-1], "truncated"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(body: bytes, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        decode_snapshot(body)


@given(st.binary(max_size=60), st.integers(0, 2_000))
def test_a_damaged_one_is_refused_or_read(noise: bytes, place: int) -> None:
    body = encode_snapshot(busy_snapshot)
    for damaged in (noise, body[:place] + noise + body[place + len(noise) :]):
        with suppress(ParseError):
            assert isinstance(decode_snapshot(damaged), Snapshot)


busy_snapshot = busy().snapshot()
