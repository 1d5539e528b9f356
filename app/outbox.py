"""What waits to be sent to one member: bounded, so that a member who does not read costs little and harms nobody."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.protocol import SLOW


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a connection, after everything before it; an ``abrupt`` one does not wait for the member to read."""

    code: int
    reason: str
    abrupt: bool = False


class Outbox:
    """A bounded queue of frames. `put` never waits; only the connection's writer calls `take`.

    ``drop(code, reason)`` ends the connection without waiting for the member to read.
    """

    def __init__(self, *, most_frames: int, most_bytes: int, drop: Callable[[int, str], None]) -> None:
        self._frames: deque[str] = deque()
        self._held = 0
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._drop = drop
        self._close: Close | None = None
        self._wake = asyncio.Event()
        self.missed_moves = False

    @property
    def held_bytes(self) -> int:
        return self._held

    @property
    def open(self) -> bool:
        """Whether frames are still taken."""
        return self._close is None

    def put(self, frame: str) -> bool:
        """Queue a frame; False when the member is too far behind, and it is then being dropped."""
        if self._close is not None:
            return True
        if len(self._frames) >= self._most_frames or self._held + len(frame) > self._most_bytes:
            self.close(Close(SLOW, "too far behind; reconnect to catch up", abrupt=True))
            return False
        self._frames.append(frame)
        self._held += len(frame)
        self._wake.set()
        return True

    def put_moves(self, frame: str) -> None:
        """Queue cursor moves, unless older frames still wait: newer moves supersede these (see ``missed_moves``)."""
        if self._frames:
            self.missed_moves = True
        else:
            self.put(frame)

    def close(self, close: Close) -> None:
        """Let this be the last thing the member gets; an abrupt close forgets what still waits."""
        if self._close is not None and not close.abrupt:
            return
        if close.abrupt:
            self._frames.clear()
            self._held = 0
            self._drop(close.code, close.reason)
        self._close = close
        self._wake.set()

    async def take(self) -> str | Close:
        """The next frame, waiting for one; the close comes after the last frame, and then again on every call."""
        while not self._frames:
            if self._close is not None:
                return self._close
            self._wake.clear()
            await self._wake.wait()
        frame = self._frames.popleft()
        self._held -= len(frame)
        return frame
