"""How machines come to hold rooms and give them up: many machines over one store, in one process."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from app.access import EDIT, VIEW, Grant
from app.arrival import Arrival
from app.config import Limits, Settings
from app.framing import unframe
from app.holding import Holding
from app.hub import Hub
from app.listing import Listing
from app.onward import Refuse, ReplayTo
from app.ownership import Hint
from app.protocol import STORAGE, Hello, Say
from app.protocol import Path as Way
from app.rooms import Rooms
from app.seats import Seat
from app.segments import format_checkpoint, parse_checkpoint
from app.session import Session
from app.signing import Keys, State, Word
from app.snapshots import decode_snapshot, encode_snapshot
from app.store import Store, StoreError, open_store
from app.watched import WatchedStore
from flylab.wire.replay import ReplaySource
from flylab.wire.runtime import Runtime
from tests.support import until

Machine = Callable[..., Rooms]
Result = TypeVar("Result")


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """Make machines over one folder: ``machine(1, region="nrt", sleep_after=5.0, rooms=1)``."""
    made: list[Rooms] = []

    def make(
        number: int,
        *,
        region: str = "ams",
        store: Store | None = None,
        rooms: int = 100,
        limits: Limits | None = None,
        wall: Callable[[], float] = time.time,
        **settings: float,
    ) -> Rooms:
        watched = WatchedStore(store or open_store(tmp_path.as_uri()))
        place = Runtime(app="rooms", machine_id=f"m{number}", region=region)
        given = Settings(runtime=place, limits=limits or Limits(rooms=rooms), regions=("ams", "nrt"), **settings)  # type: ignore[arg-type]
        keys = Keys(watched, "a secret of sixteen letters")
        made.append(Rooms(Holding(watched, given, wall=wall), watched, keys, given))
        return made[-1]

    yield make
    await asyncio.gather(*(rooms.holding.close("the test is over") for rooms in made))


class Ear:
    """A member's connection that only listens."""

    def __init__(self) -> None:
        self.binary = False
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None

    def write(self, frames: bytes) -> None:
        self.frames += [payload for payload, _ in unframe(frames)]

    def buffered(self) -> int:
        return 0

    def untaken(self) -> int:
        return 0

    def pause(self, why: int) -> None: ...
    def resume(self, why: int) -> None: ...

    def close(self, code: int, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)

    drop = close

    def heard(self) -> str:
        return b"".join(self.frames).decode()


def enter(hub: Hub, name: str = "ada", *, since: int = 0, epoch: int = 0, edge: str = "") -> tuple[Ear, Seat]:
    ear = Ear()
    hello = Hello(v=2, key=f"key-of-{name}-0123456789", client=f"page-{name}", name=name, since=since, epoch=epoch)
    role = hub.admit(None)
    assert role is not None
    seat = hub.join(hello, ear, Way(edge=edge), None, role)
    assert seat is not None
    return ear, seat


def assigned(word: Word, epoch: int, *, unavailable: str = "") -> Arrival:
    state = State(room="blue", word=word, epoch=epoch, target=unavailable)
    source = ReplaySource(instance="m9", region="ams", t=1)
    return Arrival(source=source, state=state, hops=1, unavailable=unavailable)


async def hold(rooms: Rooms, room: str = "blue", arrival: Arrival | None = None) -> Hub:
    outcome = await rooms.arrive(room, arrival or Arrival())
    assert isinstance(outcome, Hub), outcome
    return outcome


@pytest.mark.parametrize("machines", [2, 10, 100])
async def test_of_many_machines_entered_at_once_exactly_one_holds_the_room(machine: Machine, machines: int) -> None:
    all_of_them = [machine(n) for n in range(machines)]
    outcomes = await asyncio.gather(*(rooms.arrive("blue", Arrival()) for rooms in all_of_them))
    hubs = [outcome for outcome in outcomes if isinstance(outcome, Hub)]
    assert len(hubs) == 1
    replays = {outcome.replay.prefer_instance for outcome in outcomes if isinstance(outcome, ReplayTo)}
    assert replays == {hubs[0].epoch.machine}
    assert len(outcomes) == 1 + sum(isinstance(outcome, ReplayTo) for outcome in outcomes)


