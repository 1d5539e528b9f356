"""Keepalive: everybody's turn once per interval, one timer for all, none for nobody; in a loop whose clock we turn."""

import asyncio
from collections.abc import Callable

from app.keepalive import Keepalive


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock(asyncio.AbstractEventLoop):
    """An event loop of timers only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None], Handle]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:  # type: ignore[override]
        handle = Handle()
        self.timers.append((when, callback, handle))
        return handle

    @property
    def waiting(self) -> int:
        return sum(not handle.cancelled for _, _, handle in self.timers)

    def advance(self, until: float) -> None:
        while self.timers:
            self.timers = [timer for timer in self.timers if not timer[2].cancelled]
            due = min(self.timers, key=lambda timer: timer[0], default=None)
            if due is None or due[0] > until:
                break
            self.timers.remove(due)
            self.now = max(self.now, due[0])
            due[1]()
        self.now = max(self.now, until)


class Connection:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.beats: list[tuple[float, bool]] = []

    def beat(self, *, excused: bool) -> None:
        self.beats.append((round(self.clock.now, 6), excused))


def test_each_connection_has_its_turn_once_per_interval_after_it_came() -> None:
    clock = Clock()
    keepalive = Keepalive(clock, 64.0)
    early, late = Connection(clock), Connection(clock)
    keepalive.add(early)
    clock.advance(10.0)
    keepalive.add(late)
    clock.advance(64.0 * 3)
    assert early.beats == [(64.0, False), (128.0, False), (192.0, False)]
    assert late.beats == [(74.0, False), (138.0, False)]
    assert clock.waiting == 1


def test_without_connections_or_interval_no_timer_runs() -> None:
    clock = Clock()
    keepalive = Keepalive(clock, 64.0)
    connection = Connection(clock)
    number = keepalive.add(connection)
    assert clock.waiting == 1
    keepalive.remove(connection, number)
    keepalive.remove(connection, number)
    assert clock.waiting == 0
    never = Keepalive(clock, None)
    never.remove(connection, never.add(connection))
    assert clock.waiting == 0


def test_after_the_machine_stood_still_everybody_gets_another_round_to_answer() -> None:
    clock = Clock()
    keepalive = Keepalive(clock, 64.0)
    connection = Connection(clock)
    keepalive.add(connection)
    clock.advance(63.5)
    clock.now = 5_000.0  # suspended
    clock.advance(5_000.0)
    clock.advance(5_200.0)
    assert [excused for _, excused in connection.beats] == [True, False, False, False]
    assert connection.beats[0][0] == 5_000.0
