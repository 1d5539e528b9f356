"""What the machines that run now cost an hour, by Fly's published price; pure but for reading the price list once."""

from collections.abc import Iterable
from datetime import date
from typing import Any

# What a machine is taken for when nothing says how much memory it has: the smallest there is.
_SMALLEST_MB = 256


def paid(running: Iterable[str], *, memory_mb: int, on: date) -> dict[str, Any]:
    """How many machines run and what each costs an hour; for the list of rooms.

    Who asks knows the machines that hold rooms which he sees, so there may be more. Of a machine its memory alone is
    known, so it is taken for one with a shared CPU.
    """
    # Here, because who never shows a list does not need the prices.
    from flylab.published.prices import asked, prices

    known = [
        int(row.item.split()[1])
        for row in prices().values()
        if row.provider == "Fly.io" and row.item.startswith("shared-cpu-1x ") and row.item.endswith(" MB started")
    ]
    memory = min((size for size in known if size >= memory_mb), default=max(known)) if memory_mb else _SMALLEST_MB
    price = asked("Fly.io", "Machines", f"shared-cpu-1x {memory} MB started", on, scope="base regions iad and ewr")
    return {
        "machines": len(set(running)),
        "size": f"shared-cpu-1x {memory} MB",
        "usd_hour": round(price.price * 3600, 6),
        "published": price.date,
    }
