"""The journal over every kind of store, with many writers at once, and over one that fails, in virtual time."""

import asyncio
import itertools
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from app.entries import Epoch, Released, Said, format_entry
from app.history import EPOCHS_KEPT, Log
from app.journal import BrokenLog, Journal
from app.layout import room_prefix, segment_key, segment_prefix, snapshot_key, snapshot_prefix
from app.ownership import Place
from app.segments import parse_segment
from app.store import Store, StoreError, open_store
from app.tenure import LONGEST_BACK_OFF, SEGMENT_BYTES, STORAGE_SECONDS, VERIFY_AFTER
from tests.app.stores import Refused, Shelf, bucket, run_virtually, store_url  # noqa: F401 # fixtures

HERE = Place(machine="m1", region="ams", app="rooms")
SOON = 10.0  # seconds that a test waits at most for what should come at once


def line(seq: int, text: str = "") -> bytes:
    return format_entry(Said(seq=seq, at=1.0, by="a", client="page", op=seq, name="Ada", hue=0, text=text or str(seq)))


class Holder:
    """A journal with what it told, as a hub would hear it."""

    def __init__(self, store: Store, writer: str = "w1", clock: Callable[[], float] | None = None) -> None:
        self.journal = Journal(store, "blue", clock=clock or (lambda: 1_000.0), rng=Random(writer))
        self.writer = writer
        self.stored: list[int] = []
        self.lost: list[str] = []
        self.said: dict[int, bytes] = {}
        self.next = 0

    async def take(self, log: Log | None = None) -> Epoch | None:
        epoch = await self.journal.take(log or await self.journal.read(), place=HERE, writer=self.writer, why="taken")
        self.journal.on_stored = self.stored.append
        self.journal.on_lost = self.lost.append
        self.next = epoch.seq + 1 if epoch is not None else 0
        return epoch

    def say(self, count: int = 1) -> None:
        for _ in range(count):
            said = line(self.next, f"{self.writer}:{self.next}")
            self.said[self.next] = said
            self.journal.queue(self.next, said)
            self.next += 1

    async def stores(self, count: int = 1) -> None:
        self.say(count)
        assert await self.journal.flush(within=SOON)

    @property
    def acknowledged(self) -> dict[int, bytes]:
        return {seq: said for seq, said in self.said.items() if self.stored and seq <= self.stored[-1]}


async def log_of(store: Store) -> Log:
    return await Journal(store, "blue").read()


async def lines_of(store: Store) -> dict[int, bytes]:
    return {entry.seq: format_entry(entry) for entry in (await log_of(store)).entries}


# What every store must allow ----------------------------------------------------


async def test_a_room_is_made_written_read_and_taken_again(store_url: str) -> None:  # noqa: F811
    store = open_store(store_url)
    first = Holder(store)
    epoch = await first.take()
    assert epoch is not None
    assert (epoch.seq, epoch.epoch, epoch.machine, epoch.writer) == (1, 1, "m1", "w1")
    await first.stores(3)
    assert first.stored == [4]
    log = await log_of(store)
    assert (log.next, log.epoch, log.starts) == (5, epoch, [(1, 1)])
    assert [format_entry(entry) for entry in log.entries[1:]] == list(first.said.values())

    second = Holder(store, "w2")
    taken = await second.take()
    assert taken is not None
    assert (taken.seq, taken.epoch) == (5, 2)
    await second.stores(2)
    first.say()
    assert not await first.journal.flush(within=SOON)
    assert (first.stored, first.lost) == ([4], ["fenced"])
    assert await lines_of(store) == {
        1: format_entry(epoch), **{seq: first.said[seq] for seq in (2, 3, 4)}, 5: format_entry(taken), **second.said
    }  # fmt: skip


