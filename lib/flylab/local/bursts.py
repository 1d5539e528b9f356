"""How fast a machine with shared CPUs may run: at full speed while it has a balance, then at its baseline.

DOCUMENTED machines/cpu-performance: in each 80 ms a shared CPU has 5 ms, which all CPUs of a machine share; what is not
used becomes a balance, and while there is one the machine runs at up to 100 %.

    CPU time used, time ──► Balance ──► quota of each period ──► cpu.max of the control group

It imports the standard library alone, because the supervisor does.
"""

import contextlib

PERIOD = 80_000  # microseconds
BASELINE = 5_000  # of each period and CPU
FIRST = 5.0  # seconds of balance at the start, for each CPU; documented for one, that it counts for each is assumed
MOST = 500.0  # … that can be saved up
_LOOK = 0.25  # seconds between looks, by which a balance may be overdrawn; it is paid back. Our choice


class Balance:
    """The CPU time that a machine has saved up; times are in seconds."""

    def __init__(self, cpus: int, *, used: float, now: float) -> None:
        self._cpus = cpus
        self._used, self._at = used, now
        self.held = FIRST * cpus

    def spend(self, used: float, now: float) -> int:
        """Take ``used``, all CPU time since it began, into account; returns its quota in microseconds of a period."""
        earned = (now - self._at) * self._cpus * BASELINE / PERIOD
        self.held = min(self.held + earned - (used - self._used), MOST * self._cpus)
        self._used, self._at = used, now
        return self._cpus * (PERIOD if self.held > 0 else BASELINE)


class Throttle:
    """Holds the control group of one machine to its balance; ``look`` is to be called when it is ``due``."""

    def __init__(self, cell: str, cpus: int, now: float) -> None:
        self._cell = cell
        self._balance = Balance(cpus, used=_used(cell), now=now)  # a group can be used again
        self._quota = 0
        self.due = now

    def look(self, now: float) -> None:
        """Without a group that can be read, it is gone with its machine."""
        if now < self.due:
            return
        self.due = now + _LOOK
        with contextlib.suppress(OSError):
            quota = self._balance.spend(_used(self._cell), now)
            if quota != self._quota:
                with open(f"{self._cell}/cpu.max", "w") as file:
                    file.write(f"{quota} {PERIOD}")
                self._quota = quota


def _used(cell: str) -> float:
    """Seconds of CPU time of the group's processes, those that have ended included (cpu.stat)."""
    with open(f"{cell}/cpu.stat") as file:
        told = dict(line.split(maxsplit=1) for line in file)
    return int(told.get("usage_usec", 0)) / 1e6
