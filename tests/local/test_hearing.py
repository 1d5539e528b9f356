"""An edge whose view is late, with real sockets: it finds out at the machine's host."""

import asyncio
from typing import Any

import pytest

from flylab.local.edge import EdgeSettings
from flylab.wire.machine import MachineState
from tests.local.world import World, answer, open_door, service, until

DEAF = EdgeSettings(propagation=3600.0)  # as good as never within a test
QUICK = EdgeSettings(propagation=0.01)
AT_ONCE = EdgeSettings(propagation=0.0)


def hops(world: World) -> list[tuple[str, str | None]]:
    hops: Any = world.exchanges[-1]["hops"]
    return [(hop["machine"], hop.get("code")) for hop in hops]


async def test_a_machine_that_was_stopped_a_moment_ago_is_passed_over() -> None:
    """DOCUMENTED monitoring/error-codes, PM11: an edge with an old view sends a request to a machine just stopped."""
    world = World()
    await world.add("a", lambda *_: answer(body="a"))
    await world.add("b", lambda *_: answer(body="b"), region="nrt")
    async with open_door(world, settings=DEAF) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"a"
        world.set_state("a", MachineState.STOPPED)
        assert (await client.ask())[2] == b"b"
        await until(lambda: len(world.exchanges) == 2)
        assert hops(world) == [("a", "PM11"), ("b", None)]
        assert world.wakes == []


async def test_one_that_is_the_only_one_is_started_again() -> None:
    """DOCUMENTED monitoring/error-codes, PM11: unless the edge believes that it is the only one."""
    world = World()
    machine = await world.add("a", lambda *_: answer(body="a"), state=MachineState.STOPPED)
    world.set_state("a", MachineState.STARTED)
    async with open_door(world, settings=DEAF) as door:
        world.set_state("a", MachineState.STOPPED)
        client = await door.client()
        assert (await client.ask())[2] == b"a"
        # Woken by itself, it knows that the machine is up.
        assert (await client.ask())[2] == b"a"
        assert (machine.starts, world.wakes) == (1, ["a"])
        await until(lambda: len(world.exchanges) == 2)
        assert hops(world) == [("a", None)]


async def test_a_machine_that_is_gone_is_unknown_to_its_host() -> None:
    """DOCUMENTED monitoring/error-codes: PR02."""
    world = World()
    await world.add("a", lambda *_: answer(body="a"))
    await world.add("b", lambda *_: answer(body="b"), region="nrt")
    async with open_door(world, settings=DEAF) as door:
        world.view.drop("a")
        assert (await (await door.client()).ask())[2] == b"b"
        assert hops(world) == [("a", "PR02"), ("b", None)]


async def test_a_new_machine_is_heard_of_after_a_while() -> None:
    world = World()
    await world.add("far", lambda *_: answer(body="far"), region="nrt")
    async with open_door(world, settings=QUICK) as door:
        await world.add("near", lambda *_: answer(body="near"))
        client = await door.client()
        async with asyncio.timeout(10):
            while (await client.ask())[2] != b"near":
                pass


async def test_a_request_that_comes_before_the_news_waits_for_them() -> None:
    world = World()
    async with open_door(world, settings=EdgeSettings(propagation=0.3)) as door:
        await world.add("a", lambda *_: answer(body="a"))
        assert (await (await door.client()).ask())[2] == b"a"


@pytest.mark.parametrize(("settings", "together"), [(DEAF, 2), (AT_ONCE, 1)])
async def test_two_edges_that_do_not_hear_of_each_other_break_a_hard_limit_together(
    settings: EdgeSettings, together: int
) -> None:
    """ASSUMED (load is known per proxy): a burst at several edges goes over the hard limit, one edge never does."""
    world, go_on = World(), asyncio.Event()

    async def slow(*_: Any) -> bytes:
        await go_on.wait()
        return answer()

    await world.add("a", slow, service_of=service(hard=1))
    async with open_door(world, settings=settings) as one, open_door(world, settings=settings) as other:
        asked = [asyncio.create_task((await door.client()).ask()) for door in (one, other)]
        await until(lambda: world.loads.of("a") + len(one.edge.line) + len(other.edge.line) == 2)
        assert world.loads.of("a") == together
        go_on.set()
        assert [(await each)[0] for each in asked] == [200, 200]
