"""Makes wakes: brings machines into the state of a variant, lets visitors ask all at once, gathers what was seen.

made ready ─► [everybody asks] ─► events, the process's own steps ─► everybody leaves, rooms sleep ─► records
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

import httpx

from flylab.clock import Clock
from flylab.errors import FlylabError, UsageError
from flylab.measure.wakes.marks import ROUNDED, Seen
from flylab.measure.wakes.offset import Ahead, best, bound, read_date
from flylab.measure.wakes.timetable import Burst
from flylab.measure.wakes.visit import FORCE, PREFER, Visited, visiting
from flylab.measure.wakes.wake import WAKING, Wake, assemble
from flylab.wire.machine import Event, Machine, MachineState

READY = 60.0  # seconds that a machine may take to answer before it is visited; our choice, many times what ours takes
PAUSE = 0.02
REMEMBERED = 40  # readings of the server's clock; an older one says less, because clocks drift apart
S = MachineState


class Api(Protocol):
    """What is needed of the Machines API; ``flylab.client.Client`` has it."""

    async def machine(self, app: str, machine_id: str) -> Machine: ...
    async def start(self, app: str, machine_id: str) -> bool: ...
    async def stop(self, app: str, machine_id: str) -> None: ...
    async def suspend(self, app: str, machine_id: str) -> None: ...
    async def wait(self, app: str, machine_id: str, state: str | Sequence[str]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where wakes are made: an app, its machines, and ``visitor``, a new client at the edge of a region.

    ``path`` may have ``{room}``: then the visitor opens a room of ours. ``outside``: only what can be seen from outside
    is looked at, and the clock of the events is another one; ``date`` asks the API for what its ``Date`` header says.
    """

    api: Api
    app: str
    machines: Sequence[Machine]
    visitor: Callable[[str], httpx.AsyncClient]
    path: str = "/rooms/{room}/ws"
    rooms: str = "wake-{n}"
    outside: bool = False
    date: Callable[[], Awaitable[str]] | None = None

    @property
    def in_rooms(self) -> bool:
        return "{room}" in self.path


