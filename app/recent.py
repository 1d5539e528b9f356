"""What was seen within the last while; a bounded memory that nothing may depend on."""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

# More than one machine sends on in a minute; the oldest are forgotten first (our choice).
MOST = 10_000


class Recent(Generic[T]):
    """Things that were added at most ``life`` seconds ago."""

    def __init__(self, life: float, *, most: int = MOST) -> None:
        self._life = life
        self._most = most
        self._seen: dict[T, float] = {}

    def add(self, thing: T, now: float) -> None:
        self._seen.pop(thing, None)
        self._seen[thing] = now
        while len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]

    def has(self, thing: T, now: float) -> bool:
        seen = self._seen.get(thing)
        return seen is not None and now - seen <= self._life

    def all(self, now: float) -> set[T]:
        """Those that are still recent."""
        return {thing for thing, seen in self._seen.items() if now - seen <= self._life}
