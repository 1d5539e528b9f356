"""One member's connection: checks what comes in and passes it to the hub; whatever is wrong with it harms nobody else.

frame ──► rate ──► parse ──► hello? ──► Hub.join ──► seat
                      └──► not readable: `Error` back      └──► every other message: Hub.act
"""

import asyncio
from collections.abc import Callable

from app.access import Grant
from app.config import Limits
from app.hub import Hub
from app.protocol import (
    BAD_HELLO,
    DRAG_BYTES,
    FORBIDDEN,
    FULL,
    VERSION,
    Cursor,
    Drag,
    Edit,
    Error,
    Hello,
    Links,
    Path,
    Unreadable,
    parse_message,
)
from app.rate import Bucket
from app.seats import Seat
from app.wire import RATE, Wire

# A member who has not said hello after this is not one (our choice).
HELLO_TIMEOUT = 10.0
# A longer message counts as so many of this length (our choice: with the rate, 240 KB a second of a connection).
_MESSAGE_BYTES = 4_096
# So many changes in one edit or drag count as one message (our choice: about 0.3 ms of work).
_CHANGES = 20


class Session:
    """What a connection is before and after its hello. Every method is synchronous."""

    __slots__ = ("_bucket", "_hello", "_hub", "_left", "_limits", "_loop", "_path", "_slowed", "_wire", "grant", "seat")

    def __init__(
        self,
        hub: Hub,
        path: Path,
        grant: Grant | None,
        *,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        left: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._path = path
        self.grant = grant
        self._limits = limits
        self._loop = loop
        self._left = left
        self._bucket = Bucket(rate=limits.messages_per_second, burst=limits.burst, now=loop.time())
        self._slowed = False
        self._wire: Wire | None = None
        self._hello: asyncio.TimerHandle | None = None
        self.seat: Seat | None = None

    def begin(self, wire: Wire) -> None:
        """The connection is open; a hello is expected soon."""
        self._wire = wire
        self._hub.expected += 1
        self._hello = self._loop.call_later(HELLO_TIMEOUT, self._expect_hello)

    def received(self, frame: bytes, binary: bool) -> None:
        """Act upon one frame."""
        wire = self._wire
        if wire is None:
            return
        size = len(frame)
        now = self._loop.time()
        pause = self._bucket.take(now) if size <= _MESSAGE_BYTES else self._bucket.take(now, size / _MESSAGE_BYTES)
        if pause:
            self._slow_down(wire, pause)
        try:
            message = parse_message(frame, most_bytes=self._limits.message_bytes, binary=binary)
        except Unreadable as exc:
            self._complain(exc.code, str(exc), op=exc.op)
            if self.seat is None:
                wire.close(BAD_HELLO, "hello expected")
            return
        seat = self.seat
        if seat is not None:
            if type(message) is Cursor:
                # By far the most frequent; one that comes too fast is superseded by the next anyway.
                self._hub.point(seat, message)
            elif type(message) is Hello:
                self._complain("hello-again", "hello was said already")
            else:
                if type(message) is Edit or type(message) is Drag:
                    message = self._weigh(wire, message, size)
                self._hub.act(seat, message)
        elif type(message) is Hello:
            wire.binary = binary
            self._enter(wire, message)
        else:
            self._complain("hello-first", "the first message must be hello")
            wire.close(BAD_HELLO, "hello expected")

    def drained(self) -> None:
        """What the member was sent has gone out: it can take more."""
        if self.seat is not None:
            self._hub.drained(self.seat)

    def lost(self) -> None:
        """The connection is gone; safe to call twice."""
        if self._wire is None:
            return
        self._wire = None
        self._stop_expecting()
        if self.seat is not None:
            self._hub.leave(self.seat)
        self._left()

    def _enter(self, wire: Wire, hello: Hello) -> None:
        self._stop_expecting()
        if hello.v != VERSION:
            self._complain("version", f"this room speaks version {VERSION}, not {hello.v}; load the page again")
            wire.close(BAD_HELLO, f"version {VERSION} expected")
        elif self._hub.connections >= self._limits.members:
            self._complain("full", f"room {self._hub.name} is full: {self._limits.members} connections")
            wire.close(FULL, "the room is full")
        else:
            grant = self._hub.renewed(self.grant, hello.key)
            role = self._hub.admit(grant)
            if role is None:
                self._complain("forbidden", self._hub.why_not(self.grant))
                wire.close(FORBIDDEN, "this link does not open the room")
            else:
                self.seat = self._hub.join(hello, wire, self._path, grant, role)
                if self.seat is not None and grant is not self.grant:
                    self._hub.act(self.seat, Links())  # theirs is another one now

    def _weigh(self, wire: Wire, message: Edit | Drag, size: int) -> Edit | Drag:
        """Count what it changes, and say what is to be done: for a drag that is too large, to end the one before."""
        if len(message.changes) > _CHANGES:
            # Many changes at once are as much work as so many messages.
            pause = self._bucket.take(self._loop.time(), len(message.changes) / _CHANGES)
            if pause:
                self._slow_down(wire, pause)
        if size > DRAG_BYTES and type(message) is Drag:
            self._complain("too-large", f"a drag may have {DRAG_BYTES} bytes, this one has {size}: it is not shown")
            return Drag()
        return message

    def _slow_down(self, wire: Wire, pause: float) -> None:
        if not self._slowed:
            self._slowed = True
            self._complain(
                "rate", f"more than {self._limits.messages_per_second} messages a second: the rest is read that fast"
            )
            wire.pause(RATE)
            self._loop.call_later(pause, self._speed_up)

    def _speed_up(self) -> None:
        self._slowed = False
        if self._wire is not None:
            self._wire.resume(RATE)

    def _complain(self, code: str, text: str, *, op: int | None = None) -> None:
        if self._wire is not None:
            error = Error(code=code, text=text) if op is None else Error(code=code, text=text, op=op)
            self._hub.tell(self._wire, error)

    def _stop_expecting(self) -> None:
        if self._hello is not None:
            self._hello.cancel()
            self._hello = None
            self._hub.expected -= 1

    def _expect_hello(self) -> None:
        self._stop_expecting()
        if self.seat is None and self._wire is not None:
            self._wire.close(BAD_HELLO, f"no hello within {HELLO_TIMEOUT:g} s")
