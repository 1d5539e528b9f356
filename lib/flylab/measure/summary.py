"""Numbers out of samples: counts, quantiles and how sure they are; no mean, and a tail only where it can be known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flylab.errors import UsageError
from flylab.measure.sample import Sample

P99_FROM = 1_000  # our rule: ten observations above the quantile, or it is not given
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies, with the confidence that was asked for."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A fold over samples; times in seconds, quantiles over the successes alone, None where there are too few."""

    n: int
    failures: int
    outcomes: dict[str, int]
    p50: float | None
    p50_interval: Interval | None
    p95: float | None
    p95_interval: Interval | None
    p99: float | None
    p99_interval: Interval | None
    fastest: float | None
    slowest: float | None
    most_late: float

    def text(self) -> str:
        """One line with its count: ``p50 12.3 ms (11.9-12.8), p95 20.1 ms (…), n 500, 2 failed``."""
        parts = [
            f"{name} {1000 * value:.1f} ms ({1000 * between.low:.1f}-{1000 * between.high:.1f})"
            for name, value, between in (
                ("p50", self.p50, self.p50_interval),
                ("p95", self.p95, self.p95_interval),
                ("p99", self.p99, self.p99_interval),
            )
            if value is not None and between is not None
        ]
        return ", ".join([*parts, f"n {self.n}", f"{self.failures} failed"])


def summarise(samples: Sequence[Sample], *, confidence: float = CONFIDENCE) -> Summary:
    """Count and order the latencies of the samples; every failure is counted, none is dropped."""
    latencies = sorted(sample.latency for sample in samples if sample.ok)
    outcomes: dict[str, int] = {}
    for sample in samples:
        outcomes[sample.outcome] = outcomes.get(sample.outcome, 0) + 1

    def at(q: float, *, from_n: int = 1) -> tuple[float | None, Interval | None]:
        if len(latencies) < from_n:
            return None, None
        return quantile(latencies, q), interval(latencies, q, confidence=confidence)

    (p50, p50_interval), (p95, p95_interval), (p99, p99_interval) = at(0.5), at(0.95), at(0.99, from_n=P99_FROM)
    return Summary(
        n=len(samples),
        failures=len(samples) - len(latencies),
        outcomes=outcomes,
        p50=p50,
        p50_interval=p50_interval,
        p95=p95,
        p95_interval=p95_interval,
        p99=p99,
        p99_interval=p99_interval,
        fastest=latencies[0] if latencies else None,
        slowest=latencies[-1] if latencies else None,
        most_late=max((sample.lateness for sample in samples), default=0.0),
    )


def quantile(ordered: Sequence[float], q: float) -> float:
    """The smallest value that a share ``q`` of ``ordered`` does not exceed; always one of the values."""
    return ordered[rank(len(ordered), q) - 1]


def interval(ordered: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Interval:
    """The percentile bootstrap interval of a quantile, without drawing a single resample.

    The quantile of a resample is its k-th smallest value. It does not exceed the j-th smallest value of the original
    exactly when at least k of the n draws fall among the j smallest, and that number is binomial(n, j / n). So the
    bootstrap distribution is known and needs no chance.
    """
    low, high = interval_ranks(len(ordered), q, confidence=confidence)
    return Interval(ordered[low - 1], ordered[high - 1])


def interval_ranks(n: int, q: float, *, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Which of n ordered values, counted from 1, are the ends of the interval of a quantile."""
    k = rank(n, q)
    tail = (1 - confidence) / 2
    return _first_reaching(n, k, tail), _first_reaching(n, k, 1 - tail)


def rank(n: int, q: float) -> int:
    """Which of n ordered values, counted from 1, is the quantile."""
    if n == 0 or not 0 < q <= 1:
        raise UsageError(f"there is no {q:g} quantile of {n} values")
    # 0.95 * 20 is a hair above 19 in binary and must not become 20.
    return max(math.ceil(q * n - 1e-9), 1)


def _first_reaching(n: int, k: int, probability: float) -> int:
    """The smallest j in 1…n with P(binomial(n, j / n) ≥ k) ≥ probability; the probability grows with j."""
    low, high = 1, n
    while low < high:
        middle = (low + high) // 2
        if _at_least(n, middle / n, k) >= probability:
            high = middle
        else:
            low = middle + 1
    return low


def _at_least(n: int, p: float, k: int) -> float:
    """P(binomial(n, p) ≥ k), summed over what lies within twelve standard deviations of the middle."""
    if p >= 1:
        return 1.0
    reach = 12 * math.sqrt(n * p * (1 - p)) + 1
    first, last = max(k, math.floor(n * p - reach), 0), min(n, math.ceil(n * p + reach))
    if first > last:
        return 0.0
    log_p, log_not_p, log_all = math.log(p), math.log1p(-p), math.lgamma(n + 1)
    return math.fsum(
        math.exp(log_all - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_not_p)
        for i in range(first, last + 1)
    )
