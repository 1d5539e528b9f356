"""A room as a fold over its log: numbers, decisions, undo among several members, and what survives a takeover."""

import os
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from app.access import Gate, Revoked
from app.entries import Access, AnyEntry, Change, Edited, Epoch, Look, Released, Said, format_entry, parse_entry
from app.operations import WINDOW
from app.protocol import Accepted, Edit, Error, Member, Redo, Say, Share, Undo
from app.room import STARTS, Room, RoomLimits, decode_snapshot, encode_snapshot
from flylab.errors import ParseError
from tests.app.cases import Afternoon
from tests.app.conftest import ROOT

ADA = Member(id="a" * 16, n=1, name="Ada", hue=30, region="ams")
BOB = Member(id="b" * 16, n=2, name="Bob", hue=60, region="iad")
EVE = Member(id="e" * 16, n=3, name="Eve", hue=90, region="nrt", role="view")
SMALL = RoomLimits(
    history=3, shapes=4, room_bytes=2_500, clients=4, undo=3, undo_members=2, undo_bytes=3_000, undo_items=5
)


class Table:
    """A room with members who number their operations by themselves."""

    def __init__(self, limits: RoomLimits | None = None) -> None:
        self.room = Room("blue", limits)
        self.room.apply(epoch(1, 1))
        self.ops: dict[str, int] = {}

    def op(self, member: Member) -> int:
        self.ops[member.id] = self.ops.get(member.id, 0) + 1
        return self.ops[member.id]

    def say(self, member: Member, text: str) -> Any:
        return self.room.say(member, "tab1", Say(op=self.op(member), text=text), at=1.0)

    def edit(self, member: Member, *changes: Change) -> Any:
        return self.room.edit(member, "tab1", Edit(op=self.op(member), changes=list(changes)), at=1.0)

    def undo(self, member: Member) -> Any:
        return self.room.undo(member, "tab1", Undo(op=self.op(member)), at=1.0)

    def redo(self, member: Member) -> Any:
        return self.room.redo(member, "tab1", Redo(op=self.op(member)), at=1.0)

    def share(self, member: Member, *, by_link: bool = True, generation: int = 99, **what: Any) -> Any:
        message = Share(op=self.op(member), **what)
        return self.room.share(member, "tab1", message, at=1.0, by_link=by_link, generation=generation)

    def shape(self, key: str = "s") -> Any:
        return next((shape for shape in self.room.shapes() if shape.id == key), None)


@pytest.fixture
def table() -> Table:
    return Table()


def epoch(number: int, seq: int) -> Epoch:
    return Epoch(seq=seq, at=1.0, epoch=number, machine="m", region="ams", app="rooms", writer=f"w{number}", why="made")


def new(key: str = "s", **more: Any) -> Change:
    return Change(id=key, set=Look(kind="rect", x=0.0, y=0.0, **more))


def put(x: float, key: str = "s") -> Change:
    return Change(id=key, set=Look(x=x))


def image(room: Room) -> bytes:
    """All that a room knows."""
    return encode_snapshot(room.snapshot())


# Decisions -----------------------------------------------------------------------


def test_a_line_carries_who_said_it(table: Table) -> None:
    assert table.say(ADA, " hello\x00 ") == Said(
        seq=2, at=1.0, by=ADA.id, client="tab1", op=1, name="Ada", hue=30, text="hello"
    )
    assert table.room.seq == 2


