"""Streams of what happens, for whoever follows along; a follower that is too slow is let go, so memory is bounded."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from flylab.wire.fields import Json


class Hub:
    """Hands every published item to every follower and remembers the last ones."""

    def __init__(self, *, remembered: int = 1000, waiting: int = 1000) -> None:
        self._recent: deque[Json | Callable[[], Json]] = deque(maxlen=remembered)
        self._waiting = waiting
        self._followers: set[asyncio.Queue[Json | None]] = set()
        self._closed = False

    def publish(self, item: Json | Callable[[], Json]) -> None:
        """Tell everybody; what is given as a function is only made when somebody looks."""
        self._recent.append(item)
        if not self._followers:
            return
        self._give(item() if callable(item) else item)

    def _give(self, item: Json) -> None:
        for queue in list(self._followers):
            if queue.qsize() >= self._waiting:  # it ends here; whoever wants more follows anew
                self._followers.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(item)

    def tell(self, item: Callable[[], Json]) -> None:
        """Tell those who follow now what passes by and is not remembered; it is only made when there are any."""
        if self._followers:
            self._give(item())

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def recent(self) -> list[Json]:
        """The last items, oldest first."""
        return [item() if callable(item) else item for item in self._recent]

    @contextmanager
    def follow(self) -> Iterator[AsyncIterator[Json]]:
        """Every item from now on, until the hub closes or the follower is too slow."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        if self._closed:
            queue.put_nowait(None)
        self._followers.add(queue)
        try:
            yield _items(queue)
        finally:
            self._followers.discard(queue)

    def close(self) -> None:
        """End every follower."""
        self._closed = True
        for queue in self._followers:
            queue.put_nowait(None)


async def _items(queue: asyncio.Queue[Json | None]) -> AsyncIterator[Json]:
    while (item := await queue.get()) is not None:
        yield item
