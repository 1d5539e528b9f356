"""The rooms that this machine holds: looks after them, and gives them up.

end ──► all stored ──► snapshot ──► `Released` ──► hint ──► members are told and come back elsewhere
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from app import logs
from app.config import Settings
from app.elapsed import Elapsed
from app.entries import ASKED
from app.following import Follower
from app.gate import Gate
from app.hints import Hints, Told
from app.hub import Hub
from app.protocol import GOING_AWAY, MOVED, STORAGE, Closing, Moved, ServerMessage
from app.store import Store, StoreError

# Seconds for each step of a room's end: what is unstored, the snapshot, `Released`, the hint (our choice).
_END = 2.5
# Rooms that a leaving machine ends at the same time; each has at most one put in flight (our choice).
_ENDING = 64
# Per second: how many held rooms are checked against the log, and how many hints are renewed (our choice).
_CHECKS = 50
_HINT_EVERY = 30.0
_FOLLOW_EVERY = 5.0
# How long a room stays awake that was made by an upgrade after which nobody said hello (our choice).
_UNVISITED = 1.0
# How long members of a lost room wait to be told where it is now, and the pauses before each look for that: its new
# holder may have taken it a moment ago, and writes down where it is after that (our choices).
_WHERE = 1.0
_LOOKS = (0.0, 0.02, 0.05, 0.1, 0.2)


@dataclass(slots=True)
class Held:
    """A room of ours and when it was last looked after."""

    hub: Hub
    follower: Follower | None
    verified: float
    hinted: float
    followed: float
    told: Told = field(default_factory=Told)


class Holding:
    """All hubs of this process."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.hints = Hints(store)
        self.gate = Gate()
        self.closing = False
        self.counts = {"taken": 0, "released": 0, "fenced": 0, "storage": 0, "moved": 0, "entries": 0}
        self.gave_up: dict[str, int] = {}
        self._settings = settings
        self.clock = clock
        self.wall = wall
        self.elapsed = Elapsed(wall, clock)
        self._held: dict[str, Held] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, room: str) -> bool:
        return room in self._held

    def get(self, room: str) -> Hub | None:
        """The hub of a room that is open here."""
        held = self._held.get(room)
        return None if held is None or held.hub.leaving else held.hub

    @property
    def hubs(self) -> list[Hub]:
        return [held.hub for held in self._held.values()]

    def lock(self, room: str) -> asyncio.Lock:
        """Held by whoever opens a room here or gives it up."""
        return self._locks.setdefault(room, asyncio.Lock())

    def take_in(self, hub: Hub, follower: Follower | None) -> None:
        """Look after a room that has just been taken."""
        now = self.clock()
        hub.empty_since = now
        hub.journal.on_lost = lambda why: self.run(self._lose(hub, why))
        self.gave_up.pop(hub.name, None)
        self._held[hub.name] = Held(hub, follower, now, now, now)
        self.counts["taken"] += 1
        self.run(self.tell(hub))

    async def tell(self, hub: Hub, *, awake: bool = True, to: str = "") -> None:
        """Write down where the room is."""
        held = self._held.get(hub.name)
        if held is not None and held.hub is hub:
            await self.hints.write(hub.hint(awake=awake, to=to), held.told, visited=hub.visited)

    # What hubs ask for ----------------------------------------------------------------

    def asked(self, hub: Hub, what: str, region: str) -> None:
        match what:
            case "move":
                self.run(self.move(hub, region, why=ASKED))
            case "sleep":
                self.run(self.sleep(hub))
            case _:
                self.run(hub.snapshot())

    def changed(self, hub: Hub) -> None:
        """Somebody came first or left last, or the room has other links."""
        if not hub.connections:
            hub.empty_since = self.clock()
        held = self._held.get(hub.name)
        if held is not None:
            gate, known = hub.room.gate, held.told.hint
            if known is not None and gate != (known.public, known.listed, known.edit, known.view):
                self.run(self.tell(hub))
            elif hub.connections == 1 and held.told.marked is None:
                self.run(self.hints.mark(hub.hint(), held.told))

    # Looking after -----------------------------------------------------------------

    def tend(self) -> None:
        """Once a second: put empty rooms to sleep, see whether held ones are still ours, follow the members."""
        now, settings = self.clock(), self._settings
        checks, hints = _CHECKS, _CHECKS
        for held in list(self._held.values()):
            hub = held.hub
            if hub.leaving:
                continue
            if hub.empty_since is not None:
                if now - hub.empty_since >= self._stays(hub):
                    self.run(self.end(hub, Closing(why="the room sleeps"), GOING_AWAY, "the room sleeps", why="empty"))
                continue
            if now - held.verified >= settings.verify and checks:
                checks -= 1
                held.verified = now
                self.run(hub.journal.verify())
            if now - held.hinted >= _HINT_EVERY and hints:
                hints -= 1
                held.hinted = now
                self.run(self.tell(hub))
            if held.follower is not None and now - held.followed >= _FOLLOW_EVERY:
                held.followed = now
                region = held.follower.look(hub.edges(), settings.regions, now=self.wall())
                if region is not None:
                    self.run(self.move(hub, region, why="moved"))

    def _stays(self, hub: Hub) -> float:
        """Seconds for which an empty room stays awake.

        Shorter for one that nobody ever entered, while nobody is about to; woken again, it stays as long as others, so
        that opening it over and over costs no more entries.
        """
        sleep_after = self._settings.sleep_after
        if hub.visited or hub.expected or hub.epoch.why != "made":
            return sleep_after
        return min(_UNVISITED, sleep_after)

    # Ending ------------------------------------------------------------------------

    async def end(
        self, hub: Hub, message: ServerMessage, code: int, reason: str, *, why: str, to: str = "", within: float = _END
    ) -> bool:
        """Give a room up in order; True when its log says so."""
        async with self.lock(hub.name):
            held = self._held.get(hub.name)
            if held is None or held.hub is not hub or hub.leaving:
                return False
            if why == "empty" and hub.connections:
                return False
            hub.halt(message, code, reason)
            released = False
            try:
                released = await hub.release(why=why, to=to, within=within)
                if released:
                    self.counts["released"] += 1
                    with suppress(TimeoutError):
                        async with asyncio.timeout(within):
                            await self.tell(hub, awake=False, to=to)
            finally:
                # Whatever came in between: a room that takes nothing in any more must not keep its members.
                self._forget(hub)
                hub.dismiss()
                await hub.close()
        logs.say(
            "epoch ends", room=hub.name, epoch=hub.epoch.epoch, seq=hub.room.seq, why=why, to=to, released=released
        )
        return released

    async def move(self, hub: Hub, region: str, *, why: str) -> bool:
        """Let the room go on in another region; ``why`` as in `app.entries.Released`."""
        message = Moved(region=region, machine="")
        moved = await self.end(hub, message, MOVED, f"the room moves to {region}", why=why, to=region)
        self.counts["moved"] += moved
        return moved

    async def sleep(self, hub: Hub) -> bool:
        """Put the room to sleep though there are members; it wakes for the next who enters."""
        return await self.end(hub, Closing(why="the room was put to sleep"), GOING_AWAY, "put to sleep", why=ASKED)

    async def close(self, why: str, *, within: float = _END) -> None:
        """Take in nobody any more, and give every room up in order, as far as time allows."""
        self.closing = True
        # Those with members first, since they come back at once; last those whose snapshot takes several calls each.
        hubs = sorted(self.hubs, key=lambda hub: (hub.folds, not hub.connections))
        logs.say("leaving", rooms=len(hubs), connections=sum(hub.connections for hub in hubs))
        self.gate.lift(_ENDING)
        coming = iter(hubs)

        async def end() -> None:
            for hub in coming:
                await self.end(hub, Closing(why=why), GOING_AWAY, why, why="leaving", within=within)

        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*(end() for _ in range(min(_ENDING, len(hubs)))))
        except TimeoutError:
            logs.warn("not every room was released in time", rooms=len(self))
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
            self.gave_up[hub.name] = hub.epoch.epoch
            text = "the object store does not answer, so nothing can be kept here"
            hub.halt(Closing(why=text), STORAGE, text)
        else:
            hub.halt(Moved(region="", machine=""), MOVED, "the room has moved")
            self._forget(hub)
            with suppress(TimeoutError):
                async with asyncio.timeout(_WHERE):
                    for pause in _LOOKS:
                        await asyncio.sleep(pause)
                        hint = await self.hints.read(hub.name)
                        if hint is not None and hint.epoch > hub.epoch.epoch:
                            hub.redirect(Moved(region=hint.place.region, machine=hint.place.machine))
                            break
        self._forget(hub)
        logs.warn("epoch is over", room=hub.name, epoch=hub.epoch.epoch, seq=hub.room.seq, stored=hub.stored, why=why)
        hub.dismiss()
        await hub.close()

    def _forget(self, hub: Hub) -> None:
        held = self._held.get(hub.name)
        if held is not None and held.hub is hub:
            self.counts["entries"] += hub.lines
            del self._held[hub.name]

    async def whole(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Have something done to its end, also when whoever asked for it does not wait so long."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have something done that nobody waits for; what goes wrong is logged."""

        async def guarded() -> None:
            try:
                await work
            except StoreError as exc:
                logs.warn("store", why=str(exc))
            except Exception:
                logs.LOG.exception("failed")

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
