"""How far apart regions are, from the published round trips; an unknown region is infinitely far from all."""

from collections.abc import Callable, Iterable
from functools import cache
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flylab.published.network import Rtt


# Milliseconds between two regions, as `round_trip` tells them.
RoundTrip = Callable[[str, str], float]


def round_trip(a: str, b: str) -> float:
    """Milliseconds between two regions; infinite when nobody has published where one of them is."""
    if a == b and a not in _table().places:
        return inf  # such as "local": not a place on the map
    try:
        return _table()(a, b)
    except KeyError:
        return inf


def by_closeness(origin: str, regions: Iterable[str]) -> tuple[str, ...]:
    """The distinct regions, nearest to ``origin`` first; equally near ones by code."""
    return tuple(sorted(set(regions), key=lambda region: (round_trip(origin, region), region)))


@cache
def offered() -> tuple[str, ...]:
    """Every region that Fly offered when the table was made, by code."""
    from flylab.published.network import regions

    return tuple(region.code for region in regions() if not region.deprecated)


@cache
def _table() -> "Rtt":
    # Late: 15 ms that a room's first message does not need.
    from flylab.published.network import rtt

    return rtt()