def test_every_answer_that_changes_nothing_changes_nothing(table: Table) -> None:
    table.edit(ADA, new())
    table.say(ADA, "x")
    before = image(table.room)
    room = table.room
    far = Say(op=3 + WINDOW + 1, text="x")
    answers = [
        (room.say(ADA, "tab1", Say(op=2, text="again"), at=9.0), Accepted(op=2, seq=3)),
        (room.edit(ADA, "tab1", Edit(op=1, changes=[put(1.0)]), at=9.0), Accepted(op=1, seq=3)),
        (table.say(BOB, " \n\x00 "), "empty"),
        (table.edit(BOB, put(1.0, "t")), "gone"),
        (table.edit(BOB, Change(id="s")), "invalid"),
        (table.edit(BOB, put(1.0), Change(id="t", set=Look(kind="rect"))), "invalid"),
        (table.undo(BOB), "nothing-to-undo"),
        (table.redo(ADA), "nothing-to-redo"),
        (table.share(BOB), "invalid"),
        (table.share(BOB, by_link=False, public=""), "not-yours"),
        (table.say(EVE, "x"), "read-only"),
        (table.edit(EVE, put(1.0)), "read-only"),
        (table.undo(EVE), "read-only"),
        (table.redo(EVE), "read-only"),
        (table.share(EVE, public="edit"), "read-only"),
        (room.say(ADA, "tab1", far, at=9.0), "gap"),
    ]
    for answer, expected in answers:
        if isinstance(answer, Error):
            assert answer.code == expected
            assert isinstance(answer.op, int)
        else:
            assert answer == expected
    assert image(room) == before


def test_what_is_in_the_log_already_is_said_so_whoever_may_do_what_now(table: Table) -> None:
    table.edit(EVE_EDITING, new())
    assert table.room.edit(EVE, "tab1", Edit(op=1, changes=[put(1.0)]), at=9.0) == Accepted(op=1, seq=2)


EVE_EDITING = Member(id=EVE.id, n=3, name="Eve", hue=90, region="nrt")


@pytest.mark.parametrize(("upto", "skipped"), [(None, [2]), (99, [2]), (4, [2]), (3, [1, 2, 3, 4]), (0, [1, 2, 3, 4])])
def test_operations_that_may_be_in_a_later_entry_count_as_skipped(
    table: Table, upto: int | None, skipped: list[int]
) -> None:
    for op in (1, 3, 4):
        table.room.say(ADA, "tab1", Say(op=op, text="x"), at=1.0)
    assert table.room.seq == 4
    assert table.room.known(ADA.id, "tab1", upto=upto) == (4, skipped)
    assert table.room.known(BOB.id, "tab1", upto=upto) == (0, [])


def test_an_operation_too_old_to_be_known_is_not_called_accepted(table: Table) -> None:
    for op in range(2, 4 * WINDOW, 2):
        table.room.say(ADA, "tab1", Say(op=op, text="x"), at=1.0)
    for op in (1, 2):
        answer = table.room.say(ADA, "tab1", Say(op=op, text="x"), at=1.0)
        assert isinstance(answer, Error)
        assert answer.code == "too-old"


def test_an_entry_holds_what_counted(table: Table) -> None:
    table.edit(ADA, new())
    edited = table.edit(BOB, put(1.0, "nowhere"), put(2.0), Change(id="s", set=Look(text=" a\x07 ")))
    assert edited.changes == [put(2.0), Change(id="s", set=Look(text="a"))]
    assert (edited.undoes, edited.redoes) == (0, 0)


def test_who_may_come_in_is_part_of_the_log(table: Table) -> None:
    assert table.room.gate == Gate("edit", True, 0, 0)
    opened = table.room.open_to("", listed=False, at=1.0)
    assert opened == Access(seq=2, at=1.0, by="", client="", op=0, public="", listed=False, edit=0, view=0)
    assert table.room.revoked is None
    assert table.share(ADA, revoke="edit", generation=700).edit == 700
    table.share(ADA, revoke="edit", public="view", generation=500)
    assert (table.room.gate, table.room.gated) == (Gate("view", False, 500, 0), 4)
    assert table.room.revoked == Revoked(ADA.id, (0, 700))
    assert table.room.known("", "") == (0, [])  # what the room does by itself is nobody's operation
    assert table.room.known(ADA.id, "tab1") == (2, [])


def test_entries_follow_one_another(table: Table) -> None:
    for seq in (0, 1, 3):
        with pytest.raises(ParseError, match="entry 2 was to follow"):
            table.room.apply(epoch(2, seq))
    assert table.room.seq == 1
    table.room.apply(Released(seq=2, at=1.0, epoch=1, why="empty"))
    table.room.apply(epoch(2, 3))
    assert (table.room.seq, table.room.epoch) == (3, 2)


