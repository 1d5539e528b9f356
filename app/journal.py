"""Where a room's log is kept: the interface that a log in an object store has, and the one in memory we have now.

A log is a row of segments, each stored under the number of its first entry by *put if absent*. That one rule makes
the store order everything: of two machines that both believe they own a room, the second to append finds the key
taken, and knows that it must not acknowledge. **In memory nothing outlives the process**; docs/rooms.md says so.
"""

from collections.abc import Sequence
from typing import Protocol

from app.protocol import Said
from app.room import Snapshot


class Fenced(Exception):
    """Somebody else has written the next segment: this machine has lost the room and may acknowledge nothing more."""


class Journal(Protocol):
    """One room's stored log; only its writer calls `append`, one call at a time."""

    @property
    def log(self) -> str:
        """Names this log; a member's ``since`` counts only with the log it was taken from."""

    async def append(self, batch: Sequence[Said]) -> None:
        """Store the batch as one segment, or raise `Fenced`; when it returns, the batch may be acknowledged."""

    async def since(self, seq: int) -> list[Said]:
        """The stored entries after ``seq``."""

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        """Store a snapshot; segments that it covers may then go."""

    async def snapshot(self) -> Snapshot | None:
        """The latest stored snapshot."""


class MemoryJournal:
    """A log in this process. ``segments`` may be shared, to let two writers contend as they would over a store."""

    def __init__(self, log: str, segments: dict[int, tuple[Said, ...]] | None = None, *, keep: int = 500) -> None:
        self.log = log
        self._segments = {} if segments is None else segments
        self._snapshot: Snapshot | None = None
        self._keep = keep

    async def append(self, batch: Sequence[Said]) -> None:
        first = batch[0].seq
        if first in self._segments:
            raise Fenced(f"segment {first} of log {self.log} is already written")
        self._segments[first] = tuple(batch)
        while len(self._segments) > self._keep:
            del self._segments[next(iter(self._segments))]

    async def since(self, seq: int) -> list[Said]:
        return [entry for first in sorted(self._segments) for entry in self._segments[first] if entry.seq > seq]

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for first in [first for first, batch in self._segments.items() if batch[-1].seq <= snapshot.seq]:
            del self._segments[first]

    async def snapshot(self) -> Snapshot | None:
        return self._snapshot
