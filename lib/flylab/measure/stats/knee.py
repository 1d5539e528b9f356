"""The knee of a load: the highest rate at which a tail stays under a bound, and how well that is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from flylab.errors import UsageError
from flylab.measure.summary import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rate that was tried; ``valid`` is false where the generator itself was late. None: too few for a p99."""

    rate: float
    p99: float | None
    interval: Interval | None = None
    errors: int = 0
    valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """``rate`` held the bound and ``above`` did not; None where there is no such rate among those that were tried.

    ``sure``: the intervals at both ends lie on their side of the bound. ``bound_by``: ``server``, or ``generator`` when
    nothing above could be asked for in time, or ``steps`` when nothing higher was tried.
    """

    rate: float | None
    above: float | None
    sure: bool
    bound_by: str


def knee(steps: Iterable[Step], bound: float) -> Knee:
    """Walk up the rates until one fails; of a rate that was tried several times the majority counts.

    A higher rate that passes above one that failed was lucky and does not count. Invalid steps say nothing.
    """
    if not bound > 0:
        raise UsageError(f"a bound of {bound:g} cannot be held")
    tried = sorted(steps, key=lambda step: step.rate)
    best: list[Step] = []
    late = False
    for rate, group in groupby(tried, key=lambda step: step.rate):
        same = list(group)
        valid = [step for step in same if step.valid]
        if not valid:
            late = True
            continue
        if 2 * sum(held(step, bound) for step in valid) > len(valid):
            # What was asked for in time says that the lateness below was chance.
            best, late = valid, False
            continue
        sure = all(_surely(step, bound, holds=True) for step in best) if best else False
        sure = sure and all(_surely(step, bound, holds=False) for step in valid)
        return Knee(rate=best[0].rate if best else None, above=rate, sure=sure, bound_by="server")
    return Knee(rate=best[0].rate if best else None, above=None, sure=False, bound_by="generator" if late else "steps")


def held(step: Step, bound: float) -> bool:
    """Whether the bound was held: a p99 that is known, at most that, and nothing failed."""
    return step.p99 is not None and step.p99 <= bound and not step.errors


def _surely(step: Step, bound: float, *, holds: bool) -> bool:
    if step.errors:
        return not holds
    if step.interval is None:
        return False
    return step.interval.high <= bound if holds else step.interval.low > bound
