"""Runs the checks of all started machines: one timer for those that wait, a task only for each that is under way."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from flylab.clock import Clock
from flylab.errors import RuleError
from flylab.local.probe import probe
from flylab.rules.agenda import Agenda
from flylab.rules.checks import Check, CheckSettings
from flylab.rules.life import Life
from flylab.rules.orders import Checked
from flylab.wire.machine import MachineState

Key = tuple[str, str]  # machine and check
Address = Callable[[str, int], tuple[str, int] | None]


class Checker:
    """Told of every machine that changes; what a check finds goes to ``apply``."""

    def __init__(
        self, clock: Clock, settings: CheckSettings, *, address: Address, apply: Callable[[Checked], None]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._address = address
        self._apply = apply
        self._agenda: Agenda[Key] = Agenda()
        self._watched: dict[str, tuple[Life, int, dict[str, Check]]] = {}  # with the round of its health
        self._passed: set[Key] = set()  # since the start
        self._turn: deque[tuple[Key, int]] = deque()  # due, and more than may run at once
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def look(self, life: Life) -> None:
        """A machine has changed."""
        wanted = life.state is MachineState.STARTED and life.health.running and life.health.checks
        known = self._watched.get(life.id)
        if known is not None:
            if wanted and known[0] is life and known[1] == life.health.round:
                return
            self._forget(life.id)
        if not wanted:
            return
        checks = {check.name: check for check in life.health.checks}
        self._watched[life.id] = (life, life.health.round, checks)
        now = self._clock.now()
        for check in checks.values():
            self._agenda.put((life.id, check.name), now + check.first(self._settings))
        self._set()

    async def close(self) -> None:
        """Run nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, machine_id: str) -> None:
        _, _, checks = self._watched.pop(machine_id)
        for name in checks:
            key = (machine_id, name)
            self._agenda.drop(key)
            self._passed.discard(key)
            if key in self._tasks:
                self._tasks.pop(key).cancel()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._agenda.next_due()
        if due is not None and not self._closed:
            pause = max(due - self._clock.now(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(pause, self._run)

    def _run(self) -> None:
        for key in self._agenda.take(self._clock.now()):
            self._turn.append((key, self._watched[key[0]][1]))
        self._begin()
        self._set()

    def _begin(self) -> None:
        while self._turn and len(self._tasks) < self._settings.at_once and not self._closed:
            key, number = self._turn.popleft()
            life, current, checks = self._watched.get(key[0], (None, 0, {}))
            if life is not None and current == number:
                self._tasks[key] = asyncio.get_running_loop().create_task(self._check(key, life, checks[key[1]]))

    async def _check(self, key: Key, life: Life, check: Check) -> None:
        began, number = self._clock.now(), life.health.round
        task = asyncio.current_task()
        try:
            address = self._address(life.id, check.port)
            if address is None:
                if life.state is not MachineState.STARTED and life.id in self._watched:
                    self._forget(life.id)
                return
            outcome = await probe(check, address, self._settings)
            if self._tasks.get(key) is not task:
                return
            if outcome.passed:
                self._passed.add(key)
            # Planned before it is told: whatever follows from the news may forget it.
            self._agenda.put(key, began + check.every(self._settings, passed=key in self._passed))
            self._tell(Checked(life.id, number, check.name, outcome.passed, outcome.output))
        finally:
            if self._tasks.get(key) is task:
                del self._tasks[key]
            self._begin()
            self._set()

    def _tell(self, checked: Checked) -> None:
        with contextlib.suppress(RuleError):  # destroyed meanwhile
            self._apply(checked)
