"""When a failed call is sent again and after which pause; it sends and sleeps nothing itself."""

import random
from dataclasses import dataclass
from enum import Enum

from flylab.client.errors import AnswerError, PreconditionFailed, RateLimited, StatusError, TransportError
from flylab.errors import ClientError
from flylab.wire.codes import CODES


class Repeat(Enum):
    """What sending the same request a second time would do."""

    SAFE = "ends in the same place: reading, waiting, start, stop, destroy, metadata"
    AFTER_LOOKING = "may do it twice: create, and update of a known version; somebody looks what is there before it"
    NEVER = "does it twice, and nobody can tell: only after a failure that certainly did nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, how long and after what; times in seconds."""

    attempts: int = 5  # flyctl internal/flapsutil/retry.go
    create_attempts: int = 3  # flyctl internal/command/deploy/strategy_bluegreen.go
    first_pause: float = 0.5  # flyctl: exponential from 500 ms
    growth: float = 2.0  # the same
    longest_pause: float = 8.0  # our choice
    transient: frozenset[int] = frozenset({408, 500, 502, 503, 504})  # flyctl: 408 and 5xx; 501 cannot pass by itself

    rate_attempts: int = 10  # our choice: a batch of creates in one app passes at one a second
    rate_pause: float = 1.0  # machines/api/working-with-machines-api: one request a second per action and identifier

    # The error of a start that means: it is starting already. Mostly a 409, a 412 with the same words in one report.
    starting: str = CODES["already_starting"].fragment

    # What a start is refused with while the machine is not yet at rest (public clients, 2026).
    settling: tuple[str, ...] = (
        CODES["still_active"].fragment,
        CODES["being_replaced"].fragment,
        "current state: 'created'",
    )
    settling_for: float = 10.0  # seen for up to 8 s after a stop (DayriseA/checkout-surge, 2026-10)
    settling_pause: float = 0.25  # our choice; grows to settling_longest so that the rate limit is not hit
    settling_longest: float = 1.0

    appearing_attempts: int = 4  # a new app or machine may read 404 for a moment (flyctl); the number is our choice
    appearing_pause: float = 0.5

    window: float = 60.0  # the longest wait that the API accepts (machines/api/machines-resource)
    answer_timeout: float = 30.0  # our choice: for the answer to any call but a wait
    connect_timeout: float = 5.0  # our choice

    def pause(self, error: ClientError, repeat: Repeat, *, failed: int, chance: float) -> float | None:
        """Seconds until the next attempt after the ``failed``-th failure of this kind; None gives it to the caller.

        ``chance`` is uniform in [0, 1): half of a pause is fixed and half spread, so that callers do not march in step.
        """
        if isinstance(error, RateLimited):
            if failed >= self.rate_attempts:
                return None
            if error.retry_after is not None:  # never less than what the API asks for
                return min(error.retry_after, self.window) + self.first_pause * chance
            return self._spread(self.rate_pause, failed, chance)
        attempts = self.create_attempts if repeat is Repeat.AFTER_LOOKING else self.attempts
        if failed >= attempts or not self._passes(error, repeat):
            return None
        return self._spread(self.first_pause, failed, chance)

    def settling_delay(self, error: ClientError, *, waited: float, failed: int) -> float | None:
        """Seconds until a refused start is tried again, or None when the refusal will not pass by itself."""
        if not isinstance(error, PreconditionFailed) or not any(words in error.text for words in self.settling):
            return None
        delay = min(self.settling_pause * self.growth ** (failed - 1), self.settling_longest)
        return delay if waited + delay <= self.settling_for else None

    def is_starting(self, error: ClientError) -> bool:
        """True for the refusal of a start that only says that the machine is starting or started already."""
        return isinstance(error, StatusError) and error.status in (409, 412) and self.starting in error.text

    def is_ambiguous(self, error: ClientError) -> bool:
        """True when the request may have been carried out although it failed."""
        if isinstance(error, TransportError):
            return error.sent
        if isinstance(error, AnswerError):  # it succeeded, and what it made cannot be told from the answer
            return True
        return isinstance(error, StatusError) and error.status in self.transient and error.capacity is None

    def _passes(self, error: ClientError, repeat: Repeat) -> bool:
        if isinstance(error, TransportError) and not error.sent:
            return True
        return repeat is not Repeat.NEVER and self.is_ambiguous(error) and not isinstance(error, AnswerError)

    def _spread(self, first: float, failed: int, chance: float) -> float:
        pause = min(first * self.growth ** (failed - 1), self.longest_pause)
        return pause * (0.5 + 0.5 * chance)


class Attempts:
    """The failures of one call so far; rate limits are counted apart, because they did nothing."""

    def __init__(self, policy: RetryPolicy, repeat: Repeat, rng: random.Random) -> None:
        self.policy = policy
        self._repeat = repeat
        self._rng = rng
        self._limited = 0
        self._failed = 0

    def pause_after(self, error: ClientError) -> float | None:
        """Count this failure and say how long to pause before the next attempt, or None: there is none."""
        if isinstance(error, RateLimited):
            self._limited += 1
            failed = self._limited
        else:
            self._failed += 1
            failed = self._failed
        return self.policy.pause(error, self._repeat, failed=failed, chance=self._rng.random())


DEFAULT = RetryPolicy()
