"""How a machine with thousands of rooms leaves: in virtual time, over a store whose every answer takes a while."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.config import Config

from app.arrival import Arrival
from app.config import Limits, Settings
from app.holding import Holding
from app.hub import Hub
from app.protocol import Hello, Path, Say
from app.rooms import Rooms
from app.server import RoomServer
from app.signing import Keys
from flylab.wire.flytoml import read_flytoml
from flylab.wire.runtime import Runtime
from tests.app.conftest import ROOT
from tests.app.stores import Shelf, run_virtually
from tests.support import until

LIMITS = Limits(new_rooms_per_second=1_000_000, new_rooms_burst=1_000_000)


class Wire:
    """A member's connection on which nothing is read."""

    binary = False

    def __init__(self) -> None:
        self.closed = ""

    def write(self, frames: bytes) -> None: ...
    def pause(self, why: int) -> None: ...
    def resume(self, why: int) -> None: ...
    def drop(self, code: int, reason: str = "") -> None: ...
    def untaken(self) -> int:
        return 0

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        self.closed = self.closed or reason


class Machine:
    """One machine over a shelf."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.shelf = Shelf()
        settings = Settings(runtime=Runtime(app="rooms", machine_id="m1", region="ams"), limits=LIMITS)
        self.holding = Holding(self.shelf, settings, clock=self.loop.time, wall=self.loop.time)
        self.rooms = Rooms(self.holding, self.shelf, Keys(self.shelf, "a secret of sixteen letters"), settings)

    async def hold(self, room: str) -> Hub:
        hub = await self.rooms.arrive(room, Arrival())
        assert isinstance(hub, Hub)
        return hub

    def enter(self, hub: Hub, *, lines: int = 0) -> Wire:
        wire = Wire()
        seat = hub.join(Hello(v=2, key="key-of-ada-0123456789", client="page", name="ada"), wire, Path(), None, "edit")
        assert seat is not None
        for op in range(1, lines + 1):
            hub.act(seat, Say(op=op, text="a line"))
        return wire

    async def leave(self, *, within: float, answer: Callable[[str, str], Awaitable[None]]) -> float:
        """Returns how long it took."""
        await until(lambda: not self.holding._tasks)
        self.shelf.before = answer
        began = self.loop.time()
        await self.holding.close("this machine is going away", within=within)
        return self.loop.time() - began


async def soon(call: str, key: str) -> None:
    await asyncio.sleep(0.02)


def virtually(test: Callable[[Machine], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Machine())

    run_virtually(main())


def test_thousands_of_rooms_are_released_as_fast_as_the_store_takes_them() -> None:
    async def course(machine: Machine) -> None:
        count = 1_000
        for number in range(count):
            machine.enter(await machine.hold(f"room-{number}"))
        took = await machine.leave(within=3.0, answer=soon)
        assert machine.holding.counts["released"] == count
        # Two calls a room, 64 rooms at a time; in everyday work 1,000 puts would begin in a second.
        assert took == pytest.approx(2 * 0.02 * count / 64, abs=0.1)

    virtually(course)


def test_those_with_members_go_first_and_those_that_take_longest_last() -> None:
    async def course(machine: Machine) -> None:
        hubs = [await machine.hold(f"room-{number:03d}") for number in range(200)]
        for hub in hubs[:10]:
            machine.enter(hub, lines=30)
        for hub in hubs[150:]:
            machine.enter(hub)
        await machine.leave(within=3.0, answer=soon)
        ended = [key.split("/")[1] for call, key in machine.shelf.calls if call == "create"][-200:]
        first, last = set(ended[:50]), set(ended[-10:])
        assert first == {hub.name for hub in hubs[150:]}
        assert last == {hub.name for hub in hubs[:10]}

    virtually(course)


def test_a_store_that_does_not_answer_holds_nobody_up_for_longer_than_there_is_time() -> None:
    async def course(machine: Machine) -> None:
        wires = [machine.enter(await machine.hold(f"room-{number}")) for number in range(100)]

        async def never(call: str, key: str) -> None:
            await asyncio.sleep(3_600)

        assert await machine.leave(within=3.0, answer=never) == pytest.approx(3.0)
        assert {wire.closed for wire in wires} == {"this machine is going away"}

    virtually(course)


@pytest.mark.parametrize(("leave", "rooms"), [(5, 3.0), (10, 8.0), (3, 1.0)])
def test_rooms_get_all_of_the_time_until_the_machine_is_killed_but_two_seconds(leave: int, rooms: float) -> None:
    given: list[float] = []

    async def close(why: str, *, within: float) -> None:
        given.append(within)

    async def emptied(*, within: float) -> None: ...

    async def main() -> None:
        settings = Settings.from_env({"LEAVE_SECONDS": str(leave)})
        site: Any = SimpleNamespace(
            settings=settings, holding=SimpleNamespace(close=close), lobby=None, emptied=emptied
        )  # fmt: skip
        config = Config(lambda scope: None, lifespan="off", log_config=None)  # type: ignore[arg-type, misc, return-value]
        config.load()
        server = RoomServer(config, site, SimpleNamespace(), lambda: None)  # type: ignore[arg-type]
        server.servers = []
        server.lifespan = config.lifespan_class(config)
        await server.shutdown()

    run_virtually(main())
    assert given == pytest.approx([rooms])


def test_the_time_to_leave_is_what_fly_toml_gives() -> None:
    described = read_flytoml(ROOT / "fly.toml")
    assert described.stop is not None
    assert described.stop.timeout == Settings.from_env(described.env).leave
