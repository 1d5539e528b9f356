"""What the handlers of one server share: settings, rooms, when it came up, and how many connections it has."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.boot import Boot
from app.config import Settings
from app.placement import Refuse
from app.rooms import Rooms


class Site:
    """One running room server; there may be several in a test."""

    def __init__(self, settings: Settings, rooms: Rooms, boot: Boot) -> None:
        self.settings = settings
        self.rooms = rooms
        self.boot = boot
        self.connections = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def ready(self) -> bool:
        """Whether new visitors are welcome."""
        return not self.rooms.closing

    def busy(self) -> Refuse | None:
        """Why no further connection can be taken, if so."""
        machine = self.settings.place.machine
        if self.rooms.closing:
            return Refuse(status=503, why=f"machine {machine} is going away; try again")
        if self.connections >= self.settings.limits.connections:
            return Refuse(status=503, why=f"machine {machine} has {self.connections} connections, the most it takes")
        return None

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count one open connection."""
        self.connections += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.connections -= 1
            if not self.connections:
                self._empty.set()

    async def emptied(self, *, within: float) -> None:
        """Return when the last connection is gone, or after that many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._empty.wait()
