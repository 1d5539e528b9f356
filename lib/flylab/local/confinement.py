"""What the supervisor does about one machine's limits: its control group, its cores, and whether it ran out of memory.

It imports the standard library alone, because the supervisor does.
"""

import contextlib
import os
import time
from typing import Any

from flylab.local.bursts import Throttle
from flylab.local.limits import MB, Cells, Victim, enter, is_inside, oom_kills, remove


class Confinement:
    """The limits of one machine, as the order to spawn it says: empty ones hold nothing."""

    def __init__(self, machine: str, limits: dict[str, Any], number: int) -> None:
        self._limits = limits
        self._number = number  # which machine of all this is, to spread them over the cores
        self._cell, self._before = "", 0
        self.throttle: Throttle | None = None
        self.killed = False
        self._watched = "memory_mb" in limits and "memory" not in limits["controllers"]
        if limits.get("controllers"):
            try:
                self._cell = cells(limits).make(machine, limits)
                self._before = oom_kills(self._cell)  # a group whose last process was slow to die is used again
                if limits.get("burst"):
                    self.throttle = Throttle(self._cell, limits["cpus"], time.monotonic())
            except OSError:
                self._watched = "memory_mb" in limits

    def enter(self) -> None:
        """In the forked child, before it turns into the machine's program."""
        if self._cell:
            enter(self._cell)
        cpus = self._limits.get("cpus", 0)
        if self._limits.get("affinity"):
            cores = sorted(os.sched_getaffinity(0))
            if 0 < cpus < len(cores):
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(0, {cores[(self._number + i) % len(cores)] for i in range(cpus)})

    def settled(self) -> None:
        """The program runs: it is inside its group now, or has to be watched."""
        if self._cell and not is_inside(self._cell):
            self._watched = "memory_mb" in self._limits

    @property
    def watched(self) -> int:
        """Bytes that its processes may hold while somebody looks; 0 when nobody has to."""
        return (self._limits["memory_mb"] + self._limits["swap_mb"]) * MB if self._watched else 0

    def out_of_memory(self) -> bool:
        """Whether one of its processes was killed for want of memory."""
        return self.killed or bool(self._cell and oom_kills(self._cell) > self._before)

    def close(self) -> None:
        if self._cell:
            remove(self._cell)


def cells(limits: dict[str, Any]) -> Cells:
    """The groups of the platform that this supervisor serves."""
    return Cells(limits["group"], f"flylab-{os.getpid()}", limits["controllers"])


def describe(victim: Victim, limit: int) -> str:
    """What the log says, in the kernel's own words."""
    return (
        f"Out of memory: killed process {victim.pid}, the machine held {victim.held / MB:.0f} MB"
        f" and may have {limit / MB:.0f} MB"
    )