@pytest.mark.parametrize("contenders", [2, 10, 100])
async def test_of_many_who_race_exactly_one_gets_each_epoch(store_url: str, contenders: int) -> None:  # noqa: F811
    store = open_store(store_url)
    everybody: list[Holder] = []
    for number in range(1, 4):
        # The first epoch is the one that all of them want at once; an S3 server takes ten seconds for a hundred thrice.
        racers = [Holder(store, f"w{number}.{n}") for n in range(contenders if number == 1 else min(contenders, 10))]
        logs = await asyncio.gather(*(racer.journal.read() for racer in racers))
        epochs = await asyncio.gather(*(racer.take(log) for racer, log in zip(racers, logs, strict=True)))
        winners = [racer for racer, epoch in zip(racers, epochs, strict=True) if epoch is not None]
        assert len(winners) == 1
        assert [epoch.epoch for epoch in epochs if epoch is not None] == [number]
        await winners[0].stores(2)
        everybody += winners
    for former in everybody[:-1]:
        former.say(2)
        assert not await former.journal.flush(within=SOON)
        former.say(2)
        assert not await former.journal.flush(within=SOON)
        assert former.lost == ["fenced"]
    await everybody[-1].stores()
    stored = await lines_of(store)
    for holder in everybody:
        assert holder.acknowledged
        assert holder.acknowledged.items() <= stored.items()
    assert len(stored) == 3 + 3 * 2 + 1


async def test_a_snapshot_stands_for_what_it_covers(store_url: str) -> None:  # noqa: F811
    store = open_store(store_url)
    holder = Holder(store)
    await holder.take()
    for turn in range(4):
        await holder.stores(3)
        assert await holder.journal.snapshot(holder.next - 1, b"room %d" % turn)
        assert holder.journal.segments == 0
    await holder.stores()
    assert holder.journal.segments == 1
    log = await log_of(store)
    assert log.snapshot == (13, b"room 3")
    assert [entry.seq for entry in log.entries] == [14]
    assert log.starts == [(1, 1)]
    assert await store.keys(segment_prefix("blue")) == [segment_key("blue", 1), segment_key("blue", 14)]
    assert await store.keys(snapshot_prefix("blue")) == [snapshot_key("blue", 10), snapshot_key("blue", 13)]
    heir = Holder(store, "w2")
    epoch = await heir.take()
    assert epoch is not None
    assert (epoch.seq, epoch.epoch) == (15, 2)
    assert heir.journal.segments == 2


async def test_a_room_is_released_and_nothing_follows(store_url: str) -> None:  # noqa: F811
    store = open_store(store_url)
    holder = Holder(store)
    await holder.take()
    holder.say(2)
    released = Released(seq=4, at=2.0, epoch=1, why="empty", to="nrt")
    assert await holder.journal.release(format_entry(released), 4, within=SOON)
    holder.journal.queue(5, line(5))
    assert (await log_of(store)).released == released
    assert (await log_of(store)).next == 5
    assert holder.lost == []
    heir = Holder(store, "w2")
    assert await heir.take() is not None
    assert (await log_of(store)).released is None


async def test_a_look_finds_that_the_room_was_taken(store_url: str) -> None:  # noqa: F811
    store = open_store(store_url)
    holder = Holder(store)
    await holder.take()
    await holder.stores()
    await holder.journal.verify()
    assert holder.lost == []
    await Holder(store, "w2").take()
    await holder.journal.verify()
    await holder.journal.verify()
    assert holder.lost == ["fenced"]


@pytest.mark.parametrize("key", [segment_key("blue", 2), snapshot_key("blue", 3)])
async def test_a_corrupt_object_is_named_and_the_room_is_not_touched(store_url: str, key: str) -> None:  # noqa: F811
    store = open_store(store_url)
    holder = Holder(store)
    await holder.take()
    for _ in range(3):
        await holder.stores()
    before = await store.keys(room_prefix("blue"))
    whole = await store.get(key)
    await store.put(key, b"\x00" * 20)
    with pytest.raises(BrokenLog, match=key):
        await log_of(store)
    await holder.stores()  # who holds the room goes on
    assert set(before) <= set(await store.keys(room_prefix("blue")))
    await (store.delete([key]) if whole is None else store.put(key, whole))
    assert (await log_of(store)).next == 6


