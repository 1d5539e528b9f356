"""How this machine comes to hold a room; the only code that takes rooms.

arrive ──► held here? ──► hint: somebody else's? ──► log ──► placement decides ──► fold ──► admitted? ──► take ──► `Hub`

Nothing is taken for somebody who may not come in, nor what cannot be read.
"""

import secrets
from collections.abc import Callable
from random import Random
from typing import Any

from app import logs
from app.access import Grant, Links, admit, may_knock, why_not
from app.arrival import Arrival
from app.config import Settings
from app.entries import AnyEntry, Epoch, Released, format_entry
from app.folding import fold
from app.following import Follower
from app.holding import Holding
from app.hub import Hub
from app.journal import Journal, Log
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
from app.rate import Bucket
from app.reader import BrokenLog
from app.room import Room
from app.signing import Keys
from app.store import Store, StoreError

# A claim is lost only to a machine that made the epoch newer, so a second look all but always settles it (our choice).
_LOOKS = 5


class Rooms:
    """The way into the rooms of this machine (``holding``)."""

    def __init__(
        self,
        holding: Holding,
        store: Store,
        keys: Keys,
        settings: Settings,
        *,
        new_journal: Callable[..., Journal] = Journal,
    ) -> None:
        self.holding = holding
        self.me = settings.place
        self._store = store
        self._keys = keys
        self._settings = settings
        self._new_journal = new_journal
        self._writer = secrets.token_hex(6)
        self._rng = Random(self._writer)
        limits = settings.limits
        self._new = Bucket(rate=limits.new_rooms_per_second, burst=limits.new_rooms_burst, now=holding.clock())
        self._links: Links | None = None

    async def links(self) -> Links:
        """Makes and reads links; raises `StoreError` while the secret for them cannot be had."""
        if self._links is None:
            self._links = Links(await self._keys.secret())
        return self._links

    async def arrive(
        self, room: str, arrival: Arrival, grant: Grant | None = None, *, knocks: bool = False, crowded: bool = False
    ) -> Hub | Onward:
        """The hub for somebody who enters the room, taken if nobody holds it; or where they belong instead.

        ``knocks``: they will say which member they are, and the hub has the last word (`app.access.may_knock`).
        ``crowded``: this machine can take no further connection, so it takes no further room either.
        """
        hub = self.holding.get(room)
        if hub is not None:
            return _refused(hub.room, grant, knocks) or hub
        onward = place_by_hint(room, await self.holding.hints.read(room), me=self.me, arrival=arrival)
        if onward is not None:
            return await signed(onward, self._keys)
        outcome = await self._settle(
            room, arrival, place_request, lambda contents: _refused(contents, grant, knocks), crowded=crowded
        )
        return (_refused(outcome.room, grant, knocks) or outcome) if isinstance(outcome, Hub) else outcome

    async def look(self, room: str, arrival: Arrival) -> Hub | ReplayTo | Refuse | Hint | None:
        """Who can tell about the room: us, somebody else, or the hint; changes nothing."""
        hub = self.holding.get(room)
        hint = await self.holding.hints.read(room)
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

        made = await self._settle(room, arrival, decide, lambda contents: None, crowded=crowded)
        if isinstance(made, Hub):
            made.visited = True  # somebody asked for it by name: it is kept awake and listed like any other
            if (public, listed) != (made.room.gate.public, made.room.gate.listed):
                made.write(made.room.open_to(public, listed=listed, at=self.holding.wall()))
            if not await made.journal.flush(within=self._settings.storage):
                return Refuse(status=503, why=f"room {room} could not be stored; try again", reason="storage")
            await self.holding.tell(made)
        return made

    async def _settle(
        self,
        room: str,
        arrival: Arrival,
        decide: Callable[..., Decision],
        refused: Callable[[Room], Refuse | None],
        *,
        crowded: bool,
    ) -> Hub | Onward:
        async with self.holding.lock(room):
            counted = False
            for _ in range(_LOOKS):
                hub = self.holding.get(room)
                if hub is not None and decide is place_request:
                    return hub
                journal = self._journal(room)
                held = None if hub is None else hub.epoch.epoch
                try:
                    log = await journal.read()
                except BrokenLog as exc:
                    return _broken(room, exc)
                except StoreError as exc:
                    logs.warn("log not read", room=room, why=str(exc))
                    decision = place_unread(
                        room, me=self.me, held=held, gave_up=self.holding.gave_up.get(room), arrival=arrival
                    )  # fmt: skip
                    if isinstance(decision, Serve | Take):
                        break
                    return await signed(decision, self._keys)
                unable = self._unable(room, crowded=crowded)
                decision = decide(
                    room,
                    standing(log, self.holding.wall(), self._settings.settle),
                    me=self.me,
                    held=held,
                    arrival=arrival,
                    unable=unable,
                )
                if isinstance(decision, Serve):
                    break
                if not isinstance(decision, Take):
                    return await signed(decision, self._keys)  # to another machine, or nowhere
                if log.epoch is None and not counted:
                    if not self._new.admit(self.holding.clock()):
                        return self._too_many(room)
                    counted = True
                try:
                    contents = fold(room, log, self._settings.limits)
                except BrokenLog as exc:
                    return _broken(room, exc)
                refusal = refused(contents)
                if refusal is not None:
                    return refusal
                try:
                    epoch = await journal.take(log, place=self.me, writer=self._writer, why=decision.why)
                except StoreError as exc:
                    logs.warn("room not taken", room=room, why=str(exc))
                    continue
                if epoch is not None:
                    return self._open(contents, journal, log, epoch)
            return self.holding.get(room) or Refuse(
                status=503, why=f"room {room} changes hands too fast; try again", reason="contended"
            )  # fmt: skip

    def _open(self, contents: Room, journal: Journal, log: Log, epoch: Epoch) -> Hub:
        contents.apply(epoch)
        entries: list[AnyEntry] = [*log.entries, epoch]
        hub = Hub(
            contents,
            journal,
            epoch,
            limits=self._settings.limits,
            links=lambda: self._links,
            asked=self.holding.asked,
            changed=self.holding.changed,
            fill=[(entry.seq, format_entry(entry)) for entry in entries],
            wall=self.holding.wall,
            pause=self._settings.order_pause,
        )
        hub.visited = used(log)
        self.holding.take_in(hub, self._follower(log))
        logs.say("epoch begins", room=hub.name, epoch=epoch.epoch, seq=epoch.seq, why=epoch.why)
        if self._links is None:
            self.holding.run(self._learn_links())
        return hub

    def _journal(self, room: str) -> Journal:
        holding = self.holding
        return self._new_journal(
            self._store,
            room,
            clock=holding.wall,
            elapsed=holding.elapsed,
            gate=holding.gate,
            rng=self._rng,
            storage=self._settings.storage,
        )

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
        if self.holding.closing:
            return "closing"
        full = len(self.holding) >= self._settings.limits.rooms and room not in self.holding
        return "full" if full or crowded else ""

    def _too_many(self, room: str) -> Refuse:
        # Not passed on: whoever makes rooms by the thousand would make every machine do it.
        most = self._settings.limits.new_rooms_per_second
        why = f"room {room} is not made yet: this machine makes {most} new rooms a second, and more are asked for"
        return Refuse(status=503, why=f"{why}; try again", reason="busy")

    async def _learn_links(self) -> None:
        try:
            await self.links()
        except StoreError as exc:
            logs.warn("no secret for links", why=str(exc))


