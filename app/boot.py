"""When this process came up, step by step, so that a slow start can be told from a slow network."""

import os
import time
from pathlib import Path


class Boot:
    """Wall-clock times of the steps from spawn to open port; served by ``/api/where``."""

    def __init__(self, wall: float) -> None:
        self._steps = {"python": wall}
        spawned = _spawned()
        if spawned is not None:
            self._steps["spawned"] = min(spawned, wall)

    def mark(self, step: str) -> None:
        self._steps[step] = time.time()

    @property
    def started(self) -> float:
        """When the process was spawned, or when Python ran where the system does not tell."""
        return min(self._steps.values())

    def to_json(self) -> dict[str, float]:
        """The steps in the order in which they happened."""
        return dict(sorted(self._steps.items(), key=lambda step: step[1]))


def _spawned() -> float | None:
    # Field 22 of /proc/self/stat is the start in clock ticks (10 ms) since boot, see proc(5); Linux only.
    try:
        stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        ticks, uptime = int(stat[19]), float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
