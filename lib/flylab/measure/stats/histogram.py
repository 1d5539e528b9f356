"""Latencies of a long run in bounded memory: a high dynamic range histogram, merged across processes without loss.

The buckets are those of Gil Tene's HdrHistogram: linear in 2,048 steps, then half of them again for each doubling, so
that a value is known to three digits wherever it lies. Its Python package needs setuptools and pbr at run time and
counts integers only; what is needed here fits on this page, and is held to exact quantiles by its tests.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flylab.errors import ParseError, UsageError
from flylab.measure.stats.quantiles import Estimate, least_n
from flylab.measure.summary import CONFIDENCE, Interval, interval_ranks, rank

_BITS = 11
_HALF = 1 << (_BITS - 1)
ERROR = 1 / (2 * _HALF)  # of a value, at most, besides half a unit
LARGEST = 1 << 53  # units; in microseconds 285 years


@dataclass(slots=True)
class Histogram:
    """Counts of values from 0 up; ``unit`` is the smallest difference that is kept (a microsecond, in seconds)."""

    unit: float = 1e-6
    counts: dict[int, int] = field(default_factory=dict)
    n: int = 0
    least: float = math.inf
    most: float = -math.inf

    def add(self, value: float, times: int = 1) -> None:
        """Count a value; UsageError for what is no latency (negative, infinite, no number)."""
        if not 0 <= value < math.inf:
            raise UsageError(f"a histogram counts values from 0 up, not {value!r}")
        place = _place(min(round(value / self.unit), LARGEST))
        self.counts[place] = self.counts.get(place, 0) + times
        self.n += times
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value

    def merge(self, other: "Histogram") -> None:
        """Add all counts of another one, as if its values had been counted here."""
        if other.unit != self.unit:
            raise UsageError(f"histograms with units of {self.unit:g} and {other.unit:g} cannot be merged")
        for place, times in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + times
        self.n += other.n
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    def ranked(self, *ranks: int) -> list[float]:
        """The values of these ranks, counted from 1 and given in rising order."""
        found: list[float] = []
        passed, wanted = 0, iter(ranks)
        rank_ = next(wanted, None)
        for place in sorted(self.counts):
            passed += self.counts[place]
            while rank_ is not None and rank_ <= passed:
                # The ends are known exactly, and a bucket may reach beyond them.
                found.append(min(max(_middle(place) * self.unit, self.least), self.most))
                rank_ = next(wanted, None)
        return found

    def quantile(self, q: float) -> float:
        """As ``summary.quantile``, to three digits."""
        return self.ranked(rank(self.n, q))[0]

    def estimate(self, q: float, *, confidence: float = CONFIDENCE) -> Estimate:
        """The quantile with the interval that the values themselves would give."""
        if self.n < least_n(q):
            return Estimate(q=q, n=self.n, value=None, interval=None)
        first, last = interval_ranks(self.n, q, confidence=confidence)
        low, value, high = self.ranked(first, rank(self.n, q), last)
        return Estimate(q=q, n=self.n, value=value, interval=Interval(low, high))

    def coarse(self) -> "Histogram":
        """The same with an eighth of the buckets, for somebody who looks at it while it fills up."""
        counts: dict[int, int] = {}
        for place, times in self.counts.items():
            counts[place & ~7] = counts.get(place & ~7, 0) + times
        return Histogram(self.unit, counts, self.n, self.least, self.most)

    def to_json(self) -> dict[str, object]:
        ends = [self.least, self.most] if self.n else []
        return {"unit": self.unit, "ends": ends, "counts": sorted(self.counts.items())}

    @classmethod
    def from_json(cls, value: object) -> "Histogram":
        """Read what ``to_json`` made, perhaps in another process; raises ParseError."""
        try:
            if not isinstance(value, Mapping):
                raise TypeError("an object is expected")
            counts = {int(place): int(times) for place, times in value["counts"]}
            least, most = value["ends"] or (math.inf, -math.inf)
            unit = float(value["unit"])
            if not unit > 0 or any(place < 0 or times < 1 for place, times in counts.items()):
                raise ValueError("a unit above 0 and counts of at least 1 are expected")
            return cls(unit, counts, sum(counts.values()), float(least), float(most))
        except (KeyError, TypeError, ValueError) as exc:
            raise ParseError("histogram", value, f"{type(exc).__name__} {exc}") from exc


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of all values; of none, an empty one."""
    result: Histogram | None = None
    for each in histograms:
        if result is None:
            result = Histogram(each.unit)
        result.merge(each)
    return result or Histogram()


def _place(units: int) -> int:
    doublings = max(units.bit_length() - _BITS, 0)
    return (doublings << (_BITS - 1)) + (units >> doublings)


def _middle(place: int) -> float:
    if place < 2 * _HALF:
        return float(place)
    doublings = (place >> (_BITS - 1)) - 1
    low = ((place & (_HALF - 1)) + _HALF) << doublings
    return low + ((1 << doublings) - 1) / 2
