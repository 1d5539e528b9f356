"""The fan-out: every member gets every entry once and in order, however it joins, lags and drains; in virtual time."""

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable
from struct import unpack
from typing import Any

import msgspec
import pytest

from app.entries import Change, Said, format_entry
from app.fanout import FLUSH_BYTES, HIGH, Fanout, Listener, encode
from app.framing import frame, unframe
from app.protocol import Closing, Cursors, Joined, Left, Member, Pong, Stored


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop(asyncio.AbstractEventLoop):
    """Callbacks in order of time; `run` advances to their moments."""

    def __init__(self) -> None:
        self.now = 100.0
        self._count = itertools.count()
        self._waiting: list[tuple[float, int, Handle, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., None], *args: Any) -> Handle:  # type: ignore[override]
        return self.call_later(0, callback, *args)

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Handle:  # type: ignore[override]
        handle = Handle()
        heapq.heappush(self._waiting, (self.now + delay, next(self._count), handle, callback, args))
        return handle

    def run(self, seconds: float = 0.0) -> None:
        until = self.now + seconds
        while self._waiting and self._waiting[0][0] <= until + 1e-9:
            when, _, handle, callback, args = heapq.heappop(self._waiting)
            self.now = max(self.now, when)
            if not handle.cancelled:
                callback(*args)
        self.now = until

    @property
    def idle(self) -> bool:
        return all(entry[2].cancelled for entry in self._waiting)


class FakeWire:
    """A member's connection: takes everything at once, or nothing beyond ``kernel`` bytes until it reads."""

    def __init__(self, *, binary: bool = False, kernel: int | None = None) -> None:
        self.binary = binary
        self.kernel = kernel
        self.sent: list[bytes] = []
        self.held = 0
        self.most_held = 0
        self.room = kernel
        self.paused = 0
        self.ended: tuple[str, int] | None = None

    def write(self, frames: bytes) -> None:
        if self.ended is not None:
            return
        self.sent.append(frames)
        if self.room is not None:
            taken = min(self.room, len(frames)) if not self.held else 0
            self.room -= taken
            self.held += len(frames) - taken
            self.most_held = max(self.most_held, self.held)

    def read(self, size: int) -> bool:
        """The member takes so many bytes; whether the buffer is empty again."""
        assert self.room is not None
        before, self.held = self.held, max(0, self.held - size)
        self.room += max(0, size - before)
        return before > 0 and self.held == 0

    def buffered(self) -> int:
        return self.held

    def untaken(self) -> int:
        return self.held

    def pause(self, why: int) -> None:
        self.paused |= why

    def resume(self, why: int) -> None:
        self.paused &= ~why

    def close(self, code: int, reason: str = "") -> None:
        self.ended = self.ended or ("close", code)

    def drop(self, code: int, reason: str = "") -> None:
        self.ended = ("drop", code)

    def messages(self) -> list[dict[str, Any]]:
        heard = []
        for payload, binary in unframe(b"".join(self.sent)):
            assert binary == self.binary
            heard += (msgspec.msgpack if binary else msgspec.json).decode(payload)
        return heard

    def entries(self) -> list[int]:
        return [message["seq"] for message in self.messages() if message["t"] == "said"]


class FakePresence:
    def __init__(self) -> None:
        self.people = [Member(id="ada", n=1, name="Ada", hue=1, region="ams")]
        self.where: dict[int, list[int]] = {}
        self.new: dict[int, list[int]] = {}
        self.dragged: list[tuple[int, list[Change]]] = []
        self.chosen: list[tuple[int, list[str]]] = []

    def point(self, n: int, *at: int) -> None:
        self.new[n] = [n, *at]
        self.where[n] = [n, *at]

    def take_cursors(self) -> list[list[int]]:
        new, self.new = self.new, {}
        return list(new.values())

    def take_drags(self) -> list[tuple[int, list[Change]]]:
        taken, self.dragged = self.dragged, []
        return taken

    def take_selected(self) -> list[tuple[int, list[str]]]:
        taken, self.chosen = self.chosen, []
        return taken

    def members(self) -> list[Member]:
        return self.people

    def cursors(self) -> list[list[int]]:
        return [cursor for cursor in self.where.values() if len(cursor) == 3]

    def drags(self) -> list[tuple[int, list[Change]]]:
        return []

    def selected(self) -> list[tuple[int, list[str]]]:
        return [(1, ["a"])]