def test_limits_are_named_in_the_answer_and_an_undo_keeps_them_too() -> None:
    table = Table(RoomLimits(shapes=2, room_bytes=1_000))
    table.edit(ADA, new(), new("t"))
    assert table.edit(ADA, new("u")).text == "a room may have 2 shapes, this one has 2"
    table.edit(ADA, Change(id="s", gone=True))
    table.edit(BOB, new("u"))
    assert table.undo(ADA).code == "limit"
    table.edit(BOB, Change(id="u", gone=True))
    assert table.undo(ADA).undoes == 3
    assert table.edit(ADA, Change(id="s", set=Look(text="x" * 601))).code == "limit"


def test_chat_is_kept_as_long_as_agreed() -> None:
    table = Table(RoomLimits(history=3))
    for number in range(5):
        table.say(ADA, f"line {number}")
    assert [said.text for said in table.room.chat()] == ["line 2", "line 3", "line 4"]


def test_the_state_comes_in_parts_that_hold_everything_once(table: Table) -> None:
    (empty,) = table.room.state()
    assert (empty.shapes, empty.chat) == ([], [])
    for number in range(40):
        table.edit(ADA, new(f"s{number}", text="x" * 100))
        table.say(ADA, f"line {number}")
    parts = table.room.state(part_bytes=1_000)
    assert len(parts) > 10
    assert [shape for part in parts for shape in part.shapes] == table.room.shapes()
    assert [said for part in parts for said in part.chat] == table.room.chat()
    assert len(table.room.state()) == 1


# Coming back ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard_in", "since", "first"),
    [
        (0, 0, None),
        (1, 0, 1),
        (1, 1, 2),
        (1, 4, 5),
        (1, 5, None),  # number 5 was another entry in epoch 1, and did not get into the store
        (1, 7, None),
        (2, 0, 1),
        (2, 5, 6),
        (2, 6, 7),
        (2, 7, None),
        (3, 7, 8),
        (3, 9, 10),
        (3, 10, None),  # from the future: of another log
        (4, 5, None),
    ],
)
def test_what_was_missed_is_exact_or_refused(heard_in: int, since: int, first: int | None) -> None:
    table = Table()  # epochs begin at 1, 5 and 7; the log ends at 9
    for text in ("2", "3", "4"):
        table.say(ADA, text)
    table.room.apply(epoch(2, 5))
    table.say(ADA, "6")
    table.room.apply(epoch(3, 7))
    table.say(ADA, "8")
    table.say(ADA, "9")
    assert table.room.since(heard_in, since) == first


def test_an_epoch_long_ago_is_forgotten() -> None:
    table = Table()
    for number in range(2, STARTS + 2):
        table.room.apply(epoch(number, number))
    assert table.room.since(1, 1) is None
    assert table.room.since(2, 2) == 3


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.data())
def test_who_comes_back_never_misses_or_repeats_an_entry(lengths: list[int], data: st.DataObject) -> None:
    """Each epoch sends some entries that the next one does not find in the store."""
    log: list[AnyEntry] = []
    heard: list[tuple[int, list[AnyEntry]]] = []  # the epoch, and the log as a member in it saw it
    room = Room("blue")
    for number, length in enumerate(lengths, 1):
        stored = data.draw(st.integers(max(len(log) - 3, 0), len(log)))
        del log[stored:]
        room = Room("blue")
        room.restore(None, log)
        for place in range(length):
            seq = room.seq + 1
            entry = epoch(number, seq) if place == 0 else Released(seq=seq, at=0.0, epoch=number, why="told")
            room.apply(entry)
            log.append(entry)
            heard.append((number, list(log)))
    for number, seen in heard:
        first = room.since(number, len(seen))
        if first is not None:
            assert [*seen[: first - 1], *log[first - 1 :]] == log
        else:
            assert seen != log[: len(seen)]


# Undo among several members -------------------------------------------------------


