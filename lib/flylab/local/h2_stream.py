"""One stream of an HTTP/2 connection as the transport of a ``Downstream``, which speaks HTTP/1.1 over it.

DATA ──► received ──► Downstream ──► Walk        a paused Downstream leaves the window closed
HEADERS, DATA, trailers ◄── write ◄── Downstream     a closed window pauses the Downstream
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from flylab.local.h2_heads import Headers, framed, last_chunk
from flylab.local.h2_messages import AnswerReader, Data, End, Head

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.h2_front import Http2

_HIGH, _LOW = 65_536, 16_384  # bytes of an answer that wait for a window; our choice, as asyncio's own buffers


class Stream(asyncio.Transport):
    """Frames go through ``connection``; every method returns at once and none calls the Downstream back, but later."""

    def __init__(self, connection: "Http2", number: int, method: bytes, *, chunked: bool) -> None:
        super().__init__()
        self.number = number
        self.ended = False  # the client has sent all of its request
        self._connection = connection
        self._reader = AnswerReader(method)
        self._chunked = chunked
        self._reading = True
        self._inbox: deque[tuple[bytes, int]] = deque()  # pieces of the request, and what each took of the window
        self._outbox: deque[bytes] = deque()
        self._waiting = 0  # bytes in the outbox
        self._blocked = False
        self._trailers: Headers | None = None  # the answer is complete but for what is in the outbox
        self._over = False

    def begin(self, downstream: "Downstream", head: bytes, *, ended: bool) -> None:
        """Hand over the request's head."""
        self.downstream = downstream
        self.ended = ended
        downstream.connection_made(self)
        downstream.data_received(head)

    # ── from the client ─────────────────────────────────────────────────────────────────────────────────────────

    def received(self, payload: bytes, size: int) -> None:
        """A piece of the body; ``size`` is what it took of the window."""
        if self._over:
            self._connection.taken(self.number, size)
            return
        self._inbox.append((framed(payload, chunked=self._chunked), size))
        self._read()

    def complete(self, trailers: Headers) -> None:
        """The request is complete."""
        self.ended = True
        if self._chunked and not self._over:
            self._inbox.append((last_chunk(trailers), 0))
            self._read()

    def lost(self) -> None:
        """The client has taken the request back, or is gone."""
        if not self._over:
            self._end()

    def _read(self) -> None:
        while self._reading and self._inbox and not self._over:
            data, size = self._inbox.popleft()
            if data:
                self.downstream.data_received(data)
            self._connection.taken(self.number, size)

    # ── towards the client ──────────────────────────────────────────────────────────────────────────────────────

    def pump(self) -> None:
        """Send as much as the windows let through."""
        while self._outbox and (room := self._connection.room(self.number)):
            piece = self._outbox.popleft()
            if len(piece) > room:
                self._outbox.appendleft(piece[room:])
                piece = piece[:room]
            self._waiting -= len(piece)
            self._connection.send_data(self.number, piece)
        if self._blocked and self._waiting <= _LOW:
            self._blocked = False
            self._connection.later(self.downstream.resume_writing)
        if not self._outbox and self._trailers is not None and not self._over:
            self._connection.send_end(self.number, self._trailers)
            self._finish()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._over:
            return
        events = self._reader.feed(bytes(data))
        if len(events) == 2 and isinstance(events[0], Head) and events[1] == End([]):
            # In one frame: gRPC's clients take its status from a head that is the end as well.
            self._connection.send_headers(self.number, events[0].headers, last=True)
            self._finish()
            return
        for event in events:
            match event:
                case Head(headers):
                    self._connection.send_headers(self.number, headers)
                case Data(payload):
                    self._outbox.append(payload)
                    self._waiting += len(payload)
                case End(trailers):
                    self._trailers = trailers
        self.pump()
        if self._waiting > _HIGH and not self._blocked:
            self._blocked = True
            self._connection.later(self.downstream.pause_writing)

    def _finish(self) -> None:
        if not self.ended:
            self._connection.linger(self.number)  # the rest of the request is not wanted
        self._end()

    def _end(self) -> None:
        self._over = True
        for _, size in self._inbox:
            self._connection.taken(self.number, size)
        self._inbox.clear()
        self._outbox.clear()
        self._connection.gone(self)
        # Not at once: whoever writes the last bytes has something to do after it.
        self._connection.later(self.downstream.connection_lost, None)

    # ── asyncio.Transport ───────────────────────────────────────────────────────────────────────────────────────

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._connection.peer if name == "peername" else default

    def is_closing(self) -> bool:
        return self._over

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        if self._inbox:
            self._connection.later(self._read)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The end of the answer says it already."""

    def close(self) -> None:
        """An answer that is complete goes out first; one that is not is broken off."""
        if self._trailers is None:
            self.abort()

    def abort(self) -> None:
        if not self._over:
            self._connection.break_off(self.number)
            self._end()
