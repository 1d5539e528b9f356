"""A connection to a machine of another region: all that goes through it arrives a fixed time later.

write ──► delay line ──► socket        socket ──► delay line ──► head, body, end ──► Answers
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from flylab.local.answers import Straight
from flylab.local.flow import Hold
from flylab.local.latency import DelayLine
from flylab.local.upstream import Upstream

if TYPE_CHECKING:
    from flylab.local.pool import Pool


class Distant(Upstream):
    """One with a line for each direction."""

    __slots__ = ("_in", "_out")

    def __init__(self, key: object, *, delay: float, pool: "Pool") -> None:
        super().__init__(key, pool=pool)
        loop = asyncio.get_running_loop()
        self._out, self._in = DelayLine(loop, delay), DelayLine(loop, delay)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._in.drained = partial(self._gate.set, Hold.LINE, on=False)
        self._out.drained = partial(self._tell_blocked, False)

    def data_received(self, data: bytes) -> None:
        self._in.push(len(data), partial(super().data_received, data))
        if self._in.full:
            self._gate.set(Hold.LINE, on=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._out.close()
        super().connection_lost(exc)

    def ask(self, straight: Straight, head: bytes) -> None:
        self._answers = self._straight = straight
        self.write(head)

    def write(self, data: bytes) -> None:
        self._send(len(data), partial(super().write, data))

    def writelines(self, pieces: tuple[bytes | memoryview, ...]) -> None:
        self._send(sum(map(len, pieces)), partial(super().writelines, pieces))

    def write_eof(self) -> None:
        self._out.push(0, super().write_eof)

    def stretch(self, delay: float) -> None:
        self._in.stretch(delay)
        self._out.stretch(delay)

    def finish(self) -> None:
        self._out.push(0, super().finish)

    def close(self) -> None:
        self._in.close()
        self._out.close()
        super().close()

    def _send(self, size: int, write: Callable[[], None]) -> None:
        self._out.push(size, write)
        if self._out.full:
            self._tell_blocked(True)

    def _read_eof(self) -> None:
        self._in.push(0, super()._read_eof)

    def _read_lost(self) -> None:
        self._in.push(0, super()._read_lost)


def new_upstream(key: object, *, delay: float, pool: "Pool") -> Upstream:
    """A connection to a machine that is so many seconds away."""
    return Distant(key, delay=delay, pool=pool) if delay else Upstream(key, pool=pool)
