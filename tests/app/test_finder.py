"""Finding or making a machine: full regions, names that are taken, an API that is slow, limited, refused or away."""

import asyncio
from collections.abc import Awaitable

import pytest

from app.config import Pool
from app.finder import DOWN_PAUSE, FULL, LIST_LIFE, LIST_TIMEOUT, OLD_LIST_LIFE, SHUNNED, Finder
from app.fleet import Fleet, FleetDown, NotMade
from app.pool import Nowhere
from flylab.wire.config import MachineConfig
from flylab.wire.machine import Machine, MachineState
from flylab.wire.services import Port, Service

WEB = Service(internal_port=8080, ports=(Port(port=443, handlers=("http",)),), autostart=True)
CONFIG = MachineConfig(image="rooms:1", services=(WEB,))


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Yard:
    """A fleet in memory; ``gate`` holds a make back, ``full`` regions refuse, ``down`` refuses everything."""

    def __init__(self) -> None:
        self.there: dict[str, Machine] = {}
        self.made: list[str] = []
        self.listed = 0
        self.full: set[str] = set()
        self.stuck: set[str] = set()
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False

    def add(self, name: str, region: str, state: MachineState = MachineState.STARTED) -> None:
        self.there[name] = Machine(id=name, name=name, region=region, state=state, config=CONFIG)

    async def machines(self) -> list[Machine]:
        self.listed += 1
        await self._turn()
        return list(self.there.values())

    async def make(self, name: str, region: str, config: MachineConfig) -> str:
        await self._turn()
        await self.gate.wait()
        if region in self.full:
            raise NotMade(f"{region} is full")
        assert config.image == CONFIG.image
        if name not in self.there:  # else another lobby was first
            self.made.append(name)
            self.add(name, region, MachineState.CREATED)
        return name

    async def started(self, machine: str) -> None:
        await self._turn()
        if machine in self.stuck:
            raise NotMade(f"{machine} does not start")
        self.add(machine, self.there[machine].region)

    async def close(self) -> None:
        self.closed = True

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise FleetDown("the Machines API does not answer")


class Post:
    """One lobby's finder before a yard that others may share."""

    def __init__(
        self,
        yard: Fleet,
        *,
        pool: Pool | None = None,
        regions: tuple[str, ...] = ("ams", "iad", "nrt"),
        list_timeout: float = LIST_TIMEOUT,
    ) -> None:
        self.watch = Watch()
        self.opened = 0

        async def open_yard() -> Fleet:
            self.opened += 1
            await asyncio.sleep(0)
            return yard

        self.finder = Finder(
            open_yard,
            pool=pool or Pool(most_per_region=2),
            regions=regions,
            given=CONFIG,
            list_timeout=list_timeout,
            now=self.watch,
        )

    def find(
        self, room: str = "blue", *, edge: str = "ams", wanted: str = "", tried: tuple[str, ...] = ()
    ) -> Awaitable[str | Nowhere | None]:
        return self.finder.find(room, edge=edge, wanted=wanted, tried=tried)


@pytest.fixture
def yard() -> Yard:
    return Yard()


async def test_an_idle_machine_is_used_and_none_is_made(yard: Yard) -> None:
    yard.add("m1", "ams", MachineState.STOPPED)
    assert await Post(yard).find() == "m1"
    assert yard.made == []


async def test_a_machine_is_made_near_the_visitor_and_started(yard: Yard) -> None:
    assert await Post(yard).find(edge="jnb", wanted="") in yard.there
    assert yard.made == ["rooms-ams-1"]
    assert yard.there["rooms-ams-1"].state is MachineState.STARTED
    assert await Post(yard).find(wanted="nrt") == "rooms-nrt-1"


async def test_a_full_region_gives_way_to_the_next_and_is_left_alone_for_a_while(yard: Yard) -> None:
    yard.full = {"ams", "iad"}
    post = Post(yard)
    assert await post.find() == "rooms-nrt-1"
    yard.full = set()
    post.watch.now += FULL + 1
    assert await post.find("red") == "rooms-ams-1"


async def test_where_every_region_is_full_the_visitor_is_told(yard: Yard) -> None:
    yard.full = {"ams", "iad", "nrt"}
    yard.add("m1", "gru", MachineState.FAILED)
    found = await Post(yard).find()
    assert isinstance(found, Nowhere)
    assert "no further one may be made" in found.why


async def test_a_machine_that_does_not_start_gives_way(yard: Yard) -> None:
    yard.stuck = {"rooms-ams-1"}
    assert await Post(yard).find() == "rooms-iad-1"
    yard.stuck = {"m1"}
    yard.there.clear()
    yard.add("m1", "ams", MachineState.CREATED)
    assert await Post(yard).find() == "rooms-ams-1"


