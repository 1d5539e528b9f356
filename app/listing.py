"""The list of public rooms, read once for all who ask within a moment: a listing and up to 500 hints a read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from app.config import Settings
from app.holding import Holding
from app.hub import Hub
from app.layout import PUBLIC
from app.ownership import Hint
from app.store import Store

# Hints fetched at the same time, the most that one list shows, and seconds for which a list is good (our choice).
_PARALLEL = 32
MOST_LISTED = 500
LIFE = 2.0

Answer = dict[str, Any]


class Listing:
    """What ``GET /api/rooms`` answers, as one machine knows it; at most `LIFE` old.

    A read that fails is told to all who wait for it, and tried again for the next who asks.
    """

    def __init__(self, store: Store, holding: Holding, settings: Settings) -> None:
        self._store = store
        self._holding = holding
        self._settings = settings
        self._known: Answer = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[Answer] | None = None

    async def get(self) -> Answer:
        """The list; raises `StoreError` when the store does not answer."""
        now = self._holding.clock()
        if self._read_at is not None and 0 <= now - self._read_at < LIFE:
            return self._known
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(now), name="list rooms")
            self._reading.add_done_callback(self._done)
        return await asyncio.shield(self._reading)  # goes on when whoever asked first has left

    async def _read(self, now: float) -> Answer:
        names = [room for key in await self._store.keys(PUBLIC) if (room := key.removeprefix(PUBLIC))]
        hints = await _each(names[:MOST_LISTED], self._holding.hints.read)
        rooms = [
            describe_room(hint, self._holding.get(hint.room)) for hint in hints if hint and hint.listed and hint.public
        ]
        regions = {room["region"] for room in rooms} | {self._settings.place.region, *self._settings.regions}
        self._known = {
            "rooms": rooms,
            "more": max(0, len(names) - MOST_LISTED),
            "regions": sorted(code for code in regions if code),
            "shared": self._store.shared,
        }
        self._read_at = now  # of its beginning: what happened since may be missing
        return self._known

    def _done(self, task: "asyncio.Task[Answer]") -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # seen by whoever still waits


async def _each(names: list[str], read: Callable[[str], Awaitable[Hint | None]]) -> list[Hint | None]:
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(name: str) -> Hint | None:
        async with gate:
            return await read(name)

    return await asyncio.gather(*map(one, names))


def describe_room(hint: Hint, hub: Hub | None) -> Answer:
    """A room for a list; ``members`` of a room that is not open here is what its holder last wrote down."""
    return {
        "room": hint.room,
        "epoch": hint.epoch,
        "machine": hint.place.machine,
        "region": hint.to or hint.place.region,
        "app": hint.place.app,
        "since": hint.at,
        "awake": hub is not None or hint.awake,
        "public": hint.public,
        "listed": hint.listed,
        "members": hint.members if hub is None else len(hub.presence.members()),
    }
