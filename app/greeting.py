"""Those who have not taken all of their welcome yet: which state of the room they are given, and who is given up.

A room's state is megabytes in frames, and shared: while somebody still holds them, whoever comes in the same state of
the room is given the very same. Once so many sets are held as may be, a newcomer is given the newest of these, and the
entries since. So those who never read hold a few sets together, however many they are.

Who takes nothing at all for a while is given up. Who takes little is not: what counts is that it goes on. One timer
looks after all of a room, and there is none while nobody waits.
"""

import asyncio
from collections.abc import Callable

from app.listener import Listener

# How many states of one room, in one encoding, newcomers may hold at a time. How often they are looked at, and how many
# looks without any progress are too many: after 10 to 12.5 s (looks and not seconds, so that nobody is given up because
# this process stood still). All our choices.
MOST_SETS = 2
LOOK = 2.5
LOOKS = 5


class Parts:
    """A room in frames, as of entry ``seq``."""

    __slots__ = ("binary", "frames", "seq")

    def __init__(self, seq: int, frames: list[bytes], *, binary: bool) -> None:
        self.seq = seq
        self.frames = frames
        self.binary = binary


class _Waiting:
    """What one newcomer holds, what it had left to take when it was last seen to take some, looks without that."""

    __slots__ = ("left", "looks", "parts")

    def __init__(self, parts: Parts | None, left: tuple[int, int]) -> None:
        self.parts = parts
        self.left = left
        self.looks = 0


class Greetings:
    """Everybody in one room who waits for frames of their welcome.

    ``covers`` says whether the entries after a number are at hand; ``give_up`` ends a connection, with a reason.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        covers: Callable[[int], bool],
        give_up: Callable[[Listener, str], None],
    ) -> None:
        self._loop = loop
        self._covers = covers
        self._give_up = give_up
        self._waiting: dict[Listener, _Waiting] = {}
        self._timer: asyncio.TimerHandle | None = None

    def choose(self, seq: int, *, binary: bool) -> Parts | None:
        """What somebody who comes now, at entry ``seq``, must be given; None: a new set may be made."""
        held = {one.parts.seq: one.parts for one in self._waiting.values() if one.parts and one.parts.binary == binary}
        if seq in held or len(held) < MOST_SETS:
            return held.get(seq)
        newest = held[max(held)]
        if self._covers(newest.seq):
            return newest
        self._end_hopeless()
        return None

    def add(self, listener: Listener, parts: Parts | None) -> None:
        """It could not take all of its welcome at once."""
        self._waiting[listener] = _Waiting(parts, _left(listener))
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK, self._look)

    def remove(self, listener: Listener) -> None:
        """It has got all of it, or is gone; safe to call for anybody."""
        if self._waiting.pop(listener, None) is not None and not self._waiting:
            self.close()

    def close(self) -> None:
        """Nobody is looked after any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK, self._look)
        self._end_hopeless()
        for listener, waiting in tuple(self._waiting.items()):
            left = _left(listener)
            if left < waiting.left:
                waiting.left, waiting.looks = left, 0
            else:
                waiting.looks += 1
                if waiting.looks >= LOOKS:
                    self._give_up(listener, f"took nothing of the room for {LOOK * (LOOKS - 1):g} s")

    def _end_hopeless(self) -> None:
        """Who has not got the state yet after which entries are missing would be too far behind at the end of it."""
        for listener in tuple(self._waiting):
            if not self._covers(listener.seq):
                self._give_up(listener, "too far behind; reconnect to catch up")


def _left(listener: Listener) -> tuple[int, int]:
    """What it has to take yet, comparable: frames, then bytes of those that were written."""
    return len(listener.first or ()), listener.wire.untaken()
