"""When a room sends what has gathered: at once after a quiet moment, and the rarer the more it costs; pure."""

# A flush may come again after this many times what the last one cost, so that sending leaves most of the core for
# reading: a third of a core a busy room, a seventh for what is in no hurry (cursors, what is stored). That rides along
# with messages, or comes no sooner than a frame of a screen and, if messages could, no later than 22 ms after the last;
# messages wait 33 ms at most. All our choices.
_SHARE = 3
_PATIENT_SHARE = 6
_PATIENT_GAP = 1 / 60
_PATIENT_MOST = 0.022
_MOST = 0.033


class Pacer:
    """Knows when the last flush was and what it took."""

    __slots__ = ("_cost", "_last", "_latest")

    def __init__(self) -> None:
        self._last = float("-inf")
        self._cost = 0.0  # of the cheaper of the last two: one that was interrupted says nothing
        self._latest = 0.0

    def due(self, now: float, *, patient: bool) -> float:
        """The earliest moment, now or later, for a flush of what waits now."""
        if patient:
            gap = min(max(_PATIENT_SHARE * self._cost, _PATIENT_GAP), max(_PATIENT_MOST, _SHARE * self._cost))
        else:
            gap = _SHARE * self._cost
        return max(now, self._last + min(gap, _MOST))

    def flushed(self, began: float, ended: float) -> None:
        """A flush was done."""
        self._last = began
        self._cost = min(self._latest, ended - began)
        self._latest = ended - began
