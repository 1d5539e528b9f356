"""How one server is spoken to. A peer brings a class like `Flylab`; everything else is the same for all.

Chat lines carry what is measured: ``<number> <scheduled, microseconds>`` and padding. Cursors carry a count in x.
"""

import itertools
import os
from array import array
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import msgspec

from flylab.measure.frames import masked

TEXT = "%d %d hello everybody"


class Dialect(Protocol):
    """What a load needs to know about a server's protocol."""

    counts: bool  # whether `span` gives numbers without gap
    stores: bool  # whether `stored` is told

    def path(self, room: str) -> str: ...
    def hello(self, *, binary: bool, epoch: int = 0, since: int = 0) -> bytes: ...
    def welcomed(self, payload: bytes) -> tuple[int, int] | None:
        """Epoch and number of the last chat line so far, if this is the welcome."""

    def say(self, op: int, text: str) -> bytes: ...
    def cursor(self, x: int, y: int, *, binary: bool) -> bytes: ...
    def said(self, data: bytes, at: int, end: int) -> int:
        """How many chat lines are in this payload."""

    def span(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        """The numbers of the first and the last of them."""

    def lines(self, payload: bytes) -> Iterator[tuple[int, str]]:
        """Number and text of each chat line; a number of 0 where there is none."""

    def stored(self, payload: bytes) -> int:
        """The number up to which everything is said to be stored; 0 when this payload does not say."""

    def cursors(self, payload: bytes, *, binary: bool) -> Iterator[tuple[int, int]]:
        """x and y of each cursor in this payload."""


class Flylab:
    """This project's rooms, protocol version 2 (docs/protocol.md)."""

    counts = True
    stores = True
    introduces = False

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._life = os.urandom(4).hex()

    def path(self, room: str) -> str:
        return f"/rooms/{room}/ws"

    def hello(self, *, binary: bool, epoch: int = 0, since: int = 0) -> bytes:
        number = next(self._numbers)
        message: dict[str, Any] = {
            "t": "hello", "v": 2, "key": f"bench-{self._life}-{number:08d}", "client": f"c{self._life}{number}",
            "name": f"member {number}",
        }  # fmt: skip
        if since:
            message |= {"epoch": epoch, "since": since}
        return masked((msgspec.msgpack if binary else msgspec.json).encode(message), binary=binary)

    def welcomed(self, payload: bytes) -> tuple[int, int] | None:
        if b"welcome" not in payload[:40]:
            return None
        message = (msgspec.msgpack if payload[:1] != b"[" else msgspec.json).decode(payload)[0]
        return message["epoch"], message["seq"]

    def say(self, op: int, text: str) -> bytes:
        return masked(b'{"t":"say","op":%d,"text":"%b"}' % (op, text.encode()))

    def cursor(self, x: int, y: int, *, binary: bool) -> bytes:
        if binary:
            return masked(b"\x83\xa1t\xa6cursor\xa1x\xd1%b\xa1y\xd1%b" % (x.to_bytes(2), y.to_bytes(2)), binary=True)
        return masked(b'{"t":"cursor","x":%d,"y":%d}' % (x, y))

    def said(self, data: bytes, at: int, end: int) -> int:
        return data.count(b'"t":"said"', at, end)

    def span(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        first = data.find(b'"t":"said","seq":', at, end) + 17
        last = data.rfind(b'"t":"said","seq":', at, end) + 17
        return int(data[first : data.index(b",", first)]), int(data[last : data.index(b",", last)])

    def lines(self, payload: bytes) -> Iterator[tuple[int, str]]:
        for message in msgspec.json.decode(payload):
            if message["t"] == "said":
                yield message["seq"], message["text"]

    def stored(self, payload: bytes) -> int:
        return max((message["seq"] for message in msgspec.json.decode(payload) if message["t"] == "stored"), default=0)

    def cursors(self, payload: bytes, *, binary: bool) -> Iterator[tuple[int, int]]:
        for message in (msgspec.msgpack if binary else msgspec.json).decode(payload):
            if message["t"] == "cursors":
                if binary:
                    flat = array("h", message["c"])
                    yield from zip(flat[1::3], flat[2::3], strict=True)
                else:
                    yield from ((cursor[1], cursor[2]) for cursor in message["c"] if len(cursor) == 3)


DIALECTS: dict[str, type[Any]] = {"flylab": Flylab}


async def entrance(dialect: Dialect, room: str, port: int) -> str:
    """The path at which to connect; some servers give one out for each visit (``arrive`` instead of ``path``)."""
    arrive: Callable[[str, int], Awaitable[str]] | None = getattr(dialect, "arrive", None)
    return await arrive(room, port) if arrive else dialect.path(room)
