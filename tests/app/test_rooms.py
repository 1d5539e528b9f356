"""How machines come to hold rooms: many machines over one directory, in one process."""

import asyncio
from pathlib import Path

import pytest

from app.config import Limits
from app.directory import Directory
from app.hub import Hub
from app.ownership import Place
from app.placement import Arrival, Refuse, ReplayTo
from app.rooms import Rooms
from flylab.wire.replay import ReplaySource


def machine(store: Path | Directory, number: int, **limits: int) -> Rooms:
    directory = store if isinstance(store, Directory) else Directory.open(store.as_uri())
    return Rooms(
        directory, Place(machine=f"m{number}", region="ams", app="rooms"), limits=Limits(**limits), wall=lambda: 1.0
    )


def unavailable(owner: str, epoch: int) -> Arrival:
    source = ReplaySource(instance="m9", region="ams", t=1, state=f"blue@{epoch}")
    return Arrival(source=source, unavailable=owner)


@pytest.mark.parametrize("machines", [2, 10, 100])
async def test_of_many_machines_entered_at_once_exactly_one_holds_the_room(tmp_path: Path, machines: int) -> None:
    all_of_them = [machine(tmp_path, n) for n in range(machines)]
    outcomes = await asyncio.gather(*(rooms.arrive("blue", Arrival()) for rooms in all_of_them))
    hubs = [outcome for outcome in outcomes if isinstance(outcome, Hub)]
    replays = {str(outcome) for outcome in outcomes if isinstance(outcome, ReplayTo)}
    assert (len(hubs), len(replays)) == (1, 1)
    assert hubs[0].owner.place.machine in replays.pop()


async def test_many_visitors_of_one_machine_open_one_room_once(tmp_path: Path) -> None:
    rooms = machine(tmp_path, 1)
    hubs = await asyncio.gather(*(rooms.arrive("blue", Arrival()) for _ in range(50)))
    assert len({id(hub) for hub in hubs}) == 1
    owner = await rooms.owner("blue")
    assert owner is not None
    assert owner.epoch == 1


async def test_a_machine_that_was_stopped_takes_the_next_epoch(tmp_path: Path) -> None:
    await machine(tmp_path, 1).arrive("blue", Arrival())
    woken = await machine(tmp_path, 1).arrive("blue", Arrival())
    assert isinstance(woken, Hub)
    assert woken.owner.epoch == 2


async def test_several_heirs_race_for_a_room_whose_machine_is_gone(tmp_path: Path) -> None:
    await machine(tmp_path, 0).arrive("blue", Arrival())
    heirs = [machine(tmp_path, n) for n in range(1, 11)]
    outcomes = await asyncio.gather(*(heir.arrive("blue", unavailable("m0", 1)) for heir in heirs))
    assert sum(isinstance(outcome, Hub) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ReplayTo) for outcome in outcomes) == 9


async def test_a_machine_gives_a_room_up_when_it_learns_of_a_newer_epoch(tmp_path: Path) -> None:
    old, new = machine(tmp_path, 1), machine(tmp_path, 2)
    await old.arrive("blue", Arrival())
    assert isinstance(await new.arrive("blue", unavailable("m1", 1)), Hub)
    assert isinstance(await old.arrive("blue", Arrival()), ReplayTo)
    assert (old.get("blue"), old.count) == (None, 0)


async def test_a_full_machine_says_so_and_keeps_serving_what_it_has(tmp_path: Path) -> None:
    rooms = machine(tmp_path, 1, rooms=1)
    assert isinstance(await rooms.arrive("blue", Arrival()), Hub)
    assert await rooms.arrive("red", Arrival()) == Refuse(status=503, why="machine m1 holds 1 rooms already")
    assert isinstance(await rooms.arrive("blue", Arrival()), Hub)


async def test_of_two_creations_at_once_one_creates(tmp_path: Path) -> None:
    both = [machine(tmp_path, n) for n in (1, 2)]
    outcomes = await asyncio.gather(*(rooms.create("blue", region="", arrival=Arrival()) for rooms in both))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Hub", "Refuse"]