class Room:
    """A fan-out with a log that grows."""

    def __init__(self, *, window_bytes: int = 10**6) -> None:
        self.loop = Loop()
        self.presence = FakePresence()
        self.cost = 0.0
        self.fanout = Fanout(self.presence, window_bytes=window_bytes, loop=self.loop, clock=lambda: self.loop.now)
        self.seq = 0

    def say(self, text: str = "x", count: int = 1) -> None:
        for _ in range(count):
            self.seq += 1
            entry = Said(seq=self.seq, at=1.5, by="ada", client="page", op=self.seq, name="Ada", hue=1, text=text)
            self.fanout.publish(self.seq, entry, format_entry(entry))

    def join(self, wire: FakeWire, seq: int | None = None, **options: Any) -> Listener:
        return self.fanout.join(wire, self.seq if seq is None else seq, **options)


@pytest.fixture
def room() -> Room:
    return Room()


WELCOME = {False: frame(b'[{"t":"welcome"}]'), True: frame(b"\x91\x81\xa1t\xa7welcome", binary=True)}


@pytest.mark.parametrize("binary", [False, True])
def test_what_happens_in_one_turn_is_one_frame_at_its_end_in_order(room: Room, binary: bool) -> None:
    wire = FakeWire(binary=binary)
    room.join(wire)
    room.say("hällo")
    room.fanout.tell(Left(id="bob", n=2))
    room.say()
    room.presence.point(1, 5, -7)
    room.presence.point(3)
    room.presence.dragged = [(1, [Change(id="a", gone=True)])]
    room.presence.chosen = [(1, ["a", "b"])]
    room.fanout.moved()
    room.fanout.stored(1)
    room.fanout.stored(2)
    room.fanout.stored(1)
    assert wire.sent == []
    room.loop.run()
    assert len(wire.sent) == 1
    said, left, again, cursors, drags, selected, stored = wire.messages()
    assert (said["seq"], said["text"], said["at"], left) == (1, "hällo", 1.5, {"t": "left", "id": "bob", "n": 2})
    assert again["seq"] == 2
    if binary:
        assert unpack("<HhhHhh", cursors["c"]) == (1, 5, -7, 3, -32768, 0)
    else:
        assert cursors["c"] == [[1, 5, -7], [3]]
    assert "whole" not in cursors
    assert drags["d"] == [[1, [{"id": "a", "gone": True}]]]
    assert selected["s"] == [[1, ["a", "b"]]]
    assert stored == {"t": "stored", "seq": 2}
    assert room.loop.idle


def test_one_encoding_serves_everybody(room: Room) -> None:
    wires = [FakeWire() for _ in range(5)]
    for wire in wires:
        room.join(wire)
    room.say()
    room.loop.run()
    assert len({id(wire.sent[0]) for wire in wires}) == 1


def test_cursors_wait_for_a_frame_of_the_screen_but_ride_along_with_messages(room: Room) -> None:
    wire = FakeWire()
    room.join(wire)
    for _ in range(3):
        room.presence.point(1, 0, 0)
        room.fanout.moved()
        room.loop.run()
    assert len(wire.sent) == 1
    room.loop.run(0.0166)
    assert len(wire.sent) == 1
    room.loop.run(0.0002)
    assert len(wire.sent) == 2
    room.presence.point(1, 0, 0)
    room.fanout.moved()
    room.loop.run()
    assert len(wire.sent) == 2
    room.say()
    room.loop.run()
    assert [message["t"] for message in wire.messages()[2:]] == ["said", "cursors"]
    assert room.loop.idle


def test_a_newcomer_gets_what_its_welcome_did_not_hold_and_nothing_twice(room: Room) -> None:
    old, new, newer = FakeWire(), FakeWire(), FakeWire(binary=True)
    room.join(old)
    room.say(count=2)
    room.fanout.tell(Left(id="bob", n=2))
    room.join(new, first=[WELCOME[False]])
    room.fanout.tell(Joined(member=room.presence.people[0]))
    room.say()
    room.join(newer, first=[WELCOME[True]])
    room.loop.run()
    room.say()
    room.loop.run(1)
    assert old.entries() == [1, 2, 3, 4]
    assert new.entries() == [3, 4]
    assert newer.entries() == [4]
    assert len(newer.sent) == 2
    assert [message["t"] for message in new.messages()] == ["welcome", "joined", "said", "said"]


