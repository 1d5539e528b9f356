"""Intervals by resampling with a given chance, and the one interval of a median that needs none."""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random

from flylab.errors import UsageError
from flylab.measure.summary import CONFIDENCE, Interval, quantile, rank

RESAMPLES = 2_000  # our choice: the ends of a 95 % interval then rest on 50 resamples each


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    *,
    rng: Random,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The percentile bootstrap interval of any statistic; of a quantile ``summary.interval`` needs no resamples."""
    if not values:
        raise UsageError("there is no interval of 0 values")
    return percentile((statistic(rng.choices(values, k=len(values))) for _ in range(resamples)), confidence=confidence)


def percentile(draws: Iterable[float], *, confidence: float = CONFIDENCE) -> Interval:
    """What lies between the two tails of the draws."""
    ordered = sorted(draws)
    tail = (1 - confidence) / 2
    return Interval(quantile(ordered, tail), quantile(ordered, 1 - tail))


def drawn_quantile(ordered: Sequence[float], q: float, rng: Random) -> float:
    """The quantile of one resample, without making it.

    A resample takes n uniform places in the order. The k-th smallest of n uniform numbers is beta(k, n - k + 1)
    distributed, so one draw of that place is all that a resample's k-th smallest value depends on.
    """
    n = len(ordered)
    k = rank(n, q)
    place = rng.betavariate(k, n - k + 1)
    return ordered[min(int(place * n), n - 1)]


def median_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval | None:
    """The interval of a median whatever the distribution, from the sign test; None below 6 values at 95 %.

    The k-th smallest and the k-th largest value enclose the median unless fewer than k values fall on one side of it,
    and that number is binomial(n, 1/2): the coverage is never below the confidence.
    """
    ordered, n = sorted(values), len(values)
    tail = (1 - confidence) / 2
    k, below = 0, 0.0
    while k < n:
        below += math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
        if below > tail:
            break
        k += 1
    return Interval(ordered[k - 1], ordered[n - k]) if k else None
