"""One process's way into the store: so many puts at a time, so many a second, first come, first served.

Without it a fast store would be asked once per entry, and a machine with hundreds of busy rooms would do nothing else:
whoever waits here gathers more entries into the same put. A machine that leaves has no such reason any more (`lift`).
"""

import asyncio
from collections import deque
from types import TracebackType

# All of these are our choice.
PUTS = 16  # at a time
PER_SECOND = 1_000.0  # about a fifth of a core with a folder as the store
BURST = 50  # puts that may begin at once after a quiet time
_TICK = 0.001  # loops do not wait for less


class Gate:
    """``async with gate:`` around each put."""

    def __init__(self, puts: int = PUTS, *, per_second: float = PER_SECOND, burst: int = BURST) -> None:
        self._puts = puts
        self._free = puts
        self._paced = True
        self._per_second = per_second
        self._burst = float(burst)
        self._allowance = float(burst)
        self._counted = 0.0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def lift(self, puts: int) -> None:
        """From now on so many puts at a time, as fast as they are done."""
        self._free += puts - self._puts
        self._puts = puts
        self._paced = False
        self._serve()

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._queue and self._admit(loop.time()):
            return
        turn = loop.create_future()
        self._queue.append(turn)
        self._arm(loop)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was our turn already
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _admit(self, now: float) -> bool:
        self._allowance = min(self._burst, self._allowance + (now - self._counted) * self._per_second)
        self._counted = now
        if self._free < 1 or (self._paced and self._allowance < 1):
            return False
        self._free -= 1
        self._allowance -= 1
        return True

    def _leave(self) -> None:
        self._free += 1
        self._serve()

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._queue:
            if self._queue[0].done():  # given up
                self._queue.popleft()
            elif self._admit(now):
                self._queue.popleft().set_result(None)
            else:
                break
        self._arm(loop)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        # Somebody who leaves lets in the next; a timer is needed only while the allowance is what is missing.
        if self._queue and self._free and self._timer is None:
            self._timer = loop.call_later(max(_TICK, (1 - self._allowance) / self._per_second), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._serve()
