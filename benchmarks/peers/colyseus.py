"""Colyseus 0.16 on the wire: a seat is booked by HTTP, then taken on a WebSocket whose messages begin with their kind.

Chat is ``13``, the message's name and a MessagePack value. Room state comes whole in ``14`` and as changes in ``15``;
the state of `servers/colyseus` is a map of uint32, one for each cursor, with y above x.
"""

import asyncio
import json
import re
from collections.abc import Iterator

import msgspec

from flylab.measure.frames import masked

JOIN, STATE, PATCH = b"\x0a", b"\x0e", b"\x0f"
SAID = b"\x0d\xa4said"

# One change in the schema encoding. A map's entry has an operation, its place, its key when it is new, and its value;
# 255 and a number say what the following ones are part of; the root's one field is set when the map itself is new.
_NUMBER = rb"(?:[\x00-\x7f]|\xcc.|\xcd..)"
_CHANGE = re.compile(
    rb"\xff" + _NUMBER  # the changes that follow are of that part
    + rb"|\x00" + _NUMBER + rb"(....)"  # another value
    + rb"|[\x80\xc0]" + _NUMBER + rb"\xa9.{9}(....)"  # a new entry, under a session's id
    + rb"|\x40" + _NUMBER  # an entry is gone
    + rb"|\x80" + _NUMBER,  # the root's field
    re.DOTALL,
)  # fmt: skip


class Colyseus:
    """`arrive` instead of `path`: where to connect is known when a seat is booked."""

    counts = False
    stores = False
    introduces = False

    async def arrive(self, room: str, port: int) -> str:
        """Book a seat in the room, which is made when it is missing; the path of its WebSocket."""
        body = json.dumps({"room": room}).encode()
        head = f"POST /matchmake/joinOrCreate/bench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                b"%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (head.encode(), len(body), body)
            )
            answer = await reader.read(-1)
        finally:
            writer.close()
        first, last = answer.find(b"{"), answer.rfind(b"}") + 1
        if not answer.startswith(b"HTTP/1.1 200") or first < 0:
            raise ConnectionError(f"no seat: {answer[:300]!r}")
        seat = json.loads(answer[first:last])
        return f"/{seat['room']['processId']}/{seat['room']['roomId']}?sessionId={seat['sessionId']}"

    def hello(self, *, binary: bool, epoch: int = 0, since: int = 0) -> bytes:
        return masked(JOIN, binary=True)

    def welcomed(self, payload: bytes) -> tuple[int, int] | None:
        return (0, 0) if payload[:1] == STATE else None

    def say(self, op: int, text: str) -> bytes:
        return masked(b"\x0d\xa3say" + msgspec.msgpack.encode(text), binary=True)

    def cursor(self, x: int, y: int, *, binary: bool) -> bytes:
        return masked(b"\x0d\xa6cursor" + msgspec.msgpack.encode((x, y)), binary=True)

    def said(self, data: bytes, at: int, end: int) -> int:
        return data.count(SAID, at, end)

    def span(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        raise NotImplementedError("its lines have no numbers")

    def lines(self, payload: bytes) -> Iterator[tuple[int, str]]:
        if payload.startswith(SAID):
            yield 0, msgspec.msgpack.decode(payload[len(SAID) :], type=str)

    def stored(self, payload: bytes) -> int:
        return 0

    def cursors(self, payload: bytes, *, binary: bool) -> Iterator[tuple[int, int]]:
        if payload[:1] != PATCH:
            return
        at, change = 1, _CHANGE.scanner(payload, 1)  # type: ignore[attr-defined]
        for found in iter(change.match, None):
            at = found.end()
            if value := found[1] or found[2]:
                packed = int.from_bytes(value, "little")
                yield packed & 0xFFFF, packed >> 16
        if at != len(payload):
            raise ValueError(f"cannot read the change at {at} of {payload!r}")
