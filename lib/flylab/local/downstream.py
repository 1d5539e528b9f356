"""One client's connection to an edge: reads requests one after the other, writes answers in the same order.

bytes ──► head ──► Walk        while a walk lasts: body ──► Walk, later requests wait in the buffer
      ◄── answer ◄── Walk      after a 101: bytes ──► Pipe
            └──► Straight      instead of a walk, for a head that asks nothing of the proxy
"""

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from flylab.local.body import ChunkedReader, LengthReader, Reader
from flylab.local.flow import Gate, Hold
from flylab.local.front import Front
from flylab.local.glance import glance
from flylab.local.http1 import BadMessage, RequestHead, read_request
from flylab.local.plain import Plain, glanced, plain
from flylab.local.splice import Pipe
from flylab.local.straight import Straight
from flylab.local.walk import Walk
from flylab.wire.port_options import NONE, HttpOptions

if TYPE_CHECKING:
    from flylab.local.edge import Edge

_AHEAD = 65_536  # bytes of later requests that may wait while one is answered; our choice
_SHORT = 4096  # bytes of a head that is remembered for its connection; our choice
_LINGER = 2.0  # seconds in which a client may read a refusal while it is still sending; our choice


class Downstream(asyncio.Protocol):
    """Speaks HTTP/1.1 to one client; ``deadline`` is when the edge gives up on it, in the loop's time."""

    def __init__(self, edge: "Edge", front: Front) -> None:
        self._edge = edge
        self.front = front
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._walk: Walk | Straight | None = None
        self._straight: Straight | None = None  # made for the first head without a wish; a pipe never has one
        self._plain: Plain | None = None  # the last head without a wish; clients repeat themselves
        self._reader: Reader | None = None
        self._pipe: Pipe | None = None
        self._lingering = False
        self._closed = False
        self.options = NONE.http
        self._head_timeout = edge.settings.head_timeout
        self._idle_timeout = edge.settings.idle_timeout
        self._watch: asyncio.TimerHandle | None = None  # while an app bounds silence
        self._moved = False
        self.blocked = False  # the client does not read what it is sent
        self._seen = 0  # bytes of the buffer in which no head ends
        self.address = b"127.0.0.1"
        self.deadline: float | None = None
        self._received = self._sent = 0  # bytes since `moved` was asked

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gate = Gate(self._transport)
        # asyncio leaves Nagle's algorithm on for sockets that were made without naming the protocol.
        if (connection := transport.get_extra_info("socket")) is not None:  # a stream of HTTP/2 has none
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer[0] != "127.0.0.1":
            self.address = str(peer[0]).encode()
        self._tcp = connection is not None
        room = self._edge.connected(self, tcp=self._tcp)
        self.deadline = self._loop.time() + self._head_timeout
        if not room:
            self._refuse(503, f"this edge has as many connections as it may, which is {self._edge.room}")

    def data_received(self, data: bytes) -> None:
        self._moved = True
        self._received += len(data)
        known = self._plain
        if (  # what comes now is answered next, and at once
            known is not None
            and (data == known.data if not known.length else data.startswith(known.data))
            and self._walk is None
            and not self._buffer
            and not self.blocked
            and not self._closed
            and (self._start_straight(known) if not known.length else self._start_again(known, data))
        ):
            return
        if self._pipe is not None:
            self._pipe.on_client_data(data)
        elif not self._lingering:
            before = self._buffer
            self._buffer = before + data if before else data
            self._advance()
            if self._walk is None and self._buffer and not before:
                self.deadline = self._loop.time() + self._head_timeout

    def eof_received(self) -> bool:
        if self._pipe is None:
            return False  # a client that stops sending before its answer has left
        self._pipe.on_client_end()
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self.deadline = None
        self._unwatch()
        self._edge.disconnected(self, tcp=self._tcp)
        pipe, self._pipe = self._pipe, None
        walk, self._walk = self._walk, None
        if pipe is not None:
            pipe.on_client_lost()
        elif walk is not None:
            walk.on_client_gone()

    def pause_writing(self) -> None:
        self.blocked = True
        self._tell_blocked(True)

    def resume_writing(self) -> None:
        self.blocked = False
        self._tell_blocked(False)
        if self._walk is None and self._pipe is None and self._buffer:
            self._gate.set(Hold.TURN, on=False)
            self._advance()

    # ── for the walk and the pipe ───────────────────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> None:
        self._moved = True
        if not self._closed:
            self._sent += len(data)
            self._transport.write(data)

    def answer(self, data: bytes) -> tuple[int, int]:
        """A straight way ends with this answer; returns the bytes that have moved, as ``moved`` does."""
        self._walk = self._reader = None
        self._moved = True
        received, sent = self._received, self._sent + len(data)
        self._received = self._sent = 0
        self._transport.write(data)
        if self._gate.reasons:
            self._gate.set(Hold.PEER | Hold.TURN, on=False)
        self.deadline = self._loop.time() + self._idle_timeout
        if self._buffer:
            self._loop.call_soon(self._advance)
        return received, sent

    def walks(self, walk: Walk) -> None:
        """A walk goes on with the request that had gone straight."""
        self._walk = walk

    def moved(self) -> tuple[int, int]:
        """Bytes from and to the client since this was last asked."""
        found, self._received, self._sent = (self._received, self._sent), 0, 0
        return found

    def write_eof(self) -> None:
        if self._closed or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        elif not self._lingering:  # TLS has no half of a connection
            self._transport.close()

    def hold(self, *, on: bool) -> None:
        """Stop or go on reading the request's body, or the client's side of a pipe."""
        if not self._closed:
            self._gate.set(Hold.PEER, on=on)

    def finish(self) -> None:
        """Close after what is still to be sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once, so that a broken answer cannot be taken for a whole one."""
        self._transport.abort()

    def request_complete(self) -> bool:
        """Whether the present request's body has been read to its end."""
        return self._reader is None or self._reader.done

    def next(self, *, keep_alive: bool) -> None:
        """The answer is complete: go on with the next request, or close."""
        complete = self.request_complete()
        self._unwatch()
        self._walk, self._reader = None, None
        if self._closed:
            return
        self.hold(on=False)
        if complete and keep_alive:
            self._gate.set(Hold.TURN, on=False)
            self.deadline = self._loop.time() + self._idle_timeout
            if self._buffer:
                self._loop.call_soon(self._advance)
        elif complete:
            self._transport.close()
        else:
            self._linger()

    def obey(self, options: HttpOptions) -> None:
        """What the app asks of its connections from now on: how long they may be silent, how long a head may take."""
        self.options = options
        self._head_timeout = options.headers_read_timeout or self._edge.settings.head_timeout
        self._idle_timeout = options.idle_timeout or self._edge.settings.idle_timeout
        self._unwatch()
        if options.idle_timeout is not None:
            self._moved = False
            self._watch = self._loop.call_later(self._idle_timeout, self._look)

    def _look(self) -> None:
        if self._moved:  # the wait begins anew: silence is noticed after one to two times its length
            self._moved = False
            self._watch = self._loop.call_later(self._idle_timeout, self._look)
        else:
            self._watch = None
            self._transport.abort()

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def pipe(self, pipe: Pipe) -> None:
        """Become a pipe; bytes that came early go first."""
        self._pipe, self._walk = pipe, None
        self._plain = self._straight = None  # most pipes are idle, and there are many
        self.hold(on=False)
        self._gate.set(Hold.TURN, on=False)
        early, self._buffer = self._buffer, b""
        if early:
            pipe.on_client_data(early)

    def time_out(self) -> None:
        """Too long without a complete request head, or without more of a body that is waited for."""
        self.deadline = None
        walk = self._walk
        if walk is not None:
            if self._gate.closed:  # it is we who do not read
                self.deadline = self._loop.time() + self._edge.settings.body_timeout
                return
            self._walk = None
            if walk.on_bad_body():
                self._refuse(408, "the request's body did not arrive in time")
            else:
                self.abort()
        elif self._buffer:
            self._refuse(408, "the request did not arrive in time")
        else:
            self._transport.close()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

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
        if not self._seen and len(buffer) < settings.head_limit and (seen := glance(buffer)) is not None:
            size = seen.size
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
        self._plain = known = plain(head, buffer[:size], traced=settings.trace) if size <= _SHORT else None
        if known is not None and 0 < known.length <= settings.exchange.retry_limit and self._start_again(known, buffer):
            return True
        self._buffer = buffer[size:]
        self._reader = reader = _reader_of(head)
        if known is not None and reader is None and self._start_straight(known):
            return True
        self._start_walk(head, reader)
        return True

    def _start_walk(self, head: RequestHead, reader: Reader | None) -> None:
        self.deadline = None if reader is None else self._loop.time() + self._edge.settings.body_timeout
        self._walk = walk = Walk(self._edge, self, head)
        walk.start(body_complete=reader is None)

    def _start_straight(self, known: Plain, body: memoryview | None = None) -> bool:
        straight = self._straight
        if straight is None:
            straight = self._straight = Straight(self._edge, self)
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

    def _refuse(self, status: int, text: str) -> None:
        self.write(self.front.heads.refusal(status, text, close=True))
        self._linger()

    def _linger(self) -> None:
        # Closing while the client still sends would reset the connection and lose the answer on its way.
        self._lingering, self._plain = True, None
        self._buffer, self.deadline = b"", None
        self._gate.set(Hold.PEER | Hold.TURN, on=False)
        self.write_eof()
        self._loop.call_later(_LINGER, self._transport.close)

    def _tell_blocked(self, blocked: bool) -> None:
        if self._pipe is not None:
            self._pipe.on_client_blocked(blocked)
        elif self._walk is not None:
            self._walk.on_client_blocked(blocked)


def _reader_of(head: RequestHead) -> Reader | None:
    if head.fields.chunked:
        return ChunkedReader()
    return LengthReader(head.fields.length) if head.fields.length else None
