"""Which regions are close: orders regions as seen from one of them; the round trips themselves are given to it."""

from collections.abc import Callable, Iterable

from flylab.wire.regions import regions_of

# The round trip in milliseconds between two region codes; ``flylab.published.network.rtt()`` is one.
RoundTrip = Callable[[str, str], float]


def by_closeness(origin: str, regions: Iterable[str], rtt: RoundTrip) -> tuple[str, ...]:
    """The distinct regions, nearest first; equally near ones by code."""
    return tuple(sorted(set(regions), key=lambda region: (rtt(origin, region), region)))


def expand(wanted: tuple[str, ...], origin: str, known: Iterable[str], rtt: RoundTrip) -> tuple[str, ...]:
    """Codes in the order of a region list; an alias becomes its known regions, nearest first, each region once."""
    near = by_closeness(origin, known, rtt)
    ordered: dict[str, None] = {}
    for word in wanted:
        covered = frozenset(regions_of(word, near))
        ordered.update(dict.fromkeys(region for region in near if region in covered))
    return tuple(ordered)
