"""Keeping a schedule to well under a millisecond: senders do not wait, late ones are recorded, none is skipped."""

import asyncio
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flylab.measure.pacing import constant

# A run in which one send in a hundred was later than this says more about the generator than about the server.
LATE = 0.010
AT_ONCE = 256  # sends without a look at what came in, when there is much to catch up; our choice


@dataclass(slots=True)
class Pace:
    """How a schedule was kept."""

    sent: int = 0
    lateness: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def late(self) -> float:
        """The 99th percentile of how late sends were, in seconds."""
        ordered = sorted(self.lateness)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    @property
    def valid(self) -> bool:
        return self.late <= LATE


async def keep(
    schedule: Iterable[float],
    send: Callable[[int, float], None],
    *,
    began: float,
    clock: Callable[[], float] = time.monotonic,
    grain: float = 0.0,
) -> Pace:
    """Call ``send(number, due)`` for each moment of the schedule, which counts from ``began`` on that clock.

    With a ``grain`` it sleeps that long between looks at the clock: sends are up to as much late, and the core is free
    meanwhile. Without, it stays awake for the last millisecond before a send, and takes all of a core at high rates.
    """
    pace = Pace()
    lateness = pace.lateness
    dues = iter(schedule)
    due = next(dues, None)
    number = 0
    while due is not None:
        burst = number + AT_ONCE
        while due is not None and began + due <= (now := clock()) and number < burst:
            lateness.append(now - began - due)
            send(number, began + due)
            number += 1
            due = next(dues, None)
        if due is not None:
            # Timers are a millisecond coarse: the last one is spent looking at the clock.
            wait = began + due - clock() - 0.001
            await asyncio.sleep(max(wait, grain) if wait > 0.0005 else grain)
    pace.sent = number
    return pace


async def keep_pace(
    rate: float, seconds: float, send: Callable[[int, float], None], *, clock: Callable[[], float] = time.perf_counter
) -> Pace:
    """The same evenly at ``rate`` a second, from now on."""
    return await keep(constant(rate, seconds=seconds), send, began=clock() + 0.01, clock=clock)
