"""Whether one way to be ready for a visitor costs a longer wait than the others, as far as these wakes can tell."""

from collections.abc import Mapping, Sequence
from random import Random

from flylab.measure.stats import Effect, compare
from flylab.measure.wakes import Wake


def apart(wakes: Sequence[Wake], way: str, *, seed: int = 0) -> dict[str, Effect]:
    """For each other way by how much the median wait of ``way`` is longer, with its interval; seconds."""
    waits: dict[str, list[float]] = {}
    for wake in wakes:
        if wake.ok and not wake.warm_up and wake.whole is not None:
            waits.setdefault(wake.variant, []).append(wake.whole)
    rng = Random(f"{seed} ways")
    mine = waits.pop(way, [])
    return {other: compare(theirs, mine, rng=rng) for other, theirs in waits.items() if mine and theirs}


def longer(effects: Mapping[str, Effect]) -> bool | None:
    """True when each interval lies above zero, false when one lies below, None when some cannot be told."""
    intervals = [effect.interval for effect in effects.values()]
    if any(interval is not None and interval.high < 0 for interval in intervals):
        return False
    told = bool(intervals) and all(interval is not None and interval.low > 0 for interval in intervals)
    return True if told else None
