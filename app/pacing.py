"""When a room sends what has gathered: at once after a quiet moment, and the rarer the more it costs; pure."""

# A flush may come again after this many times what the last one cost, so that sending leaves most of the core for
# reading; a third of a core a busy room. Messages never wait longer than this. What is in no hurry (cursors, what is
# stored) rides along with them, or comes 12 ms after the last flush (80 a second; a screen shows 60). All our choices.
_SHARE = 3
_MOST = 0.033
_PATIENT_GAP = 0.012


class Pacer:
    """Knows when the last flush was and what it took."""

    __slots__ = ("_gap", "_last")

    def __init__(self) -> None:
        self._last = float("-inf")
        self._gap = 0.0

    def due(self, now: float, *, patient: bool) -> float:
        """The earliest moment, now or later, for a flush of what waits now."""
        return max(now, self._last + (max(self._gap, _PATIENT_GAP) if patient else self._gap))

    def flushed(self, began: float, ended: float) -> None:
        """A flush was done."""
        self._last = began
        self._gap = min(_SHARE * (ended - began), _MOST)