def test_each_member_takes_back_their_own(table: Table) -> None:
    table.edit(ADA, new())
    table.edit(BOB, put(1.0))
    table.edit(ADA, Change(id="s", set=Look(y=5.0)))
    assert table.undo(ADA).changes == [Change(id="s", set=Look(y=0.0))]
    assert table.undo(ADA).code == "nothing-to-undo"  # what she made, Bob changed
    assert table.undo(BOB).changes == [put(0.0)]
    assert table.undo(ADA).changes == [Change(id="s", gone=True)]
    assert table.room.shapes() == []
    redone = table.redo(ADA)
    assert (redone.redoes, redone.undoes) == (2, 0)
    assert table.redo(ADA).changes == [Change(id="s", set=Look(y=5.0))]
    assert table.redo(ADA).code == "nothing-to-redo"
    assert table.redo(BOB).changes == [put(1.0)]


def test_both_tabs_of_a_member_share_what_can_be_taken_back(table: Table) -> None:
    table.edit(ADA, new())
    assert table.room.undo(ADA, "tab2", Undo(op=1), at=1.0).undoes == 2  # type: ignore[union-attr]


def test_an_undo_that_is_sent_twice_counts_once(table: Table) -> None:
    for x in (1.0, 2.0, 3.0):
        table.edit(ADA, new() if x == 1.0 else put(x))
    first = table.undo(ADA)
    again = table.room.undo(ADA, "tab1", Undo(op=first.op), at=1.0)
    assert again == Accepted(op=first.op, seq=first.seq)
    assert table.shape().x == 2.0


def test_the_steps_are_bounded() -> None:
    table = Table(RoomLimits(undo=3))
    table.edit(ADA, new())
    for x in range(10):
        table.edit(ADA, put(float(x)))
    assert [table.undo(ADA).changes for _ in range(3)] == [[put(8.0)], [put(7.0)], [put(6.0)]]
    assert table.undo(ADA).code == "nothing-to-undo"


Properties = set[tuple[str, str]]  # of a shape; "" is whether it is there at all


def touched(changes: list[Change], *, before: set[str], after: set[str]) -> Properties:
    """What an edit writes; a shape that it makes and removes again is none of it."""
    found = set()
    for change in changes:
        if change.id not in before | after:
            continue
        if change.gone or change.id not in before:
            found.add((change.id, ""))
        if isinstance(change.set, Look):
            names = [name for name in Look.__struct_fields__ if getattr(change.set, name) is not UNSET]
            found |= {(change.id, name) for name in names}
    return found