async def test_many_visitors_of_one_machine_open_one_room_once(machine: Machine) -> None:
    rooms = machine(1)
    hubs = await asyncio.gather(*(hold(rooms) for _ in range(50)))
    assert len({id(hub) for hub in hubs}) == 1
    assert hubs[0].epoch.epoch == 1


async def test_a_machine_that_was_killed_goes_on_in_the_next_epoch_with_all_that_was_stored(machine: Machine) -> None:
    hub = await hold(machine(1))
    _, seat = enter(hub)
    hub.act(seat, Say(op=1, text="kept"))
    assert await hub.journal.flush(within=5.0)
    woken = await hold(machine(1))
    assert (woken.epoch.epoch, woken.epoch.why) == (2, "woken")
    assert [said.text for said in woken.room.chat()] == ["kept"]
    ear, _ = enter(woken, since=2, epoch=1)
    assert '"resumed":true' in ear.heard()


async def test_several_heirs_race_for_a_room_whose_machine_is_gone(machine: Machine) -> None:
    began = time.time()
    await hold(machine(0, wall=lambda: began))
    lost = assigned(Word.HELD, 1, unavailable="m0")
    too_soon = await machine(1, wall=lambda: began + 2.9).arrive("blue", lost)  # an edge may not know that it is up
    assert isinstance(too_soon, Refuse)
    assert too_soon.reason == "settling"
    heirs = [machine(n, wall=lambda: began + 3) for n in range(1, 11)]
    outcomes = await asyncio.gather(*(heir.arrive("blue", lost) for heir in heirs))
    assert sum(isinstance(outcome, Hub) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ReplayTo) for outcome in outcomes) == 9


async def test_a_machine_that_lost_its_room_acknowledges_nothing_more_and_tells_where_it_is(machine: Machine) -> None:
    old, new = machine(1), machine(2, region="nrt")
    hub = await hold(old)
    ear, seat = enter(hub)
    taken = await hold(new, arrival=assigned(Word.LOST, 1))
    await until(lambda: taken.stored == 2)
    hub.act(seat, Say(op=1, text="too late"))
    await until(lambda: ear.closed is not None)
    assert ear.closed is not None
    assert ear.closed[0] == 4001
    assert '"t":"moved","region":"nrt","machine":"m2"' in ear.heard()
    assert '"t":"stored","seq":2' not in ear.heard()
    assert (old.holding.get("blue"), len(old.holding)) == (None, 0)
    assert isinstance(await old.arrive("blue", Arrival()), ReplayTo)


async def test_a_machine_finds_out_that_it_lost_a_room_in_which_nothing_happens(machine: Machine) -> None:
    old, new = machine(1, verify=1.0), machine(2)
    ear, _ = enter(await hold(old))
    await hold(new, arrival=assigned(Word.LOST, 1))
    old.holding.clock = lambda: 1e9  # type: ignore[method-assign] # much later
    old.holding.tend()
    await until(lambda: ear.closed is not None)
    assert len(old.holding) == 0


async def test_a_full_machine_passes_visitors_on_and_keeps_serving_what_it_has(machine: Machine) -> None:
    rooms = machine(1, rooms=1)
    await hold(rooms)
    passed_on = await rooms.arrive("red", Arrival())
    assert isinstance(passed_on, ReplayTo)
    assert passed_on.replay.elsewhere
    again = assigned(Word.SEEK, 0)
    assert isinstance(await rooms.arrive("red", Arrival(failed=None, hops=8, state=again.state)), Refuse)
    assert (await hold(rooms)).connections == 0


async def test_of_two_creations_at_once_one_creates(machine: Machine) -> None:
    both = [machine(n) for n in (1, 2)]
    outcomes = await asyncio.gather(*(rooms.create("blue", region="", arrival=Arrival()) for rooms in both))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Hub", "Refuse"]


async def test_an_empty_room_sleeps_and_wakes_with_everything_in_it(machine: Machine, tmp_path: Path) -> None:
    rooms = machine(1, sleep_after=3.0)
    hub = await hold(rooms)
    _, seat = enter(hub)
    for op in range(1, 31):
        hub.act(seat, Say(op=op, text=f"line {op}"))
    hub.leave(seat)
    now = rooms.holding.clock()
    rooms.holding.tend()
    assert len(rooms.holding) == 1
    rooms.holding.clock = lambda: now + 3.1  # type: ignore[method-assign]
    rooms.holding.tend()
    await until(lambda: len(rooms.holding) == 0)
    hint = await rooms.holding.hints.read("blue")
    assert hint is not None
    assert (hint.awake, hint.epoch) == (False, 1)
    assert list((tmp_path / "rooms" / "blue" / "snap").iterdir())
    elsewhere = await hold(machine(2, region="nrt"))
    assert (elsewhere.epoch.epoch, elsewhere.epoch.why) == (2, "woken")
    assert [said.text for said in elsewhere.room.chat()] == [f"line {op}" for op in range(1, 31)]


