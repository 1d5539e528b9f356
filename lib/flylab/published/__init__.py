"""Published figures with their sources, carried as package data, and their readers.

``claim("c045")``, ``price("p007")`` and ``distribution("openstatus-2024")`` are one row or table by its id,
``regions()`` and ``rtt()`` the network; the modules have the rest: all claims, prices on a day, the values behind a
round trip.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flylab.published.claims import claim
    from flylab.published.distributions import distribution
    from flylab.published.network import regions, rtt
    from flylab.published.prices import price

__all__ = ["claim", "distribution", "price", "regions", "rtt"]  # made when asked for, below

# A room server needs the round trips alone, within the milliseconds of its start.
_HOMES = {
    "claim": "claims",
    "distribution": "distributions",
    "price": "prices",
    "regions": "network",
    "rtt": "network",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
