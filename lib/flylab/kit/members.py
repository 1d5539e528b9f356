"""Visitors and members of rooms for the deploy chapter: they wake machines, knock during an update, sit in a room."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random
from time import perf_counter
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from flylab.clock import SystemClock
from flylab.kit import progress, rooms, wakes
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.measure.load import http_sender, open_loop
from flylab.measure.pacing import constant
from flylab.measure.sample import Sample
from flylab.measure.stats import order
from flylab.measure.wakes import Wake, timetable
from flylab.wire.machine import Machine

KNOCKS_PER_SECOND = 20.0  # our choice: often enough that no gap of a tenth of a second is missed
BACK_SECONDS = 0.02  # a member who lost the room tries again after this, and twice as late each time
SETTLED_SECONDS = 30.0
LINE_SECONDS = 0.05  # between two lines of the member in the room; the room keeps its last 500


async def wake_all(lab: Lab, app: str, machines: Mapping[str, Machine], times: int, *, seed: int = 0) -> list[Wake]:
    """Stop each machine and let a visitor of its region wake it and enter a room, so many times, one after the other.

    Each round has every region once, in an order that chance decides.
    """
    made: list[Wake] = []
    one = timetable(("stop",), (1,), n=1, warm_up=0)
    for turn in progress.over(order(list(machines), rounds=times, rng=Random(f"{seed} regions")), "rounds of wakes"):
        for region in turn:
            made += await wakes.make(lab, app, [machines[region]], one)
    return made


@dataclass(slots=True)
class Knocks:
    """How the answers to a visitor who kept asking turned out."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return sum(not sample.ok for sample in self.samples)


@asynccontextmanager
async def knock(lab: Lab, record: Record, app: str, region: str) -> AsyncIterator[Knocks]:
    """Ask for the front page while the block runs, in an open loop: a slow answer does not hold up the next request."""
    knocks, done = Knocks(), asyncio.Event()
    visitor = lab.visitor(region if lab.target == "local" else lab.visitors[0], app)
    due = takewhile(lambda _: not done.is_set(), constant(KNOCKS_PER_SECOND, seconds=SETTLED_SECONDS))
    load = open_loop(due, http_sender(visitor, "GET", "/"), what="knock", where=region, clock=SystemClock())
    asking = asyncio.ensure_future(load)
    try:
        yield knocks
    finally:
        done.set()
        knocks.samples = await asking
        record.samples += knocks.samples


@dataclass(slots=True)
class Member:
    """Somebody in a room who comes back when the connection is lost, and what they saw: (ms, what) since they came.

    They say a line now and then. ``kept`` are those of which the room said that they are stored.
    """

    person: rooms.Person = field(default_factory=lambda: rooms.Person(name="Ada"))
    story: list[tuple[int, str]] = field(default_factory=list)
    began: float = field(default_factory=perf_counter)
    left_at: float | None = None
    gap_ms: float = 0.0
    here: asyncio.Event = field(default_factory=asyncio.Event)
    unsure: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.story.append((round(1000 * (perf_counter() - self.began)), what))

    async def arrived(self, guest: rooms.Visit) -> None:
        if self.left_at is not None:
            self.gap_ms += 1000 * (perf_counter() - self.left_at)
        self.left_at = None
        welcome = guest.welcome
        self.note(f"welcomed by {welcome['region']} in epoch {welcome['epoch']}")
        self.person.epoch, self.person.log, self.person.since = welcome["epoch"], welcome["log"], welcome["seq"]
        self.numbers.clear()  # what was heard and not stored may have another number now
        for op, text in self.unsure.items():
            # What is in the log already is answered with `accepted`, so that nothing counts twice.
            await self.repeat(guest, op, text)
        self.here.set()

    def lost(self, why: str) -> None:
        if self.left_at is None:
            self.left_at = perf_counter()
            self.note(f"connection closed: {why}")
        self.here.clear()

    def heard(self, message: dict[str, Any]) -> None:
        self.person.since = max(self.person.since, message.get("seq", 0))
        match message["t"]:
            case "closing" | "moved":
                self.note(f"told: {message['t']}")
            case "said" | "edited" if message["client"] == self.person.client:
                self.numbers[message["op"]] = message["seq"]
            case "accepted":
                self.numbers[message["op"]] = message["seq"]
            case "stored":
                for op in [op for op, seq in self.numbers.items() if seq <= message["seq"]]:
                    del self.numbers[op]
                    if op in self.unsure:
                        self.kept.append(self.unsure.pop(op))

    async def repeat(self, guest: rooms.Visit, op: int, text: str) -> None:
        """Send an operation again that may have been lost."""
        await guest.send("say", op=op, text=text)

    async def talk(self, guest: rooms.Visit) -> None:
        """Say a line every so often, for as long as this connection lasts."""
        while True:
            await asyncio.sleep(LINE_SECONDS)
            text = f"line {self.person.op + 1}"
            self.unsure[self.person.op + 1] = text
            await guest.say(text)

    async def settled(self) -> None:
        """Wait until the member is in the room."""
        async with asyncio.timeout(SETTLED_SECONDS):
            await self.here.wait()


@asynccontextmanager
async def watch(
    lab: Lab, record: Record, app: str, region: str, *, room: str, member: Member | None = None
) -> AsyncIterator[Member]:
    """A member who sits in a room through whatever happens; sample ``away``, from a lost connection to a welcome."""
    member = member or Member()

    async def sit() -> None:
        pause = BACK_SECONDS
        while True:
            try:
                async with rooms.visit(lab, region, app, room, person=member.person) as guest:
                    pause = BACK_SECONDS
                    await member.arrived(guest)
                    talking = asyncio.ensure_future(member.talk(guest))
                    try:
                        while True:
                            member.heard(await guest.any())
                    finally:
                        talking.cancel()
                        await asyncio.gather(talking, return_exceptions=True)
            except ConnectionClosed as closed:
                member.lost(closed.rcvd.reason if closed.rcvd else "without a word")
            except (InvalidHandshake, OSError, TimeoutError) as error:
                member.lost(type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(1.0, 2 * pause)

    sitting = asyncio.ensure_future(sit())
    try:
        await member.settled()
        yield member
    finally:
        sitting.cancel()
        await asyncio.gather(sitting, return_exceptions=True)
        record.add("away", region, member.gap_ms)


async def missing(lab: Lab, app: str, region: str, *, room: str, member: Member) -> list[str]:
    """The lines that the member was told are kept, and that somebody who comes now does not find exactly once."""
    async with rooms.visit(lab, region, app, room) as guest:
        found = await guest.chat()
    return [line for line in member.kept if found.count(line) != 1]
