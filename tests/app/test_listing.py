"""The list of rooms: one read for all who ask within a moment, and never an old failure."""

import asyncio

import pytest
from msgspec import structs

from app.config import Settings
from app.hints import Told
from app.holding import Holding
from app.layout import hint_key, public_key
from app.listing import CHANGED_LIFE, LIFE, MOST_LISTED, Listing
from app.ownership import Hint, Place
from tests.app.stores import Refused, Shelf


class Shop:
    """A listing over a shelf, on a clock that the test sets."""

    def __init__(self) -> None:
        self.store = Shelf()
        self.now = 100.0
        settings = Settings(regions=("nrt",))
        self.holding = Holding(self.store, settings, clock=lambda: self.now)
        self.hints = self.holding.hints
        self.listing = Listing(self.store, self.holding, settings)

    async def add(self, room: str, *, marked: bool = True, listed: bool = True, public: str = "edit") -> None:
        place = Place(machine="m1", region="ams", app="rooms")
        hint = Hint(room=room, epoch=1, place=place, at=0.0, awake=True, public=public, listed=listed)
        await self.store.put(hint_key(room), hint.to_json().encode())
        if marked:
            await self.store.put(public_key(room), b"")

    def listings(self) -> int:
        return [call for call, _ in self.store.calls].count("list")

    async def names(self) -> list[str]:
        return [room["room"] for room in (await self.listing.get())["rooms"]]


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_fifty_who_ask_at_once_cause_one_listing(shop: Shop) -> None:
    await shop.add("blue")
    opened = asyncio.Event()

    async def closed(call: str, key: str) -> None:
        await opened.wait()

    shop.store.before = closed
    asking = [asyncio.create_task(shop.names()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # whoever asked first does not wait for the answer
    opened.set()
    answers = await asyncio.gather(*asking[1:])
    assert answers == [["blue"]] * 49
    assert [call for call, _ in shop.store.calls if call != "put"] == ["list", "get"]


async def test_a_list_is_good_for_a_moment_and_then_read_again(shop: Shop) -> None:
    await shop.add("blue")
    assert await shop.names() == ["blue"]
    await shop.add("red")
    shop.now += LIFE - 0.01
    assert await shop.names() == ["blue"]
    shop.now += 0.01
    assert await shop.names() == ["blue", "red"]
    assert shop.listings() == 2


async def test_what_this_machine_changed_itself_is_seen_sooner(shop: Shop) -> None:
    assert await shop.names() == []
    place = Place(machine="m1", region="ams", app="rooms")
    hint, told = Hint(room="blue", epoch=1, place=place, at=0.0, awake=True, public="edit", listed=True), Told()
    await shop.hints.write(hint, told, visited=True)
    assert await shop.names() == []
    shop.now += CHANGED_LIFE
    assert await shop.names() == ["blue"]
    await shop.hints.write(structs.replace(hint, members=3), told, visited=True)
    shop.now += CHANGED_LIFE
    await shop.names()
    assert shop.listings() == 2  # how many there are is no reason
    await shop.hints.write(structs.replace(hint, awake=False), told, visited=True)
    assert [room["awake"] for room in (await shop.listing.get())["rooms"]] == [False]
    assert shop.listings() == 3


async def test_a_failure_is_told_and_not_remembered(shop: Shop) -> None:
    await shop.add("blue")

    async def silent(call: str, key: str) -> None:
        raise Refused("the store does not answer")

    shop.store.before = silent
    outcomes = await asyncio.gather(*(shop.names() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Refused] * 3
    assert shop.listings() == 1
    shop.store.before = shop.store._pass
    assert await shop.names() == ["blue"]


async def test_only_public_and_listed_rooms_are_shown_and_how_many_more_there_are(shop: Shop) -> None:
    await shop.add("unmarked", marked=False)
    await shop.add("unlisted", listed=False)
    await shop.add("private", public="")
    for number in range(MOST_LISTED):
        await shop.add(f"a-{number:03d}")
    answer = await shop.listing.get()
    assert (len(answer["rooms"]), answer["more"], answer["regions"]) == (MOST_LISTED, 2, ["ams", "local", "nrt"])
