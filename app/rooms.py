"""The rooms that this machine holds, and how it comes to hold one and to give it up; the only code that takes rooms.

arrive ──► held here? ──► hint: somebody else's? ──► log ──► placement decides ──► take ──► fold ──► `Hub`
end    ──► all stored ──► snapshot ──► `Released` ──► hint ──► members are told and come back elsewhere
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any
from weakref import WeakValueDictionary

from app import logs
from app.access import Grant, Links
from app.arrival import Arrival
from app.config import Settings
from app.entries import AnyEntry, Epoch, format_entry
from app.following import Follower
from app.gate import Gate
from app.hub import Hub
from app.journal import Journal, Log
from app.layout import hint_key, public_key
from app.onward import Onward, Refuse, ReplayTo, signed
from app.ownership import Hint, Place
from app.placement import (
    Decision,
    Serve,
    Standing,
    Take,
    Tell,
    place_by_hint,
    place_creation,
    place_look,
    place_request,
    place_unread,
)
from app.protocol import GOING_AWAY, MOVED, STORAGE, Closing, Moved, ServerMessage
from app.room import Room, RoomLimits, decode_snapshot
from app.signing import Keys
from app.store import StoreError
from app.watched import WatchedStore
from flylab.errors import ParseError

# A claim is lost only to a machine that made the epoch newer, so a second look all but always settles it (our choice).
_LOOKS = 5
# Rooms that are ended at the same time, and seconds for each; Fly's default kill_timeout leaves 5 s for everything.
_ENDING = 32
_END = 2.5
# Per second: how many held rooms are checked against the log, and how many hints are renewed (our choice).
_CHECKS = 50
_HINT_EVERY = 30.0
_FOLLOW_EVERY = 5.0
# Without an answer for so long, the store counts as silent and this machine as not ready (our choice).
_SILENT = 5.0


@dataclass(slots=True)
class Held:
    """A room of ours and when it was last looked after."""

    hub: Hub
    follower: Follower | None
    verified: float
    hinted: float
    followed: float
    hint: Hint | None = None  # as it was last written
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)  # hints are written one after the other


class Rooms:
    """All hubs of this process."""

    def __init__(
        self,
        store: WatchedStore,
        keys: Keys,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        new_journal: Callable[..., Journal] = Journal,
    ) -> None:
        self.store = store
        self.me = settings.place
        self.closing = False
        self.counts = {"taken": 0, "released": 0, "fenced": 0, "storage": 0, "moved": 0, "entries": 0}
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._new_journal = new_journal
        self._writer = secrets.token_hex(6)
        self._rng = Random(self._writer)
        self._gate = Gate()
        self._held: dict[str, Held] = {}
        self._gave_up: dict[str, int] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._links: Links | None = None

    # What there is -----------------------------------------------------------------

    def get(self, room: str) -> Hub | None:
        """The hub of a room that is open here."""
        held = self._held.get(room)
        return None if held is None or held.hub.leaving else held.hub

    @property
    def hubs(self) -> list[Hub]:
        return [held.hub for held in self._held.values()]

    @property
    def count(self) -> int:
        return len(self._held)

    @property
    def store_silent(self) -> bool:
        return self.store.silent_for() > _SILENT

    async def hint(self, room: str) -> Hint | None:
        """What the store says of a room, without reading its log; None also when the store does not answer."""
        try:
            body = await self.store.get(hint_key(room))
            return None if body is None else Hint.from_json(room, body)
        except (StoreError, ParseError):
            return None

    async def links(self) -> Links:
        """Makes and reads links; raises `StoreError` while the secret for them cannot be had."""
        if self._links is None:
            self._links = Links(await self._keys.secret())
        return self._links

    # Arriving ----------------------------------------------------------------------

    async def arrive(
        self, room: str, arrival: Arrival, grant: Grant | None = None, *, crowded: bool = False
    ) -> Hub | Onward:
        """The hub for somebody who enters the room, taken if nobody holds it; or where they belong instead.

        ``crowded``: this machine can take no further connection, so it takes no further room either.
        """
        hub = self.get(room)
        if hub is not None:
            return _admitted(hub, grant)
        onward = place_by_hint(room, await self.hint(room), me=self.me, arrival=arrival)
        if onward is not None:
            return await signed(onward, self._keys)
        outcome = await self._settle(room, arrival, place_request, crowded=crowded)
        return _admitted(outcome, grant) if isinstance(outcome, Hub) else outcome

    async def look(self, room: str, arrival: Arrival) -> Hub | ReplayTo | Refuse | Hint | None:
        """Who can tell about the room: us, somebody else, or the hint; changes nothing."""
        hub = self.get(room)
        hint = await self.hint(room)
        standing = Standing()
        if hint is not None:
            holder = hint.place if hint.place.machine else None
            standing = Standing(epoch=hint.epoch, holder=holder, released=not hint.awake, to=hint.to)
        held = None if hub is None else hub.epoch.epoch
        decision = place_look(room, standing, me=self.me, held=held, arrival=arrival)
        match decision:
            case Serve():
                return hub
            case Tell():
                return hint
            case _:
                passed_on = await signed(decision, self._keys)
                assert isinstance(passed_on, ReplayTo | Refuse)
                return passed_on

    async def create(
        self,
        room: str,
        *,
        region: str,
        arrival: Arrival,
        public: str = "edit",
        listed: bool = True,
        crowded: bool = False,
    ) -> Hub | Onward:
        """Make a room here, or say in which region that must happen."""

        def decide(room: str, standing: Standing, *, me: Place, held: int | None, arrival: Arrival, unable: str) -> Any:
            return place_creation(room, standing, region=region, me=me, arrival=arrival, unable=unable)

        made = await self._settle(room, arrival, decide, crowded=crowded)
        if isinstance(made, Hub):
            if (public, listed) != (made.room.gate.public, made.room.gate.listed):
                made.write(made.room.open_to(public, listed=listed, at=self._wall()))
            if not await made.journal.flush(within=self._settings.storage):
                return Refuse(status=503, why=f"room {room} could not be stored; try again", reason="storage")
            await self._put_hint(self._held.get(room), made.hint())
        return made

    async def _settle(
        self, room: str, arrival: Arrival, decide: Callable[..., Decision], *, crowded: bool
    ) -> Hub | Onward:
        async with self._lock(room):
            for _ in range(_LOOKS):
                hub = self.get(room)
                if hub is not None and decide is place_request:
                    return hub
                journal = self._journal(room)
                held = None if hub is None else hub.epoch.epoch
                try:
                    log = await journal.read()
                except StoreError as exc:
                    logs.warn("log not read", room=room, why=str(exc))
                    decision = place_unread(
                        room, me=self.me, held=held, gave_up=self._gave_up.get(room), arrival=arrival
                    )  # fmt: skip
                    if isinstance(decision, Serve | Take):
                        break
                    return await signed(decision, self._keys)
                unable = self._unable(room, crowded=crowded)
                decision = decide(room, standing(log), me=self.me, held=held, arrival=arrival, unable=unable)
                if isinstance(decision, Serve):
                    break
                if not isinstance(decision, Take):
                    return await signed(decision, self._keys)  # to another machine, or nowhere
                try:
                    epoch = await journal.take(log, place=self.me, writer=self._writer, why=decision.why)
                except StoreError as exc:
                    logs.warn("room not taken", room=room, why=str(exc))
                    continue
                if epoch is not None:
                    return self._open(room, journal, log, epoch)
            return self.get(room) or Refuse(
                status=503, why=f"room {room} changes hands too fast; try again", reason="contended"
            )  # fmt: skip

    def _open(self, room: str, journal: Journal, log: Log, epoch: Epoch) -> Hub:
        limits = self._settings.limits
        contents = Room(
            room,
            RoomLimits(
                history=limits.history,
                shapes=limits.shapes,
                room_bytes=limits.room_bytes,
                clients=limits.clients,
                undo=limits.undo,
            ),
        )
        entries: list[AnyEntry] = [*log.entries, epoch]
        contents.restore(decode_snapshot(log.snapshot[1]) if log.snapshot is not None else None, entries)
        hub = Hub(
            contents,
            journal,
            epoch,
            limits=limits,
            links=lambda: self._links,
            asked=self._asked,
            changed=self._changed,
            fill=[(entry.seq, format_entry(entry)) for entry in entries],
            wall=self._wall,
        )
        journal.on_lost = lambda why: self._run(self._lose(hub, why))
        now = self._clock()
        hub.empty_since = now
        self._gave_up.pop(room, None)
        self._held[room] = Held(hub, self._follower(log), now, now, now)
        self.counts["taken"] += 1
        logs.say("epoch begins", room=room, epoch=epoch.epoch, seq=epoch.seq, why=epoch.why)
        self._run(self._put_hint(self._held[room], hub.hint()))
        if self._links is None:
            self._run(self._learn_links())
        return hub

    def _follower(self, log: Log) -> Follower | None:
        if not self._settings.regions:
            return None
        last = log.epoch
        moved_at = last.at if last is not None and last.why == "moved" else None
        missed = {}
        released = log.released
        if released is not None and released.to and released.to != self.me.region:
            missed[released.to] = released.at
        return Follower(self._settings.following, home=self.me.region, moved_at=moved_at, missed=missed)

    def _unable(self, room: str, *, crowded: bool) -> str:
        if self.closing:
            return "closing"
        full = len(self._held) >= self._settings.limits.rooms and room not in self._held
        return "full" if full or crowded else ""

    # Looking after -----------------------------------------------------------------

    def tend(self) -> None:
        """Once a second: put empty rooms to sleep, see whether held ones are still ours, follow the members."""
        now, settings = self._clock(), self._settings
        checks, hints = _CHECKS, _CHECKS
        for held in list(self._held.values()):
            hub = held.hub
            if hub.leaving:
                continue
            if hub.empty_since is not None:
                if now - hub.empty_since >= settings.sleep_after:
                    self._run(self.end(hub, Closing(why="the room sleeps"), GOING_AWAY, "the room sleeps", why="empty"))
                continue
            if now - held.verified >= settings.verify and checks:
                checks -= 1
                held.verified = now
                self._run(hub.journal.verify())
            if now - held.hinted >= _HINT_EVERY and hints:
                hints -= 1
                held.hinted = now
                self._run(self._put_hint(held, hub.hint()))
            if held.follower is not None and now - held.followed >= _FOLLOW_EVERY:
                held.followed = now
                region = held.follower.look(hub.edges(), settings.regions, now=self._wall())
                if region is not None:
                    self._asked(hub, "move", region)

    # Ending ------------------------------------------------------------------------

    async def end(
        self, hub: Hub, message: ServerMessage, code: int, reason: str, *, why: str, to: str = "", within: float = _END
    ) -> bool:
        """Give a room up in order; True when its log says so."""
        async with self._lock(hub.name):
            held = self._held.get(hub.name)
            if held is None or held.hub is not hub or hub.leaving:
                return False
            if why == "empty" and hub.connections:
                return False
            hub.halt(message, code, reason)
            released = await hub.release(why=why, to=to, within=within)
            if released:
                self.counts["released"] += 1
                await self._put_hint(held, hub.hint(awake=False, to=to))
            self._forget(hub)
            hub.dismiss()
            await hub.close()
        logs.say(
            "epoch ends", room=hub.name, epoch=hub.epoch.epoch, seq=hub.room.seq, why=why, to=to, released=released
        )
        return released

    async def move(self, hub: Hub, region: str) -> bool:
        """Let the room go on in another region."""
        self.counts["moved"] += 1
        return await self.end(
            hub, Moved(region=region, machine=""), MOVED, f"the room moves to {region}", why="moved", to=region
        )

    async def sleep(self, hub: Hub) -> bool:
        """Put the room to sleep though there are members; it wakes for the next who enters."""
        return await self.end(hub, Closing(why="the room was put to sleep"), GOING_AWAY, "put to sleep", why="asked")

    async def close(self, why: str) -> None:
        """Take in nobody any more, and give every room up in order, as far as time allows."""
        self.closing = True
        hubs = [held.hub for held in self._held.values()]
        logs.say("leaving", rooms=len(hubs), connections=sum(hub.connections for hub in hubs))
        gate = asyncio.Semaphore(_ENDING)

        async def end(hub: Hub) -> None:
            async with gate:
                await self.end(hub, Closing(why=why), GOING_AWAY, why, why="leaving")

        try:
            async with asyncio.timeout(_END):
                await asyncio.gather(*(end(hub) for hub in hubs))
        except TimeoutError:
            logs.warn("not every room was released in time", rooms=self.count)
        for held in list(self._held.values()):
            held.hub.halt(Closing(why=why), GOING_AWAY, why)
            held.hub.dismiss()
            await held.hub.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _lose(self, hub: Hub, why: str) -> None:
        """The journal says that this machine may write no more: somebody else has the room, or the store is away."""
        held = self._held.get(hub.name)
        if held is None or held.hub is not hub:
            return
        self.counts[why] = self.counts.get(why, 0) + 1
        if why == "storage":
            self._gave_up[hub.name] = hub.epoch.epoch
            text = "the object store does not answer, so nothing can be kept here"
            hub.halt(Closing(why=text), STORAGE, text)
        else:
            hub.halt(Moved(region="", machine=""), MOVED, "the room has moved")
            self._forget(hub)
            hint = await self.hint(hub.name)
            if hint is not None and hint.epoch > hub.epoch.epoch:
                hub.redirect(Moved(region=hint.place.region, machine=hint.place.machine))
        self._forget(hub)
        logs.warn("epoch is over", room=hub.name, epoch=hub.epoch.epoch, seq=hub.room.seq, stored=hub.stored, why=why)
        hub.dismiss()
        await hub.close()

    def _forget(self, hub: Hub) -> None:
        held = self._held.get(hub.name)
        if held is not None and held.hub is hub:
            self.counts["entries"] += hub.lines
            del self._held[hub.name]

    # Inside ------------------------------------------------------------------------

    def _journal(self, room: str) -> Journal:
        return self._new_journal(
            self.store, room, clock=self._wall, gate=self._gate, rng=self._rng, storage=self._settings.storage
        )

    def _asked(self, hub: Hub, what: str, region: str) -> None:
        match what:
            case "move":
                self._run(self.move(hub, region))
            case "sleep":
                self._run(self.sleep(hub))
            case _:
                self._run(hub.snapshot())

    def _changed(self, hub: Hub) -> None:
        """Somebody came first or left last, or the room has other links."""
        if not hub.connections:
            hub.empty_since = self._clock()
        held = self._held.get(hub.name)
        if held is not None:
            hint, known = hub.hint(), held.hint
            if known is not None and (hint.public, hint.listed) != (known.public, known.listed):
                self._run(self._put_hint(held, hint))

    async def _put_hint(self, held: Held | None, hint: Hint) -> None:
        """Tell the lobbies; nothing depends on it, so a failure is only logged."""
        if held is None:
            return
        try:
            async with held.writing:
                await self.store.put(hint_key(hint.room), hint.to_json().encode())
                known, listed = held.hint, hint.listed and bool(hint.public)
                if known is None or (hint.public, hint.listed) != (known.public, known.listed):
                    if listed:
                        await self.store.put(public_key(hint.room), b"")
                    else:
                        await self.store.delete([public_key(hint.room)])
                held.hint = hint
        except StoreError as exc:
            logs.warn("hint not written", room=hint.room, why=str(exc))

    async def _learn_links(self) -> None:
        try:
            await self.links()
        except StoreError as exc:
            logs.warn("no secret for links", why=str(exc))

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except StoreError as exc:
                logs.warn("store", why=str(exc))

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lock(self, room: str) -> asyncio.Lock:
        return self._locks.setdefault(room, asyncio.Lock())


def _admitted(hub: Hub, grant: Grant | None) -> Hub | Refuse:
    if hub.admit(grant) is not None:
        return hub
    return Refuse(status=403, why=f"room {hub.name}: {hub.why_not(grant)}", reason="forbidden")


def standing(log: Log) -> Standing:
    """What a log says about who holds the room."""
    if log.epoch is None:
        return Standing()
    epoch = log.epoch
    holder = Place(machine=epoch.machine, region=epoch.region, app=epoch.app)
    if log.released is None:
        return Standing(epoch=epoch.epoch, holder=holder)
    return Standing(epoch=epoch.epoch, holder=holder, released=True, to=log.released.to)
