"""A clock for how long something has taken, though the wall clock is put back or the machine is suspended; pure.

A suspended machine's steady clock stands still while the wall clock goes on; a wall clock that is put back makes a wait
longer, and one that is put back again and again makes it endless. So of every stretch the longer of both counts. A wall
clock that is put forward counts in full: something then ends early, which costs a second look and never an edit.
"""

from collections.abc import Callable


class Elapsed:
    """Seconds that never go back; they begin at the wall clock's, and only differences of them mean anything."""

    __slots__ = ("_now", "_steady", "_steady_at", "_wall", "_wall_at")

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall = wall
        self._steady = steady
        self._wall_at = self._now = wall()
        self._steady_at = steady()

    def __call__(self) -> float:
        wall, steady = self._wall(), self._steady()
        self._now += max(wall - self._wall_at, steady - self._steady_at, 0.0)
        self._wall_at, self._steady_at = wall, steady
        return self._now
