"""One member's connection: what it may send, how fast, and what that does to nobody else; on a clock turned by hand."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import msgspec
import pytest

from app.access import EDIT, Grant
from app.config import Limits
from app.entries import Epoch
from app.hub import MOST_UNSTORED, Hub
from app.presence import MOST_SHOWN
from app.protocol import DRAG_BYTES, Path
from app.room import Room
from app.session import Session
from app.wire import BACKLOG, RATE
from tests.app.test_fanout import FakeWire, Loop

LIMITS = Limits(messages_per_second=10, burst=20)
EPOCH = Epoch(seq=1, at=1.0, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made")


class Member:
    """A session with its wire, and the words of its member."""

    def __init__(self, table: "Table", name: str, grant: Grant | None) -> None:
        self.wire = FakeWire()
        self.session = Session(table.hub, Path(), grant, limits=LIMITS, loop=table.loop, left=lambda: None)
        self.session.begin(self.wire)
        self.send("hello", v=2, key=f"key-of-{name}-0123456789", client=f"page-{name}", name=name)

    def send(self, t: str, **fields: Any) -> None:
        self.session.received(msgspec.json.encode({"t": t, **fields}), False)

    def errors(self) -> list[tuple[str, str]]:
        return [(one["code"], one["text"]) for one in self.wire.messages() if one["t"] == "error"]

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.wire.messages() if one["t"] == kind]

    @property
    def tokens(self) -> float:
        """What is left of the burst."""
        return self.session._bucket._tokens


class Ledger:
    """In place of a journal: stores nothing until it is told to."""

    def __init__(self) -> None:
        self.on_stored: Callable[[int], None] = lambda seq: None
        self.segments = 0
        self.waiting: deque[tuple[int, bytes]] = deque()

    def queue(self, seq: int, line: bytes) -> None:
        self.waiting.append((seq, line))

    @property
    def unstored_bytes(self) -> int:
        return sum(len(line) for _, line in self.waiting)

    def store(self) -> None:
        """The next entry is stored."""
        self.on_stored(self.waiting.popleft()[0])


class Table:
    """A room with members around it."""

    def __init__(self) -> None:
        self.loop = Loop()
        room = Room("blue")
        room.apply(EPOCH)
        self.journal = Ledger()
        self.hub = Hub(
            room,
            cast("Any", self.journal),
            EPOCH,
            limits=LIMITS,
            links=lambda: None,
            asked=lambda *order: None,
            changed=lambda hub: None,
            fill=[],
        )

    def enter(self, name: str, grant: Grant | None = None) -> Member:
        return Member(self, name, grant)

    def lock(self) -> None:
        """From now on everybody may look, and who has a link may edit."""
        self.hub.room.open_to("view", listed=False, at=1.0)
        self.hub.admit_again()


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    table = Table()
    yield table
    table.hub.fanout.close()


def rects(count: int, **also: Any) -> list[dict[str, Any]]:
    return [{"id": f"s{n}", "set": {"kind": "rect", "x": n, "y": 0, **also}} for n in range(count)]


def drag_of(size: int) -> list[dict[str, Any]]:
    """Changes with which a drag is a frame of exactly so many bytes."""
    left = size - len(msgspec.json.encode({"t": "drag", "changes": rects(8, text="")}))
    changes = rects(8, text="x" * (left // 8))
    changes[0]["set"]["text"] += "x" * (left % 8)
    return changes


async def test_a_drag_that_is_too_large_is_refused_and_ends_the_one_before(table: Table) -> None:
    ada, bob = table.enter("ada"), table.enter("bob")
    ada.send("drag", changes=drag_of(DRAG_BYTES))
    table.hub.fanout.flush()
    assert len(bob.heard("drags")[-1]["d"][0][1]) == 8
    ada.send("drag", changes=drag_of(DRAG_BYTES + 1))
    table.hub.fanout.flush()
    assert bob.heard("drags")[-1]["d"] == [[1, []]]
    assert table.hub.presence.drags() == []
    text = f"a drag may have {DRAG_BYTES} bytes, this one has {DRAG_BYTES + 1}: it is not shown"
    assert ada.errors() == [("too-large", text)]


async def test_drags_of_a_room_are_bounded_together(table: Table) -> None:
    members = [table.enter(f"member-{n}") for n in range(20)]
    for member in members:
        member.send("drag", changes=drag_of(DRAG_BYTES))
    assert len(msgspec.json.encode([changes for _, changes in table.hub.presence.drags()])) < MOST_SHOWN
    assert [len(member.errors()) for member in members] == [0] * 15 + [1] * 5
    code, text = members[-1].errors()[0]
    assert code == "limit"
    assert text.startswith(f"all drags in a room may have {MOST_SHOWN} bytes together; with these ")
    table.hub.fanout.flush()
    late = table.enter("late")
    assert len(b"".join(late.wire.sent)) < 300_000


@pytest.mark.parametrize(("kind", "also"), [("edit", {"op": 1}), ("drag", {})])
async def test_many_changes_count_as_many_messages(table: Table, kind: str, also: dict[str, int]) -> None:
    ada = table.enter("ada")
    before = ada.tokens
    ada.send(kind, changes=rects(20), **also)
    assert ada.tokens == pytest.approx(before - 1)
    ada.send(kind, changes=rects(60), **{name: value + 1 for name, value in also.items()})
    assert ada.tokens == pytest.approx(before - 2 - 60 / 20)


@pytest.mark.parametrize(
    ("size", "messages"), [(50, 1), (4_096, 1), (4_097, 4_097 / 4_096), (8_192, 2), (60_000, 60_000 / 4_096)]
)
async def test_a_long_message_counts_as_several(table: Table, size: int, messages: float) -> None:
    ada = table.enter("ada")
    before = ada.tokens
    frame = msgspec.json.encode({"t": "cursor", "x": 1, "y": 1})
    ada.session.received(frame + b" " * (size - len(frame)), False)
    assert ada.tokens == pytest.approx(before - messages)


async def test_bytes_beyond_the_rate_are_read_as_slowly(table: Table) -> None:
    ada = table.enter("ada")
    for n in range(1, 4):
        ada.send("say", op=n, text="x", filler="y" * 40_000)
    assert ada.wire.paused == RATE
    assert [code for code, _ in ada.errors()] == ["rate"]
    assert len(ada.heard("said")) == 0  # not flushed yet, but not lost either
    table.loop.run((3 * 40_100 / 4_096 - 19) / 10 + 0.1)
    assert ada.wire.paused == 0


def fill(table: Table, member: Member) -> int:
    """The member edits until the room holds it back; how many edits it took."""
    count = 0
    while not member.wire.paused & BACKLOG:
        assert table.journal.unstored_bytes <= MOST_UNSTORED
        count += 1
        member.send("edit", op=count, changes=rects(40, text="x" * 1_500))
        assert count < 1_000
    return count


async def test_while_too_much_is_not_stored_editors_are_not_read_and_others_are(table: Table) -> None:
    link = Grant(EDIT, table.hub.room.gate.edit)
    ada, bob, eve = table.enter("ada", link), table.enter("bob", link), table.enter("eve")
    table.lock()
    fill(table, ada)
    assert MOST_UNSTORED < table.journal.unstored_bytes < MOST_UNSTORED + 100_000
    late, look = table.enter("late", link), table.enter("look")
    assert [bool(one.wire.paused & BACKLOG) for one in (ada, bob, eve, late, look)] == [True, True, False, True, False]
    while table.journal.unstored_bytes - len(table.journal.waiting[0][1]) >= MOST_UNSTORED // 2:
        table.journal.store()
        assert bob.wire.paused == late.wire.paused == BACKLOG
    table.journal.store()
    assert bob.wire.paused == eve.wire.paused == late.wire.paused == look.wire.paused == 0
    assert ada.wire.paused == RATE  # that reason is its own
    table.loop.run(1_000)
    assert ada.wire.paused == 0


async def test_who_sends_too_fast_is_not_read_on_while_the_room_has_too_much_to_store(table: Table) -> None:
    ada = table.enter("ada")
    fill(table, ada)
    assert ada.wire.paused == RATE | BACKLOG
    table.loop.run(1_000)
    assert ada.wire.paused == BACKLOG
    while table.journal.waiting:
        table.journal.store()
    assert ada.wire.paused == 0


async def test_who_may_edit_no_more_or_may_now_is_read_as_what_they_are(table: Table) -> None:
    link = Grant(EDIT, table.hub.room.gate.edit)
    ada, eve = table.enter("ada", link), table.enter("eve")
    fill(table, ada)
    assert eve.wire.paused == BACKLOG
    table.lock()
    assert eve.wire.paused == 0
    table.hub.room.open_to("edit", listed=False, at=1.0)
    table.hub.admit_again()
    assert eve.wire.paused == BACKLOG