@given(st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_an_undo_never_touches_what_somebody_else_wrote_since(seed: int) -> None:
    """One member takes back and does again among two who only edit."""
    rng = Random(seed)
    afternoon = Afternoon(rng, members=3, ids=4)
    room, undoer = afternoon.room, afternoon.members[0]
    others: dict[int, Properties] = {}
    for _ in range(80):
        member = rng.choice(afternoon.members)
        op, at, kind = afternoon.next_op(member.id, "tab1"), afternoon.at(), rng.random()
        before = {shape.id for shape in room.shapes()}
        outcome: Any
        if member is not undoer or kind > 0.5:
            outcome = room.edit(member, "tab1", Edit(op=op, changes=afternoon.changes()), at=at)
        elif kind > 0.2:
            outcome = room.undo(member, "tab1", Undo(op=op), at=at)
        else:
            outcome = room.redo(member, "tab1", Redo(op=op), at=at)
        afternoon.keep(outcome)
        if not isinstance(outcome, Edited):
            continue
        wrote = touched(outcome.changes, before=before, after={shape.id for shape in room.shapes()})
        if member is not undoer:
            others[outcome.seq] = wrote
        elif outcome.undoes or outcome.redoes:
            since = set().union(*(what for seq, what in others.items() if seq > (outcome.undoes or outcome.redoes)))
            assert not wrote & since
            for key in {key for key, name in wrote if name == ""}:  # nobody else changed a shape that goes or comes
                assert key not in {other for other, _ in since}


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_undo_then_redo_restores_everything(seed: int) -> None:
    afternoon = Afternoon(Random(seed), members=2, ids=5)
    for _ in range(60):
        afternoon.step()
    room = afternoon.room
    for member in afternoon.members:
        images = [placed(room)]
        while isinstance(afternoon.keep(undo(afternoon, member)), Edited):
            images.append(placed(room))
        while len(images) > 1:
            assert placed(room) == images.pop()
            assert isinstance(afternoon.keep(redo(afternoon, member)), Edited)
        assert placed(room) == images.pop()


def undo(afternoon: Afternoon, member: Member) -> Any:
    op = afternoon.next_op(member.id, "tab1")
    return afternoon.room.undo(member, "tab1", Undo(op=op), at=afternoon.at())


def redo(afternoon: Afternoon, member: Member) -> Any:
    op = afternoon.next_op(member.id, "tab1")
    return afternoon.room.redo(member, "tab1", Redo(op=op), at=afternoon.at())


def placed(room: Room) -> dict[str, Any]:
    """The shapes with the stamps of each property."""
    return {one.shape.id: one for one in room.snapshot().shapes}


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_alone_everything_can_be_taken_back_and_done_again(seed: int) -> None:
    rng = Random(seed)
    afternoon = Afternoon(rng, members=1, ids=6)
    (member,) = afternoon.members
    for _ in range(40):
        op = afternoon.next_op(member.id, "tab1")
        edit = Edit(op=op, changes=afternoon.changes())
        afternoon.keep(afternoon.room.edit(member, "tab1", edit, at=1.0))
    end = placed(afternoon.room)
    while isinstance(afternoon.keep(undo(afternoon, member)), Edited):
        pass
    assert afternoon.room.shapes() == []
    assert afternoon.room.snapshot().tombs == []
    while isinstance(afternoon.keep(redo(afternoon, member)), Edited):
        pass
    assert placed(afternoon.room) == end


# Whatever happened, another machine goes on in the same way ---------------------------


@given(st.integers(0, 10**9), st.integers(0, 150), st.sampled_from([None, SMALL]))
@settings(max_examples=60, deadline=None)
def test_any_log_folds_to_the_same_room_from_any_snapshot(seed: int, cut: int, limits: RoomLimits | None) -> None:
    afternoon = Afternoon(Random(seed), limits)
    stored = image(afternoon.room)
    for number in range(150):
        before = image(afternoon.room)
        outcome = afternoon.step()
        if isinstance(outcome, Error | Accepted):
            assert image(afternoon.room) == before
        if number < cut:
            stored = image(afternoon.room)
    lines = [format_entry(entry) for entry in afternoon.log]
    folded, woken = Room("blue", limits), Room("blue", limits)
    folded.restore(None, map(parse_entry, lines))
    woken.restore(decode_snapshot(stored), map(parse_entry, lines))
    assert image(folded) == image(afternoon.room)
    assert image(woken) == image(afternoon.room)
    assert encode_snapshot(decode_snapshot(stored)) == stored
    # And they go on alike, also with what can be taken back.
    for _ in range(30):
        outcome = afternoon.step()
        if isinstance(outcome, Edited | Said | Access | Epoch):
            for room in (folded, woken):
                room.apply(parse_entry(format_entry(afternoon.log[-1])))
        elif outcome is None:
            for entry in afternoon.log[folded.seq :]:
                folded.apply(entry)
                woken.apply(entry)
    assert image(folded) == image(woken) == image(afternoon.room)


@given(st.integers(0, 10**9))
@settings(max_examples=20, deadline=None)
def test_a_room_with_other_limits_shows_the_same_shapes(seed: int) -> None:
    afternoon = Afternoon(Random(seed))
    for _ in range(120):
        afternoon.step()
    other = Room("blue", SMALL)
    other.restore(None, afternoon.log)
    assert {shape.id: shape for shape in other.shapes()} == {shape.id: shape for shape in afternoon.room.shapes()}


def test_decisions_do_not_depend_on_the_process() -> None:
    program = (
        "import sys; from random import Random; from tests.app.cases import Afternoon; from app.room import *\n"
        "afternoon = Afternoon(Random(7)); [afternoon.step() for _ in range(300)]\n"
        "sys.stdout.buffer.write(encode_snapshot(afternoon.room.snapshot()))"
    )
    images = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(images) == 1
    assert len(images.pop()) > 1_000


def test_a_snapshot_does_not_change_any_more(table: Table) -> None:
    table.edit(ADA, new())
    snapshot = table.room.snapshot()
    before = encode_snapshot(snapshot)
    table.edit(ADA, put(3.0))
    table.say(BOB, "x")
    table.undo(ADA)
    table.edit(BOB, Change(id="s", gone=True))
    assert encode_snapshot(snapshot) == before


# Exactly once ---------------------------------------------------------------------------


@given(st.integers(0, 10**9))
@settings(max_examples=80, deadline=None)
def test_every_operation_counts_once_through_resends_two_connections_and_takeovers(seed: int) -> None:
    """Two connections of one client carry its operations in their own time; the machine dies now and then.

    The client keeps what is not stored and sends it again after each welcome, as docs/protocol.md says.
    """
    rng = Random(seed)
    room, log, stored = Room("blue"), [], 0
    entry: AnyEntry = epoch(1, 1)
    room.apply(entry)
    log.append(entry)
    waiting: dict[int, int] = {}  # op → its seq, 0 when it is not known to be in the log
    wires: list[list[int]] = [[], []]
    done: set[int] = set()
    newest = 0
    while newest < 60 or waiting:
        kind = rng.random()
        if kind < 0.3 and newest < 60 and newest - min(waiting, default=newest) < WINDOW:
            newest += 1
            waiting[newest] = 0
            wires[rng.randrange(2)].append(newest)
        elif kind < 0.75:
            wire = rng.choice(wires)
            if wire:
                op = wire.pop(0)
                outcome = room.say(ADA, "tab1", Say(op=op, text=f"text {op}"), at=1.0)
                assert not isinstance(outcome, Error)
                if isinstance(outcome, Said):
                    assert op not in [one.op for one in log if isinstance(one, Said)]
                    log.append(outcome)
                else:
                    assert op in [one.op for one in log[: outcome.seq] if isinstance(one, Said)]
                if op in waiting:
                    waiting[op] = outcome.seq
        elif kind < 0.85:
            stored = rng.randint(stored, len(log))
            done |= {op for op, seq in waiting.items() if 0 < seq <= stored}
            waiting = {op: seq for op, seq in waiting.items() if op not in done}
        elif kind < 0.93:  # a connection breaks: some of it was received, and the client comes back
            number = rng.randrange(2)
            wires[number] = [] if rng.random() < 0.5 else wires[number]
            last, skipped = room.known(ADA.id, "tab1")
            for op in sorted(waiting):
                if op > last or op in skipped:
                    waiting[op] = 0
                    wires[1 - number].append(op)
                else:
                    waiting[op] = waiting[op] or room.seq
        else:  # the machine dies: what was not stored is gone
            del log[stored or 1 :]
            stored = len(log)
            room = Room("blue")
            room.restore(None, log)
            entry = epoch(room.epoch + 1, room.seq + 1)
            room.apply(entry)
            log.append(entry)
            last, skipped = room.known(ADA.id, "tab1")
            wires = [[], []]
            for op in sorted(waiting):
                lost = op > last or op in skipped
                waiting[op] = 0 if lost else room.seq
                if lost:
                    wires[0].append(op)
    ops = [one.op for one in log if isinstance(one, Said)]
    assert sorted(ops) == list(range(1, 61))
    assert [one.seq for one in log] == list(range(1, len(log) + 1))


def test_a_member_of_another_log_gets_everything_afresh() -> None:
    room = Room("blue")
    room.apply(Epoch(seq=1, at=0.0, epoch=1, machine="m1", region="ams", app="rooms", writer="first", why="made"))
    assert room.log == "first"
    assert (room.since(1, 1, "first"), room.since(1, 1, ""), room.since(1, 1, "another")) == (2, 2, None)
    room.apply(Epoch(seq=2, at=0.0, epoch=2, machine="m1", region="ams", app="rooms", writer="second", why="woken"))
    later = Room("blue")
    later.restore(decode_snapshot(encode_snapshot(room.snapshot())), [])
    assert (room.log, later.log) == ("first", "first")
