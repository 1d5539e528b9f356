"""What comes from a client: heads, one after the other, each with its body, and where they go.

bytes ──► head ──► Walk        while a walk lasts: body ──► Walk, later requests wait in the buffer
            └──► Straight      instead of a walk, for a head that asks nothing of the proxy
"""

import asyncio
from typing import TYPE_CHECKING

from flylab.local.body import ChunkedReader, LengthReader, Reader
from flylab.local.flow import Gate, Hold
from flylab.local.glance import NOT_ALIKE, Glance, Likeness, glance, likeness
from flylab.local.http1 import BadMessage, RequestHead, read_request
from flylab.local.plain import Plain, glanced, plain
from flylab.local.splice import Pipe
from flylab.local.straight import Straight
from flylab.local.walk import Walk

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge

_AHEAD = 65_536  # bytes of later requests that may wait while one is answered; our choice
_SHORT = 4096  # bytes of a head that is remembered for its connection; our choice


class Incoming(asyncio.Protocol):
    """Half of a connection to a client; the other half writes, waits and ends."""

    __slots__ = (
        "_alike",
        "_buffer",
        "_closed",
        "_edge",
        "_gate",
        "_head_timeout",
        "_lingering",
        "_loop",
        "_moved",
        "_pipe",
        "_plain",
        "_reader",
        "_received",
        "_seen",
        "_straight",
        "_walk",
        "blocked",
        "deadline",
    )

    # Set by who extends it, for there are many and most are idle.
    _edge: "Edge"
    _loop: asyncio.AbstractEventLoop
    _gate: Gate
    _buffer: bytes
    _seen: int  # bytes of the buffer in which no head ends
    _walk: Walk | Straight | None
    _straight: Straight | None  # made for the first head without a wish; a pipe never has one
    _plain: Plain | None  # the last head without a wish; clients repeat themselves
    _alike: Likeness | None  # what heads of this connection have in common that are not the same
    _reader: Reader | None
    _pipe: Pipe | None
    _lingering: bool
    _closed: bool
    _moved: bool
    _received: int
    _head_timeout: float
    blocked: bool  # the client does not read what it is sent
    deadline: float | None

    def _refuse(self, status: int, text: str) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        """Close at once, so that a broken answer cannot be taken for a whole one."""
        raise NotImplementedError

    def _whole(self) -> "Downstream":
        """Both halves."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        known = self._plain
        if known is not None and self._walk is None and not (self._buffer or self.blocked or self._closed):
            # What comes now is answered next, and at once.
            if not known.length:
                if (data == known.data or self._is_alike(known, data)) and self._start_straight(known):
                    return
            elif data.startswith(known.data) and self._start_again(known, data):
                return
        self._moved = True
        if self._pipe is not None:
            self._pipe.on_client_data(data)
        elif not self._lingering:
            before = self._buffer
            self._buffer = before + data if before else data
            self._advance()
            if self._walk is None and self._buffer and not before:
                self.deadline = self._loop.time() + self._head_timeout

    def _advance(self) -> None:
        try:
            while self._buffer and not self._closed and self._pipe is None and not self._lingering:
                if self._walk is None:
                    if self.blocked:  # who does not read its answers gets no more of them
                        self._gate.set(Hold.TURN, on=len(self._buffer) >= _AHEAD)
                        return
                    if not self._read_head():
                        return
                elif self._reader is not None and not self._reader.done:
                    self._read_body(self._walk, self._reader)
                else:
                    self._gate.set(Hold.TURN, on=len(self._buffer) >= _AHEAD)
                    return
        except BadMessage as exc:
            walk, self._walk = self._walk, None
            if walk is None or walk.on_bad_body():
                self._refuse(exc.status, str(exc))
            else:
                self.abort()

    def _read_head(self) -> bool:
        buffer = self._buffer.lstrip(b"\r\n") if self._buffer[0] in b"\r\n" else self._buffer
        settings = self._edge.settings
        if not self._seen and len(buffer) < settings.head_limit and (seen := self._glance(buffer)) is not None:
            size = seen[4]
            self._plain = quick = glanced(seen, buffer[:size], traced=settings.trace)
            self._buffer, self._reader = buffer[size:], None
            if not self._start_straight(quick):
                self._start_walk(quick.head, None)
            return True
        found = read_request(buffer, limit=settings.head_limit, seen=self._seen)
        if found is None:
            self._buffer, self._seen = buffer, len(buffer)
            return False
        head, size = found
        self._seen = 0
        # A body that could not be kept to be sent again is a walk's.
        short = size <= _SHORT and (head.fields.length or 0) <= settings.exchange.retry_limit
        self._plain = known = plain(head, buffer[:size], traced=settings.trace) if short else None
        if known is not None and known.length and self._start_again(known, buffer):
            return True
        self._buffer = buffer[size:]
        self._reader = reader = _reader_of(head)
        if known is not None and reader is None and self._start_straight(known):
            return True
        self._start_walk(head, reader)
        return True

    def _is_alike(self, known: Plain, data: bytes) -> bool:
        """Whether it is a head that can be seen at a glance because of those before; ``known`` is that one then."""
        alike, settings = self._alike, self._edge.settings
        if alike is None or len(data) >= settings.head_limit or (seen := alike.glance(data)) is None:
            return False
        known.renew(data, seen, traced=settings.trace)
        return True

    def _glance(self, buffer: bytes) -> Glance | None:
        alike, former = self._alike, self._plain
        if alike is not None and (seen := alike.glance(buffer)) is not None:
            return seen
        seen = glance(buffer)
        if seen is not None and former is not None and alike is not NOT_ALIKE:
            self._alike = likeness(alike, former.data, buffer[: seen[4]], seen[2])
        return seen

    def _start_walk(self, head: RequestHead, reader: Reader | None) -> None:
        self.deadline = None if reader is None else self._loop.time() + self._edge.settings.body_timeout
        self._walk = walk = Walk(self._edge, self._whole(), head)
        walk.start(body_complete=reader is None)

    def _start_straight(self, known: Plain, body: memoryview | None = None) -> bool:
        straight = self._straight
        if straight is None:
            straight = self._straight = Straight(self._edge, self._whole())
        self._walk = straight  # before it starts, for it may become a walk at once
        if not straight.start(known, body):
            self._walk = None
            return False
        self.deadline = None
        return True

    def _start_again(self, known: Plain, data: bytes) -> bool:
        """The same with what there is of the body behind a head that announces one."""
        size = len(known.data)
        end = size + known.length
        if not self._start_straight(known, memoryview(data)[size:end]):
            return False
        if len(data) < end:
            self._buffer, self._reader = b"", LengthReader(end - len(data))
            self.deadline = self._loop.time() + self._edge.settings.body_timeout
        else:
            self._buffer, self._reader = data[end:], None
        return True

    def _read_body(self, walk: Walk | Straight, reader: Reader) -> None:
        data, self._buffer = self._buffer, b""
        payload = reader.feed(data)
        if reader.done:
            self._buffer = reader.rest
            self.deadline = None
        else:
            self.deadline = self._loop.time() + self._edge.settings.body_timeout
        walk.on_payload(payload, complete=reader.done, trailers=reader.trailers)


def _reader_of(head: RequestHead) -> Reader | None:
    if head.fields.chunked:
        return ChunkedReader()
    return LengthReader(head.fields.length) if head.fields.length else None
