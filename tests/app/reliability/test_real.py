"""Real machines, a real platform, real sockets: whatever fails, what was acknowledged is there, once, alike for all."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from app.entries import AnyEntry, Epoch
from app.history import Log
from app.protocol import Edit, Member, Say
from app.room import Room
from app.store import StoreError
from tests.app.reliability.real import ROOMS, campaign
from tests.app.reliability.real_checks import Checks, Violation
from tests.app.reliability.real_model import Client
from tests.app.reliability.real_store import FaultyStore, Trouble, control_file, make_trouble, read_history
from tests.app.stores import Shelf, run_virtually
from tests.local.up import nobody_carries, processes_with
from tests.support import THOROUGH, until

CAMPAIGNS = 5 if THOROUGH else 1  # each is a hundred runs on a platform of its own, and 25 s of two cores
BROKEN_RUNS = 60  # in which a broken server must be caught


# Campaigns ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, CAMPAIGNS + 1))
async def test_nothing_acknowledged_is_lost_whatever_fails(seed: int, tmp_path: Path, nothing_left: None) -> None:
    tally = await campaign(tmp_path, runs=2 * ROOMS, seed=seed)
    assert not tally.found, tally.report()
    assert tally.runs == 100
    assert tally.acknowledged > 1_000
    assert tally.epochs > tally.runs
    assert tally.resumed > tally.runs / 2
    assert len(tally.faults) >= 9, tally.table()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image", "faults"),
    [
        ("real/unfenced", ["machine cut off from the proxy"]),
        ("real/hasty", ["machine killed", "store slow"]),
    ],
    ids=["no fencing", "acknowledged before it is stored"],
)
async def test_a_server_that_is_broken_on_purpose_is_caught(
    image: str, faults: list[str], tmp_path: Path, nothing_left: None
) -> None:
    tally = await campaign(tmp_path, runs=BROKEN_RUNS, rooms=20, seed=1, image=image, settle=3.0, kinds=faults)
    assert {violation.kind for violation in tally.found} & {"lost", "split"}, tally.table()


async def test_a_campaign_that_is_killed_leaves_nothing_running(tmp_path: Path, nothing_left: None) -> None:
    folder = tmp_path / "left-over"
    command = [sys.executable, "-m", "tests.app.reliability.real", "--rooms", "2", "--keep", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    mark = f"TROUBLES={folder}"
    await until(lambda: len(processes_with(mark)) == 6, 30, what="six machines run")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    nobody_carries(str(folder))


# The checks themselves -----------------------------------------------------------------


class Story:
    """A room with two epochs and one member who was told everything; a test spoils one detail."""

    def __init__(self) -> None:
        self.client = Client("secret-of-member", "member", clock=lambda: 0.0)
        self.entries: list[AnyEntry] = []
        room, ada = Room("blue"), Member(id="ada", n=1, name="Ada", hue=1, region="ams")
        self._add(room, self._epoch(1, 1, "m1"))
        self._welcome("m1", 1, 1)
        self.client.receive({"t": "state", "shapes": [], "chat": []})
        for op, message in enumerate((self._say(1), self._edit(2), self._say(3)), 1):
            if op == 3:
                self._add(room, self._epoch(4, 2, "m2"))
                self._welcome("m2", 2, 4, resumed=True)
                self._hear(self.entries[-1])
            self.client.sent[op] = self.client.pending[op] = msgspec.to_builtins(message)
            entry: Any = (room.say if isinstance(message, Say) else room.edit)(ada, "member", message, at=0.0)  # type: ignore[operator] # the two differ in the message alone
            self.entries.append(entry)
            self._hear(entry)
            self.client.receive({"t": "stored", "seq": entry.seq})

    def check(self) -> Counter[str]:
        """How many violations of each kind are found."""
        room = Room("blue")
        for entry in self.entries:
            room.apply(entry)
        log = Log(None, self.entries, len(self.entries) + 1, None, None, (), 1)
        found: list[Violation] = Checks("blue", [self.client], self.entries).all(log)
        return Counter(violation.kind for violation in found)

    def renumber(self) -> None:
        """Let the entries have the numbers of their places."""
        self.entries = [msgspec.structs.replace(entry, seq=seq) for seq, entry in enumerate(self.entries, 1)]

    def _add(self, room: Room, entry: AnyEntry) -> None:
        room.apply(entry)
        self.entries.append(entry)

    def _hear(self, entry: AnyEntry) -> None:
        self.client.receive(msgspec.to_builtins(entry))

    def _welcome(self, machine: str, epoch: int, seq: int, *, resumed: bool = False) -> None:
        op = len(self.client.sent)
        counted = {"op": op, "skipped": [], "stored": seq, "seq": seq, "resumed": resumed, "parts": 0 if resumed else 1}
        self.client.receive({"t": "welcome", "you": "ada", "machine": machine, "epoch": epoch, "log": "w", **counted})

    @staticmethod
    def _epoch(seq: int, epoch: int, machine: str) -> Epoch:
        return Epoch(seq=seq, at=0.0, epoch=epoch, machine=machine, region="ams", app="a", writer=machine, why="taken")

    @staticmethod
    def _say(op: int) -> Say:
        return Say(op=op, text=f"line {op}")

    @staticmethod
    def _edit(op: int) -> Edit:
        changes = [{"id": "s1", "set": {"kind": "rect", "x": 1.0, "y": 2.0}}]
        return msgspec.convert({"t": "edit", "op": op, "changes": changes}, Edit)


def test_a_story_in_which_every_promise_was_kept_passes() -> None:
    story = Story()
    assert story.check() == {}
    assert story.client.acknowledged == {1: 2, 2: 3, 3: 5}
    assert len(story.client.confirmed) == 4


def test_an_acknowledged_operation_that_is_gone_is_found() -> None:
    story = Story()
    del story.entries[-1]
    assert story.check()["lost"] >= 1


def test_another_entry_in_the_place_of_an_acknowledged_one_is_found() -> None:
    story = Story()
    story.entries[1] = msgspec.structs.replace(story.entries[1], text="another line")
    assert story.check()["lost"] == 1


def test_an_operation_that_counts_twice_is_found() -> None:
    story = Story()
    story.entries.append(story.entries[-1])
    story.renumber()
    assert story.check()["duplicated"] == 1


def test_a_member_who_sees_something_else_is_found() -> None:
    story = Story()
    story.client.view.shapes["s1"]["x"] = 7.0
    assert story.check() == {"diverged": 1}


def test_an_acknowledgement_after_the_epoch_has_ended_is_found() -> None:
    story = Story()
    story.client.machine, story.client.epoch = "m1", 1
    story.client.receive({"t": "stored", "seq": 5})
    assert story.check() == {"split": 1}


def test_two_machines_that_acknowledge_in_one_epoch_are_found() -> None:
    story = Story()
    story.client.machine = "m3"
    story.client.receive({"t": "stored", "seq": 5})
    assert story.check() == {"split": 1}


def test_a_number_that_is_left_out_is_found() -> None:
    story = Story()
    story.client.receive({"t": "said", "seq": 7, "text": "?", "client": "somebody", "op": 1})
    assert story.check()["diverged"] >= 1


# The store's connection ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "answered", "stored"),
    [("", True, True), ("slow", True, True), ("error", False, False), ("answer lost", False, True)],
)
def test_the_connection_fails_in_the_way_that_was_asked_for(
    kind: str, answered: bool, stored: bool, tmp_path: Path
) -> None:
    shelf = Shelf()
    store = FaultyStore(shelf, control_file(tmp_path, "m1"), Random(1))
    make_trouble(tmp_path, "m1", Trouble(kind))
    assert run_virtually(_answers(lambda: store.create("key", b"body"))) == answered
    assert ("key" in shelf.objects) == stored


def test_a_silent_connection_may_carry_a_request_out_long_after_it_was_given_up(tmp_path: Path) -> None:
    shelf = Shelf()
    store = FaultyStore(shelf, control_file(tmp_path, "m1"), Random(1))
    make_trouble(tmp_path, "m1", Trouble("silent"))
    seen = []

    async def work() -> None:
        calls = [_answers(lambda number=number: store.create(f"key{number}", b"")) for number in range(40)]
        assert not any(await asyncio.gather(*calls))
        seen.append(len(shelf.objects))
        await asyncio.sleep(10)
        seen.append(len(shelf.objects))

    run_virtually(work())
    assert 0 < seen[0] < seen[1] < 40


def test_what_was_deleted_from_a_log_is_still_checked(tmp_path: Path) -> None:
    shelf = Shelf()
    store = FaultyStore(shelf, control_file(tmp_path, "m1"), Random(1))
    line = msgspec.json.encode(Story().entries[0])
    body = b'{"epoch":1,"writer":"m1","first":1,"last":1}\n' + line
    key = "rooms/blue/log/000000000001"

    async def work() -> list[AnyEntry]:
        await store.create(key, body)
        await store.delete([key])
        assert await shelf.get(key) is None
        await store.create(key, body.replace(b'"m1"', b'"m2"'))
        return (await read_history(shelf, "blue"))[0]

    (entry,) = run_virtually(work())
    assert isinstance(entry, Epoch)
    assert entry.machine == "m1"


async def _answers(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except StoreError:
        return False
    return True
