"""The driver as the platform sees it: with faults armed, machines fail to start, stop late or listen in vain."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from flylab.rules import lifecycle as on
from flylab.wire.machine import Machine
from flylab.wire.machine import MachineState as S

if TYPE_CHECKING:
    from flylab.local.driver import Driver
    from flylab.local.troubles import Troubles

ADDRESS = frozenset({"slow_port", "early_port", "target_5xx", "host_down"})


class FaultyDriver:
    """Implements ``driver.Driver``; what is not named here is the true driver's."""

    def __init__(self, driver: "Driver", troubles: "Troubles") -> None:
        self._driver = driver
        self._troubles = troubles
        self._waiting: dict[asyncio.TimerHandle, Callable[[], None]] = {}
        self.address = driver.address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def look(self, names: frozenset[str]) -> None:
        """These faults are armed now; addresses are asked for at every request, so they cost nothing without any."""
        self.address = self._bent_address if names & ADDRESS else self._driver.address

    def spawn(self, machine: Machine, app: str, secrets: Mapping[str, str]) -> None:
        life = self._troubles.life(machine.id)
        struck = life and self._troubles.strikes_machine(("boot_failed", "unpack_failed"), life, once=str(life.spawns))
        if not struck:
            self._driver.spawn(machine, app, secrets)
            return
        why = f"a fault of flylab: {struck.name}"
        what = on.StartFailed(why) if struck.name == "boot_failed" else on.LaunchFailed(why)
        asyncio.get_running_loop().call_soon(self._troubles.report, machine.id, what)

    def terminate(self, machine_id: str, signal: str, timeout: float) -> None:
        life = self._troubles.life(machine_id)
        struck = life and life.state is S.REPLACING and self._troubles.strikes_machine("slow_replace", life)
        seconds = struck.seconds if struck else 0.0
        self._later(seconds, partial(self._driver.terminate, machine_id, signal, timeout))

    def remove(self, machine_id: str) -> None:
        life = self._troubles.life(machine_id)
        struck = life and self._troubles.strikes_machine("slow_destroy", life, once="destroy")
        self._later(struck.seconds if struck else 0.0, partial(self._driver.remove, machine_id))

    def hurry(self) -> None:
        """Do at once what was put off: the fault is disarmed, or everything comes to its end."""
        waiting, self._waiting = self._waiting, {}
        for timer, do in waiting.items():
            timer.cancel()
            do()

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        if not seconds:
            do()
            return

        def run() -> None:
            self._waiting.pop(timer, None)
            do()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._waiting[timer] = do

    def _bent_address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        address, troubles = self._driver.address(machine_id, internal_port), self._troubles
        life = troubles.life(machine_id)
        if address is None or life is None:
            return address
        if troubles.strikes_machine("host_down", life, once="host"):
            return troubles.traps.deaf()
        age = troubles.age(life)
        struck = troubles.strikes_machine("slow_port", life, once=str(life.spawns))
        if struck and age < struck.seconds:
            return troubles.traps.closed()
        struck = troubles.strikes_machine("early_port", life, once=str(life.spawns))
        if struck and age < struck.seconds:
            return troubles.traps.dropping()
        struck = troubles.strikes_machine("target_5xx", life)
        return troubles.traps.broken(int(struck.seconds)) if struck else address
