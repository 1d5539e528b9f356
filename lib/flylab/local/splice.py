"""Two byte pipes after a 101: whatever one side sends goes to the other, until both have ended; frames are not read.

Only when the machine is about to be stopped by the proxy a close frame is put between two of its frames.

client ──data, end──► Pipe ──► machine        machine ──data, end──► Pipe ──► client
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from flylab.local.http1 import ResponseHead
from flylab.local.upstream import Upstream
from flylab.wire.websocket import GOING_AWAY, is_whole

_SHORT = 1024  # bytes of a chunk that may be kept to be looked at later, one for each pipe; our choice
_LONG = 65_536  # bytes of a frame under way that may be kept while its end is waited for; our choice


class ClientSide(Protocol):
    """What a pipe needs of the connection to the client."""

    def write(self, data: bytes) -> None: ...

    def write_eof(self) -> None: ...

    def hold(self, *, on: bool) -> None: ...

    def finish(self) -> None: ...


class Pipe:
    """Joins a client and a machine; ``over`` is called once, when the last direction has ended.

    A process that dies looks like one that has said its last word, so a pipe with one end left is closed when nothing
    has moved for ``half_open`` seconds.
    """

    __slots__ = (
        "_client",
        "_client_ended",
        "_half_open",
        "_last",
        "_leaving",
        "_machine_ended",
        "_moved",
        "_over",
        "_said",
        "_timer",
        "_upstream",
    )

    def __init__(self, client: ClientSide, upstream: Upstream, over: Callable[[], None], *, half_open: float) -> None:
        self._last: bytes | bool = True  # the machine's last chunk, or whether a frame ended with it
        self._leaving = False  # the client is to be told that the machine goes away …
        self._said = False  # … and was told
        self._half_open = half_open
        self._moved = False
        self._timer: asyncio.TimerHandle | None = None
        self._client = client
        self._upstream = upstream
        self._over: Callable[[], None] | None = over
        self._client_ended = False
        self._machine_ended = False

    # ── from the client ─────────────────────────────────────────────────────────────────────────────────────────

    def on_client_data(self, data: bytes) -> None:
        self._moved = True
        self._upstream.write(data)

    def on_client_end(self) -> None:
        """The client sends no more but may still listen."""
        self._client_ended = True
        self._upstream.write_eof()
        self._close_if_ended()

    def on_client_lost(self) -> None:
        self._upstream.finish()
        self._tell_over()

    def on_client_blocked(self, blocked: bool) -> None:
        self._upstream.hold(on=blocked)

    # ── from the machine (upstream.Answers) ─────────────────────────────────────────────────────────────────────

    def on_head(self, head: ResponseHead) -> None:
        """Never: after the 101 there are no heads."""

    def on_body(self, payload: bytes) -> None:
        self._moved = True
        if self._leaving:
            self._write_last(payload)
            return
        self._last = payload if len(payload) <= _SHORT else is_whole(payload)
        self._client.write(payload)

    def on_flush(self) -> None:
        """Nothing is held back."""

    def on_end(self) -> None:
        self._machine_ended = True
        self._client.write_eof()
        self._close_if_ended()

    def on_lost(self) -> None:
        self._client.finish()
        self._tell_over()

    def on_blocked(self, blocked: bool) -> None:
        self._client.hold(on=blocked)

    # ── from the platform ───────────────────────────────────────────────────────────────────────────────────────

    def going_away(self) -> None:
        """Close what is a WebSocket with 1001 behind the frame that is under way; the answer goes to the machine."""
        if self._leaving or self._machine_ended:
            return
        self._leaving = True
        self._say_going()

    def _write_last(self, payload: bytes) -> None:
        if self._said:  # nothing may follow a close frame
            return
        self._client.write(payload)
        begun = self._last if isinstance(self._last, bytes) and not is_whole(self._last) else b""
        self._last = begun + payload if len(begun) + len(payload) <= _LONG else is_whole(payload)
        self._say_going()

    def _say_going(self) -> None:
        if self._last if isinstance(self._last, bool) else is_whole(self._last):
            self._said = True
            self._client.write(GOING_AWAY)

    def _close_if_ended(self) -> None:
        if self._client_ended and self._machine_ended:
            self._close()
        elif self._timer is None:
            self._moved = False
            self._timer = asyncio.get_running_loop().call_later(self._half_open, self._close_if_still)

    def _close_if_still(self) -> None:
        if self._moved:
            self._timer = None
            self._close_if_ended()
        else:
            self._close()

    def _close(self) -> None:
        self._upstream.finish()
        self._client.finish()
        self._tell_over()

    def _tell_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        over, self._over = self._over, None
        if over is not None:
            over()
