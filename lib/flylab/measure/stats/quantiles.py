"""One quantile with its interval and its count, and from how many values on it may be given at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flylab.errors import UsageError
from flylab.measure.summary import CONFIDENCE, Interval, interval, quantile

ABOVE = 10  # our rule: so many values lie beyond a tail quantile, or it is not given


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A quantile of n values; value and interval are None where n is too small for it."""

    q: float
    n: int
    value: float | None
    interval: Interval | None

    def text(self, *, scale: float = 1000, unit: str = "ms") -> str:
        """``p99 12.3 ms (11.9-12.8), n 5000``, or ``p99 not given: n 400, 1000 are needed``."""
        name = f"p{100 * self.q:g}"
        if self.value is None or self.interval is None:
            return f"{name} not given: n {self.n}, {least_n(self.q)} are needed"
        low, high = scale * self.interval.low, scale * self.interval.high
        return f"{name} {scale * self.value:.3g} {unit} ({low:.3g}-{high:.3g}), n {self.n}"


def least_n(q: float) -> int:
    """How many values a quantile needs: p95 200, p99 1,000, p99.9 10,000; the lower tail alike, the median one."""
    if not 0 < q < 1:
        raise UsageError(f"there is no {q:g} quantile: it lies between 0 and 1")
    tail = min(q, 1 - q)
    # Between the quartiles an interval says enough about small n.
    return 1 if tail >= 0.25 else math.ceil(ABOVE / tail - 1e-6)


def estimate(values: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """The quantile of the values, which need not be in order."""
    n = len(values)
    if n < least_n(q):
        return Estimate(q=q, n=n, value=None, interval=None)
    ordered = sorted(values)
    return Estimate(q=q, n=n, value=quantile(ordered, q), interval=interval(ordered, q, confidence=confidence))
