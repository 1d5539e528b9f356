"""What a member feels, for the latency chapter: edits that others see, alone and under load, and two kinds of loops.

Everything here adds samples to the chapter's record; ``felt`` folds over those that were saved.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from flylab.clock import SystemClock
from flylab.errors import UsageError
from flylab.kit import progress, rooms, rtt
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.measure import omission
from flylab.measure.offer import Progress, offer
from flylab.measure.pacing import constant, pause
from flylab.measure.plan import Deed, Plan, Rooms
from flylab.measure.rtt import awaken, survey, where
from flylab.measure.sample import Sample
from flylab.measure.stats import order
from flylab.measure.turns import ROUND, VARIANT
from flylab.wire.machine import Machine

ROOM = "blue"
LINE, MOVE = "line", "move"
ALONE, AGAIN, WAKES = "alone", "alone again", "a neighbour wakes"
WAY = "way_ms"  # in the detail of a sample: half the round trips of author and listener to the room, as configured
GAP = 0.01  # seconds between two edits; our choice: each author stays below the 60 a second that a room takes
LINES = 21  # in one turn, by the members one after the other; our choice
TURN = 0.35  # seconds of a turn: its lines, and the way of the last one to the room; our choice
LEAD = 0.75  # seconds of a load before the first turn: its first word about itself comes after half of one
SEEN_WITHIN = 10.0  # seconds until an edit counts as lost; our choice
TALKERS = 10  # members of the busy room: 400 lines a second are 40 of each


async def probe(lab: Lab, record: Record, regions: Sequence[str], n: int) -> None:
    """``n`` round trips of each pair of regions, each with what was configured; on Fly from this computer's edge."""
    entrances = await rtt.prepare(lab, regions)
    await awaken(next(iter(entrances.values())), regions)
    to = list(dict.fromkeys([*regions, *entrances]))
    found = await survey(entrances, to, n, clock=SystemClock(), rng=Random(record.run.seed))
    record.samples += rtt.with_configured(found, await rtt.configured(lab))


@dataclass(slots=True)
class _Sent:
    due: float
    sent: float
    detail: Mapping[str, object]
    waiting: set[int]  # the listeners that have not seen it


