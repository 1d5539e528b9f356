"""What is to be done when: keys with the moment each is due, for shells that keep one timer for thousands of things."""

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_SPARE = 64  # entries that a heap may hold beyond twice what is wanted, before it is swept; our choice


class Agenda(Generic[K]):
    """Each key is there once at most; the same moment is served in the order in which it was asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._due: dict[K, tuple[float, int]] = {}
        self._order = count()

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def put(self, key: K, due: float) -> None:
        """Set or move the moment of a key."""
        entry = (due, next(self._order))
        self._due[key] = entry
        heapq.heappush(self._heap, (*entry, key))
        if len(self._heap) > 2 * len(self._due) + _SPARE:
            self._heap = [(*entry, key) for key, entry in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, key: K) -> None:
        """Forget a key; an unknown one is fine."""
        self._due.pop(key, None)

    def next_due(self) -> float | None:
        """When the first of all is due; None when there is nothing to do."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> list[K]:
        """The keys that are due by now, in their order; they are taken out."""
        found: list[K] = []
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            found.append(key)
        return found
