"""One member's connection once the handshake is over: a socket, and next to nothing around it.

No task, queue or timer belongs to a quiet connection. What comes is cut into messages (`app.inbound`) that go to the
receiver in the same step; frames for the member are written as they are.
"""

import asyncio
import enum
import logging
from dataclasses import dataclass
from typing import Any

from app import masking
from app.inbound import Answer, End, Inbound, Message
from app.keepalive import Keepalive
from app.queued import unacknowledged
from app.wire import NOBODY, Receiver, Wire

__all__ = ["Link", "Receiver", "Shared", "Wire"]

_log = logging.getLogger("app.link")

# Time for a close frame to reach a member who does read, and for the answer to ours (our choices).
_GRACE = 1.0
_CLOSE_TIMEOUT = 10.0

# Answers to a member who does not take them: beyond this nothing more is read from it, so that it asks for no more.
_UNREAD_BYTES = 262_144

# Frames taken in one turn of the loop, so that one member's full buffer does not hold up all others. And how many that
# are no messages (pings, pongs, pieces of messages) a member may send in so many seconds, since nobody else counts
# them: a browser sends one, in answer to our ping. All our choices.
_TURN_FRAMES = 64
ODD_FRAMES = 1_000
ODD_SECONDS = 20.0

_BINARY = 0x82
_DATA = frozenset((0x81, _BINARY))  # whole messages
_PING = b"\x89\x00"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of one server have in common."""

    loop: asyncio.AbstractEventLoop
    keepalive: Keepalive
    most_bytes: int  # of one message
    connections: set[Any]  # uvicorn's; each has `shutdown`


class _State(enum.Enum):
    OPEN = enum.auto()
    CLOSING = enum.auto()  # we said goodbye and wait for the answer
    OVER = enum.auto()  # whatever still comes is ignored


class Link(asyncio.Protocol):
    """A `Wire` that is the transport's protocol; takes the place of the one that did the handshake."""

    __slots__ = (
        "_busy", "_choked", "_full", "_heard", "_inbound", "_left", "_number", "_odd", "_odd_since", "_paused",
        "_plain", "_receiver", "_shared", "_state", "_transport", "binary",
    )  # fmt: skip

    def __init__(self, shared: Shared, transport: asyncio.Transport, receiver: Receiver, early: bytes = b"") -> None:
        self.binary = False
        self._shared = shared
        self._transport = transport
        self._receiver: Receiver = receiver
        self._state = _State.OPEN
        self._inbound = Inbound(shared.most_bytes, early)
        self._heard = True
        self._left = -1  # what it had not taken when it was pinged last; not yet
        self._full = False
        self._paused = 0  # the reasons
        self._choked = False
        self._busy = False  # what has come is more than one turn's worth: nothing is read until it is taken
        self._odd = 0
        self._odd_since = 0.0
        self._settle()
        # Every write is tried at once, and what the kernel does not take shows at once.
        transport.set_write_buffer_limits(high=0)
        transport.set_protocol(self)
        shared.connections.add(self)
        self._number = shared.keepalive.add(self)
        if early:
            self._go_on_soon()

    # The wire ----------------------------------------------------------------------

    def write(self, frames: bytes) -> None:
        if self._state is _State.OPEN:
            self._send(frames)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size() if self._full else 0

    def untaken(self) -> int:
        return self.buffered() + unacknowledged(self._transport)

    def pause(self, why: int) -> None:
        before, self._paused = self._paused, self._paused | why
        if not before:
            self._set_reading()

    def resume(self, why: int) -> None:
        before, self._paused = self._paused, self._paused & ~why
        if before and not self._paused:
            self._set_reading()

    def close(self, code: int, reason: str = "") -> None:
        if self._say_goodbye(code, reason):
            # Its answer is a frame to be read.
            self._paused, self._choked = 0, False
            self._set_reading()
            self._abort_after(_CLOSE_TIMEOUT)

    def drop(self, code: int, reason: str = "") -> None:
        if self._state is not _State.OVER:
            self._say_goodbye(code, reason)
            self._hang_up()

    def shutdown(self) -> None:
        """uvicorn's word that the server ends."""
        self.drop(1012, "the server ends")

    def beat(self, *, excused: bool) -> None:
        """The keepalive's turn."""
        if self._state is not _State.OPEN:
            return
        # Whoever takes what it is sent is alive, though the ping and its pong must wait behind all of that.
        left = self.untaken()
        if self._left >= 0 and not (self._heard or self._paused or excused or left < self._left):
            self.drop(1011, "keepalive ping timeout")
            return
        self._heard = False
        self._left = left
        self._transport.write(_PING)

    # The transport's protocol ------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard = True
        # A small message in ASCII that is all there is: nearly always.
        if self._plain and len(data) > 6:
            first, second = data[0], data[1]
            if second >= 128 and len(data) == second - 122 and first in _DATA:
                payload = masking.apply_mask(data[6:], data[2:6])
                if first == _BINARY or payload.isascii():
                    self._deliver(payload, first == _BINARY)
                    return
        if self._state is not _State.OVER:
            self._inbound.feed(data)
            self._pump()

    def eof_received(self) -> None:
        """The transport closes itself."""

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._heard = True  # it takes what it is sent
        if self._choked:
            self._choked = False
            self._set_reading()
        if self._state is _State.OPEN:
            self._guard(self._receiver.drained)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _State.OVER
        self._settle()
        self._inbound.forget()
        self._shared.connections.discard(self)
        self._shared.keepalive.remove(self, self._number)
        receiver, self._receiver = self._receiver, NOBODY
        self._guard(receiver.lost)

    # Inside ----------------------------------------------------------------------------

    @property
    def _stopped(self) -> bool:
        return bool(self._paused) or self._choked

    def _send(self, frames: bytes) -> None:
        self._transport.write(frames)
        if self._full and not self._choked and self._transport.get_write_buffer_size() > _UNREAD_BYTES:
            self._choked = True
            self._set_reading()

    def _settle(self) -> None:
        """Say whether the next bytes can be taken the short way."""
        self._plain = (
            self._state is _State.OPEN and self._inbound.empty and not self._stopped and self._shared.most_bytes >= 125
        )

    def _pump(self) -> None:
        """Take what has come, one by one and not too much at once; when paused the rest waits for `resume`."""
        left = _TURN_FRAMES
        while self._state is not _State.OVER and not self._stopped:
            if not left and not self._inbound.empty:
                self._go_on_soon()
                return
            found = self._inbound.next()
            if found is None:
                break
            left -= 1
            if isinstance(found, Message) and self._state is _State.OPEN:
                self._deliver(found.payload, found.binary)
            elif self._too_odd():
                self.drop(1008, f"more than {ODD_FRAMES} frames that are no messages in {ODD_SECONDS:g} s")
            elif isinstance(found, Answer):
                if found.frames and not self._transport.is_closing():
                    self._send(found.frames)
                if found.end is End.CLOSED:
                    self._end()
                elif found.end is End.FAILED:
                    self._hang_up()
        self._settle()

    def _go_on_soon(self) -> None:
        """Take the rest in the next turn, and nothing new before that: what comes would overtake or pile up."""
        self._plain = False
        self._transport.pause_reading()
        if not self._busy:
            self._busy = True
            self._shared.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._busy = False
        self._pump()
        if not (self._busy or self._stopped or self._state is _State.OVER or self._transport.is_closing()):
            self._transport.resume_reading()

    def _too_odd(self) -> bool:
        """Count a frame that is no message for the room; whether it is one too many."""
        now = self._shared.loop.time()
        if now - self._odd_since >= ODD_SECONDS:
            self._odd_since, self._odd = now, 0
        self._odd += 1
        return self._odd > ODD_FRAMES

    def _deliver(self, payload: bytes, binary: bool) -> None:
        try:
            self._receiver.received(payload, binary)
        except Exception:
            _log.exception("a message could not be handled")
            self.drop(1011, "internal error")

    def _say_goodbye(self, code: int, reason: str) -> bool:
        if self._state is not _State.OPEN:
            return False
        self._state = _State.CLOSING
        self._plain = False
        frame = self._inbound.goodbye(code, reason)
        if not self._transport.is_closing():
            self._transport.write(frame)
        return True

    def _hang_up(self) -> None:
        """Say that nothing more comes, ignore what does, and cut soon.

        Closing at once would reset the connection if the member is still sending, and the close frame could be lost.
        """
        self._state = _State.OVER
        self._plain = False
        self._inbound.forget()
        self._abort_after(_GRACE)
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _end(self) -> None:
        """Both sides said goodbye."""
        self._state = _State.OVER
        self._plain = False
        self._transport.close()
        if self._full:
            self._abort_after(_GRACE)

    def _abort_after(self, delay: float) -> None:
        self._shared.loop.call_later(delay, self._transport.abort)

    def _set_reading(self) -> None:
        if self._state is _State.OVER or self._transport.is_closing():
            return
        if self._stopped:
            self._plain = False
            self._transport.pause_reading()
            return
        if self._inbound.empty:
            self._transport.resume_reading()
            self._settle()
        else:
            # Not from within whoever resumed: it may be `received` itself.
            self._go_on_soon()

    def _guard(self, call: Any) -> None:
        try:
            call()
        except Exception:
            _log.exception("the end of a wait or of a connection could not be handled")
