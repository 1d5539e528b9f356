"""Where the time of a typical observation went: a stack of phases that adds up, which medians of phases do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from flylab.errors import UsageError
from flylab.measure.summary import rank

REST = "rest"  # what no phase accounts for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The phases, in order and with ``rest``, of the observations around a quantile of the total."""

    q: float
    n: int  # all observations
    around: int  # of which so many are in the stack
    total: float
    phases: Mapping[str, float]

    def shares(self) -> dict[str, float]:
        """Each phase as a share of the total."""
        return {name: value / self.total if self.total else 0.0 for name, value in self.phases.items()}


def stack(
    totals: Sequence[float],
    phases: Sequence[Mapping[str, float]],
    q: float = 0.5,
    *,
    window: float = 0.1,
) -> Stack:
    """Average the phases of the observations whose totals are nearest in rank to the quantile (``window``: a share).

    A phase that an observation did not have counts as 0. Phases that claim more than their total raise UsageError:
    their clocks are not aligned, or they overlap.
    """
    n = len(totals)
    if n != len(phases):
        raise UsageError(f"{n} totals cannot be split by the phases of {len(phases)} observations")
    middle = rank(n, q) - 1
    reach = int(window * n / 2)
    first = max(min(middle - reach, n - 1 - 2 * reach), 0)
    chosen = sorted(range(n), key=lambda place: totals[place])[first : first + 2 * reach + 1]
    names = list(dict.fromkeys(name for place in chosen for name in phases[place]))
    sums = {name: fsum(phases[place].get(name, 0.0) for place in chosen) / len(chosen) for name in names}
    total = fsum(totals[place] for place in chosen) / len(chosen)
    for place in chosen:
        claimed = fsum(phases[place].values())
        if claimed > totals[place] * (1 + 1e-9) + 1e-9:
            raise UsageError(f"phases of {claimed:g} s do not fit into a total of {totals[place]:g} s")
    if REST in sums:
        raise UsageError(f"a phase cannot be called {REST!r}")
    return Stack(
        q=q, n=n, around=len(chosen), total=total, phases={**sums, REST: max(total - fsum(sums.values()), 0.0)}
    )
