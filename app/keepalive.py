"""Pings quiet connections and ends silent ones, thousands of them with one timer."""

import asyncio
from typing import Protocol

# A connection's turn comes once per interval; the turns are spread over this many ticks (our choice).
_TICKS = 64


class Beating(Protocol):
    """A connection as it is looked at here."""

    def beat(self, *, excused: bool) -> None:
        """Its turn: end it if it left the last ping unanswered (unless ``excused``), else ping it."""


class Keepalive:
    """Calls `Beating.beat` on each connection every ``interval`` seconds; without an interval never."""

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float | None) -> None:
        self._loop = loop
        self._tick = interval / _TICKS if interval else 0.0
        self._turns: list[set[Beating]] = [set() for _ in range(_TICKS)]
        self._now = 0
        self._count = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._excused = 0

    def add(self, connection: Beating) -> int:
        """Look after this one, first a whole interval from now; the number is for `remove`."""
        if self._tick:
            self._turns[self._now].add(connection)
            self._count += 1
            if self._timer is None:
                self._due = self._loop.time()
                self._wait()
        return self._now

    def remove(self, connection: Beating, number: int) -> None:
        """The connection is gone; without any left the timer stops."""
        turn = self._turns[number]
        if connection in turn:
            turn.remove(connection)
            self._count -= 1
            if not self._count and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _wait(self) -> None:
        self._due += self._tick
        self._timer = self._loop.call_at(self._due, self._turn)

    def _turn(self) -> None:
        late = self._loop.time() - self._due
        if late > max(1.0, self._tick):
            # This process stood still (a suspended machine), and answers may wait unread: one round more for all.
            self._excused = _TICKS
            self._due += late
        self._wait()
        self._now = (self._now + 1) % _TICKS
        for connection in tuple(self._turns[self._now]):
            connection.beat(excused=self._excused > 0)
        self._excused = max(0, self._excused - 1)