async def test_who_comes_while_a_room_falls_asleep_waits_and_is_let_in(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    sleeping = asyncio.create_task(rooms.holding.sleep(hub))
    await asyncio.sleep(0)
    woken = await hold(rooms)
    assert await sleeping
    assert (woken is hub, woken.epoch.epoch) == (False, 2)


async def test_a_room_moves_with_everything_in_it_and_its_members_follow(machine: Machine) -> None:
    here, there = machine(1), machine(2, region="nrt")
    hub = await hold(here)
    ear, seat = enter(hub)
    hub.act(seat, Say(op=1, text="packed"))
    assert await here.holding.move(hub, "nrt", why="asked")
    assert ear.closed is not None
    assert ear.closed[0] == 4001
    assert '"t":"moved","region":"nrt"' in ear.heard()
    sent = await here.arrive("blue", Arrival())
    assert isinstance(sent, ReplayTo)
    assert sent.replay.regions == ("nrt",)
    moved = await hold(there, arrival=assigned(Word.FREE, 1))
    assert (moved.epoch.epoch, moved.epoch.region, moved.epoch.why) == (2, "nrt", "moved")
    back, _ = enter(moved, since=3, epoch=1)
    assert '"resumed":true' in back.heard()


async def test_a_room_follows_its_members_when_they_stay_away(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    enter(hub, "ada", edge="nrt")
    began, wall = rooms.holding.clock(), rooms.holding.wall()
    for second in range(0, 90, 5):
        rooms.holding.clock = lambda now=began + second: now  # type: ignore[misc, method-assign]
        rooms.holding.wall = lambda now=wall + second: now  # type: ignore[misc, method-assign]
        rooms.holding.tend()
        await asyncio.sleep(0)
    await until(lambda: len(rooms.holding) == 0)
    hint = await rooms.holding.hints.read("blue")
    assert hint is not None
    assert (hint.awake, hint.to) == (False, "nrt")


async def test_whoever_leaves_in_order_leaves_a_released_room(machine: Machine) -> None:
    rooms = machine(1)
    hubs = [await hold(rooms, f"room-{n}") for n in range(40)]
    ear, seat = enter(hubs[0])
    hubs[0].act(seat, Say(op=1, text="the last word"))
    await rooms.holding.close("this machine is going away")
    assert ear.closed == (1001, "this machine is going away")
    assert '"t":"stored","seq":3' in ear.heard()
    heir = machine(2)
    hints = [await heir.holding.hints.read(f"room-{n}") for n in range(40)]
    assert [hint.awake for hint in hints if hint is not None] == [False] * 40
    taken = await hold(heir, "room-0")
    assert [said.text for said in taken.room.chat()] == ["the last word"]


def objects(store: Path) -> dict[str, bytes]:
    """What is in the store of the rooms themselves."""
    return {str(path.relative_to(store)): path.read_bytes() for path in (store / "rooms").rglob("*") if path.is_file()}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(
    ("grant", "why"),
    [
        (None, "room blue: this room is private: it opens with a link from somebody who is in it"),
        (Grant(EDIT, 4), "room blue: this link was taken back: ask somebody who is in the room for a new one"),
        (Grant(VIEW, 1), "room blue: this link was taken back: ask somebody who is in the room for a new one"),
    ],
)
async def test_who_may_not_come_in_does_not_wake_the_room(
    machine: Machine, tmp_path: Path, grant: Grant | None, why: str, folded: bool
) -> None:
    first = machine(1)
    hub = await first.create("blue", region="", arrival=Arrival(), public="", listed=False)
    assert isinstance(hub, Hub)
    if folded:
        await hub.snapshot()
    assert await first.holding.sleep(hub)
    before = objects(tmp_path)
    assert any("/snap/" in name for name in before) == folded
    second = machine(2)
    refused = await second.arrive("blue", Arrival(), grant)
    assert refused == Refuse(status=403, why=why, reason="forbidden")
    assert (len(second.holding), objects(tmp_path)) == (0, before)
    assert isinstance(await second.arrive("blue", Arrival(), Grant(VIEW, 0)), Hub)


def spoil_snapshot(store: Path, hub: Hub) -> str:
    """A snapshot that was stored as it is, but makes no room."""
    (path,) = (store / "rooms" / "blue" / "snap").iterdir()
    whole = parse_checkpoint(path.read_bytes(), key=path.as_posix())
    path.write_bytes(format_checkpoint(replace(whole, body=b"a secret of the room")))
    return f"snapshot rooms/blue/snap/{path.name}"


def spoil_snapshot_of_another_entry(store: Path, hub: Hub) -> str:
    (path,) = (store / "rooms" / "blue" / "snap").iterdir()
    whole = parse_checkpoint(path.read_bytes(), key=path.as_posix())
    earlier = replace(decode_snapshot(whole.body), seq=1)
    path.write_bytes(format_checkpoint(replace(whole, body=encode_snapshot(earlier))))
    return f"snapshot rooms/blue/snap/{path.name}"


def spoil_entry(store: Path, hub: Hub) -> str:
    """An entry after the snapshot, of a kind that nobody knows."""
    path = store / "rooms" / "blue" / "log" / f"{hub.room.seq:012d}"
    path.write_bytes(path.read_bytes().replace(b'"t":"released"', b'"t":"a secret"'))
    return f"entry {hub.room.seq} of segment rooms/blue/log/{path.name}"


def lose_segment(store: Path, hub: Hub) -> str:
    path = store / "rooms" / "blue" / "log" / f"{hub.room.seq - 1:012d}"
    path.unlink()
    return f"log object rooms/blue/log/{path.name}"


@pytest.mark.parametrize("spoil", [spoil_snapshot, spoil_snapshot_of_another_entry, spoil_entry, lose_segment])
async def test_what_cannot_be_read_is_named_and_not_taken(
    machine: Machine, tmp_path: Path, spoil: Callable[[Path, Hub], str], caplog: pytest.LogCaptureFixture
) -> None:
    first = machine(1)
    hub = await hold(first)
    _, seat = enter(hub)
    for op in (1, 2):
        hub.act(seat, Say(op=op, text=f"line {op}"))
        assert await hub.journal.flush(within=5.0)
        if op == 1:
            await hub.snapshot()
    assert await first.holding.sleep(hub)
    named = spoil(tmp_path, hub)
    before = objects(tmp_path)
    second = machine(2)
    refused = await second.arrive("blue", Arrival())
    why = f"room blue cannot be opened: {named} is missing or damaged"
    assert refused == Refuse(status=503, why=why, reason="storage")
    assert (len(second.holding), objects(tmp_path)) == (0, before)
    (line,) = [record for record in caplog.records if record.getMessage() == "log broken"]
    assert line.fields["object"] == named  # type: ignore[attr-defined] # as app/logs.py writes it


class Faulty:
    """A store that answers nothing while ``silent``."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.silent = False
        self.shared = True

    async def _answer(self, answer: Awaitable[Result]) -> Result:
        result = await answer
        if self.silent:
            raise StoreError("the store does not answer")
        return result

    async def create(self, key: str, body: bytes) -> bool:
        return await self._answer(self.store.create(key, body))

    async def put(self, key: str, body: bytes) -> None:
        await self._answer(self.store.put(key, body))

    async def get(self, key: str) -> bytes | None:
        return await self._answer(self.store.get(key))

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        return await self._answer(self.store.keys(prefix, after=after))

    async def delete(self, keys: Sequence[str]) -> None:
        await self._answer(self.store.delete(keys))


async def test_without_a_store_nobody_is_let_in_and_visitors_are_passed_on(machine: Machine, tmp_path: Path) -> None:
    faulty = Faulty(open_store(tmp_path.as_uri()))
    rooms = machine(1, store=faulty)
    held = await hold(rooms)
    faulty.silent = True
    assert await rooms.arrive("blue", Arrival()) is held
    assert isinstance(await rooms.arrive("red", Arrival()), ReplayTo)
    faulty.silent = False
    assert isinstance(await rooms.arrive("red", Arrival()), Hub)


async def test_a_room_is_given_up_after_as_many_seconds_without_the_store_as_are_set(
    machine: Machine, tmp_path: Path
) -> None:
    faulty = Faulty(open_store(tmp_path.as_uri()))
    rooms = machine(1, store=faulty, storage=0.3)
    hub = await hold(rooms)
    ear, seat = enter(hub)
    faulty.silent = True
    hub.act(seat, Say(op=1, text="nobody knows whether this is kept"))
    await until(lambda: ear.closed is not None)
    assert ear.closed is not None
    assert ear.closed[0] == STORAGE
    assert rooms.holding.get("blue") is None
    # The line was stored, and only its acknowledgement is missing: whoever takes the room next has it.
    faulty.silent = False
    assert [said.text for said in (await hold(machine(2), arrival=assigned(Word.GAVE, 1))).room.chat()] != []


async def test_a_wall_clock_that_is_put_back_does_not_keep_a_room_that_cannot_be_stored(
    machine: Machine, tmp_path: Path
) -> None:
    faulty = Faulty(open_store(tmp_path.as_uri()))
    back = itertools.count(1)
    rooms = machine(1, store=faulty, storage=0.3, wall=lambda: 1_790_000_000.0 - next(back))
    hub = await hold(rooms)
    ear, seat = enter(hub)
    faulty.silent = True
    hub.act(seat, Say(op=1, text="nobody knows whether this is kept"))
    await until(lambda: ear.closed is not None)
    assert ear.closed is not None
    assert ear.closed[0] == STORAGE


async def test_a_hint_is_only_a_hint(machine: Machine, tmp_path: Path) -> None:
    await hold(machine(1))
    hub = await hold(machine(1))
    await until(lambda: hub.epoch.epoch == 2 and b'"epoch":2' in (tmp_path / "owners" / "blue").read_bytes())
    stranger = machine(2)
    wrong = Hint(room="blue", epoch=1, place=machine(7).me, at=0.0, awake=True, public="edit")
    await stranger.holding.hints._store.put("owners/blue", wrong.to_json().encode())
    sent = await stranger.arrive("blue", Arrival())
    assert isinstance(sent, ReplayTo)
    assert sent.replay.prefer_instance == "m7"
    # Whoever gets it instead of that machine asks the log, which knows better.
    sent = await machine(3).arrive("blue", assigned(Word.HELD, 1, unavailable="m7"))
    assert isinstance(sent, ReplayTo)
    assert sent.replay.prefer_instance == "m1"
    await stranger.holding.hints._store.delete(["owners/blue"])
    sent = await stranger.arrive("blue", Arrival())
    assert isinstance(sent, ReplayTo)
    assert sent.replay.prefer_instance == "m1"


async def test_an_order_whose_asker_goes_away_is_carried_out_all_the_same(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    ear, _ = enter(hub)
    asking = asyncio.create_task(rooms.holding.whole(rooms.holding.sleep(hub)))
    await asyncio.sleep(0)
    asking.cancel()
    await until(lambda: ear.closed is not None)
    assert rooms.holding.get("blue") is None
    hint = await rooms.holding.hints.read("blue")
    assert hint is not None
    assert not hint.awake


async def test_a_room_whose_end_is_cut_short_lets_its_members_go(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    ear, _ = enter(hub)
    ending = asyncio.create_task(rooms.holding.sleep(hub))
    await until(lambda: hub.leaving)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    assert ear.closed is not None
    assert rooms.holding.get("blue") is None


async def test_of_many_hints_that_wait_the_last_is_written(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    await until(lambda: rooms.holding.hints is not None)
    before = rooms.holding.hints._store.calls["put"]  # type: ignore[attr-defined] # a watched store
    await asyncio.gather(*(rooms.holding.tell(hub) for _ in range(100)))
    assert rooms.holding.hints._store.calls["put"] - before <= 4  # type: ignore[attr-defined] # a watched store


async def test_a_machine_makes_so_many_rooms_a_second_and_opens_those_that_exist_at_any_time(machine: Machine) -> None:
    rooms = machine(1, limits=Limits(new_rooms_per_second=2, new_rooms_burst=3))
    holding, now = rooms.holding, rooms.holding.clock()
    holding.clock = lambda: now  # type: ignore[method-assign]
    hubs = [await hold(rooms, f"room-{n}") for n in range(3)]
    for outcome in (
        await rooms.arrive("blue", Arrival()),
        await rooms.create("blue", region="", arrival=Arrival()),
    ):
        assert isinstance(outcome, Refuse)
        assert (outcome.status, outcome.reason) == (503, "busy")
        assert outcome.why == (
            "room blue is not made yet: this machine makes 2 new rooms a second, and more are asked for; try again"
        )
    assert await holding.hints._store.keys("rooms/blue/") == []
    assert await holding.sleep(hubs[0])
    assert (await hold(rooms, "room-0")).epoch.epoch == 2
    holding.clock = lambda: now + 0.5  # type: ignore[method-assign]
    assert (await hold(rooms)).epoch.epoch == 1
    assert isinstance(await rooms.arrive("red", Arrival()), Refuse)


async def look_after(rooms: Rooms, seconds: float) -> list[str]:
    """Have the machine look after its rooms so much later; returns those that it still holds a moment after that."""
    began = rooms.holding.clock()
    rooms.holding.clock = lambda: began + seconds  # type: ignore[method-assign]
    rooms.holding.tend()
    await until(lambda: not any(hub.leaving for hub in rooms.holding.hubs) and not rooms.holding._tasks)
    return [hub.name for hub in rooms.holding.hubs]


async def listed(rooms: Rooms) -> list[str]:
    """The rooms that the lobby shows, once everything that was begun is done."""
    await until(lambda: not rooms.holding._tasks)
    return await rooms.holding.hints._store.keys("public/")


async def test_a_room_that_nobody_enters_sleeps_at_once_and_is_not_listed(machine: Machine) -> None:
    rooms = machine(1, sleep_after=60.0)
    await hold(rooms)
    assert await listed(rooms) == []
    assert await look_after(rooms, 0.9) == ["blue"]
    assert await look_after(rooms, 0.2) == []
    hint = await rooms.holding.hints.read("blue")
    assert hint is not None
    assert not hint.awake
    # Opened again it exists, and stays as long as any: else each of these looks would cost two entries.
    await hold(rooms)
    assert await look_after(rooms, 59.0) == ["blue"]
    assert await look_after(rooms, 2.0) == []
    assert await listed(rooms) == []


async def test_who_is_about_to_say_hello_finds_the_room_awake(machine: Machine) -> None:
    rooms = machine(1, sleep_after=60.0)
    hub = await hold(rooms)
    session = Session(hub, Way(), None, limits=Limits(), loop=asyncio.get_running_loop(), left=lambda: None)
    session.begin(Ear())
    assert await look_after(rooms, 9.0) == ["blue"]
    session.lost()
    assert await look_after(rooms, 1.0) == []


async def test_a_room_is_listed_once_somebody_is_in_it_and_stays_so(machine: Machine) -> None:
    rooms = machine(1, sleep_after=60.0)
    hub = await hold(rooms)
    assert await listed(rooms) == []
    _, seat = enter(hub)
    assert await listed(rooms) == ["public/blue"]
    hub.leave(seat)
    assert await look_after(rooms, 59.0) == ["blue"]
    assert await look_after(rooms, 2.0) == []
    await hold(machine(2))
    assert await listed(rooms) == ["public/blue"]


async def test_who_enters_before_the_first_hint_is_written_has_the_room_listed(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    await asyncio.sleep(0)  # the hint is on its way
    enter(hub)
    assert await listed(rooms) == ["public/blue"]


async def test_a_room_that_was_asked_for_by_name_is_listed_and_waits_for_its_members(machine: Machine) -> None:
    rooms = machine(1, sleep_after=60.0)
    assert isinstance(await rooms.create("blue", region="", arrival=Arrival()), Hub)
    secret = await rooms.create("red", region="", arrival=Arrival(), public="", listed=False)
    assert isinstance(secret, Hub)
    assert await listed(rooms) == ["public/blue"]
    assert await look_after(rooms, 59.0) == ["blue", "red"]


async def test_the_list_counts_the_members_of_rooms_that_are_here_as_of_now(machine: Machine) -> None:
    rooms = machine(1)
    hub = await hold(rooms)
    enter(hub)
    assert await listed(rooms) == ["public/blue"]
    listing = Listing(rooms.holding.hints._store, rooms.holding, rooms._settings)
    assert [room["members"] for room in (await listing.get())["rooms"]] == [1]
    enter(hub, "bob")
    assert [room["members"] for room in (await listing.get())["rooms"]] == [2]
