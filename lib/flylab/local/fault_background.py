"""Faults that nobody asks for: the proxy closes sockets and stops busy machines, the host takes their CPU away."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.life import Life
from flylab.rules.orders import Happened
from flylab.wire.machine import MachineState as S

if TYPE_CHECKING:
    from flylab.local.troubles import Troubles

_PASS = 0.1  # seconds between looks for busy machines; our choice, Fly's loop takes minutes
_PERIOD, _SHARE = 0.080, 0.005  # seconds; machines/cpu-performance: a shared CPU has 5 of every 80 ms
_NAMES = frozenset({"autostop_busy", "going_away", "cpu_throttle"})


class Background:
    """Runs only while one of these faults is armed."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles = troubles
        self._names: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._left: dict[str, str] = {}  # the starts of machines whose sockets were closed
        self._throttled: dict[str, asyncio.Task[None]] = {}

    def look(self, names: frozenset[str]) -> None:
        """These faults are armed now."""
        self._names = names & _NAMES
        self._left.clear()
        if self._names and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        tasks = [task for task in (self._task, *self._throttled.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while self._names:
            for life in list(self._troubles.platform.fleet.machines()):
                if life.state is S.STARTED:
                    self._look_at(life)
            await self._troubles.platform.clock.sleep(_PASS)
        self._task = None

    def _look_at(self, life: Life) -> None:
        troubles, run = self._troubles, str(life.spawns)
        busy = troubles.platform.loads.of(life.id)
        if busy and troubles.strikes_machine("autostop_busy", life, once=run):
            troubles.going_away(life.id)
            with suppress(RuleError):  # leased or moved on meanwhile
                troubles.platform.apply(Happened(life.id, on.Stop(source="proxy")))
        elif busy and self._left.get(life.id) != run and troubles.strikes_machine("going_away", life, once=run):
            if troubles.going_away(life.id):  # what is busy may not be a socket yet
                self._left[life.id] = run
        elif life.id not in self._throttled:
            struck = troubles.strikes_machine("cpu_throttle", life, once=run)
            if struck and troubles.age(life) >= struck.seconds:
                task = self._throttled[life.id] = asyncio.get_running_loop().create_task(self._throttle(life))
                task.add_done_callback(lambda _: self._throttled.pop(life.id, None))

    async def _throttle(self, life: Life) -> None:
        """Stop its first process and let it go on, until the fault is disarmed or the machine leaves ``started``."""
        driver, clock, spawns = self._troubles.platform.driver, self._troubles.platform.clock, life.spawns
        stopped = False
        try:
            while "cpu_throttle" in self._names and life.state is S.STARTED and life.spawns == spawns:
                stopped = not stopped
                driver.send(life.id, "SIGSTOP" if stopped else "SIGCONT")
                await clock.sleep(_PERIOD - _SHARE if stopped else _SHARE)
        finally:
            # One that is being suspended stays frozen: its own thaw lets it go on.
            if stopped and life.state not in (S.SUSPENDING, S.SUSPENDED):
                driver.send(life.id, "SIGCONT")
