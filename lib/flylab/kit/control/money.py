"""What a machine costs in an hour while it runs, by Fly's list prices; nothing is measured here."""

from collections.abc import Mapping
from datetime import date
from functools import cache

from flylab.costs.bills import TODAY
from flylab.errors import UsageError
from flylab.published.prices import asked, multiplier

HOUR = 3600.0
INCLUDED_MB = {"shared": 256, "performance": 2048}  # per CPU, as the items of published/prices.csv say
_ITEMS = {"shared": "shared vCPU with its 256 MB", "performance": "performance vCPU with its 2 GB"}
_MEMORY = "RAM above the included amount, per GB"


def usd_per_hour(guest: Mapping[str, object], region: str, on: date = TODAY) -> float | None:
    """While it runs; None where no price is published for such a machine in such a region.

    >>> round(usd_per_hour({"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}, "iad"), 6)
    0.003047
    """
    kind, cpus, memory = guest.get("cpu_kind", "shared"), guest.get("cpus", 1), guest.get("memory_mb", 256)
    if not (isinstance(kind, str) and isinstance(cpus, int) and isinstance(memory, int)):
        return None
    return _price(kind, cpus, memory, region, on)


@cache  # machines come in few sizes, and 500 of them are reckoned again and again
def _price(kind: str, cpus: int, memory_mb: int, region: str, on: date) -> float | None:
    if kind not in _ITEMS:
        return None
    try:
        second = cpus * asked("Fly.io", "Machines", _ITEMS[kind], on).price
        above = max(memory_mb - cpus * INCLUDED_MB[kind], 0) / 1024
        second += above * asked("Fly.io", "Machines", _MEMORY, on).price
        return HOUR * second * multiplier(region, on).price
    except UsageError:
        return None
