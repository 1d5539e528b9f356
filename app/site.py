"""What the handlers of one server share: settings, store, rooms, lobby, keys, when it came up, what it has counted."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from app.access import Grant
from app.boot import Boot
from app.config import Settings
from app.holding import Holding
from app.journal import Journal
from app.onward import Refuse
from app.rooms import Rooms
from app.signing import Keys
from app.store import Store, open_store
from app.watched import WatchedStore

if TYPE_CHECKING:
    from app.lobby import Lobby

# Without an answer for so long, the store counts as silent and this machine as not ready (our choice).
_SILENT = 5.0


class Site:
    """One running room server; there may be several in a test. ``lobby`` is there when another app holds the rooms."""

    def __init__(
        self, settings: Settings, store: WatchedStore, rooms: Rooms, lobby: "Lobby | None", keys: Keys, boot: Boot
    ) -> None:
        self.settings = settings
        self.store = store
        self.rooms = rooms
        self.holding = rooms.holding
        self.lobby = lobby
        self.keys = keys
        self.boot = boot
        self.connections = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def ready(self) -> tuple[bool, str]:
        """Whether new visitors are welcome, and why not."""
        if self.holding.closing:
            return False, "this machine is going away"
        if self.store.silent_for() > _SILENT:
            return False, "the object store does not answer"
        return True, ""

    @property
    def crowded(self) -> bool:
        """Whether no further connection can be taken."""
        return self.connections >= self.settings.limits.connections

    def full(self) -> Refuse:
        """The answer to somebody who belongs here while it is crowded."""
        why = f"machine {self.settings.place.machine} has {self.connections} connections, the most it takes"
        return Refuse(status=503, why=why, reason="full")

    async def grant(self, room: str, token: str) -> Grant | Refuse | None:
        """What a link's token gives in a room; raises `StoreError` while the secret for it cannot be had."""
        if not token:
            return None
        grant = (await self.rooms.links()).read(room, token)
        if grant is None:
            return Refuse(status=403, why=f"this link does not open room {room}: it is not whole", reason="forbidden")
        return grant

    def entered(self) -> None:
        """Count one more open connection."""
        self.connections += 1
        self._empty.clear()

    def left(self) -> None:
        self.connections -= 1
        if not self.connections:
            self._empty.set()

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count one open connection while the block runs."""
        self.entered()
        try:
            yield
        finally:
            self.left()

    async def emptied(self, *, within: float) -> None:
        """Return when the last connection is gone, or after that many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._empty.wait()


def open_site(
    settings: Settings, boot: Boot, *, store: Store | None = None, new_journal: Callable[..., Journal] = Journal
) -> Site:
    """The site that the settings describe; nothing is asked of the store yet.

    A test may bring a store of its own, and journals.
    """
    watched = WatchedStore(store or open_store(settings.rooms_url))
    keys = Keys(watched, settings.secret)
    lobby = None
    if settings.lobby:
        # Others do not need what it imports.
        from app.lobby import Lobby

        lobby = Lobby(settings, watched, keys)
    rooms = Rooms(Holding(watched, settings), watched, keys, settings, new_journal=new_journal)
    return Site(settings, watched, rooms, lobby, keys, boot)
