"""Two byte pipes after a 101: whatever one side sends goes to the other, until both have ended; frames are not read.

client ──data, end──► Pipe ──► machine        machine ──data, end──► Pipe ──► client
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from flylab.local.http1 import ResponseHead
from flylab.local.upstream import Upstream


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

    __slots__ = ("_client", "_client_ended", "_half_open", "_machine_ended", "_moved", "_over", "_timer", "_upstream")

    def __init__(self, client: ClientSide, upstream: Upstream, over: Callable[[], None], *, half_open: float) -> None:
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
