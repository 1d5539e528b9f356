"""WebSocket frames as bytes (RFC 6455 section 5.2): building what a server sends, measuring what a member sent; pure.

A frame that goes to many members is built once, here, and written as it is to each of their connections.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import pack, unpack_from

_FIN_TEXT = 0x81
_FIN_BINARY = 0x82
_CONTROL = 0x08
_MASKED = 0x80

# What `measure` answers besides a size.
INCOMPLETE = 0
IMPROPER = -1

# The longest head that a frame of a member can have: two bytes, eight of length, four of mask.
HEAD_BYTES = 14


def frame(payload: bytes, *, binary: bool = False) -> bytes:
    """One whole message in one frame, as a server sends it: final and without a mask."""
    return _head(len(payload), _FIN_BINARY if binary else _FIN_TEXT) + payload


def json_frame(messages: Iterable[bytes]) -> bytes:
    """One text frame with a list of messages that are JSON already."""
    return frame(b"[%b]" % b",".join(messages))


def msgpack_frame(messages: Sequence[bytes]) -> bytes:
    """One binary frame with a list of messages that are msgpack already."""
    count = len(messages)
    if count < 16:
        head = bytes((0x90 | count,))
    elif count < 1 << 16:
        head = pack("!BH", 0xDC, count)
    else:
        head = pack("!BI", 0xDD, count)
    return frame(head + b"".join(messages), binary=True)


def unframe(frames: bytes) -> Iterator[tuple[bytes, bool]]:
    """The payloads of frames made by `frame`, each with whether it is binary: for servers that frame by themselves."""
    at = 0
    while at < len(frames):
        size, head = frames[at + 1], 2
        if size == 126:
            (size,), head = unpack_from("!H", frames, at + 2), 4
        elif size == 127:
            (size,), head = unpack_from("!Q", frames, at + 2), 10
        yield frames[at + head : at + head + size], frames[at] == _FIN_BINARY
        at += head + size


def measure(data: bytes | bytearray, at: int, *, most_bytes: int) -> int:
    """How long the member's frame is that begins at ``at``, head and all.

    `INCOMPLETE` when its head is not all there; `IMPROPER` when it breaks a rule or the limit, which shows before the
    rest has come. Rules about several frames (fragments) are not looked at here.
    """
    have = len(data) - at
    if have < 2:
        return INCOMPLETE
    first, second = data[at], data[at + 1]
    size = second & 0x7F
    if first & 0x70 or not second & _MASKED or (first & _CONTROL and (size > 125 or not first & 0x80)):
        return IMPROPER
    head = 6
    if size == 126:
        if have < 4:
            return INCOMPLETE
        (size,), head = unpack_from("!H", data, at + 2), 8
    elif size == 127:
        if have < 10:
            return INCOMPLETE
        (size,), head = unpack_from("!Q", data, at + 2), HEAD_BYTES
    return IMPROPER if size > most_bytes else head + size


def short_reason(reason: str) -> str:
    """A reason that fits into a close frame: at most 123 bytes of UTF-8."""
    return reason.encode()[:123].decode(errors="ignore")


def _head(size: int, first: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return pack("!BBH", first, 126, size)
    return pack("!BBQ", first, 127, size)
