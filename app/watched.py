"""The store as this process sees it: passes every call on, counts it, and knows for how long there was no answer."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.store import Store, StoreError

_Result = TypeVar("_Result")


class WatchedStore:
    """A `Store` around another one."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._silent_since: float | None = None
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()

    @property
    def shared(self) -> bool:
        return self._store.shared

    def silent_for(self) -> float:
        """Seconds since calls began to fail; 0 while the last one was answered."""
        return 0.0 if self._silent_since is None else self._clock() - self._silent_since

    async def create(self, key: str, body: bytes) -> bool:
        return await self._watch("create", self._store.create(key, body))

    async def put(self, key: str, body: bytes) -> None:
        await self._watch("put", self._store.put(key, body))

    async def get(self, key: str) -> bytes | None:
        return await self._watch("get", self._store.get(key))

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        return await self._watch("list", self._store.keys(prefix, after=after))

    async def delete(self, keys: Sequence[str]) -> None:
        await self._watch("delete", self._store.delete(keys))

    async def _watch(self, call: str, answer: Awaitable[_Result]) -> _Result:
        began = self._clock()
        self.calls[call] += 1
        try:
            result = await answer
        except StoreError:
            self.errors[call] += 1
            if self._silent_since is None:
                self._silent_since = began
            raise
        else:
            self._silent_since = None
            return result
        finally:
            self.seconds[call] += self._clock() - began  # type: ignore[assignment] # a Counter adds up any number