async def test_a_machine_that_is_being_made_is_waited_for(yard: Yard) -> None:
    yard.add("rooms-ams-1", "ams", MachineState.CREATED)
    assert await Post(yard).find() == "rooms-ams-1"
    assert yard.made == []


async def test_of_many_visitors_at_once_one_has_the_machine_made(yard: Yard) -> None:
    post = Post(yard)
    found = await asyncio.gather(*(post.find(f"room-{n}") for n in range(50)))
    assert {*found} == {"rooms-ams-1"}
    assert yard.made == ["rooms-ams-1"]
    assert (yard.listed, post.opened) == (1, 1)


async def test_two_lobbies_make_one_machine(yard: Yard) -> None:
    yard.gate.clear()
    both = asyncio.gather(Post(yard).find("blue"), Post(yard).find("red"))
    for _ in range(10):
        await asyncio.sleep(0)
    yard.gate.set()
    assert await both == ["rooms-ams-1", "rooms-ams-1"]
    assert yard.made == ["rooms-ams-1"]


async def test_a_machine_is_made_although_the_visitor_has_left(yard: Yard) -> None:
    yard.gate.clear()
    post = Post(yard)
    first = asyncio.ensure_future(post.find("blue"))
    second = asyncio.ensure_future(post.find("red"))
    for _ in range(10):
        await asyncio.sleep(0)
    first.cancel()
    yard.gate.set()
    assert await second == "rooms-ams-1"


async def test_the_list_is_asked_for_once_in_a_while(yard: Yard) -> None:
    yard.add("m1", "ams")
    post = Post(yard)
    for n in range(10):
        await post.find(f"room-{n}")
    assert yard.listed == 1
    post.watch.now += LIST_LIFE
    await post.find()
    assert yard.listed == 2


async def test_a_machine_that_was_made_is_seen_by_the_next_visitor(yard: Yard) -> None:
    post = Post(yard)
    await post.find("blue")
    assert await post.find("red") == "rooms-ams-1"
    assert yard.made == ["rooms-ams-1"]


async def test_without_the_api_nothing_is_known(yard: Yard) -> None:
    yard.down = True
    post = Post(yard)
    assert await post.find() is None
    assert yard.listed == 1
    assert await post.find() is None  # at once, without asking
    assert yard.listed == 1
    yard.down = False
    post.watch.now += DOWN_PAUSE
    assert await post.find() == "rooms-ams-1"


async def test_while_the_api_is_away_the_last_list_is_used_and_nothing_is_made(yard: Yard) -> None:
    yard.add("m1", "iad")
    post = Post(yard)
    await post.find(edge="iad")
    yard.down = True
    post.watch.now += LIST_LIFE
    assert await post.find(edge="ams") == "m1"
    post.watch.now += OLD_LIST_LIFE
    assert await post.find() is None
    assert yard.made == []


async def test_an_api_that_lists_and_makes_nothing_leaves_what_is_there(yard: Yard) -> None:
    class Stubborn(Yard):
        async def make(self, name: str, region: str, config: MachineConfig) -> str:
            raise FleetDown("refused")

    stubborn = Stubborn()
    stubborn.add("m1", "nrt")
    assert await Post(stubborn).find() == "m1"


async def test_an_api_that_never_answers_is_given_up() -> None:
    class Silent(Yard):
        async def machines(self) -> list[Machine]:
            await asyncio.Event().wait()
            return []

    assert await Post(Silent(), list_timeout=0.01).find() is None


async def test_an_empty_list_proves_nothing_when_none_can_be_made(yard: Yard) -> None:
    assert await Post(yard, pool=Pool(most=0)).find() is None


async def test_machines_that_turned_a_room_away_are_asked_last(yard: Yard) -> None:
    yard.add("m1", "ams")
    yard.add("m2", "iad")
    post = Post(yard, pool=Pool(most=0))
    post.finder.shun("m1")
    assert await post.find() == "m2"
    post.finder.shun("m2")
    assert await post.find() == "m1"  # better than nothing
    assert await post.find(tried=("m1",)) == "m2"
    assert isinstance(await post.find(tried=("m1", "m2")), Nowhere)
    post.watch.now += SHUNNED + 1
    assert await post.find() == "m1"


async def test_without_a_token_there_is_no_fleet() -> None:
    finder = Finder(None, pool=Pool(), regions=(), given=CONFIG)
    assert await finder.find("blue", edge="ams", wanted="", tried=()) is None
    assert finder.order("lhr", "")[0] == "lhr"
    await finder.close()


async def test_closing_leaves_nothing_under_way(yard: Yard) -> None:
    yard.gate.clear()
    post = Post(yard)
    waiting = asyncio.ensure_future(post.find())
    for _ in range(10):
        await asyncio.sleep(0)
    await post.finder.close()
    assert yard.closed
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(asyncio.all_tasks()) == 1
