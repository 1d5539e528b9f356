"""One member's connection: what it may send, how fast, and what that does to nobody else; on a clock turned by hand."""

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from app.config import Limits
from app.entries import Epoch
from app.hub import Hub
from app.journal import Journal
from app.presence import MOST_SHOWN
from app.protocol import DRAG_BYTES, Path
from app.room import Room
from app.session import Session
from tests.app.test_fanout import FakeWire, Loop

LIMITS = Limits(messages_per_second=10, burst=20)
EPOCH = Epoch(seq=1, at=1.0, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made")


class Member:
    """A session with its wire, and the words of its member."""

    def __init__(self, table: "Table", name: str) -> None:
        self.wire = FakeWire()
        self.session = Session(
            table.hub, Path(), None, limits=LIMITS, loop=cast("Any", table.loop), left=lambda: None
        )  # fmt: skip
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


class Table:
    """A room whose journal stores nothing until it is told to."""

    def __init__(self) -> None:
        self.loop = Loop()
        room = Room("blue")
        room.apply(EPOCH)
        self.journal = Journal(cast("Any", None), "blue", rng=Random(1))
        self.queued: list[tuple[int, bytes]] = []
        self.journal.queue = lambda seq, line: self.queued.append((seq, line))  # type: ignore[method-assign]
        site = SimpleNamespace(links=lambda: None, asked=lambda *order: None, changed=lambda hub: None)
        self.hub = Hub(room, self.journal, EPOCH, limits=LIMITS, fill=[], **vars(site))

    def enter(self, name: str) -> Member:
        return Member(self, name)


@pytest.fixture
async def table() -> Iterator[Table]:  # type: ignore[misc] # the hub wants a running loop
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
    ada.send(kind, changes=rects(100), **{name: value + 1 for name, value in also.items()})
    assert ada.tokens == pytest.approx(before - 2 - 100 / 20)
