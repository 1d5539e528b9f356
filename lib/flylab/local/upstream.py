"""One connection to a machine; what to send and why is decided elsewhere. To another region it is a ``Distant`` one.

write ──► socket        socket ──► head, body, end ──► Answers
"""

import asyncio
from typing import TYPE_CHECKING, cast

from flylab.local.answering import Answering
from flylab.local.answers import Answers, Straight
from flylab.local.flow import Gate, Hold
from flylab.local.repeat import NOTHING_KNOWN

if TYPE_CHECKING:
    from flylab.local.dials import Dial
    from flylab.local.pool import Pool

_JOINED = 16_384  # bytes that are copied rather than sent apart; our choice
_DRAIN = 65_536  # bytes of an unwanted body that are read to keep the connection; our choice


class Upstream(Answering):
    """A connection that carries one request at a time, and after a 101 raw bytes both ways.

    Connections with equal ``key`` are alike to the pool; one without a key carries a single request.
    """

    __slots__ = ("_gate", "_pool", "dialled", "reset", "reused")

    def __init__(self, key: object, *, pool: "Pool") -> None:
        self.key = key
        self.reused = self.heard = False
        self.trouble = ""
        self.reset = False  # it ended while something that was sent had not been read
        self.idle_since = 0.0
        self.line = None
        self.dialled: Dial | None = None  # is told when it is connected
        self.known = NOTHING_KNOWN
        self.trailers = self._buffer = self._method = b""
        self._pool = pool
        self._answers = self._straight = self._found = self._head = self._reader = None
        self._piped = self._sent = self._ended = False
        self._drain = 0

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gate = Gate(self._transport)
        self._pool.opened(self)
        dialled, self.dialled = self.dialled, None
        if dialled is not None:
            dialled.made(self)

    def data_received(self, data: bytes) -> None:
        straight = self._straight
        if straight is not None:
            self._straight = None
            known = self.known
            if (len(data) == known.size and data.startswith(known.start)) or self._is_whole(data):
                known = self.known
                self._answers = None
                if self.line is None:
                    self._rest()
                else:  # the same, without a call
                    self.reused, self.idle_since = True, self._pool.next_sweep
                    self.line.append(self)
                straight.on_whole(known, data[known.length :])
                return
        self._read(data)

    def eof_received(self) -> bool:
        if not self._piped:
            return False
        self._read_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.reset = isinstance(exc, ConnectionError)
        self._pool.closed(self)
        self._read_lost()

    def pause_writing(self) -> None:
        self._tell_blocked(True)

    def resume_writing(self) -> None:
        self._tell_blocked(False)

    # ── towards the machine ─────────────────────────────────────────────────────────────────────────────────────

    def begin(self, answers: Answers, method: bytes) -> None:
        """Take the next request; its bytes follow by ``write``."""
        self._answers, self._method = answers, method
        self._sent = False

    def ask(self, straight: Straight, head: bytes) -> None:
        """Send a request of which only the whole answer matters, unless there is something about it."""
        self._answers = self._straight = straight
        self._transport.write(head)

    def ask_with(self, straight: Straight, head: bytes, body: list[bytes | memoryview], *, whole: bool) -> None:
        """The same with as much of its body as there is."""
        self._answers, self._straight = straight, straight if whole else None
        if len(body[0]) > _JOINED:  # in one system call as well, but nothing is copied
            self.writelines((head, *body))
        else:
            self.write(b"".join((head, *body)))

    def go_on(self, straight: Straight, payload: bytes, *, whole: bool) -> None:
        """Send more of its body; an answer that has begun before all was sent is none that comes whole."""
        if whole:
            self._straight = None if self.heard else straight
        self.write(payload)

    def tell(self, answers: Answers, method: bytes, *, whole: bool) -> None:
        """Somebody else hears the answer from now on, to a request that went straight as far as it has come."""
        self._answers, self._straight = answers, None
        self._method, self._sent = method, whole

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def writelines(self, pieces: tuple[bytes | memoryview, ...]) -> None:
        self._transport.writelines(pieces)

    def sent(self) -> None:
        """The request is complete."""
        self._sent = True

    def write_eof(self) -> None:
        """Send no more; the other direction stays open."""
        if not self._transport.is_closing():
            self._transport.write_eof()

    def hold(self, *, on: bool) -> None:
        """Stop or go on reading, as the client keeps up."""
        self._gate.set(Hold.PEER, on=on)

    def discard(self) -> None:
        """The answer is not wanted: keep the connection if its end is near, close it otherwise."""
        self._answers = None
        if not self._sent or self._head is None or self._head.status == 101:
            self.close()
        elif self._reader is None or self._reader.done:
            self._free()
        else:
            self._drain = _DRAIN
            self.hold(on=False)

    def pipe(self, answers: Answers) -> None:
        """From now on hand bytes on as they are, beginning with those that came right behind the head."""
        self._piped, self._answers = True, answers
        self.known = NOTHING_KNOWN
        self._head = self._reader = self.key = None  # most pipes are idle, and there are many
        early, self._buffer = self._buffer, b""
        if early:
            answers.on_body(early)

    def close(self) -> None:
        """End the connection; nobody is told."""
        self._answers = self._straight = None
        self._ended = True
        self._transport.abort()

    def stretch(self, delay: float) -> None:
        """Another distance to the machine from now on; a connection that was made without any keeps none."""

    def cut(self) -> None:
        """The way to the machine is gone; whoever waits for it is told."""
        self._transport.abort()

    @property
    def peer(self) -> object:
        """The machine's address."""
        return self._transport.get_extra_info("peername")

    def finish(self) -> None:
        """Close after what is still to be sent."""
        self._transport.close()

    # ── from the machine ────────────────────────────────────────────────────────────────────────────────────────

    def _rest(self) -> None:
        """Nothing to do from now on."""
        if self.line is None:  # it was for one request
            self.close()
            return
        self.reused, self.idle_since = True, self._pool.next_sweep
        self.line.append(self)

    def _tell_blocked(self, blocked: bool) -> None:
        if self._answers is not None:
            self._answers.on_blocked(blocked)
