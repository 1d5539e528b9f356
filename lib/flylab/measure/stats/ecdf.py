"""The empirical distribution: which share of the values is at most x, and how far the true share may be from it."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from flylab.errors import UsageError
from flylab.measure.summary import CONFIDENCE


@dataclass(frozen=True, slots=True)
class Ecdf:
    """``values`` in order; ``band`` is the half-width around the whole curve at once."""

    values: tuple[float, ...]
    band: float

    @property
    def n(self) -> int:
        return len(self.values)

    def at(self, x: float) -> float:
        """The share of values that are at most x."""
        return bisect_right(self.values, x) / self.n

    def points(self, most: int = 500) -> list[tuple[float, float]]:
        """Corners of the step curve (x, share up to and with x), thinned evenly; the first and the last are kept."""
        if most < 2:
            raise UsageError(f"a curve cannot be drawn with {most} points")
        corners = {value: (place + 1) / self.n for place, value in enumerate(self.values)}
        points = list(corners.items())
        if len(points) <= most:
            return points
        return [points[round(each * (len(points) - 1) / (most - 1))] for each in range(most)]


def ecdf(values: Iterable[float], *, confidence: float = CONFIDENCE) -> Ecdf:
    """Order the values; the band is that of Dvoretzky, Kiefer and Wolfowitz with Massart's constant."""
    ordered = tuple(sorted(values))
    if not ordered:
        raise UsageError("there is no distribution of 0 values")
    return Ecdf(ordered, math.sqrt(math.log(2 / (1 - confidence)) / (2 * len(ordered))))
