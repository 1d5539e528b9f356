"""Segments and checkpoints come back as they were stored, and anything else is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.entries import Epoch
from app.layout import segment_key, snapshot_key
from app.segments import (
    Began,
    Checkpoint,
    Segment,
    format_checkpoint,
    format_segment,
    parse_checkpoint,
    parse_segment,
)
from flylab.errors import ParseError

lines = st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), min_size=1, max_size=5)
EPOCH = Epoch(seq=3, at=1.5, epoch=2, machine="m", region="ams", app="rooms", writer="w", why="woken")


@given(st.integers(1, 10**9), st.text(max_size=12), st.integers(1, 10**9), lines, st.text(max_size=16))
def test_segments_come_back(epoch: int, writer: str, first: int, held: list[bytes], hold: str) -> None:
    segment = Segment(
        epoch=epoch, writer=writer, first=first, last=first + len(held) - 1, lines=tuple(held), hold=hold
    )  # fmt: skip
    assert parse_segment(format_segment(segment), key=segment_key("blue", first)) == segment


def test_the_first_line_is_json_and_the_others_are_the_entries() -> None:
    segment = Segment(epoch=1, writer="w", first=7, last=8, lines=(b'{"seq":7}', b'{"seq":8}'))
    assert format_segment(segment) == b'{"epoch":1,"writer":"w","first":7,"last":8}\n{"seq":7}\n{"seq":8}'


GOOD = b'{"epoch":1,"writer":"w","first":7,"last":8}\n{"seq":7}\n{"seq":8}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\n",
        b"{}",
        GOOD[:-10],
        GOOD + b"\n{}",
        GOOD.replace(b'"last":8', b'"last":6'),
        GOOD.replace(b'"first":7', b'"first":6'),
        GOOD.replace(b'"epoch":1', b'"epoch":"1"'),
        b"[" * 100_000,
    ],
)
def test_a_bad_segment_is_named(body: bytes) -> None:
    with pytest.raises(ParseError, match="segment rooms/blue/log/000000000007"):
        parse_segment(body, key=segment_key("blue", 7))


@given(st.integers(1, 10**9), st.binary(max_size=100), st.booleans())
def test_checkpoints_come_back(seq: int, body: bytes, inside: bool) -> None:
    began = (Began(1, 1, 0.0), Began(2, 3, 1.5))
    checkpoint = Checkpoint(seq=seq, reads=seq + 1 - inside * (seq > 1), epoch=EPOCH, began=began, body=body)
    assert parse_checkpoint(format_checkpoint(checkpoint), key=snapshot_key("blue", seq)) == checkpoint


def test_one_changed_byte_of_a_snapshot_is_noticed() -> None:
    checkpoint = Checkpoint(seq=9, reads=10, epoch=EPOCH, began=(), body=b"the room")
    stored = bytearray(format_checkpoint(checkpoint))
    stored[-1] ^= 1
    with pytest.raises(ParseError, match=r"snapshot rooms/blue/snap/000000000009 .* not those that were stored"):
        parse_checkpoint(bytes(stored), key=snapshot_key("blue", 9))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"seq":9,"reads":10}\nx'])
def test_a_bad_checkpoint_is_named(body: bytes) -> None:
    with pytest.raises(ParseError, match="snapshot rooms/blue/snap/000000000009"):
        parse_checkpoint(body, key=snapshot_key("blue", 9))


def test_a_checkpoint_under_another_key_is_refused() -> None:
    stored = format_checkpoint(Checkpoint(seq=9, reads=10, epoch=EPOCH, began=(), body=b""))
    with pytest.raises(ParseError, match="it says that it stands for entries up to 9"):
        parse_checkpoint(stored, key=snapshot_key("blue", 8))
