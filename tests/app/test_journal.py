"""The rule that every journal keeps: the second writer of a segment is told that it lost the room."""

import asyncio

import pytest

from app.config import Limits
from app.hub import Hub
from app.journal import Fenced, MemoryJournal
from app.outbox import Outbox
from app.ownership import Owner, Place
from app.protocol import Hello, Path, Said, Say
from app.room import Room, Snapshot


def entry(seq: int) -> Said:
    return Said(seq=seq, by="a", op=f"op{seq}", name="Ada", hue=0, text=str(seq), at=0.0)


async def test_of_two_writers_the_second_is_fenced() -> None:
    segments: dict[int, tuple[Said, ...]] = {}
    first, second = MemoryJournal("L", segments), MemoryJournal("L", segments)
    await first.append([entry(1), entry(2)])
    with pytest.raises(Fenced):
        await second.append([entry(1)])
    await second.append([entry(3)])
    assert [stored.seq for stored in await first.since(1)] == [2, 3]


async def test_a_snapshot_lets_covered_segments_go() -> None:
    journal = MemoryJournal("L")
    for seq in (1, 2, 3):
        await journal.append([entry(seq)])
    await journal.put_snapshot(Snapshot(seq=2, entries=[entry(1), entry(2)], ops=[]))
    assert [stored.seq for stored in await journal.since(0)] == [3]
    snapshot = await journal.snapshot()
    assert snapshot is not None
    assert snapshot.seq == 2


async def test_a_hub_that_is_fenced_acknowledges_nothing_and_gives_the_room_up() -> None:
    segments = {1: (entry(1),)}  # somebody else has written the next segment
    lost: list[Hub] = []
    owner = Owner(room="blue", epoch=1, place=Place(machine="m1", region="ams", app="rooms"), at=0.0)
    room = Room("blue", history=10, ops=10)
    hub = Hub(owner, room, MemoryJournal("L", segments), limits=Limits(), lost=lost.append)
    outbox = Outbox(most_frames=100, most_bytes=10_000, drop=lambda code, reason: None)
    seat = hub.join(Hello(v=1, key="0123456789abcdef", name="Ada"), outbox, Path())
    assert seat is not None
    hub.say(seat, Say(op="a", text="x"), "x")
    await hub.finish()
    assert lost == [hub]
    assert hub.stored == 0
    outbox.put("end")
    frames = []
    while (frame := await outbox.take()) != "end":
        frames.append(str(frame))
    assert not any('"t":"stored"' in frame for frame in frames)


async def test_what_comes_while_a_batch_is_stored_is_one_batch() -> None:
    class Slow(MemoryJournal):
        """Stores when it is told to, and remembers how big the batches were."""

        def __init__(self) -> None:
            super().__init__("L")
            self.go = asyncio.Semaphore(0)
            self.sizes: list[int] = []

        async def append(self, batch: object) -> None:
            await self.go.acquire()
            assert isinstance(batch, list)
            self.sizes.append(len(batch))
            await super().append(batch)

    journal = Slow()
    owner = Owner(room="blue", epoch=1, place=Place(machine="m1", region="ams", app="rooms"), at=0.0)
    hub = Hub(owner, Room("blue", history=50, ops=50), journal, limits=Limits(), lost=lambda hub: None)
    outbox = Outbox(most_frames=100, most_bytes=100_000, drop=lambda code, reason: None)
    seat = hub.join(Hello(v=1, key="0123456789abcdef", name="Ada"), outbox, Path())
    assert seat is not None
    hub.say(seat, Say(op="first", text="x"), "x")
    await asyncio.sleep(0)
    for n in range(10):
        hub.say(seat, Say(op=f"op{n}", text="x"), "x")
    for _ in range(2):
        journal.go.release()
    await hub.finish()
    assert journal.sizes == [1, 10]
    assert hub.stored == 11