@pytest.mark.parametrize("binary", [False, True])
def test_who_comes_back_gets_exactly_what_it_missed_then_what_follows(room: Room, binary: bool) -> None:
    room.say("y" * 1000, count=300)
    room.loop.run(1)
    room.say(count=3)  # not flushed yet
    assert room.fanout.window.covers(120)
    wire = FakeWire(binary=binary)
    room.join(wire, 120, first=[WELCOME[binary]])
    room.say()
    room.loop.run(1)
    assert wire.entries() == list(range(121, 305))
    assert max(map(len, wire.sent)) < 70_000


def test_entries_from_the_store_are_there_for_who_comes_back(room: Room) -> None:
    for seq in range(41, 51):
        room.fanout.fill(seq, b'{"t":"said","seq":%d}' % seq)
    room.fanout.start(50)
    room.seq = 50
    wire, full = FakeWire(), FakeWire()
    room.join(wire, 45)
    room.join(full)
    room.say()
    room.loop.run()
    assert wire.entries() == [46, 47, 48, 49, 50, 51]
    assert full.entries() == [51]
    assert not room.fanout.window.covers(39)


def test_a_member_who_never_reads_holds_little_and_then_gets_everything_once(room: Room) -> None:
    slow, quick = FakeWire(kernel=100_000), FakeWire()
    listener = room.join(slow)
    room.join(quick)
    for _ in range(400):
        room.say("z" * 2000)
        room.presence.point(1, room.seq, 0)
        room.fanout.moved()
        room.loop.run(0.05)
    assert slow.most_held < HIGH + 10_000
    assert quick.entries() == list(range(1, 401))
    room.presence.people = []
    room.fanout.tell(Left(id="ada", n=1))
    room.fanout.stored(400)
    room.loop.run(1)
    while slow.read(50_000) or slow.held:
        if not slow.held:
            room.fanout.drained(listener)
        room.loop.run(0.01)
    assert slow.entries() == list(range(1, 401))
    assert slow.most_held < 1_000_000
    members, cursors, drags, selected, stored = slow.messages()[-5:]
    assert members == {"t": "members", "members": []}
    assert cursors == {"t": "cursors", "c": [[1, 400, 0]], "whole": True}
    assert drags == {"t": "drags", "d": []}
    assert selected == {"t": "selected", "s": [[1, ["a"]]]}
    assert stored == {"t": "stored", "seq": 400}
    room.say()
    room.loop.run(1)
    assert slow.entries()[-1] == 401


def test_who_missed_only_cursors_is_not_sent_the_members(room: Room) -> None:
    slow = FakeWire(kernel=0)
    listener = room.join(slow)
    room.say("z" * HIGH)
    room.loop.run(1)
    room.presence.point(1, 2, 3)
    room.fanout.moved()
    room.loop.run(1)
    assert slow.read(slow.held)
    slow.room = None
    room.fanout.drained(listener)
    room.loop.run(1)
    assert [message["t"] for message in slow.messages()] == ["said", "cursors", "drags", "selected", "stored"]
    assert slow.messages()[1]["whole"] is True


def test_who_is_further_behind_than_the_window_is_dropped_with_a_code_that_says_so() -> None:
    room = Room(window_bytes=50_000)
    slow, quick = FakeWire(kernel=0), FakeWire()
    listener = room.join(slow)
    room.join(quick)
    for _ in range(200):
        room.say("z" * 1000)
        room.loop.run(0.05)
    slow.read(slow.held)
    room.fanout.drained(listener)
    assert slow.ended == ("drop", 4002)
    assert len(room.fanout) == 1
    room.fanout.leave(listener)
    assert quick.ended is None
    assert quick.entries() == list(range(1, 201))


def test_a_flood_in_one_turn_is_sent_in_pieces(room: Room) -> None:
    wire = FakeWire()
    room.join(wire)
    room.say("z" * 2000, count=400)
    room.loop.run()
    assert wire.entries() == list(range(1, 401))
    assert max(map(len, wire.sent)) < FLUSH_BYTES + 3_000


