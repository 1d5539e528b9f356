"""One client's connection to an edge: reads requests one after the other, writes answers in the same order.

bytes ──► Incoming ──► Walk, Straight
      ◄── answer ◄──────┘              after a 101: bytes ──► Pipe
"""

import asyncio
from typing import TYPE_CHECKING, cast

from flylab.local.flow import Gate, Hold
from flylab.local.front import Front
from flylab.local.incoming import Incoming
from flylab.local.splice import Pipe
from flylab.local.walk import Walk
from flylab.wire.port_options import NONE, HttpOptions

if TYPE_CHECKING:
    from flylab.local.edge import Edge

_LINGER = 2.0  # seconds in which a client may read a refusal while it is still sending; our choice


class Downstream(Incoming):
    """Speaks HTTP/1.1 to one client; ``deadline`` is when the edge gives up on it, in the loop's time."""

    __slots__ = ("_idle_timeout", "_sent", "_tcp", "_transport", "_watch", "address", "front", "options")

    def __init__(self, edge: "Edge", front: Front) -> None:
        self._edge = edge
        self.front = front
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._walk = self._straight = self._plain = self._alike = self._reader = self._pipe = None
        self._lingering = self._closed = self._moved = self.blocked = False
        self.options = NONE.http
        self._head_timeout = edge.settings.head_timeout
        self._idle_timeout = edge.settings.idle_timeout
        self._watch: asyncio.TimerHandle | None = None  # while an app bounds silence
        self._seen = 0
        self.address = b"127.0.0.1"
        self.deadline = None
        self._received = self._sent = 0  # bytes since `moved` was asked

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gate = Gate(self._transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer[0] != "127.0.0.1":
            self.address = str(peer[0]).encode()
        # A stream of HTTP/2 has no name. Its socket is not asked for: uvloop would keep what it makes of it.
        self._tcp = transport.get_extra_info("sockname") is not None
        room = self._edge.connected(self, tcp=self._tcp)
        self.deadline = self._loop.time() + self._head_timeout
        if not room:
            self._refuse(503, f"this edge has as many connections as it may, which is {self._edge.room}")

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

    def answer(self, data: bytes, moved: list[int]) -> None:
        """A straight way ends with this answer; the bytes from and to the client are added to ``moved``."""
        self._walk = self._reader = None
        moved[0] += self._received
        moved[1] += self._sent + len(data)
        self._received = self._sent = 0
        self._transport.write(data)
        if self._gate.reasons:
            self._gate.set(Hold.PEER | Hold.TURN, on=False)
        self.deadline = self._edge.pool.next_sweep + self._idle_timeout
        if self._buffer:
            self._loop.call_soon(self._advance)

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
        self._plain = self._alike = self._straight = None  # most pipes are idle, and there are many
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

    def _whole(self) -> "Downstream":
        return self

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
