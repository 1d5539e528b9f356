"""When requests are due, decided before the first is sent and independent of any answer (open loop); it never waits.

A schedule is an iterator of seconds since the start of the run, in order. Because it does not know the answers, a
server that stalls cannot slow down its own measurement.
"""

import math
import random
from collections.abc import Iterable, Iterator

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


def ramp(first: float, last: float, *, seconds: float) -> Iterator[float]:
    """A rate that rises (or falls) evenly from ``first`` to ``last`` requests a second, the first request at once."""
    if not (first >= 0 and last >= 0 and 0 < first + last < math.inf):
        raise UsageError(f"a rate from {first:g} to {last:g} requests a second cannot be paced")
    _check(max(first, last), seconds)
    # After t seconds first·t + slope·t²/2 are due; the n-th is due where that is n.
    slope = (last - first) / seconds if seconds else 0.0
    number = 0
    while (square := first * first + 2 * slope * number) >= 0:
        # This form of the root does not subtract what is nearly equal, and serves a slope of 0 as well.
        below = first + math.sqrt(square)
        due = 2 * number / below if below else 0.0
        if due >= seconds:
            return
        yield due
        number += 1


def recorded(moments: Iterable[float], *, speed: float = 1.0) -> Iterator[float]:
    """Arrivals as they were once seen, counted from the first; ``speed`` 2 makes them come twice as fast."""
    if not 0 < speed < math.inf:
        raise UsageError(f"arrivals cannot be played at a speed of {speed:g}")
    first = last = None
    for moment in moments:
        if not math.isfinite(moment) or (last is not None and moment < last):
            raise UsageError(f"recorded arrivals are numbers in order, and {moment:g} comes after {last}")
        first = moment if first is None else first
        last = moment
        yield (moment - first) / speed


def pause(due: float, elapsed: float) -> float:
    """Seconds to wait for what is due, none when it is late already."""
    return max(due - elapsed, 0.0)


def _check(rate: float, seconds: float) -> None:
    if not rate > 0:
        raise UsageError(f"a rate of {rate:g} requests a second cannot be paced: it must be above 0")
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"a run of {seconds:g} seconds cannot be paced")
