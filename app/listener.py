"""One member's connection as a room's fan-out sees it (app/fanout.py)."""

import enum
from collections import deque
from collections.abc import Iterable

from app.wire import Wire


class Missed(enum.IntEnum):
    """What somebody who is behind was not told and will not find in the log."""

    NOTHING = 0
    MOVES = 1  # cursors, drags, selections, what is stored
    PEOPLE = 2  # and who came or went


class Listener:
    """Whose wire it is, and how far it is.

    ``first`` are the frames of its welcome that it has not taken yet. ``seq`` counts while it is not among those who
    are up to date; ``knows`` (how many of the messages that wait, of which flush) while those wait that its welcome
    held already.
    """

    __slots__ = ("first", "knows", "missed", "seq", "wire")

    def __init__(self, wire: Wire, seq: int, first: Iterable[bytes], knows: tuple[int, int]) -> None:
        self.wire = wire
        self.seq = seq
        self.first: deque[bytes] | None = deque(first)
        self.knows = knows
        self.missed = Missed.NOTHING
