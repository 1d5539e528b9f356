"""The list of rooms: one read for all who ask within a moment, and never an old failure."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.config import Settings
from app.holding import Holding
from app.layout import hint_key, public_key
from app.listing import LIFE, MOST_LISTED, Listing
from app.ownership import Hint, Place
from app.store import Store, StoreError, open_store


class Counted:
    """A store that counts listings, answers them once ``open`` is set, and none while ``silent``."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.shared = True
        self.listings = 0
        self.gets = 0
        self.silent = False
        self.open = asyncio.Event()
        self.open.set()

    async def create(self, key: str, body: bytes) -> bool:
        return await self.store.create(key, body)

    async def put(self, key: str, body: bytes) -> None:
        await self.store.put(key, body)

    async def get(self, key: str) -> bytes | None:
        self.gets += 1
        return await self.store.get(key)

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        self.listings += 1
        await self.open.wait()
        if self.silent:
            raise StoreError("the store does not answer")
        return await self.store.keys(prefix, after=after)

    async def delete(self, keys: Sequence[str]) -> None:
        await self.store.delete(keys)


class Shop:
    """A listing over a counted store, on a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.store = Counted(open_store(folder.as_uri()))
        self.now = 100.0
        settings = Settings(regions=("nrt",))
        self.listing = Listing(self.store, Holding(self.store, settings, clock=lambda: self.now), settings)

    async def add(self, room: str, *, marked: bool = True, listed: bool = True, public: str = "edit") -> None:
        place = Place(machine="m1", region="ams", app="rooms")
        hint = Hint(room=room, epoch=1, place=place, at=0.0, awake=True, public=public, listed=listed)
        await self.store.put(hint_key(room), hint.to_json().encode())
        if marked:
            await self.store.put(public_key(room), b"")

    async def names(self) -> list[str]:
        return [room["room"] for room in (await self.listing.get())["rooms"]]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_fifty_who_ask_at_once_cause_one_listing(shop: Shop) -> None:
    await shop.add("blue")
    shop.store.open.clear()
    asking = [asyncio.create_task(shop.names()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # whoever asked first does not wait for the answer
    shop.store.open.set()
    answers = await asyncio.gather(*asking[1:])
    assert answers == [["blue"]] * 49
    assert (shop.store.listings, shop.store.gets) == (1, 1)


async def test_a_list_is_good_for_a_moment_and_then_read_again(shop: Shop) -> None:
    await shop.add("blue")
    assert await shop.names() == ["blue"]
    await shop.add("red")
    shop.now += LIFE - 0.01
    assert await shop.names() == ["blue"]
    shop.now += 0.01
    assert await shop.names() == ["blue", "red"]
    assert shop.store.listings == 2


async def test_a_failure_is_told_and_not_remembered(shop: Shop) -> None:
    await shop.add("blue")
    shop.store.silent = True
    outcomes = await asyncio.gather(*(shop.names() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreError] * 3
    assert shop.store.listings == 1
    shop.store.silent = False
    assert await shop.names() == ["blue"]


async def test_only_public_and_listed_rooms_are_shown_and_how_many_more_there_are(shop: Shop) -> None:
    await shop.add("unmarked", marked=False)
    await shop.add("unlisted", listed=False)
    await shop.add("private", public="")
    for number in range(MOST_LISTED):
        await shop.add(f"a-{number:03d}")
    answer = await shop.listing.get()
    assert (len(answer["rooms"]), answer["more"], answer["regions"]) == (MOST_LISTED, 2, ["ams", "local", "nrt"])
