"""The list of public rooms, read once for all who ask within a moment: a listing and up to 500 hints a read."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from app.config import Settings
from app.holding import Holding
from app.hub import Hub
from app.layout import PUBLIC
from app.ownership import Hint
from app.paying import paid
from app.store import Store

# Hints fetched at the same time, and the most that one list shows; seconds for which a list is good, and for which it
# is good although a room of ours came or went since, so that who goes back to the lobby sees it (our choice).
_PARALLEL = 32
MOST_LISTED = 500
LIFE = 2.0
CHANGED_LIFE = 0.25

Answer = dict[str, Any]


class Listing:
    """What ``GET /api/rooms`` answers: as of now for rooms of this machine, for others at most `LIFE` old.

    A read that fails is told to all who wait for it, and tried again for the next who asks.
    """

    def __init__(self, store: Store, holding: Holding, settings: Settings) -> None:
        self._store = store
        self._holding = holding
        self._settings = settings
        self._hints: list[Hint] = []
        self._more = 0
        self._changes = 0
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def get(self) -> Answer:
        """The list; raises `StoreError` when the store does not answer."""
        now = self._holding.clock()
        life = LIFE if self._changes == self._holding.hints.changes else CHANGED_LIFE
        if self._read_at is None or not 0 <= now - self._read_at < life:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(now), name="list rooms")
                self._reading.add_done_callback(self._done)
            await asyncio.shield(self._reading)  # goes on when whoever asked first has left
        rooms = [describe_room(hint, self._holding.get(hint.room)) for hint in self._hints]
        # The machine that answers runs, and so does each that holds a room which is awake.
        running = [self._settings.place.machine, *(room["machine"] for room in rooms if room["awake"])]
        memory = self._settings.runtime.memory_mb
        regions = {room["region"] for room in rooms} | {self._settings.place.region, *self._settings.regions}
        return {
            "rooms": rooms,
            "more": self._more,
            "regions": sorted(code for code in regions if code),
            "shared": self._store.shared,
            "paid": paid(running, memory_mb=memory, on=datetime.now(UTC).date()),
        }

    async def _read(self, now: float) -> None:
        changes = self._holding.hints.changes
        names = [room for key in await self._store.keys(PUBLIC) if (room := key.removeprefix(PUBLIC))]
        hints = await _each(names[:MOST_LISTED], self._holding.hints.read)
        self._hints = [hint for hint in hints if hint and hint.listed and hint.public]
        self._more = max(0, len(names) - MOST_LISTED)
        self._read_at, self._changes = now, changes  # of its beginning: what happened since may be missing

    def _done(self, task: "asyncio.Task[None]") -> None:
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
        "members": hint.members if hub is None else len(hub.presence),
    }