def test_a_large_welcome_is_sent_as_the_member_takes_it(room: Room) -> None:
    parts = [frame(b'[{"t":"state","n":%d,"x":"%b"}]' % (n, b"s" * 60_000)) for n in range(40)]
    slow = FakeWire(kernel=0)
    listener = room.join(slow, first=iter(parts))
    room.say(count=3)
    room.loop.run(1)
    while slow.held:
        assert slow.held < 130_000
        if slow.read(30_000):
            room.fanout.drained(listener)
        room.loop.run(0.1)
    kinds = [(message["t"], message.get("n", message.get("seq"))) for message in slow.messages()]
    assert kinds[:43] == [("state", n) for n in range(40)] + [("said", n) for n in (1, 2, 3)]


def test_the_last_word_reaches_everybody_and_ends_their_connections(room: Room) -> None:
    quick, slow, new = FakeWire(), FakeWire(kernel=0, binary=True), FakeWire()
    room.join(quick)
    room.join(slow, first=[WELCOME[True], WELCOME[True]])
    room.say()
    room.join(new, first=[WELCOME[False]])
    room.fanout.dismiss(Closing(why="sleep"), 1001, "the room sleeps")
    for wire in (quick, slow, new):
        assert wire.messages()[-1] == {"t": "closing", "why": "sleep"}
        assert wire.ended == ("close", 1001)
    assert room.loop.idle


def test_a_room_that_is_closed_leaves_no_timer(room: Room) -> None:
    room.join(FakeWire())
    room.say()
    room.fanout.close()
    assert room.loop.idle


def test_an_answer_to_one_member_is_a_list_in_its_encoding() -> None:
    for binary in (False, True):
        wire = FakeWire(binary=binary)
        wire.write(encode([Pong(n=7), Stored(seq=8)], binary=binary))
        assert wire.messages() == [{"t": "pong", "n": 7}, {"t": "stored", "seq": 8}]
    wire.write(encode([Cursors(c=[[1, 2, 3]], whole=True)], binary=True))
    assert wire.messages()[-1] == {"t": "cursors", "c": b"\x01\x00\x02\x00\x03\x00", "whole": True}


@pytest.mark.parametrize("seed", range(40))
def test_however_members_join_lag_leave_and_come_back_each_entry_is_heard_once_in_order(seed: int) -> None:
    rng = random.Random(seed)
    room = Room(window_bytes=rng.choice([20_000, 200_000, 10**6]))
    present: list[tuple[FakeWire, Listener, int]] = []
    gone: list[tuple[FakeWire, int]] = []
    for _ in range(400):
        event = rng.random()
        if event < 0.1:
            wire = FakeWire(binary=rng.random() < 0.3, kernel=rng.choice([None, 0, 5_000, 80_000]))
            since = rng.randint(0, room.seq)
            since = since if room.fanout.window.covers(since) else room.seq
            present.append((wire, room.join(wire, since, first=[WELCOME[wire.binary]] * rng.randint(0, 2)), since))
        elif event < 0.13 and present:
            wire, listener, since = present.pop(rng.randrange(len(present)))
            room.fanout.leave(listener)
            gone.append((wire, since))
        elif event < 0.6:
            room.say("t" * rng.choice([5, 100, 4000, 30_000]), count=rng.randint(1, 4))
        elif event < 0.7:
            room.presence.point(1, rng.randint(0, 9), 0)
            room.fanout.moved()
        elif event < 0.75:
            room.fanout.stored(rng.randint(0, room.seq))
        elif event < 0.9:
            for wire, listener, _ in present:
                if wire.room is not None and rng.random() < 0.5 and wire.read(rng.choice([100, 50_000, 10**6])):
                    room.fanout.drained(listener)
        else:
            room.loop.run(rng.choice([0, 0.001, 0.05]))
    room.loop.run(1)
    for _ in range(300):
        for wire, listener, _ in present:
            if wire.room is not None and wire.read(10**6):
                room.fanout.drained(listener)
        room.loop.run(0.1)
    for wire, since in gone:
        heard = wire.entries()
        assert heard == list(range(since + 1, since + 1 + len(heard)))
    for wire, _, since in present:
        heard = wire.entries()
        assert heard == list(range(since + 1, since + 1 + len(heard)))
        if wire.ended is None:
            assert since + len(heard) == room.seq
            assert wire.most_held < 1_000_000
        else:
            assert wire.ended == ("drop", 4002)