class Maker:
    """Makes one burst after the other; keeps what it learns of the server's clock."""

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self.stage = stage
        self._clock = clock
        self._began = clock.now()
        self._pools = 0  # bursts of a pool so far
        self._dates: deque[Ahead] = deque(maxlen=REMEMBERED)
        self._orders: deque[Ahead] = deque(maxlen=REMEMBERED)

    async def burst(self, burst: Burst) -> list[Wake]:
        """So many wakes begun in the same moment; one record for each, failures included."""
        machines = self._taken(burst)
        await asyncio.gather(*(self._prepare(burst.variant, machine) for machine in machines))
        kind = "pool-" if burst.variant == "pool" else ""  # rooms that only spare machines ever have
        rooms = [self.stage.rooms.replace("{n}", f"{kind}{number}") for number in range(len(machines))]
        before = await asyncio.gather(*(self._event_ids(machine) for machine in machines))
        async with AsyncExitStack() as stay:
            if burst.variant == "always-on" and self.stage.in_rooms:
                for machine, room in zip(machines, rooms, strict=True):
                    kept = await self._enter(stay, machine, room)
                    if kept.outcome != "ok":
                        raise UsageError(f"nobody could be brought into room {room!r} beforehand: {kept.outcome}")
            clients = [await stay.enter_async_context(self._visitor(machine)) for machine in machines]
            due = self._clock.now()
            asked = [
                self._enter(stay, machine, room, http)
                for machine, room, http in zip(machines, rooms, clients, strict=True)
            ]
            visits = await asyncio.gather(*asked)
            sights = await asyncio.gather(
                *(self._look(burst, *each) for each in zip(machines, before, visits, strict=True))
            )
        await self._put_to_sleep(machines, rooms)
        return [
            assemble(
                seen,
                variant=burst.variant,
                outcome=visit.outcome,
                at_once=burst.at_once,
                burst=burst.number,
                machine=machine.id,
                region=machine.region,
                warm_up=burst.warm_up,
                due=due - self._began,
                sent=visit.sent - self._began,
                finished=visit.finished - self._began,
            )
            for seen, visit, machine in zip(sights, visits, machines, strict=True)
        ]

    async def _prepare(self, variant: str, machine: Machine) -> None:
        api, app = self.stage.api, self.stage.app
        state = (await api.machine(app, machine.id)).state
        if variant == "stop":
            if state is not S.STOPPED:
                await self._order("stop", machine)
                await api.wait(app, machine.id, "stopped")
            return
        if state is not S.STARTED:
            await self._order("start", machine)
            await api.wait(app, machine.id, "started")
        await self._answers(machine)
        if variant == "suspend":
            await self._order("suspend", machine)
            if await api.wait(app, machine.id, ("suspended", "stopped")) != "suspended":
                raise UsageError(f"machine {machine.id} cannot be suspended: it was stopped instead")

    async def _order(self, verb: str, machine: Machine) -> None:
        """Give an order and, from outside, learn from the event that it makes how far the server's clock is ahead."""
        api, app, clock = self.stage.api, self.stage.app, self._clock
        known = await self._event_ids(machine) if self.stage.outside else frozenset()
        sent = clock.wall()
        await {"stop": api.stop, "start": api.start, "suspend": api.suspend}[verb](app, machine.id)
        received = clock.wall()
        if not self.stage.outside:
            return
        for event in await self._events(machine):
            if event.id not in known and event.source == "user" and event.type == verb:
                self._orders.append(bound(sent, event.timestamp / 1000 - ROUNDED, received, step=2 * ROUNDED))
        if self.stage.date is not None:
            sent = clock.wall()
            said = read_date(await self.stage.date())
            if said is not None:
                self._dates.append(bound(sent, said, clock.wall(), step=1.0))

    async def _answers(self, machine: Machine) -> None:
        """Wait until the machine answers, so that what it does once after its start is over."""
        async with self._visitor(machine) as http:
            due = self._clock.now() + READY
            while True:
                try:
                    answer = await http.get(self._plain, headers={FORCE: machine.id})
                    if answer.status_code < 500:
                        return
                    why = str(answer.status_code)
                except httpx.HTTPError as exc:
                    why = type(exc).__name__
                if self._clock.now() > due:
                    raise UsageError(f"machine {machine.id} does not answer {self._plain}: {why}")
                await self._clock.sleep(PAUSE)

    @property
    def _plain(self) -> str:
        return "/api/where" if self.stage.in_rooms else self.stage.path

    def _visitor(self, machine: Machine) -> httpx.AsyncClient:
        return self.stage.visitor(machine.region)

    def _taken(self, burst: Burst) -> list[Machine]:
        """The machines of a burst; in a pool they go round, so that a room was on another machine the last time."""
        machines, count = self.stage.machines, burst.at_once
        if count > len(machines):
            raise UsageError(f"{count} wakes at once need as many machines, and there are {len(machines)}")
        first = self._pools if burst.variant == "pool" else 0
        self._pools += burst.variant == "pool"
        return [machines[(first + number) % len(machines)] for number in range(count)]

    async def _enter(
        self, stay: AsyncExitStack, machine: Machine, room: str, http: httpx.AsyncClient | None = None
    ) -> Visited:
        if http is None:
            http = await stay.enter_async_context(self._visitor(machine))
        path = self.stage.path.replace("{room}", room)
        visit = visiting(http, path, machine=machine.id, room=self.stage.in_rooms, clock=self._clock)
        return await stay.enter_async_context(visit)

    async def _events(self, machine: Machine) -> tuple[Event, ...]:
        return (await self.stage.api.machine(self.stage.app, machine.id)).events

    async def _event_ids(self, machine: Machine) -> frozenset[str]:
        return frozenset(event.id for event in await self._events(machine))

    async def _look(self, burst: Burst, machine: Machine, before: frozenset[str], visit: Visited) -> Seen:
        """What is to be had of a wake beside what its visitor saw."""
        try:
            new = [event.to_json() for event in await self._events(machine) if event.id not in before]
        except FlylabError:  # a gap; the visit itself is there
            new = []
        ahead = (0.0, 0.0)
        if self.stage.outside:
            try:
                known = best((self._orders, self._dates))
                ahead = (known.low, known.high)
            except FlylabError:  # with no idea of the server's clock its events say nothing of ours
                new = []
        booted = burst.variant in WAKING and self.stage.in_rooms and not self.stage.outside
        app = await self._boot(machine) if booted and visit.outcome == "ok" else {}
        return Seen(client=visit.seen, trace=visit.trace, events=new, app=app, ahead=ahead)

    async def _boot(self, machine: Machine) -> dict[str, float]:
        """The steps of the process's start as the room server tells them."""
        try:
            async with self._visitor(machine) as http:
                answer = await http.get("/api/where", headers={FORCE: machine.id})
            boot = answer.json()["answered_by"]["boot"]
            return {str(name): float(at) for name, at in boot.items()}
        except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError):  # another program, or gone: a gap
            return {}

    async def _put_to_sleep(self, machines: Iterable[Machine], rooms: Iterable[str]) -> None:
        """So that the next visitor has a room taken from the store, whatever machine is asked."""
        if not self.stage.in_rooms:
            return

        async def sleep(machine: Machine, room: str) -> None:
            try:
                async with self._visitor(machine) as http:
                    await http.post(f"/api/rooms/{room}/sleep", headers={PREFER: machine.id})
            except httpx.HTTPError:  # it sleeps by itself, later; a room that is awake elsewhere shows in the trace
                pass

        await asyncio.gather(*(sleep(*each) for each in zip(machines, rooms, strict=True)))
