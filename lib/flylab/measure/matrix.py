"""The matrix of round trips out of the samples of a probe: what was observed, beside what was configured and published.

The probe's own cost is not known from outside, only what it takes within a region; so the median of those trips, less
what a round trip within a region is said to be, is taken off every pair. It is the same cost for all of them: an edge,
a machine and this computer, and no distance. Pure; everything is computed from the samples that were stored.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flylab.errors import UsageError
from flylab.measure.rtt import ARROW, WHAT
from flylab.measure.sample import Sample
from flylab.measure.summary import interval, quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a pair beforehand, in ms; ``estimated`` says that nobody published it."""

    configured: float | None = None
    published: float | None = None
    low: float | None = None
    high: float | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One ordered pair; all in ms, ``observed`` with the probe's own cost taken off. None where every trip failed."""

    a: str
    b: str
    n: int
    failed: int
    raw: float | None
    observed: float | None
    low: float | None  # the ends of the median's 95 % interval, the cost taken off
    high: float | None
    least: float | None  # the fastest trip, less what the fastest one within a region costs
    known: Known

    @property
    def least_off(self) -> float | None:
        """The fastest trip less configured: what is left of the difference when nothing disturbed it."""
        if self.least is None or self.known.configured is None:
            return None
        return self.least - self.known.configured

    @property
    def off(self) -> float | None:
        """Observed less configured; None where either is missing."""
        if self.observed is None or self.known.configured is None:
            return None
        return self.observed - self.known.configured

    @property
    def off_published(self) -> float | None:
        """Observed less published; None where either is missing."""
        if self.observed is None or self.known.published is None:
            return None
        return self.observed - self.known.published


@dataclass(frozen=True, slots=True)
class Matrix:
    """All pairs that were probed, in the order of their names, and the cost that was taken off each."""

    cells: tuple[Cell, ...]
    cost: float
    inside: int  # trips within a region that the cost was computed from

    def __getitem__(self, pair: tuple[str, str]) -> Cell:
        for cell in self.cells:
            if (cell.a, cell.b) == pair:
                return cell
        raise UsageError(f"nothing was measured from {pair[0]} to {pair[1]}")

    def worst(self, count: int) -> list[Cell]:
        """The pairs whose observation is farthest from what was configured."""
        return sorted((cell for cell in self.cells if cell.off is not None), key=lambda cell: -abs(cell.off or 0))[
            :count
        ]

    @property
    def failed(self) -> int:
        return sum(cell.failed for cell in self.cells)


def matrix(samples: Iterable[Sample], known: Mapping[tuple[str, str], Known], inside: Mapping[str, float]) -> Matrix:
    """Fold samples of a probe; ``inside`` is what a round trip within each region is said to be.

    UsageError when no trip within a region came back, for then nobody knows what the probe itself costs.
    """
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        if sample.what == WHAT:
            a, _, b = sample.where.partition(ARROW)
            groups.setdefault((a, b), []).append(sample)
    near = [1000 * each.latency - inside[a] for (a, b), group in groups.items() if a == b for each in group if each.ok]
    if not near:
        raise UsageError("no probe within a region came back, so what the probe itself costs is not known")
    cost, least = statistics.median(near), min(near)
    cells = tuple(_cell(a, b, groups[a, b], cost, least, known.get((a, b), Known())) for a, b in sorted(groups))
    return Matrix(cells, cost, len(near))


def _cell(a: str, b: str, group: Sequence[Sample], cost: float, least: float, known: Known) -> Cell:
    took = sorted(1000 * sample.latency for sample in group if sample.ok)
    between = interval(took, 0.5) if took else None
    raw = quantile(took, 0.5) if took else None
    return Cell(
        a=a,
        b=b,
        n=len(group),
        failed=len(group) - len(took),
        raw=raw,
        observed=None if raw is None else raw - cost,
        low=None if between is None else between.low - cost,
        high=None if between is None else between.high - cost,
        least=took[0] - least if took else None,
        known=known,
    )