async def test_processes_race_for_the_epochs_of_one_room(tmp_path: Path, nothing_left: None) -> None:
    program = """
import asyncio, json, logging, sys
from app.entries import Said, format_entry
from app.journal import Journal
from app.ownership import Place
from app.store import open_store

logging.disable()

async def race(store, writer, told):
    place = Place(machine=writer, region="ams", app="rooms")
    journal = Journal(store, "blue")
    log = await journal.read()
    epoch = await journal.take(log, place=place, writer=writer, why="taken")
    if epoch is None:
        return
    said, stored = {}, [epoch.seq]
    journal.on_stored = stored.append
    for seq in range(epoch.seq + 1, epoch.seq + 8):
        entry = Said(seq=seq, at=1.0, by=writer, client="page", op=seq, name="", hue=0, text=f"{writer} {seq}")
        said[seq] = entry.text
        journal.queue(seq, format_entry(entry))
        await asyncio.sleep(0)
    await journal.flush(within=20)
    if stored[-1] > epoch.seq + 3:
        await journal.snapshot(epoch.seq + 3, b"from " + writer.encode())
    await journal.close()
    told.append([epoch.epoch, {seq: text for seq, text in said.items() if seq <= stored[-1]}])

async def main():
    store, told = open_store(sys.argv[1]), []
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(8):
        await asyncio.gather(*(race(store, f"{sys.argv[2]}.{turn}.{n}", told) for n in range(5)))
    print(json.dumps(told), flush=True)

asyncio.run(main())
"""
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, tmp_path.as_uri(), str(number),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for number in range(3)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    held = [held for said, _ in ended for held in json.loads(said)]
    epochs = [epoch for epoch, _ in held]
    assert len(epochs) == len(set(epochs)) >= 8
    acknowledged = [(int(seq), text) for _, said in held for seq, text in said.items()]
    assert len(acknowledged) == len(dict(acknowledged)), "two acknowledged under one number"
    assert len(acknowledged) >= 8
    log = await log_of(open_store(tmp_path.as_uri()))
    stored = {entry.seq: entry.text for entry in log.entries if isinstance(entry, Said)}
    assert log.snapshot is not None
    assert {(seq, text) for seq, text in acknowledged if seq > log.snapshot[0]} <= stored.items()
    assert log.next > max(dict(acknowledged))


# Group commit ---------------------------------------------------------------------


async def test_a_thousand_lines_while_a_put_is_in_flight_are_one_segment() -> None:
    shelf, go = Shelf(), asyncio.Event()
    holder = Holder(shelf)
    await holder.take()

    async def hold(call: str, key: str) -> None:
        if key == segment_key("blue", 2):
            await go.wait()

    shelf.before = hold
    holder.say()
    await asyncio.sleep(0.01)
    assert ("create", segment_key("blue", 2)) in shelf.calls
    for _ in range(1_000):
        holder.say()
        if holder.next % 100 == 0:
            await asyncio.sleep(0)
    go.set()
    assert await holder.journal.flush(within=SOON)
    assert holder.stored == [2, 1_002]
    assert len(parse_segment(shelf.objects[segment_key("blue", 3)], key=segment_key("blue", 3)).lines) == 1_000
    assert [key for call, key in shelf.calls if call == "create"] == [segment_key("blue", seq) for seq in (1, 2, 3)]


async def test_a_segment_is_bounded_in_bytes() -> None:
    shelf = Shelf()
    holder = Holder(shelf)
    await holder.take()
    for seq in range(2, 12):
        holder.journal.queue(seq, line(seq, "x" * 300_000))
    assert await holder.journal.flush(within=SOON)
    sizes = [len(body) for key, body in shelf.objects.items() if key.startswith(segment_prefix("blue"))]
    assert max(sizes) < SEGMENT_BYTES + 200
    assert holder.stored == [4, 7, 10, 11]


