"""Whether a line of the log is written: the same thing again and again is counted instead, and told with the next line.

first ─► written   the same within the pause ─► counted   after the pause ─► written, with the count
"""

from collections import OrderedDict
from collections.abc import Hashable

PAUSE = 10.0  # seconds between two lines of the same kind; our choice
_KINDS = 1000  # that are remembered; our choice
_BURST, _RATE = 50, 10.0  # lines in all at once, and a second; our choice


class Chatter:
    """For one stream of lines."""

    def __init__(self) -> None:
        self._told: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()  # when, and how many since
        self._tokens = float(_BURST)
        self._then: float | None = None

    def admit(self, kind: Hashable, now: float) -> int | None:
        """None when nothing is to be written, else how many of this kind were left out before this one."""
        then, left_out = self._told.get(kind, (None, 0))
        if then is not None and now - then < PAUSE:
            self._told[kind] = (then, left_out + 1)
            return None
        if self._then is not None:
            self._tokens = min(_BURST, self._tokens + max(0.0, now - self._then) * _RATE)
        self._then = now
        if self._tokens < 1:
            return None
        self._tokens -= 1
        self._told[kind] = (now, 0)
        self._told.move_to_end(kind)
        if len(self._told) > _KINDS:
            self._told.popitem(last=False)
        return left_out
