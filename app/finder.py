"""Finds a machine for a room, or has one made: asks the Machines API and tries what `pool.plan` says, in its order.

What it remembers only saves time and work: the list of machines for a moment, machines that turned a room away, regions
that were full. Each thing is asked or made once for all visitors who wait for it meanwhile.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from app.config import Pool
from app.fleet import Fleet, FleetDown, NotMade
from app.pool import Bounds, Make, Nowhere, Use, order_regions, plan, template
from app.recent import Recent
from flylab.wire.machine import Machine, MachineConfig

# All our choice, in seconds: how long a list of machines is good, and good enough while the API is away; how long one
# is waited for; how long the API is left alone after a failure; how long a machine that turned a room away is asked
# after all others; how long a full region is left alone.
LIST_LIFE = 2.0
OLD_LIST_LIFE = 60.0
LIST_TIMEOUT = 4.0
DOWN_PAUSE = 5.0
SHUNNED = 10.0
FULL = 30.0
# Machines that one visitor has made or waits for before only those that are there already count.
MOST_TRIES = 6

_log = logging.getLogger("app")
T = TypeVar("T")


class Finder:
    """The machines of the rooms app, as one lobby knows them; without ``open_fleet`` it knows none."""

    def __init__(
        self,
        open_fleet: Callable[[], Awaitable[Fleet]] | None,
        *,
        pool: Pool,
        regions: tuple[str, ...],
        given: MachineConfig | None,
        list_timeout: float = LIST_TIMEOUT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_fleet
        self._pool = pool
        self._regions = regions
        self._given = given
        self._list_timeout = list_timeout
        self._now = now
        self._fleet: Fleet | None = None
        self._list: list[Machine] = []
        self._listed: float | None = None
        self._down_until: float | None = None
        self._shunned: Recent[str] = Recent(SHUNNED)
        self._full: Recent[str] = Recent(FULL)
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    def shun(self, machine: str) -> None:
        """This machine could not be reached, or turned a room away: ask it last for a while."""
        self._shunned.add(machine, self._now())

    def order(self, edge: str, wanted: str) -> tuple[str, ...]:
        """The regions to ask for a visitor at ``edge`` who wants to be in ``wanted``, if they said so."""
        return tuple(order_regions(edge, self._list, wanted=wanted, offered_here=self._regions))

    async def find(self, room: str, *, edge: str, wanted: str, tried: tuple[str, ...]) -> str | Nowhere | None:
        """The id of a machine that can take the room, why there is none, or None when the API does not tell."""
        machines = await self._machines()
        if not machines and (machines is None or not self._may_make(machines)):
            return None
        order, gone = self.order(edge, wanted), set(tried)
        found: str | Nowhere | None = None
        for shunned in (self._shunned.all(self._now()), set[str]()):
            found = await self._try(room, machines, order, gone, shunned, "" if wanted else edge)
            if isinstance(found, str):
                break
        # An empty list has come back by mistake before (Fly, April 2026): the proxy knows better.
        return found if machines or isinstance(found, str) else None

    async def close(self) -> None:
        """Let nothing go on."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        if self._fleet is not None:
            await self._fleet.close()

    async def _try(
        self, room: str, machines: list[Machine], order: tuple[str, ...], gone: set[str], shunned: set[str], edge: str
    ) -> str | Nowhere:
        for attempt in range(MOST_TRIES + 1):
            may_make = attempt < MOST_TRIES and self._may_make(machines)
            regions = frozenset(self._regions or order) - self._full.all(self._now()) if may_make else frozenset()
            bounds = Bounds(most=self._pool.most, most_per_region=self._pool.most_per_region, regions=regions)
            step = plan(room, machines, order=order, bounds=bounds, tried=gone | shunned, edge=edge)
            if isinstance(step, Nowhere):
                return step
            if isinstance(step, Use) and not step.coming:
                return step.machine
            try:
                if isinstance(step, Make):
                    return await self._once(("make", step.region), partial(self._make, step, machines))
                await self._once(("start", step.machine), partial(self._start, step.machine))
                return step.machine
            except (NotMade, FleetDown) as exc:
                if isinstance(exc, FleetDown):
                    self._is_down(exc)
                else:
                    _log.warning("no machine for rooms in %s: %s", step.region, exc)
                if isinstance(step, Use):
                    gone.add(step.machine)
                else:
                    self._full.add(step.region, self._now())
        return Nowhere(why=f"none of {MOST_TRIES} machines has started in time")

    async def _machines(self) -> list[Machine] | None:
        now = self._now()
        if self._open is not None and not self._is_listed(LIST_LIFE) and not self._resting(now):
            try:
                await self._once("list", self._look)
            except FleetDown as exc:
                self._is_down(exc)
        return self._list if self._is_listed(OLD_LIST_LIFE) else None

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(self._list_timeout):
                self._list = await (await self._api()).machines()
        except TimeoutError as exc:
            raise FleetDown(f"the Machines API gave no list within {self._list_timeout:g} s") from exc
        self._listed = self._now()

    async def _make(self, make: Make, machines: list[Machine]) -> str:
        config = template(machines) or self._given
        assert config is not None  # `_may_make` says so
        fleet = await self._api()
        machine = await fleet.make(make.name, make.region, config)
        await fleet.started(machine)
        _log.info("machine %s (%s) in %s is there for rooms", machine, make.name, make.region)
        if self._listed is not None:  # the next visitor shall see it
            self._listed = min(self._listed, self._now() - LIST_LIFE)
        return machine

    async def _start(self, machine: str) -> None:
        await (await self._api()).started(machine)

    async def _api(self) -> Fleet:
        if self._fleet is None:
            assert self._open is not None
            self._fleet = await self._once("open", self._open)
        return self._fleet

    def _may_make(self, machines: list[Machine]) -> bool:
        if self._open is None or self._resting(self._now()):
            return False
        return template(machines) is not None or self._given is not None

    def _is_listed(self, life: float) -> bool:
        return self._listed is not None and self._now() - self._listed < life

    def _resting(self, now: float) -> bool:
        return self._down_until is not None and now < self._down_until

    def _is_down(self, exc: FleetDown) -> None:
        _log.warning("rooms that exist go on; new ones go where the proxy finds a machine: %s", exc)
        self._down_until = self._now() + DOWN_PAUSE

    async def _once(self, what: Hashable, do: Callable[[], Awaitable[T]]) -> T:
        task = self._under_way.get(what)
        if task is None:
            task = asyncio.ensure_future(do())
            self._under_way[what] = task
            task.add_done_callback(lambda done: self._done(what, done))
        result: T = await asyncio.shield(task)  # goes on when the visitor who came first has left
        return result

    def _done(self, what: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[what]
        if not task.cancelled():
            task.exception()  # seen by whoever still waits
