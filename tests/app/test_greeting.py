"""Newcomers who are slow to take the room: they share its frames, get every entry, and go only if they do not go on."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.greeting import LOOK, LOOKS, MOST_SETS, Parts
from app.listener import Listener
from app.operations import WINDOW
from tests.app.table import Member, Table, rects
from tests.app.test_fanout import FakeWire, Room

DROPPED = ("drop", 4002)


@pytest.fixture
def room() -> Room:
    return Room(window_bytes=100_000)


def parts_of(room: Room, count: int = 4, *, binary: bool = False) -> Parts:
    return Parts(room.seq, [b"\x81\x7e\xc3\x50" + b"s" * 50_000] * count, binary=binary)


class Newcomer:
    """Somebody with a socket that takes nothing by itself."""

    def __init__(self, room: Room, parts: Parts | None = None, *, binary: bool = False) -> None:
        self.room = room
        self.wire = FakeWire(kernel=0, binary=binary)
        self.parts = parts or room.fanout.greetings.choose(room.seq, binary=binary) or parts_of(room, binary=binary)
        self.listener: Listener = room.fanout.join(self.wire, self.parts.seq, self.parts.frames, self.parts)

    def read(self, size: int) -> None:
        if self.wire.read(size):
            self.room.fanout.drained(self.listener)


# Who is given which state ---------------------------------------------------------------


def test_whoever_comes_is_given_the_newest_state_that_is_held_once_two_are(room: Room) -> None:
    held = []
    for _ in range(10):
        held.append(Newcomer(room))
        room.say()
    assert [one.parts.seq for one in held] == [0] + [1] * 9
    assert len({id(one.parts) for one in held}) == MOST_SETS
    # The other encoding counts by itself, and the same state is shared in any case.
    assert [Newcomer(room, binary=True).parts.seq for _ in range(2)] == [10, 10]
    for one in held[1:]:
        room.fanout.leave(one.listener)
    newer = Newcomer(room)
    assert newer.parts.seq == 10
    assert Newcomer(room).parts is newer.parts


def test_a_state_that_somebody_has_got_is_not_held_any_more(room: Room) -> None:
    first, second = Newcomer(room), Newcomer(room)
    room.say()
    third = Newcomer(room)
    room.say()
    for one in (first, second):
        while one.listener.first:
            one.read(60_000)
    assert Newcomer(room).parts.seq == 2
    assert third.parts.seq == 1


def test_holders_of_a_state_that_is_too_old_for_anybody_go_when_room_is_needed(room: Room) -> None:
    first = Newcomer(room)
    room.say()
    second = Newcomer(room)
    room.say("z" * 30_000, count=4)
    newer = Newcomer(room)
    assert (first.wire.ended, second.wire.ended, newer.wire.ended) == (DROPPED, DROPPED, None)
    assert newer.parts.seq == room.seq


# Who is given up ------------------------------------------------------------------------


def test_who_takes_nothing_is_given_up_in_ten_seconds_or_little_more(room: Room) -> None:
    room.loop.run(1.0)
    never = Newcomer(room)
    room.loop.run(10.0)
    assert never.wire.ended is None
    room.loop.run(LOOK)
    assert never.wire.ended == DROPPED
    assert never.listener.first is None
    assert len(room.fanout) == 0
    assert room.loop.idle


@pytest.mark.parametrize("since", [0.1, 1.0, 2.4])
def test_it_is_ten_seconds_also_for_who_comes_between_two_looks(room: Room, since: float) -> None:
    Newcomer(room)
    room.loop.run(since)
    never = Newcomer(room)
    room.loop.run(10.0 - LOOK)
    assert never.wire.ended is None
    room.loop.run(2 * LOOK)
    assert never.wire.ended == DROPPED


@pytest.mark.parametrize("size", [1, 500, 50_000])
def test_who_takes_little_stays_as_long_as_it_takes(room: Room, size: int) -> None:
    slow = Newcomer(room)
    for _ in range(60):
        room.loop.run(9.9)
        slow.read(size)
    assert slow.wire.ended is None
    if size > 200_000 / 60:
        assert slow.listener.first is None
        assert room.loop.idle


def test_bytes_that_the_room_writes_are_no_progress_and_hide_none(room: Room) -> None:
    never = Newcomer(room)
    for _ in range(8):
        room.loop.run(2.0)
        never.wire.write(b"pong")
    assert never.wire.ended == DROPPED


def test_nobody_is_given_up_because_this_process_stood_still(room: Room) -> None:
    slow = Newcomer(room)
    room.loop.now += 3_600.0
    room.loop.run(LOOK)
    slow.read(10)
    room.loop.run(LOOK * (LOOKS - 1))
    assert slow.wire.ended is None


def test_who_has_taken_it_all_is_not_looked_after_any_more(room: Room) -> None:
    quick, slow = FakeWire(), Newcomer(room)
    room.fanout.join(quick, 0, parts_of(room).frames, parts_of(room))
    while slow.listener.first:
        room.loop.run(5.0)
        slow.read(60_000)
    room.loop.run(60.0)
    assert (quick.ended, slow.wire.ended) == (None, None)
    assert room.loop.idle


def test_who_would_be_too_far_behind_in_the_end_is_told_at_once(room: Room) -> None:
    slow = Newcomer(room)
    room.say("z" * 30_000, count=5)
    room.loop.run(LOOK)
    assert slow.wire.ended == DROPPED


def test_a_room_that_is_closed_or_has_said_its_last_word_leaves_no_timer(room: Room) -> None:
    Newcomer(room)
    room.fanout.close()
    assert room.loop.idle


# In a room ------------------------------------------------------------------------------


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    table = Table()
    yield table
    table.close()


class Page:
    """What a client has that follows the protocol."""

    def __init__(self, wire: FakeWire) -> None:
        self.shapes: dict[str, dict[str, Any]] = {}
        self.chat: list[str] = []
        self.seq = self.parts = 0
        for message in wire.messages():
            match message:
                case {"t": "welcome"}:
                    self.welcome = message
                    self.seq, self.parts = message["seq"], message["parts"]
                case {"t": "state"}:
                    self.parts -= 1
                    self.shapes |= {shape["id"]: shape for shape in message["shapes"]}
                    self.chat += [said["text"] for said in message["chat"]]
                case {"t": "said"} | {"t": "edited"}:
                    assert self.parts == 0
                    assert message["seq"] == self.seq + 1
                    self.seq += 1
                    if message["t"] == "said":
                        self.chat.append(message["text"])
                    for change in message.get("changes", ()):
                        self.shapes.setdefault(change["id"], {"id": change["id"]}).update(change["set"])


def content(table: Table) -> dict[str, dict[str, Any]]:
    return {shape.id: msgspec.to_builtins(shape) for shape in table.hub.room.shapes()}


def fill(member: Member) -> None:
    for n in range(8):
        changes = [{**one, "id": f"{n}-{one['id']}"} for one in rects(40, text="x" * 1_000)]
        member.send("edit", op=n + 1, changes=changes)


async def read_all(table: Table, members: list[Member]) -> None:
    """Until none of them is behind."""
    fanout = table.hub.fanout
    while not fanout._current.keys() >= {member.seat.listener for member in members}:
        for member in members:
            if member.wire.held and member.wire.read(10**6):
                table.hub.drained(member.seat)
        fanout.flush()
        await asyncio.sleep(0)


async def test_newcomers_who_never_read_hold_two_states_of_a_room_and_get_everything_when_they_do(
    table: Table,
) -> None:
    ada = table.enter("ada")
    fill(ada)
    silent = []
    for op in range(9, 39):
        silent.append(table.enter(f"silent-{op}", kernel=0))
        ada.send("edit", op=op, changes=[{"id": "0-s0", "set": {"x": op}}])
        ada.send("say", op=op + 100, text=f"line {op}") if op < 12 else None
        table.hub.fanout.flush()
    listeners = [member.seat.listener for member in silent]
    frames = {id(frame): len(frame) for one in listeners if one is not None for frame in one.first or ()}
    state = sum(map(len, table.hub._parts.frames)) if table.hub._parts else 0
    assert state > 300_000
    assert sum(frames.values()) < 2 * state + 30 * 10_000
    assert all(member.wire.held < 100_000 for member in silent)
    await read_all(table, silent)
    for member in silent:
        page = Page(member.wire)
        assert page.seq == table.hub.room.seq
        assert page.shapes == content(table)
        assert page.chat == [said.text for said in table.hub.room.chat()]


async def test_who_is_given_an_older_state_sends_again_what_it_may_not_hold_and_nothing_counts_twice(
    table: Table,
) -> None:
    ada, bob = table.enter("ada"), table.enter("bob")
    fill(ada)
    ops = itertools.count(1)
    bob.send("say", op=next(ops), text="bob 1")
    pinned = table.enter("silent-1", kernel=0)
    bob.send("edit", op=next(ops), changes=[{"id": "nothing", "set": {"x": 1}}])  # refused: `gone`
    bob.send("say", op=next(ops), text="bob 3")
    table.enter("silent-2", kernel=0)
    for op in itertools.islice(ops, 80):
        bob.send("say", op=op, text=f"bob {op}")
    last = op
    back = table.enter("bob", kernel=0)
    await read_all(table, [back])
    page = Page(back.wire)
    welcome = page.welcome
    assert welcome["seq"] < table.hub.room.seq
    assert welcome["seq"] > Page(pinned.wire).welcome["seq"]
    # All that the older state may lack, and as far back as a client keeps any.
    assert welcome["op"] == last
    assert welcome["skipped"] == [2, *range(last - WINDOW + 1, last + 1)]
    before = table.hub.room.seq
    for op in welcome["skipped"][1:]:
        back.send("say", op=op, text=f"bob {op}")
    assert table.hub.room.seq == before
    accepted = back.heard("accepted")
    assert [one["op"] for one in accepted] == welcome["skipped"][1:]
    assert {one["seq"] for one in accepted} == {before}
    # Whose operations are all in it is not troubled, nor who is resumed.
    assert Page(table.enter("ada").wire).welcome["skipped"] == []
    resumed = Page(table.enter("bob", epoch=1, since=before).wire).welcome
    assert (resumed["resumed"], resumed["seq"], resumed["skipped"]) == (True, before, [2])


@pytest.mark.parametrize("seed", range(10))
async def test_however_slowly_members_read_they_end_up_with_the_room(table: Table, seed: int) -> None:
    rng = random.Random(seed)
    ada = table.enter("ada")
    fill(ada)
    present: list[Member] = []
    for op in range(9, 150):
        event = rng.random()
        if event < 0.3:
            kernel = rng.choice([0, 30_000, 10**7])
            present.append(table.enter(f"member-{op}", kernel=kernel))
        ada.send("edit", op=op, changes=[{"id": f"0-s{rng.randrange(40)}", "set": {"x": op, "text": "y" * op * 9}}])
        if event < 0.6:
            table.hub.fanout.flush()
        for member in present:
            if rng.random() < 0.2 and member.wire.read(rng.choice([1_000, 100_000])):
                table.hub.drained(member.seat)
    table.hub.fanout.flush()
    await read_all(table, present)
    assert {id(one.parts) for one in table.hub.fanout.greetings._waiting.values()} == set()
    for member in present:
        page = Page(member.wire)
        assert (page.seq, page.shapes) == (table.hub.room.seq, content(table))
