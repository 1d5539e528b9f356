"""Distance between regions, made of waiting: each chunk is handed on a fixed time after it came, in order.

    push ──► [(due, what), (due, what), …] ──one timer──► deliver

The wait counts from a chunk's arrival, so it delays every byte alike and never limits how many are on their way
(an idea of Shopify/toxiproxy's latency toxic). Without a delay there is no line at all, and nothing to pay.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from flylab.rules.proximity import RoundTrip

# Timers of event loops are good to a millisecond, so what is due within half of one is delivered at once.
_TICK = 0.0005
# Bytes on their way before a line counts as full and its source is paused: 16 MiB is 1 Gbit/s at 130 ms.
FULL = 16 * 1024 * 1024


class Latency:
    """The round trips that an edge adds towards the machines of each region; an input, shown in every trace."""

    def __init__(self, rtt: RoundTrip | None, added: RoundTrip | None = None) -> None:
        """``added`` is what comes to it while a link is slow (rules/links.py)."""
        self._rtt = rtt
        self._added = added

    def round_trip_ms(self, edge: str, region: str) -> float:
        """0 when latency is off, unless the link between them was made slow."""
        usual = 0.0 if self._rtt is None else self._rtt(edge, region)
        return usual if self._added is None else usual + self._added(edge, region)

    def one_way(self, edge: str, region: str) -> float:
        """Seconds for one direction."""
        return self.round_trip_ms(edge, region) / 2000


class DelayLine:
    """Calls that are made a fixed time after they were pushed, in the order of pushing."""

    __slots__ = ("_delay", "_loop", "_queue", "_timer", "drained", "size")

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self._loop = loop
        self._delay = delay
        self._queue: deque[tuple[float, int, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.size = 0
        self.drained: Callable[[], None] | None = None  # told when a full line has room again

    @property
    def full(self) -> bool:
        return self.size >= FULL

    def push(self, size: int, call: Callable[[], None]) -> None:
        """Make the call one delay from now; ``size`` is what it keeps in memory."""
        due = self._loop.time() + self._delay
        self._queue.append((due, size, call))
        self.size += size
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._deliver)

    def stretch(self, delay: float) -> None:
        """Another delay for what comes from now on; it does not overtake what is on its way."""
        self._delay = delay

    def close(self) -> None:
        """Forget what is still on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._queue.clear()
        self.size = 0

    def _deliver(self) -> None:
        was_full = self.full
        now = self._loop.time() + _TICK
        while self._queue and self._queue[0][0] <= now:
            _, size, call = self._queue.popleft()
            self.size -= size
            call()
        if self._timer is not None:  # a call may have closed the line
            self._timer = self._loop.call_at(self._queue[0][0], self._deliver) if self._queue else None
        if was_full and not self.full and self.drained is not None:
            self.drained()
