"""The memory of a machine as its endpoints tell it: the limit, what is left of it, and a lower limit by request.

Fly shrinks a machine by a balloon in its kernel. Here the limit is a number that is kept and shown; what enforces
memory is the platform's business, and nothing is ever taken back from a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.wire.fields import Json
from flylab.wire.machine import MachineConfig

KIND = "memory_limit"


@dataclass(frozen=True, slots=True)
class SetMemoryLimit:
    machine: str
    limit_mb: int


class MemoryLimits:
    """Limits that were set, by machine (a ``records.Collection``); they end with the version they were set for."""

    def __init__(self) -> None:
        self._limits: dict[str, int] = {}

    def rows(self) -> dict[str, int]:
        return self._limits

    def document(self, key: str) -> Json | None:
        return {"limit_mb": self._limits[key]} if key in self._limits else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._limits = {key: int(str(document["limit_mb"])) for key, document in documents.items()}

    def limit(self, machine: str, config: MachineConfig) -> int:
        """Megabytes: what was set, else the size of the machine."""
        return self._limits.get(machine, _size(config))

    def set(self, event: SetMemoryLimit, config: MachineConfig) -> list[Kept]:
        most = _size(config)
        if not 1 <= event.limit_mb <= most:
            raise RuleError("invalid_argument", f"limit_mb {event.limit_mb} is not between 1 and {most}")
        self._limits[event.machine] = event.limit_mb
        return [Kept(KIND, event.machine)]

    def drop(self, machine: str) -> list[Kept]:
        return [Kept(KIND, machine)] if self._limits.pop(machine, None) is not None else []


def left(limit_mb: int, used_bytes: int) -> int:
    """Whole megabytes that are still free; never less than none."""
    return max(0, limit_mb - -(-used_bytes // 2**20))


def _size(config: MachineConfig) -> int:
    return config.guest.memory_mb if config.guest else 256
