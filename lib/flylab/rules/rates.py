"""How often the API may be called: one token bucket for each action and identifier.

Fly documents 1 call a second with bursts of 3 for each action, 5 a second with bursts of 10 for Get Machine, and 100
app deletions a minute (machines/api/working-with-machines-api); that it is a token bucket is our assumption.
"""

from dataclasses import dataclass, field

from flylab.errors import RuleError

_MANY = 1000  # buckets; our choice


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """``exceptions`` are by operation id of the official document; everything else has ``rate``."""

    rate: Rate = Rate(1.0, 3)
    exceptions: dict[str, Rate] = field(
        default_factory=lambda: {"Machines_show": Rate(5.0, 10), "Apps_delete": Rate(100 / 60, 100)}
    )


class Rates:
    """The buckets of one platform; a bucket that is full again is forgotten."""

    def __init__(self, settings: RateSettings) -> None:
        self._settings = settings
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}  # tokens left, and when that was so

    def take(self, operation: str, identifier: str, now: float) -> None:
        """Use one token; raises ``RuleError`` ``rate_limited`` when there is none."""
        rate = self._rate(operation)
        tokens, then = self._buckets.get((operation, identifier), (float(rate.burst), now))
        if len(self._buckets) >= _MANY:
            self._forget(now)
        tokens = min(rate.burst, tokens + max(0.0, now - then) * rate.per_second)
        if tokens < 1:
            raise RuleError("rate_limited", f"rate limit exceeded for {operation} of {identifier}")
        self._buckets[operation, identifier] = (tokens - 1, now)

    def _forget(self, now: float) -> None:
        """Drop the buckets that have filled up, so that they do not pile up."""
        full = [
            (operation, identifier)
            for (operation, identifier), (tokens, then) in self._buckets.items()
            if tokens + (now - then) * self._rate(operation).per_second >= self._rate(operation).burst
        ]
        for key in full:
            del self._buckets[key]

    def _rate(self, operation: str) -> Rate:
        return self._settings.exceptions.get(operation, self._settings.rate)