@dataclass(slots=True)
class Talk:
    """Members of one room, in places of their own; whatever one of them does is timed until each other one sees it."""

    record: Record
    places: Sequence[str]
    visits: Sequence[rooms.Visit]
    ways: Mapping[tuple[str, str], float] = field(default_factory=dict)
    _open: dict[tuple[str, int, int], _Sent] = field(default_factory=dict)
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _moved: int = 0
    _listening: list["asyncio.Future[None]"] = field(default_factory=list)

    async def act(self, kind: str, moments: Iterable[float], **detail: object) -> None:
        """One edit at each moment (seconds of the record) and by each member in turn, whatever was seen meanwhile."""
        for count, due in enumerate(moments):
            await asyncio.sleep(pause(due, self.record.now()))
            author = count % len(self.visits)
            await self._do(kind, author, due, detail)

    async def _do(self, kind: str, author: int, due: float, detail: Mapping[str, object]) -> None:
        visit = self.visits[author]
        self._moved += 1
        number = visit.person.op + 1 if kind == LINE else self._moved
        others = set(range(len(self.visits))) - {author}
        self._open[kind, author, number] = _Sent(due, self.record.now(), detail, others)
        self._done.clear()
        if kind == LINE:
            await visit.say(f"line {number}")
        else:
            await visit.send("cursor", x=number, y=0)

    def heard(self, listener: int, message: Mapping[str, Any]) -> None:
        """What a member was told; a later position of the same author stands for the earlier ones."""
        at = self.record.now()
        if message["t"] == "said":
            clients = [visit.person.client for visit in self.visits]
            if message["client"] in clients:
                self._saw(listener, (LINE, clients.index(message["client"]), message["op"]), at)
        elif message["t"] == "cursors":
            numbers = [visit.welcome["n"] for visit in self.visits]
            for n, *place in message["c"]:
                if place and n in numbers:
                    author = numbers.index(n)
                    for key in [key for key in self._open if key[:2] == (MOVE, author) and key[2] <= place[0]]:
                        self._saw(listener, key, at)

    def _saw(self, listener: int, key: tuple[str, int, int], at: float, outcome: str = "ok") -> None:
        sent = self._open.get(key)
        if sent is None or listener not in sent.waiting:
            return
        sent.waiting.remove(listener)
        pair = (self.places[key[1]], self.places[listener])
        way = {WAY: self.ways[pair]} if pair in self.ways else {}
        sample = Sample(
            what=key[0],
            where=where(*pair),
            scheduled=sent.due,
            sent=sent.sent,
            finished=at,
            outcome=outcome,
            detail={**way, **sent.detail},
        )
        self.record.samples.append(sample)
        if not sent.waiting:
            del self._open[key]
        if not self._open:
            self._done.set()

    async def settled(self, within: float = SEEN_WITHIN) -> None:
        """Wait until everybody has seen everything; what nobody sees in time is a failure, and stored as one."""
        if not self._open:
            return
        done = asyncio.ensure_future(self._done.wait())
        try:
            either: list[asyncio.Future[Any]] = [done, *self._listening]
            await asyncio.wait(either, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
        for listening in self._listening:
            if listening.done():
                listening.result()  # a connection that was lost is told as what it is
        for key, sent in list(self._open.items()):
            for listener in list(sent.waiting):
                self._saw(listener, key, self.record.now(), "not seen")

    async def listen(self, listener: int) -> None:
        while True:
            self.heard(listener, await self.visits[listener].any())


@asynccontextmanager
async def talking(lab: Lab, record: Record, app: str, regions: Sequence[str]) -> AsyncIterator[Talk]:
    """A member in each of these regions (all of them here on Fly), in one room; they leave when the block ends."""
    given = await rtt.configured(lab)
    places = list(regions) if lab.target == "local" else lab.visitors * len(regions)
    people = {f"member-{number}": place for number, place in enumerate(places)}
    async with rooms.meet(lab, app, ROOM, **people) as visits:
        home = visits[0].welcome["region"]
        ways = {(a, b): (given[a, home] + given[home, b]) / 2 for a in places for b in places} if given else {}
        talk = Talk(record, places, visits, ways)
        talk._listening += [asyncio.ensure_future(talk.listen(place)) for place in range(len(visits))]
        try:
            yield talk
        finally:
            for listening in talk._listening:
                listening.cancel()
            await asyncio.gather(*talk._listening, return_exceptions=True)


async def edits(talk: Talk, count: int) -> None:
    """So many lines, and then as many moves of cursors, each seen by everybody else. Samples ``line`` and ``move``."""
    for kind in (LINE, MOVE):
        begin = talk.record.now() + GAP
        await talk.act(kind, [begin + 2 * GAP * number for number in range(count)], part="edits")
        await talk.settled()


def busy(rate: float) -> str:
    """The name of the turn in which another room has so many lines a second."""
    return f"{rate:g} lines/s elsewhere"


def schedule(slots: Sequence[float]) -> list[float]:
    """When a load's lines are due whose rate changes from turn to turn; one comes first, so that it begins at once."""
    found = [0.0]
    for place, rate in enumerate(slots):
        if rate:
            found += [LEAD + place * TURN + moment for moment in constant(rate, seconds=TURN)]
    return found


async def turns(
    lab: Lab, talk: Talk, app: str, neighbour: tuple[str, Machine], *, rates: Sequence[float], rounds: int, seed: int
) -> None:
    """Lines with nothing beside them (twice, for the noise), beside a load in another room, and beside a wake, in turn.

    The order is decided by chance in each round; its wake comes before or after the others, for it takes as long as it
    takes. The load is an open loop in a process of its own, whose rate changes with the turns; one serves two rounds.
    """
    by_name = {ALONE: 0.0, AGAIN: 0.0, **{busy(rate): rate for rate in rates}}
    orders = order(list(by_name), rounds=rounds, rng=Random(seed))
    await _stop(lab, neighbour)
    for first in progress.over(range(0, rounds, 2), "pairs of rounds"):
        both = range(first, min(first + 2, rounds))
        slots = [_Turn(name, by_name[name], number) for number in both for name in orders[number]]
        await _beside_wake(lab, talk, neighbour, first)
        await _beside_load(lab, talk, app, slots)
        for number in both[1:]:
            await _beside_wake(lab, talk, neighbour, number)


@dataclass(frozen=True, slots=True)
class _Turn:
    name: str
    rate: float
    number: int


def _lines(begin: float) -> list[float]:
    return [begin + GAP * number for number in range(LINES)]


async def _beside_load(lab: Lab, talk: Talk, app: str, slots: Sequence[_Turn]) -> None:
    record, region = talk.record, talk.places[0]
    plan = Plan(
        target=lab.room_url(app, region),
        arrivals={"kind": "recorded", "moments": schedule([slot.rate for slot in slots])},
        mix=(Deed(do="say"),),
        rooms=Rooms(count=1, members=TALKERS, name="busy"),
        grain=omission.GRAIN,
    )
    begun: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def told(so_far: Progress) -> None:
        if not begun.done():
            begun.set_result(record.now() - so_far.elapsed)

    load = asyncio.ensure_future(offer(plan, processes=1, progress=told))
    try:
        either: list[asyncio.Future[Any]] = [load, begun]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            load.result()
            raise UsageError("the load beside the room ended before it began")
        for place, slot in enumerate(slots):
            due = _lines(begun.result() + LEAD + place * TURN)
            await talk.act(LINE, due, **{VARIANT: slot.name, ROUND: slot.number})
        offered = await load
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
    await talk.settled()
    end = offered.end
    record.add("load sent late, p99", region, 1000 * end.late, sent=end.sent, failed=end.failed, valid=offered.valid)


async def _beside_wake(lab: Lab, talk: Talk, neighbour: tuple[str, Machine], number: int) -> None:
    app, machine = neighbour
    visitor = lab.visitor(machine.region if lab.target == "local" else lab.visitors[0], app)

    async def wake() -> None:
        async with talk.record.time("woken", machine.region):
            (await visitor.get("/api/where")).raise_for_status()

    async with asyncio.TaskGroup() as group:
        group.create_task(wake())
        group.create_task(talk.act(LINE, _lines(talk.record.now() + GAP), **{VARIANT: WAKES, ROUND: number}))
    await talk.settled()
    await _stop(lab, neighbour)


async def _stop(lab: Lab, neighbour: tuple[str, Machine]) -> None:
    app, machine = neighbour
    await lab.api.stop(app, machine.id)
    await lab.api.wait(app, machine.id, "stopped")


async def loops(record: Record, scenario: omission.Scenario) -> None:
    """A server that once stands still, asked by both. Samples ``closed loop`` and ``open loop``."""
    if scenario.stall >= scenario.seconds / 2:
        raise UsageError(
            f"a standstill of {scenario.stall:g} s leaves too little of a run of {scenario.seconds:g} s;"
            " it can be less than half of it"
        )
    with tempfile.TemporaryDirectory(prefix="flylab-loops-") as folder, progress.Bar("closed loop") as bar:
        both = await omission.both(Path(folder), scenario, processes=1, begin=bar.rename, progress=bar.show)
    for name in (omission.CLOSED, omission.OPEN):
        record.samples += [replace(sample, what=f"{name} loop") for sample in both.loop(name)]
