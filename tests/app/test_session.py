"""One member's connection: what it may send, how fast, and what that does to nobody else; on a clock turned by hand."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.access import EDIT, Grant
from app.hub import MOST_UNSTORED
from app.presence import MOST_SHOWN
from app.protocol import DRAG_BYTES
from app.wire import BACKLOG, RATE
from tests.app.table import Member, Table, rects


def drag_of(size: int) -> list[dict[str, Any]]:
    """Changes with which a drag is a frame of exactly so many bytes."""
    left = size - len(msgspec.json.encode({"t": "drag", "changes": rects(8, text="")}))
    changes = rects(8, text="x" * (left // 8))
    changes[0]["set"]["text"] += "x" * (left % 8)
    return changes


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    table = Table()
    yield table
    table.close()


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


async def test_messages_are_counted_by_connection_and_what_is_shown_by_member(table: Table) -> None:
    one, other = table.enter("ada"), table.enter("ada")
    for n in range(30):
        one.send("cursor", x=n, y=0)
    assert (one.wire.paused, other.wire.paused) == (RATE, 0)
    other.send("cursor", x=99, y=0)
    other.send("select", ids=["a"])
    one.send("select", ids=["b"])
    assert table.hub.presence.cursors() == [[1, 99, 0]]
    assert table.hub.presence.selected() == [(1, ["b"])]


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
    table.hub.seats.admit_again()
    assert eve.wire.paused == BACKLOG
