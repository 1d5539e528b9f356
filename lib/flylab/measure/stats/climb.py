"""Which rate to try next on the way to the knee of a load: up by doubling, then between what held and what did not."""

import math
from collections.abc import Sequence
from itertools import groupby

from flylab.errors import UsageError
from flylab.measure.stats.knee import Step, held

RISE = 2.0  # times as much while everything holds; our choice


def next_rate(
    steps: Sequence[Step], bound: float, *, start: float, least: float, most: float, close: float = 1.1
) -> float | None:
    """The next rate, or None when the knee is known: what held and what did not are less than ``close`` apart.

    What failed or was late once is tried again, since neighbours on a computer are noisy; of three, two decide.
    """
    if not (0 < least <= start <= most and close > 1):
        raise UsageError(f"rates from {least:g} over {start:g} to {most:g} cannot be tried, × {close:g} apart")
    good, bad = 0.0, math.inf
    for rate, group in groupby(sorted(steps, key=lambda step: step.rate), key=lambda step: step.rate):
        same = list(group)
        holds = sum(step.valid and held(step, bound) for step in same)
        if holds < 2 and len(same) - holds < 2 and not (len(same) == 1 and holds):
            return float(rate)
        if 2 * holds > len(same):
            good = rate if bad == math.inf else good
        else:
            bad = min(bad, rate)
    if not steps:
        return start
    if bad == math.inf:
        return None if good >= most else min(good * RISE, most)
    if not good:
        return None if bad <= least else max(bad / RISE, least)
    return None if bad <= good * close else math.sqrt(good * bad)
