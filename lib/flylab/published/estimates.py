"""How good the estimate for a missing pair of regions is: the formula fitted anew to published pairs, and its error.

The formula has two classes of distance (``network.NEAR`` and ``FAR``). What it says about a pair that nobody measured
is judged by regions that were left out when it was fitted, since a missing region is missing with all its pairs.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from flylab.published.claims import about
from flylab.published.network import (
    FIBRE_KM_PER_MS,
    NEAR_KM,
    PublishedPair,
    estimate_ms,
    great_circle_km,
    published_pairs,
    regions,
)

HUB = "lhr"  # the region nearest to the database of the benchmark that the table is checked against
Line = tuple[float, float]  # constant in ms, inflation of the path


@dataclass(frozen=True, slots=True)
class Fit:
    """One line for each class of distance."""

    near: Line
    far: Line

    def ms(self, km: float) -> float:
        constant, inflation = self.near if km < NEAR_KM else self.far
        return constant + 2 * km / FIBRE_KM_PER_MS * inflation


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How far estimates lie from published values; relative ones as a share of the published value."""

    n: int
    median_share: float
    p90_share: float
    mean_ms: float  # of the absolute errors
    worst: tuple[str, str]  # the pair with the greatest error in ms
    worst_ms: float  # estimated less published, of that pair


@cache
def _places() -> dict[str, tuple[float, float]]:
    return {region.code: (region.latitude, region.longitude) for region in regions()}


def distance_km(pair: PublishedPair) -> float:
    """The great-circle distance of a pair."""
    where = _places()
    return great_circle_km(where[pair.a], where[pair.b])


def fit(pairs: Iterable[PublishedPair]) -> Fit:
    """Least squares over the pairs, one line for each class."""
    classes: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for pair in pairs:
        km = distance_km(pair)
        classes[km >= NEAR_KM].append((2 * km / FIBRE_KM_PER_MS, pair.rtt_ms))
    return Fit(*(_line(points) for points in classes))


def errors(pairs: Sequence[PublishedPair], estimate: Callable[[PublishedPair], float]) -> Errors:
    """What an estimate is off by over these pairs."""
    off = [(pair, estimate(pair) - pair.rtt_ms) for pair in pairs]
    shares = sorted(abs(by) / pair.rtt_ms for pair, by in off)
    pair, by = max(off, key=lambda each: abs(each[1]))
    return Errors(
        n=len(off),
        median_share=statistics.median(shares),
        p90_share=statistics.quantiles(shares, n=10, method="inclusive")[-1],
        mean_ms=statistics.fmean(abs(each) for _, each in off),
        worst=(pair.a, pair.b),
        worst_ms=by,
    )


def checked() -> Errors:
    """The table against a benchmark on Fly's own network: reads of one round trip to AWS in Ireland, less London's.

    What a read takes from London is taken off what it takes from elsewhere, and compared with the round trip from there
    to London (claims on ``fly-rtt-check``).
    """
    reads = {claim.claim.split(" from ")[1][:3]: claim.value or 0.0 for claim in about("fly-rtt-check")}
    pairs = [pair for pair in published_pairs() if HUB in (pair.a, pair.b) and {pair.a, pair.b} <= reads.keys()]
    away = {pair: pair.b if pair.a == HUB else pair.a for pair in pairs}
    # What is judged is the table, so the benchmark stands for the truth.
    true = [replace(pair, rtt_ms=reads[away[pair]] - reads[HUB]) for pair in pairs]
    table = {(pair.a, pair.b): pair.rtt_ms for pair in pairs}
    return errors(true, lambda pair: table[pair.a, pair.b])


@cache
def left_out() -> tuple[Errors, Errors]:
    """The errors of the near and of the far class, each pair estimated without the region that is missing.

    Every pair is judged twice, once for each of its ends, by a fit to the pairs of all other regions.
    """
    found: tuple[list[tuple[PublishedPair, float]], list[tuple[PublishedPair, float]]] = ([], [])
    for missing in _places():
        without = fit(pair for pair in published_pairs() if missing not in (pair.a, pair.b))
        for pair in published_pairs():
            if missing in (pair.a, pair.b):
                km = distance_km(pair)
                found[km >= NEAR_KM].append((pair, without.ms(km)))
    return _judged(found[0]), _judged(found[1])


def expected_share(km: float) -> float:
    """Nine of ten estimates for regions that were left out were off by no more than this share, at such distances."""
    near, far = left_out()
    return (near if km < NEAR_KM else far).p90_share


def as_used() -> Errors:
    """The errors of the constants that ``network`` uses, over the pairs they were fitted to: a little too good."""
    return errors(published_pairs(), lambda pair: estimate_ms(distance_km(pair)))


def _judged(estimated: list[tuple[PublishedPair, float]]) -> Errors:
    pairs = [pair for pair, _ in estimated]
    values = iter([ms for _, ms in estimated])
    return errors(pairs, lambda _: next(values))


def _line(points: Sequence[tuple[float, float]]) -> Line:
    slope, constant = statistics.linear_regression(*zip(*points, strict=True))
    return constant, slope
