"""When requests are due, decided before the first is sent and independent of any answer (open loop); it never waits.

A schedule is an iterator of seconds since the start of the run, in order. Because it does not know the answers, a
server that stalls cannot slow down its own measurement.
"""

import random
from collections.abc import Iterator

from flylab.errors import UsageError


def constant(rate: float, *, seconds: float) -> Iterator[float]:
    """``rate`` requests a second at equal distances, the first at once."""
    _check(rate, seconds)
    # Multiplied and not added up, so that rounding does not drift; the last one lies before the end.
    number = 0
    while (due := number / rate) < seconds:
        yield due
        number += 1


def poisson(rate: float, *, seconds: float, rng: random.Random) -> Iterator[float]:
    """``rate`` requests a second on average with independent distances, as strangers arrive."""
    _check(rate, seconds)
    due = rng.expovariate(rate)
    while due < seconds:
        yield due
        due += rng.expovariate(rate)


def pause(due: float, elapsed: float) -> float:
    """Seconds to wait for what is due, none when it is late already."""
    return max(due - elapsed, 0.0)


def _check(rate: float, seconds: float) -> None:
    if not rate > 0:
        raise UsageError(f"a rate of {rate:g} requests a second cannot be paced: it must be above 0")
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"a run of {seconds:g} seconds cannot be paced")
