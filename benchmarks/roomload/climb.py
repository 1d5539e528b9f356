"""How far a load is raised: pure, one step after the other, told how each went."""

import math

HIGHEST = 4.0  # times as much in one step, while the server has most of its core to spare
LOWEST = 1.2  # times as much when it has not; best and worst that are this close are close enough
FULL = 0.9  # the share of a core at which more is not expected
DOWN = 16  # how far below the start is looked when the start itself is too much


class Climb:
    """``value`` is what to try; `tell` how it went says whether there is another one.

    Whatever fails has a second chance, since neighbours on the machine are noisy.
    """

    def __init__(self, start: float, *, power: float = 1.0) -> None:
        """``power``: the server's work grows with the value to this power."""
        self.value = start
        self._start, self._power = start, power
        self._good, self._bad = 0.0, math.inf
        self._repeats = False

    def tell(self, *, good: bool, cpu: float) -> bool:
        if not good and not self._repeats:
            self._repeats = True
            return True
        self._repeats = False
        if good:
            self._good = self.value
        else:
            self._bad = self.value
        if self._good == 0:
            self.value = self._bad / 2
            return self.value >= self._start / DOWN
        if self._bad == math.inf:
            self.value *= min(HIGHEST, max(LOWEST, (FULL / max(cpu, 0.01)) ** (1 / self._power)))
            return True
        self.value = math.sqrt(self._good * self._bad)
        return self._bad > LOWEST * self._good
