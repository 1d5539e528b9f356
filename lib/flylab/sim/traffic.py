"""Who comes to which room, when, from where and for how long: a day's visits, drawn from a few numbers and a seed.

All of it is assumed by whoever asks. Rates follow the hour at each place, so that the day goes round the world.
"""

import math
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from random import Random

from flylab.errors import UsageError
from flylab.published.network import regions as known_regions

DAY = 86_400.0
_BUSIEST = 20.0  # the local hour; assumed
_SPREAD = 0.8  # sigma of the logarithm of a stay's length: one in six is 2.2 times the median or longer; assumed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One member of one room; seconds since the day began."""

    room: str
    region: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A day of visits. A visit is one opening of a room: somebody comes, others follow."""

    shares: Mapping[str, float]  # region → its share of the visits
    visits: float = 500.0  # in the day, on average
    rooms: int = 200  # which all are opened equally often
    members: float = 3.0  # of a visit, on average
    minutes: float = 20.0  # that a member stays, the median
    abroad: float = 0.3  # chance that a member who follows comes from another region
    quiet: float = 0.1  # rate in the quietest hour, as a part of the busiest

    def __post_init__(self) -> None:
        if not self.shares:
            raise UsageError("shares names no region; visits have to come from somewhere")
        codes = {region.code for region in known_regions()}
        if unknown := sorted(set(self.shares) - codes):
            raise UsageError(f"shares names {unknown[0]!r}, which is no region of Fly's")
        if any(not share >= 0 for share in self.shares.values()) or not sum(self.shares.values()) > 0:
            raise UsageError("shares are parts of a whole: none below 0, and one above")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "shares" and not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{field.name} is {value:g}; a day has no negative or endless quantities")
        if self.rooms < 1 or self.members < 1:
            raise UsageError("a day has at least one room, and a visit at least one member")
        if self.abroad > 1 or self.quiet > 1:
            raise UsageError("abroad and quiet are between 0 and 1")


def stays(traffic: Traffic, seed: int, *, days: float = 1.0) -> list[Stay]:
    """Every member of the day, in the order of their coming; the same for the same seed."""
    rng = Random(seed)
    found = [stay for visit in _visits(traffic, rng, days * DAY) for stay in visit]
    return sorted(found, key=lambda stay: (stay.begins, stay.room, stay.region))


def busy(region: str, at: float, quiet: float) -> float:
    """How busy a region is, from ``quiet`` to 1: a cosine with its top at 20 o'clock, mean solar time."""
    hour = (at / 3600 + _longitudes()[region] / 15) % 24
    return quiet + (1 - quiet) * (1 + math.cos((hour - _BUSIEST) / 24 * math.tau)) / 2


def _visits(traffic: Traffic, rng: Random, until: float) -> Iterator[list[Stay]]:
    """Arrivals at the busiest rate everywhere, of which the hour lets some through (thinning)."""
    names = list(traffic.shares)
    edges = [sum(list(traffic.shares.values())[: place + 1]) for place in range(len(names))]
    mean = (1 + traffic.quiet) / 2  # of ``busy`` over a day
    rate = traffic.visits / DAY / mean
    at = 0.0
    while rate > 0:
        at += rng.expovariate(rate)
        if at >= until:
            return
        home = names[min(bisect(edges, rng.random() * edges[-1]), len(names) - 1)]
        if rng.random() < busy(home, at, traffic.quiet):
            yield _visit(traffic, rng, at, home, names)


def _visit(traffic: Traffic, rng: Random, at: float, home: str, names: list[str]) -> list[Stay]:
    room = f"room-{rng.randrange(traffic.rooms)}"
    others = [name for name in names if name != home]
    found = [_stay(traffic, rng, room, home, at)]
    for _ in range(_poisson(rng, traffic.members - 1)):
        region = rng.choice(others) if others and rng.random() < traffic.abroad else home
        first = found[0]
        # Those who follow come while the first one is there, so that it is one visit.
        found.append(_stay(traffic, rng, room, region, first.begins + rng.random() * (first.ends - first.begins)))
    return found


def _stay(traffic: Traffic, rng: Random, room: str, region: str, at: float) -> Stay:
    length = 60 * traffic.minutes * math.exp(rng.gauss(0, _SPREAD))
    return Stay(room=room, region=region, begins=at, ends=at + length)


def _poisson(rng: Random, mean: float) -> int:
    """How many events of rate 1 fall into ``mean``."""
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count += 1
        at += rng.expovariate(1.0)
    return count


@cache
def _longitudes() -> dict[str, float]:
    return {region.code: region.longitude for region in known_regions()}
