"""The directory over real stores, a folder and memory: exactly one of many wins each epoch."""

import asyncio
from pathlib import Path

import pytest

from app.directory import Directory, DirectoryError
from app.ownership import Owner, Place
from flylab.errors import ParseError


def place(number: int) -> Place:
    return Place(machine=f"m{number}", region="ams", app="rooms")


@pytest.fixture(params=["file", "memory"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    return Directory.open((tmp_path / "made" / "here").as_uri() if request.param == "file" else "memory:///")


async def test_a_room_nobody_claimed_has_no_owner(directory: Directory) -> None:
    assert await directory.owner("blue") is None
    assert await directory.rooms() == []


@pytest.mark.parametrize("contenders", [2, 10, 100])
async def test_exactly_one_of_many_wins_and_all_agree_who(directory: Directory, contenders: int) -> None:
    results = await asyncio.gather(
        *(directory.claim("blue", after=0, place=place(n), at=float(n)) for n in range(contenders))
    )
    assert len(set(results)) == 1
    assert await directory.owner("blue") == results[0]


async def test_machines_with_stores_of_their_own_race_over_one_folder(tmp_path: Path) -> None:
    directories = [Directory.open(tmp_path.as_uri()) for _ in range(20)]
    results = await asyncio.gather(
        *(each.claim("blue", after=0, place=place(n), at=0.0) for n, each in enumerate(directories))
    )
    assert len(set(results)) == 1


async def test_the_highest_epoch_owns(directory: Directory) -> None:
    for epoch in range(12):
        await directory.claim("blue", after=epoch, place=place(epoch), at=1.5)
    assert await directory.owner("blue") == Owner(room="blue", epoch=12, place=place(11), at=1.5)
    await directory.claim("azure", after=0, place=place(1), at=0.0)
    await directory.claim("blue-note", after=0, place=place(2), at=0.0)
    assert [(owner.room, owner.epoch) for owner in await directory.rooms()] == [
        ("azure", 1),
        ("blue", 12),
        ("blue-note", 1),
    ]


async def test_a_record_that_somebody_wrote_badly_hides_no_other_room(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path.as_uri())
    await directory.claim("blue", after=0, place=place(1), at=0.0)
    bad = tmp_path / "rooms" / "red" / "epoch" / "000001"
    bad.parent.mkdir(parents=True)
    bad.write_text("not JSON")
    assert [owner.room for owner in await directory.rooms()] == ["blue"]
    with pytest.raises(ParseError, match="owner of room 'red'"):
        await directory.owner("red")


@pytest.mark.parametrize("url", ["nonsense://x", "file://host/x", "s3://"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ParseError, match="cannot read ROOMS_URL"):
        Directory.open(url)


async def test_a_store_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path.as_uri())
    (tmp_path / "rooms").write_text("a file where a folder should be")
    with pytest.raises(DirectoryError, match="the room directory file://"):
        await directory.claim("blue", after=0, place=place(1), at=0.0)
