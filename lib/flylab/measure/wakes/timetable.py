"""In which order wakes are made: every cell (variant, so many at once) evenly among the others, shuffled by a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from flylab.errors import UsageError
from flylab.measure.wakes.wake import VARIANTS

MOST = 100  # wakes at once, and so machines; our choice: what the processes of one computer bear


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """So many wakes of one variant begun in the same moment."""

    number: int
    variant: str
    at_once: int
    warm_up: bool = False


def timetable(
    variants: Sequence[str], at_once: Sequence[int], *, n: int, warm_up: int = 1, seed: int = 0
) -> list[Burst]:
    """``n`` counted wakes or a few more of each cell, after ``warm_up`` bursts of each; raises UsageError."""
    for variant in variants:
        if variant not in VARIANTS:
            raise UsageError(f"a wake is {', '.join(VARIANTS)}, and not {variant!r}")
    if not variants or not at_once:
        raise UsageError("wakes need a variant and how many at once")
    for size in at_once:
        if not 1 <= size <= MOST:
            raise UsageError(f"1 to {MOST} wakes can be made at once, and not {size}")
    if len({*variants}) < len(variants) or len({*at_once}) < len(at_once):
        raise UsageError("a variant or a number at once is named twice")
    if not 1 <= n <= 100_000 or not 0 <= warm_up <= 1_000:  # our choice: a day of wakes
        raise UsageError(f"{n} wakes after {warm_up} bursts to warm up cannot be made")
    rng = Random(f"{seed} wakes")
    cells = [(variant, size) for size in at_once for variant in variants]
    order = [(*cell, True) for _ in range(warm_up) for cell in rng.sample(cells, len(cells))]
    # The i-th burst of a cell falls into the i-th of as many equal parts of the whole, at a place that chance gives it:
    # cells of as many bursts take turns, and those of fewer are spread evenly among them.
    places = []
    for variant, size in cells:
        count = -(-n // size)
        places += [((turn + rng.random()) / count, variant, size, False) for turn in range(count)]
    order += [place[1:] for place in sorted(places)]
    return [
        Burst(number=number, variant=variant, at_once=size, warm_up=warm)
        for number, (variant, size, warm) in enumerate(order)
    ]
