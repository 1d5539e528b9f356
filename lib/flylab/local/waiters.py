"""Whoever waits for a machine to get somewhere: kept until its events say that it did, or that it never will."""

import asyncio

from flylab.errors import RuleError
from flylab.rules.actions import Noted
from flylab.rules.life import Life
from flylab.rules.waiting import Reached, Wanted
from flylab.wire.machine import MachineState


class Waiters:
    """All who wait, by machine; ``hear`` is given every event of every machine."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[tuple[Wanted, asyncio.Future[Reached]]]] = {}

    async def wait(self, life: Life, wanted: Wanted, patience: float) -> Reached:
        """Return as soon as the machine gets there; raises ``deadline_exceeded`` or ``machine_not_found``."""
        if reached := wanted.reached(life):
            return reached
        if life.state is MachineState.DESTROYED:
            raise RuleError("machine_not_found", "machine not found, it was destroyed")
        future: asyncio.Future[Reached] = asyncio.get_running_loop().create_future()
        entry = (wanted, future)
        self._waiting.setdefault(life.id, set()).add(entry)
        try:
            async with asyncio.timeout(patience):
                return await future
        except TimeoutError:
            states = ", ".join(sorted(wanted.states))
            text = f"machine {life.id} did not reach {states} within {patience:g}s, current state: {life.state}"
            raise RuleError("deadline_exceeded", text) from None
        finally:
            waiting = self._waiting.get(life.id, set())
            waiting.discard(entry)
            if not waiting:
                self._waiting.pop(life.id, None)

    def hear(self, noted: Noted) -> None:
        event = noted.event
        for wanted, future in list(self._waiting.get(noted.machine, ())):
            if future.done():
                continue
            if wanted.meets(event, noted.version):
                future.set_result(Reached(event.status, event.id, noted.version))
            elif event.status == MachineState.DESTROYED:
                future.set_exception(RuleError("machine_not_found", "machine not found, it was destroyed"))

    def close(self) -> None:
        """The platform stops: nobody waits any longer."""
        for _, future in [entry for entries in self._waiting.values() for entry in entries]:
            if not future.done():
                future.set_exception(RuleError("unavailable", "the platform is stopping"))