async def test_nothing_runs_while_nothing_waits() -> None:
    holder = Holder(Shelf())
    await holder.take()
    before = asyncio.all_tasks()
    await holder.stores(2)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


# A store that fails, in virtual time ---------------------------------------------


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def virtual(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run an async test on a loop whose time jumps; `Holder` then needs ``clock=loop_time``."""

    def run() -> None:
        run_virtually(test())  # type: ignore[arg-type] # an async function's answer is a coroutine

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def faults(*answers: str) -> Callable[[str, str], Awaitable[None]]:
    """A fault for each put in turn, ``fail`` or ``pass``; after them all pass."""
    left = list(answers)

    async def fault(call: str, key: str) -> None:
        if call == "create" and left and left.pop(0) == "fail":
            raise Refused(f"{key}: no answer")

    return fault


@virtual
async def test_a_put_whose_answer_was_lost_is_recognised() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    shelf.after = faults("fail", "fail")
    await holder.stores(2)
    assert (holder.stored, holder.lost) == ([3], [])
    assert len(await lines_of(shelf)) == 3


@virtual
async def test_a_take_whose_answer_was_lost_is_recognised() -> None:
    shelf = Shelf()
    shelf.after = faults("fail")
    holder = Holder(shelf, clock=loop_time)
    epoch = await holder.take()
    assert epoch is not None
    assert (await log_of(shelf)).epoch == epoch


@virtual
async def test_an_answer_is_lost_while_somebody_else_takes_the_room() -> None:
    shelf = Shelf()
    first, second = Holder(shelf, "w1", loop_time), Holder(shelf, "w2", loop_time)
    await first.take()

    async def lose(call: str, key: str) -> None:
        if key == segment_key("blue", 2):
            shelf.after = Shelf._pass
            assert await second.take() is not None
            await second.stores()
            raise Refused("lost on its way")

    shelf.after = lose
    first.say()
    assert await first.journal.flush(within=SOON)  # it was stored, and nobody else put it there
    first.say()
    assert not await first.journal.flush(within=SOON)
    assert (first.stored, first.lost, second.stored) == ([2], ["fenced"], [4])
    assert first.acknowledged.items() <= (await lines_of(shelf)).items()


@virtual
async def test_a_store_that_fails_for_a_while_is_asked_again_with_pauses() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    began, asked = loop_time(), []

    async def fail(call: str, key: str) -> None:
        asked.append(loop_time() - began)
        if asked[-1] < STORAGE_SECONDS - 3:
            raise Refused("not now")

    shelf.before = fail
    holder.say(3)
    assert await holder.journal.flush(within=STORAGE_SECONDS)
    assert (holder.stored, holder.lost) == ([4], [])
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[0] <= 0.1
    assert max(pauses) <= LONGEST_BACK_OFF
    assert max(pauses) > 5 * pauses[0]
    assert len(asked) < 20


@virtual
async def test_a_store_that_fails_too_long_ends_the_hold() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    shelf.before = faults(*["fail"] * 1_000)
    began = loop_time()
    holder.say()
    assert not await holder.journal.flush(within=60)
    assert STORAGE_SECONDS <= loop_time() - began <= STORAGE_SECONDS + 1
    shelf.before = Shelf._pass
    holder.say()
    assert not await holder.journal.flush(within=60)
    await holder.journal.verify()
    assert (holder.stored, holder.lost) == ([], ["storage"])
    assert len(await lines_of(shelf)) == 1


@virtual
async def test_a_store_that_hangs_ends_the_hold_in_time() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()

    async def hang(call: str, key: str) -> None:
        await asyncio.sleep(1e6)

    shelf.before = hang
    began = loop_time()
    holder.say()
    assert not await holder.journal.flush(within=60)
    assert STORAGE_SECONDS <= loop_time() - began <= STORAGE_SECONDS + LONGEST_BACK_OFF
    assert holder.lost == ["storage"]


@virtual
async def test_who_does_not_even_get_to_the_store_gives_up() -> None:
    shelf, gate = Shelf(), asyncio.Semaphore(1)
    journal = Journal(shelf, "blue", gate=gate, clock=loop_time)
    await journal.take(await journal.read(), place=HERE, writer="w", why="made")
    lost: list[str] = []
    journal.on_lost = lost.append
    async with gate:
        journal.queue(2, line(2))
        assert not await journal.flush(within=60)
    assert lost == ["storage"]


@virtual
async def test_a_room_that_cannot_be_taken_is_an_error_and_not_ours() -> None:
    shelf = Shelf()
    shelf.before = faults(*["fail"] * 1_000)
    with pytest.raises(StoreError, match=r"room blue could not be taken: .*no answer"):
        await Holder(shelf, clock=loop_time).take()


@virtual
async def test_a_flush_ends_when_its_time_is_over() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    shelf.before = faults("fail", "fail", "fail")
    holder.say()
    assert not await holder.journal.flush(within=0.05)
    assert await holder.journal.flush(within=SOON)
    assert await holder.journal.flush(within=0.0)


@virtual
async def test_a_release_that_is_not_stored_says_so_and_ends_the_journal() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    shelf.before = faults(*["fail"] * 1_000)
    released = format_entry(Released(seq=2, at=2.0, epoch=1, why="empty"))
    began = loop_time()
    assert not await holder.journal.release(released, 2, within=3)
    assert loop_time() - began == pytest.approx(3)
    calls = len(shelf.calls)
    await asyncio.sleep(60)
    assert len(shelf.calls) == calls
    assert holder.lost == []


@virtual
async def test_a_release_by_somebody_who_lost_the_room_says_so() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    await Holder(shelf, "w2", loop_time).take()
    released = format_entry(Released(seq=2, at=2.0, epoch=1, why="empty"))
    assert not await holder.journal.release(released, 2, within=3)
    assert not await holder.journal.release(released, 2, within=3)
    assert (await log_of(shelf)).released is None


@virtual
async def test_after_closing_nothing_is_told_or_stored() -> None:
    shelf, go = Shelf(), asyncio.Event()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()

    async def hold(call: str, key: str) -> None:
        await go.wait()

    shelf.after = hold
    holder.say()
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(holder.journal.flush(within=60))
    await asyncio.sleep(0.1)
    await holder.journal.close()
    assert not await waiting
    go.set()
    holder.say()
    await holder.journal.verify()
    await asyncio.sleep(60)
    assert (holder.stored, holder.lost) == ([], [])
    assert len(await lines_of(shelf)) == 2  # the put had arrived: it may be stored, and was not acknowledged


@virtual
async def test_a_listener_that_fails_ends_the_hold() -> None:
    holder = Holder(Shelf(), clock=loop_time)
    await holder.take()

    def fail(seq: int) -> None:
        raise KeyError(seq)

    logging.disable()
    holder.journal.on_stored = fail
    holder.say()
    await asyncio.sleep(1)
    logging.disable(logging.NOTSET)
    assert holder.lost == ["storage"]
    assert not await holder.journal.flush(within=1)


# The compaction traps -----------------------------------------------------------------


@virtual
async def test_a_writer_that_slept_for_days_is_fenced_though_its_key_is_free_again() -> None:
    shelf = Shelf()
    sleeper = Holder(shelf, "w1", loop_time)
    await sleeper.take()
    await sleeper.stores()
    heir = Holder(shelf, "w2", loop_time)
    await heir.take()
    await heir.stores(3)
    await asyncio.sleep(EPOCHS_KEPT + 1)
    for number in range(100):  # so many epochs are kept in any case
        heir = Holder(shelf, f"x{number}", loop_time)
        await heir.take()
    await asyncio.sleep(EPOCHS_KEPT + 1)
    await heir.stores(3)
    assert await heir.journal.snapshot(heir.next - 1, b"room")
    assert segment_key("blue", 3) not in shelf.objects
    sleeper.say()
    assert not await sleeper.journal.flush(within=SOON)
    assert segment_key("blue", 3) in shelf.objects  # it did get in, and knew better than to acknowledge
    assert (sleeper.stored, sleeper.lost) == ([2], ["fenced"])
    log = await log_of(shelf)
    assert log.snapshot == (heir.next - 1, b"room")
    assert log.next == heir.next
    await heir.stores()
    assert await heir.journal.snapshot(heir.next - 1, b"room")
    assert segment_key("blue", 3) not in shelf.objects


@virtual
async def test_a_look_after_days_finds_it_too() -> None:
    shelf = Shelf()
    sleeper = Holder(shelf, "w1", loop_time)
    await sleeper.take()
    for number in range(101):
        heir = Holder(shelf, f"x{number}", loop_time)
        await heir.take()
    await asyncio.sleep(EPOCHS_KEPT + 1)
    await heir.stores()
    assert await heir.journal.snapshot(heir.next - 1, b"room")
    assert segment_key("blue", 2) not in shelf.objects
    await sleeper.journal.verify()
    assert sleeper.lost == ["fenced"]


@virtual
async def test_the_segment_of_an_epoch_outlives_its_snapshot_by_a_day() -> None:
    shelf = Shelf()
    sleeper = Holder(shelf, "w1", loop_time)
    await sleeper.take()
    heir = Holder(shelf, "w2", loop_time)
    await heir.take()
    await heir.stores(3)
    assert await heir.journal.snapshot(5, b"room")
    assert segment_key("blue", 3) not in shelf.objects
    assert segment_key("blue", 2) in shelf.objects
    await asyncio.sleep(VERIFY_AFTER / 2)
    sleeper.say()
    assert not await sleeper.journal.flush(within=SOON)
    assert sleeper.lost == ["fenced"]


@virtual
async def test_who_read_the_log_and_then_slept_does_not_take_the_room() -> None:
    shelf = Shelf()
    holder = Holder(shelf, "w1", loop_time)
    await holder.take()
    await holder.stores()
    sleeper = Holder(shelf, "w2", loop_time)
    log = await sleeper.journal.read()
    await holder.stores()
    await holder.stores()
    assert await holder.journal.snapshot(4, b"room")
    assert segment_key("blue", log.next) not in shelf.objects  # free again, within the very same minute
    assert await sleeper.take(log) is None
    await holder.stores()
    assert (holder.lost, (await log_of(shelf)).next) == ([], 6)
    assert (await log_of(shelf)).epoch == (await holder.journal.read()).epoch


@virtual
async def test_a_look_does_not_take_our_own_put_for_somebody_elses() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()

    async def late(call: str, key: str) -> None:
        if call == "get":
            await asyncio.sleep(1)

    shelf.before = late
    looking = asyncio.create_task(holder.journal.verify())
    await asyncio.sleep(0.1)
    await holder.stores()
    await looking
    await holder.stores()
    assert (holder.stored, holder.lost) == ([2, 3], [])


# Snapshots ------------------------------------------------------------------------------


@virtual
async def test_a_snapshot_waits_until_all_of_it_is_stored() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    shelf.before = faults("fail", "fail")
    holder.say(3)
    taking = asyncio.create_task(holder.journal.snapshot(4, b"room"))
    await asyncio.sleep(0.001)
    holder.say(3)
    assert await taking
    assert holder.stored[-1] >= 4
    assert await holder.journal.flush(within=SOON)
    log = await log_of(shelf)
    assert log.snapshot == (4, b"room")
    assert [entry.seq for entry in log.entries] == [5, 6, 7]


@virtual
async def test_a_snapshot_in_the_middle_of_a_segment_loses_nothing() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    await holder.stores(6)
    await holder.stores(1)
    assert await holder.journal.snapshot(4, b"room")
    log = await log_of(shelf)
    assert log.snapshot == (4, b"room")
    assert [entry.seq for entry in log.entries] == [5, 6, 7, 8]
    assert holder.journal.segments == 2


@virtual
async def test_a_room_that_is_lost_gets_no_snapshot_of_what_was_not_stored() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    await Holder(shelf, "w2", loop_time).take()
    holder.say()
    assert not await holder.journal.snapshot(2, b"room")
    assert await shelf.keys(snapshot_prefix("blue")) == []


@virtual
async def test_nothing_is_deleted_before_the_snapshot_was_read_back() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    await holder.stores(2)
    before = set(shelf.objects)

    async def spoil(call: str, key: str) -> None:
        if call == "get" and key == snapshot_key("blue", 3):
            shelf.objects[key] = b"something else"

    shelf.before = spoil
    assert not await holder.journal.snapshot(3, b"room")
    assert before < set(shelf.objects)
    shelf.before = Shelf._pass
    assert await holder.journal.snapshot(3, b"room")
    await holder.stores()
    assert (await log_of(shelf)).snapshot == (3, b"room")


@virtual
async def test_a_snapshot_that_fails_harms_nothing() -> None:
    for failing in ("put", "get"):
        shelf = Shelf()
        holder = Holder(shelf, clock=loop_time)
        await holder.take()
        for _ in range(3):
            await holder.stores()

        async def fail(call: str, key: str, failing: str = failing) -> None:
            if call == failing:
                raise Refused("not now")

        shelf.before = fail
        assert not await holder.journal.snapshot(4, b"room")
        shelf.before = Shelf._pass
        await holder.stores()
        assert (await log_of(shelf)).next == 6
        assert await holder.journal.snapshot(5, b"room")
        assert holder.lost == []
        assert (await log_of(shelf)).snapshot == (5, b"room")


@virtual
async def test_a_snapshot_stands_though_what_it_covers_cannot_be_deleted() -> None:
    for failing in ("list", "delete"):
        shelf = Shelf()
        holder = Holder(shelf, clock=loop_time)
        await holder.take()
        for _ in range(3):
            await holder.stores()

        async def fail(call: str, key: str, failing: str = failing) -> None:
            if call == failing:
                raise Refused("not now")

        shelf.before = fail
        assert await holder.journal.snapshot(4, b"room")
        await holder.stores()
        shelf.before = Shelf._pass
        assert (await log_of(shelf)).snapshot == (4, b"room")
        assert segment_key("blue", 3) in shelf.objects
        await holder.stores()
        assert await holder.journal.snapshot(6, b"room")
        assert holder.lost == []
        assert await shelf.keys(segment_prefix("blue")) == [segment_key("blue", 1)]  # which begins an epoch


@virtual
async def test_one_snapshot_at_a_time_and_never_backwards() -> None:
    shelf = Shelf()
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    await holder.stores(4)
    assert await asyncio.gather(holder.journal.snapshot(5, b"x"), holder.journal.snapshot(5, b"y")) == [True, False]
    assert not await holder.journal.snapshot(4, b"z")
    assert (await log_of(shelf)).snapshot == (5, b"x")


@virtual
async def test_readers_and_takers_come_through_while_the_log_is_shortened() -> None:
    shelf = Shelf()
    rng = Random(5)

    async def late(call: str, key: str) -> None:
        await asyncio.sleep(rng.random())

    shelf.before = shelf.after = late
    holder = Holder(shelf, clock=loop_time)
    await holder.take()
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(40):
            await holder.stores(2)
            assert await holder.journal.snapshot(holder.next - 1, str(holder.next - 1).encode())
        done.set()

    async def look() -> None:
        while not done.is_set():
            acknowledged = holder.stored[-1] if holder.stored else 1
            log = await log_of(shelf)
            assert log.next > acknowledged
            assert log.snapshot is None or log.snapshot[1] == str(log.snapshot[0]).encode()

    await asyncio.gather(write(), look(), look())
    assert holder.lost == []
