"""An open loop: what is to be sent when is fixed beforehand; falling behind is recorded and does not slow the plan."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# A run in which one send in a hundred was later than this says more about the generator than about the server.
LATE = 0.010


@dataclass
class Pace:
    """What a run of the plan was like."""

    sent: int = 0
    lateness: list[float] = field(default_factory=list)

    @property
    def late(self) -> float:
        """The 99th percentile of how late sends were, in seconds."""
        ordered = sorted(self.lateness)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    @property
    def valid(self) -> bool:
        return self.late <= LATE


async def keep_pace(
    rate: float, seconds: float, send: Callable[[int, float], None], *, clock: Callable[[], float] = time.perf_counter
) -> Pace:
    """Call ``send(number, scheduled)`` at ``rate`` a second, evenly, for so many seconds."""
    pace = Pace()
    began = clock() + 0.01
    count = round(rate * seconds)
    number = 0
    lateness = pace.lateness
    while number < count:
        now = clock()
        while number < count and (due := began + number / rate) <= now:
            send(number, due)
            lateness.append(clock() - due)
            number += 1
        if number < count:
            # Timers are a millisecond coarse: the last one is spent looking at the clock.
            wait = began + number / rate - clock() - 0.001
            await asyncio.sleep(wait if wait > 0.0005 else 0)
    pace.sent = number
    return pace
