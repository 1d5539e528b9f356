"""Shows visitors the way to their room: reads the hint, decides (reception), and finds a machine where that is asked.

A lobby can be killed at any moment. For a room whose holder the hint names it needs the store alone, and not even that
for a room that it has to place: the machine that gets the visitor asks the log.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.arrival import Arrival
from app.config import Settings
from app.finder import Finder
from app.fleet import Fleet
from app.layout import hint_key
from app.onward import Onward, Refuse, ReplayTo, come_again, signed
from app.ownership import Hint
from app.placement import Tell
from app.recent import Recent
from app.reception import Choose, note_failure, receive_visitor, to_any, to_chosen
from app.signing import MOST_REPLAYS, Keys, Word
from app.store import Store, StoreError
from flylab.errors import ParseError, UsageError
from flylab.wire.machine import MachineConfig

# How long after a replay its coming back is believed: longer than any replay lasts (our choice).
EXPECTED_BACK = 60.0

_log = logging.getLogger("app")


class Lobby:
    """One lobby machine; every method may be called by many visitors at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        keys: Keys,
        *,
        fleet: Callable[[], Awaitable[Fleet]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        pool = settings.pool
        self._me = settings.place
        self._app = settings.rooms_app
        self._store = store
        self._keys = keys
        self._now = now
        self._sent: Recent[tuple[str, str]] = Recent(EXPECTED_BACK)
        self._finder = Finder(
            fleet or (_fleet_of(settings) if pool.token else None),
            pool=pool,
            regions=settings.regions,
            given=parse_machine(pool.machine),
            now=now,
        )

    async def route(self, room: str, arrival: Arrival) -> Onward:
        """Where a visitor who needs the room's holder is sent."""
        hint = await self.hint(room)
        if arrival.failed is not None:
            return await self._came_back(room, hint, arrival)
        step = receive_visitor(room, hint, me=self._me, rooms_app=self._app, arrival=arrival)
        return await self._send(room, await self._choose(room, step, arrival) if isinstance(step, Choose) else step)

    async def create(self, room: str, region: str, arrival: Arrival) -> Onward:
        """Where a request is sent that makes a room, in ``region`` unless that is empty or has no place."""
        hint = await self.hint(room)
        if hint is not None and hint.epoch:
            return Refuse(status=409, why=f"room {room} exists already, in {hint.place.region}", reason="exists")
        if arrival.failed is not None:
            return await self._came_back(room, hint, arrival)
        choice = Choose(epoch=0, word=Word.FREE, region=region)
        return await self._send(room, await self._choose(room, choice, arrival))

    async def look(self, room: str, arrival: Arrival) -> ReplayTo | Tell:
        """Where a request is sent that only looks: to the holder if there is one; nothing is made, taken or noted."""
        hint = await self.hint(room)
        if hint is None or not hint.awake or arrival.failed is not None:
            return Tell()
        step = receive_visitor(room, hint, me=self._me, rooms_app=self._app, arrival=arrival)
        outcome = None if isinstance(step, Choose) else await signed(step, self._keys)
        return outcome if isinstance(outcome, ReplayTo) else Tell()

    async def hint(self, room: str) -> Hint | None:
        """What ``owners/<room>`` says; None also when it cannot be read: nothing depends on it."""
        try:
            body = await self._store.get(hint_key(room))
            return None if body is None else Hint.from_json(room, body)
        except (StoreError, ParseError) as exc:
            _log.warning("room %s: its hint cannot be read: %s", room, exc)
            return None

    async def close(self) -> None:
        """Let nothing go on."""
        await self._finder.close()

    async def _choose(self, room: str, choice: Choose, arrival: Arrival) -> Onward:
        edge = arrival.edge or self._me.region
        for machine in arrival.tried:
            self._finder.shun(machine)
        found = None
        if arrival.hops < MOST_REPLAYS:  # else there is nothing to be found for
            found = await self._finder.find(room, edge=edge, wanted=choice.region, tried=arrival.tried)
        if isinstance(found, str):
            return to_chosen(room, choice, found, me=self._me, rooms_app=self._app, arrival=arrival)
        if found is not None:
            return Refuse(status=503, why=f"room {room} has no place: {found.why}; try again", reason="no-machine")
        regions = self._finder.order(edge, choice.region)
        return to_any(room, choice, regions, me=self._me, rooms_app=self._app, arrival=arrival)

    async def _send(self, room: str, step: Onward) -> Onward:
        if isinstance(step, ReplayTo):
            self._sent.add((room, step.replay.prefer_instance or ""), self._now())
        return await signed(step, self._keys)

    async def _came_back(self, room: str, hint: Hint | None, arrival: Arrival) -> Onward:
        failed = arrival.failed
        assert failed is not None
        target = failed.instance or ""
        # Believed only of a replay of our own: the header alone must not take a room from its holder.
        if self._sent.has((room, target), self._now()):
            if target:
                self._finder.shun(target)
            noted = note_failure(hint, failed)
            if noted is not None:
                _log.info("room %s: its holder %s in epoch %d cannot be reached", room, target, noted.epoch)
                with suppress(StoreError):
                    await self._store.put(hint_key(room), noted.to_json().encode())
        there = f"machine {target}" if target else f"a machine of {self._app}"
        why = f"{there} could not be reached ({failed.reason}); asked again, room {room} will be taken elsewhere"
        return come_again(arrival, why=why, reason="unreachable")


def parse_machine(text: str) -> MachineConfig | None:
    """The setting ROOM_MACHINE: ``{"image": "registry.fly.io/rooms:v1", "services": […]}``; None for an empty one."""
    if not text:
        return None
    try:
        config = MachineConfig.from_json(json.loads(text))
    except (ValueError, ParseError) as exc:
        raise UsageError(f"ROOM_MACHINE must be the configuration of a machine as JSON: {exc}") from exc
    if not config.image or not config.services:
        raise UsageError("ROOM_MACHINE must name an image and a service through which the proxy reaches the machine")
    return config


def _fleet_of(settings: Settings) -> Callable[[], Awaitable[Fleet]]:
    def late() -> Fleet:
        from app.machines import Machines

        return Machines.open(settings.rooms_app, token=settings.pool.token, hostname=settings.pool.hostname)

    return lambda: asyncio.to_thread(late)
