"""Frames: what we build is what a WebSocket library reads; what a member sends is measured by its head."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from app.framing import IMPROPER, INCOMPLETE, frame, json_frame, measure, msgpack_frame, short_reason, unframe

MOST = 70_000


def read(data: bytes) -> list[Frame]:
    """What the library makes of bytes from a server."""
    conn = ClientProtocol(parse_uri("ws://room/"), state=OPEN, max_size=None)
    conn.receive_data(data)
    assert conn.parser_exc is None
    return [event for event in conn.events_received() if isinstance(event, Frame)]


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("binary", [False, True])
def test_a_built_frame_is_read_whole_by_the_library(size: int, binary: bool) -> None:
    payload = b"x" * size
    (event,) = read(frame(payload, binary=binary))
    assert (event.opcode, event.data, event.fin) == (Opcode.BINARY if binary else Opcode.TEXT, payload, True)


@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans())))
def test_frames_come_apart_again(payloads: list[tuple[bytes, bool]]) -> None:
    together = b"".join(frame(payload, binary=binary) for payload, binary in payloads)
    assert list(unframe(together)) == payloads


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_a_list_of_messages_is_one_message_of_its_encoding(count: int) -> None:
    (text,) = read(json_frame([b"7"] * count))
    assert msgspec.json.decode(text.data) == [7] * count
    (packed,) = read(msgpack_frame([b"\x07"] * count))
    assert msgspec.msgpack.decode(packed.data) == [7] * count


@given(st.binary(max_size=400), st.integers(0, 14))
def test_a_members_frame_is_measured_from_its_head_alone(payload: bytes, cut: int) -> None:
    whole = masked(1, payload)
    head = len(whole) - len(payload)
    assert measure(b"?" + whole + b"rest", 1, most_bytes=MOST) == len(whole)
    expected = len(whole) if cut >= head - 4 else INCOMPLETE
    assert measure(whole[:cut], 0, most_bytes=MOST) == expected


def test_sizes_on_both_sides_of_the_limit() -> None:
    assert measure(masked(2, b"x" * MOST), 0, most_bytes=MOST) == MOST + 14
    assert measure(masked(2, b"x" * (MOST + 1))[:10], 0, most_bytes=MOST) == IMPROPER
    assert measure(b"\x81\xff" + b"\xff" * 8, 0, most_bytes=MOST) == IMPROPER


@pytest.mark.parametrize(
    "head",
    [
        b"\x81\x01",  # no mask
        b"\xc1\x81",  # a reserved bit
        b"\xa1\x81",
        b"\x91\x81",
        b"\x89\xfe",  # a long ping
        b"\x09\x80",  # a ping in fragments
    ],
)
def test_what_breaks_a_rule_shows_in_two_bytes(head: bytes) -> None:
    assert measure(head, 0, most_bytes=MOST) == IMPROPER


@given(st.text())
def test_a_reason_fits_and_is_a_beginning_of_what_was_said(reason: str) -> None:
    short = short_reason(reason)
    assert len(short.encode()) <= 123
    assert reason.startswith(short)
