"""The rooms that this machine holds, and how it comes to hold one: ask the directory, decide, claim, open."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from weakref import WeakValueDictionary

from app.config import Limits
from app.directory import Directory
from app.hub import Hub
from app.journal import Journal, MemoryJournal
from app.outbox import Close
from app.ownership import Owner, Place
from app.placement import Arrival, Decision, Refuse, ReplayTo, Serve, TakeOver, place_creation, place_request
from app.protocol import GOING_AWAY, MOVED, Closing, Moved
from app.room import Room

_log = logging.getLogger("app")

# A claim is lost only to a machine that made the epoch newer, so a second look all but always settles it (our choice).
_LOOKS = 5


class Rooms:
    """All hubs of this process, and the only code that claims rooms."""

    def __init__(
        self,
        directory: Directory,
        me: Place,
        *,
        limits: Limits,
        new_journal: Callable[[Owner], Journal] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.me = me
        self.limits = limits
        self.closing = False
        self._new_journal = new_journal or (lambda owner: MemoryJournal(secrets.token_hex(8)))
        self._wall = wall
        self._hubs: dict[str, Hub] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._finishing: set[asyncio.Task[None]] = set()

    def get(self, room: str) -> Hub | None:
        return self._hubs.get(room)

    @property
    def count(self) -> int:
        return len(self._hubs)

    @property
    def connections(self) -> int:
        return sum(hub.connections for hub in self._hubs.values())

    async def owner(self, room: str) -> Owner | None:
        """The room's owner as of now; if that is news to us, we give the room up."""
        owner = await self.directory.owner(room)
        hub = self._hubs.get(room)
        if hub is None:
            return owner
        if owner is None or owner.epoch <= hub.owner.epoch:
            return hub.owner
        self.lose(hub, owner)
        return owner

    async def place(self, room: str, arrival: Arrival) -> Decision:
        """Where a request for the room belongs; changes nothing."""
        return place_request(
            room, await self.owner(room), me=self.me, held=self._held(room), arrival=arrival
        )  # fmt: skip

    async def arrive(self, room: str, arrival: Arrival) -> Hub | ReplayTo | Refuse:
        """The hub for somebody who enters the room, taken over if nobody can hold it; or where they belong instead."""
        decision = await self.place(room, arrival)
        if isinstance(decision, TakeOver):
            async with self._lock(room):
                for _ in range(_LOOKS):
                    decision = await self.place(room, arrival)
                    if not isinstance(decision, TakeOver):
                        break
                    settled = await self._take_over(room, decision)
                    if settled is not None:
                        return settled
        match decision:
            case Serve():
                return self._hubs[room]
            case TakeOver():
                return Refuse(status=503, why=f"room {room} changes hands too fast; try again")
            case _:
                return decision

    async def create(self, room: str, *, region: str, arrival: Arrival) -> Hub | ReplayTo | Refuse:
        """Make a room here, or say in which region that must happen."""
        async with self._lock(room):
            decision = place_creation(room, await self.owner(room), region=region, me=self.me, arrival=arrival)
            if isinstance(decision, TakeOver):
                settled = await self._take_over(room, decision)
                return settled or Refuse(status=409, why=f"room {room} was created elsewhere at this moment")
        assert not isinstance(decision, Serve)
        return decision

    def lose(self, hub: Hub, owner: Owner | None) -> None:
        """Somebody else owns the room: its members are told where it is and sent away."""
        if self._hubs.get(hub.room.name) is hub:
            del self._hubs[hub.room.name]
            _log.info("room %s: epoch %d here is over, owner now %s", hub.room.name, hub.owner.epoch, owner)
            place = owner.place if owner is not None else Place(machine="", region="", app="")
            hub.dismiss(Moved(region=place.region, machine=place.machine), Close(MOVED, "the room has moved"))
            finishing = asyncio.create_task(hub.finish())
            self._finishing.add(finishing)
            finishing.add_done_callback(self._finishing.discard)

    async def close(self, why: str) -> None:
        """Take in nobody any more, send every member away, and store what is still to be stored."""
        self.closing = True
        _log.info("leaving: %d rooms, %d connections", self.count, self.connections)
        hubs = list(self._hubs.values())
        for hub in hubs:
            hub.dismiss(Closing(why=why), Close(GOING_AWAY, why))
        await asyncio.gather(*(hub.finish() for hub in hubs), *self._finishing)

    async def _take_over(self, room: str, decision: TakeOver) -> Hub | Refuse | None:
        if len(self._hubs) >= self.limits.rooms and room not in self._hubs:
            return Refuse(status=503, why=f"machine {self.me.machine} holds {self.limits.rooms} rooms already")
        owner = await self.directory.claim(room, after=decision.epoch, place=self.me, at=self._wall())
        if owner.place != self.me:
            return None
        journal = self._new_journal(owner)
        contents = Room(room, history=self.limits.history, ops=self.limits.ops)
        snapshot = await journal.snapshot()
        contents.restore(snapshot, await journal.since(snapshot.seq if snapshot else 0))
        hub = Hub(
            owner, contents, journal, limits=self.limits, lost=lambda hub: self.lose(hub, None), wall=self._wall
        )  # fmt: skip
        self._hubs[room] = hub
        _log.info("room %s: epoch %d begins here", room, owner.epoch)
        return hub

    def _held(self, room: str) -> int | None:
        hub = self._hubs.get(room)
        return None if hub is None else hub.owner.epoch

    def _lock(self, room: str) -> asyncio.Lock:
        return self._locks.setdefault(room, asyncio.Lock())
