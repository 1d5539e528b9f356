"""Visitors who keep coming from chosen cities at a chosen rate, whether they are answered or not (an open loop).

They ask for a page or a room over HTTP. All of them end with ``stop``, and with the kernel at the latest.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from flylab.errors import UsageError
from flylab.kit.control.deeds import check_region, check_room, city
from flylab.kit.target import Lab
from flylab.measure import visitors as fast
from flylab.measure.pacing import poisson
from flylab.measure.plan import Deed

MOST = 200.0  # a second from all cities together; our choice: what two cores carry beside everything else
CONNECTIONS = 64  # of one city at once; our choice
TIMEOUT = 30.0  # seconds, as long as a wake may take
SWEEP = 0.25  # seconds between looks at who has waited too long
DAY = 86_400.0


@dataclass(slots=True)
class Came:
    """What became of the visitors of one city."""

    asked: int = 0
    ended: Counter[str] = field(default_factory=Counter)  # by outcome, "ok" among them
    late: float = 0.0  # seconds by which the latest request missed its moment

    @property
    def failed(self) -> int:
        return self.ended.total() - self.ended["ok"]


class Visitors:
    """Those of one lab; ``say`` tells in a sentence how they fare."""

    def __init__(self, lab: Lab, *, rng: Random | None = None) -> None:
        self.lab = lab
        self.rates: dict[str, float] = {}
        self.came: dict[str, Came] = {}
        self._rng = rng or Random()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        return any(not task.done() for task in self._tasks)

    async def start(self, app: str, rates: Mapping[str, float], *, room: str = "") -> str:
        """From now on so many a second from each region, instead of those before; ``room`` is what they ask for."""
        for region, rate in rates.items():
            check_region(self.lab, region)
            if not 0 < rate < math.inf:
                raise UsageError(f"{rate:g} visitors a second from {city(region)}: the rate must be above 0")
        if not rates:
            raise UsageError("no city is chosen")
        if (total := sum(rates.values())) > MOST:
            raise UsageError(f"{total:g} visitors a second are more than {MOST:g}, the most that are sent")
        path = f"/api/rooms/{check_room(room)}" if room else "/api/where"
        await self.stop()
        self.rates, self.came = dict(rates), {region: Came() for region in rates}
        self._tasks = [asyncio.ensure_future(self._come(app, region, rate, path)) for region, rate in rates.items()]
        where = ", ".join(f"{rate:g}/s from {city(region)}" for region, rate in rates.items())
        return f"Visitors come: {where}, asking for {path}."

    async def stop(self) -> str:
        """Nobody comes any more; who waits for an answer goes."""
        was, tasks, self._tasks = self.running, self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return f"No more visitors come. {self.say()}" if was else "No visitors came."

    def say(self) -> str:
        """``212 visitors, 210 answered, 2 failed (503)``."""
        ended = sum((each.ended for each in self.came.values()), Counter[str]())
        bad = {outcome: n for outcome, n in ended.items() if outcome != "ok"}
        why = f" ({', '.join(f'{n} × {outcome}' for outcome, n in sorted(bad.items()))})" if bad else ""
        asked = sum(each.asked for each in self.came.values())
        return f"{asked} visitors, {ended['ok']} answered, {sum(bad.values())} failed{why}."

    async def _come(self, app: str, region: str, rate: float, path: str) -> None:
        """From one city until it is cancelled; the platform may end and come back at another address."""
        loop, came = asyncio.get_running_loop(), self.came[region]
        deed = Deed(do="get", path=path, headers={"host": f"{app}.fly.dev"})
        url, pool, data = "", None, b""
        sweeping: asyncio.Task[None] | None = None
        began = loop.time()
        try:
            for due in poisson(rate, seconds=DAY, rng=self._rng):
                await asyncio.sleep(max(0.0, began + due - loop.time()))
                came.late = max(came.late, loop.time() - began - due)
                if pool is None or url != self.lab.edges[region]:
                    await _end(pool, sweeping)
                    url = self.lab.edges[region]
                    address = fast.Address(url)
                    pool = fast.Visitors(address, clock=loop.time, most=CONNECTIONS, timeout=TIMEOUT)
                    data = fast.request(address, deed)
                    sweeping = asyncio.ensure_future(_sweep(pool))
                came.asked += 1
                pool.ask(data, _counted(came))
        finally:
            await _end(pool, sweeping)


def _counted(came: Came) -> Callable[[float, str], None]:
    def done(_at: float, outcome: str) -> None:
        came.ended[outcome] += 1

    return done


async def _sweep(pool: fast.Visitors) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        pool.sweep()


async def _end(pool: fast.Visitors | None, sweeping: asyncio.Task[None] | None) -> None:
    if sweeping is not None:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
    if pool is not None:
        await pool.close()
