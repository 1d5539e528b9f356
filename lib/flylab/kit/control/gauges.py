"""Numbers of the last while, from the exchanges that came to their end in it; pure."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from flylab.kit.control.ways import configured_ms, failed
from flylab.measure.stats.quantiles import least_n
from flylab.measure.summary import quantile

RATE_SECONDS = 10.0  # over which requests for each second are counted; our choice: calm, and still of now
SPAN_SECONDS = 60.0  # over which times are looked at; our choice: 1,000 of them at 17 a second, which a p99 needs
PAUSE = 0.5  # seconds for which what was read stands: sorting a minute's times costs milliseconds; our choice
KEPT = 12_000  # times at most, a minute of 200 a second; what is above drops the oldest


class Gauges:
    """A window over exchanges; what is told twice (a pipe that opened and closed) counts once."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, float, float, bool]] = deque(maxlen=KEPT)  # when, ms, of these configured, error
        self._asked: deque[float] = deque(maxlen=KEPT)
        self._read: tuple[float, dict[str, Any]] | None = None

    def asked(self, at: float) -> None:
        """A request was answered, or refused, or became a pipe."""
        self._asked.append(at)

    def answered(self, record: Mapping[str, Any], at: float) -> None:
        """It has its answer, or there is none."""
        total = float(record.get("total_ms") or 0.0)
        self._ends.append((at, total, min(configured_ms(record), total), failed(record)))

    def read(self, now: float) -> dict[str, Any]:
        """The numbers as of now, or of half a second before; a quantile is None without enough values to say it."""
        if self._read is None or not 0 <= now - self._read[0] < PAUSE:
            self._read = now, self._reckon(now)
        return self._read[1]

    def _reckon(self, now: float) -> dict[str, Any]:
        while self._ends and self._ends[0][0] < now - SPAN_SECONDS:
            self._ends.popleft()
        while self._asked and self._asked[0] < now - RATE_SECONDS:
            self._asked.popleft()
        times = sorted(ms for _, ms, _, _ in self._ends)
        inputs = sorted(ms for _, _, ms, _ in self._ends)
        n = len(times)
        return {
            "requests_per_s": round(len(self._asked) / RATE_SECONDS, 1),
            "errors": sum(error for _, _, _, error in self._ends),
            "n": n,
            "span_s": SPAN_SECONDS,
            "p50_ms": _tail(times, 0.5),
            "p50_configured_ms": _tail(inputs, 0.5),
            "p99_ms": _tail(times, 0.99),
            "p99_needs": least_n(0.99),
        }


def _tail(ordered: list[float], q: float) -> float | None:
    enough = len(ordered) >= least_n(q)
    return round(quantile(ordered, q), 2) if enough else None