def _refused(room: Room, grant: Grant | None, knocks: bool) -> Refuse | None:
    if may_knock(room.gate, room.revoked, grant) if knocks else admit(room.gate, grant) is not None:
        return None
    return Refuse(status=403, why=f"room {room.name}: {why_not(room.gate, grant)}", reason="forbidden")


def _broken(room: str, exc: BrokenLog) -> Refuse:
    """No machine can read this log, so the visitor is not passed on."""
    logs.warn("log broken", room=room, object=exc.named, why=str(exc))
    return Refuse(status=503, why=f"room {room} cannot be opened: {exc.named} is missing or damaged", reason="storage")


def used(log: Log) -> bool:
    """Whether anybody has left something in the room: more than the epochs of machines that held it."""
    return log.snapshot is not None or any(not isinstance(entry, Epoch | Released) for entry in log.entries)


def standing(log: Log, now: float, settle: float) -> Standing:
    """What a log says about who holds the room; ``now`` by our own clock, ``settle`` as in the settings."""
    if log.epoch is None:
        return Standing()
    epoch = log.epoch
    holder = Place(machine=epoch.machine, region=epoch.region, app=epoch.app)
    if log.released is None:
        # By the holder's clock: one that goes ahead of ours must not keep the room from being taken.
        return Standing(epoch=epoch.epoch, holder=holder, fresh=0 <= now - epoch.at < settle)
    return Standing(epoch=epoch.epoch, holder=holder, released=True, to=log.released.to)
