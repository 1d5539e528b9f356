"""The checker alone: one timer, a task only for what is under way, and nothing for what has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flylab.clock import SystemClock
from flylab.errors import RuleError
from flylab.local.checker import Checker
from flylab.rules import lifecycle as on
from flylab.rules.checks import CheckSettings
from flylab.rules.life import Life, LifeSettings
from flylab.rules.orders import Checked
from flylab.wire.machine import MachineConfig, Service
from tests.support import until

FAST = CheckSettings(least=0.01, first_interval=0.01, at_once=20)


def step(life: Life, *events: on.Happening) -> None:
    for event in events:
        life.step(event, 1.0, settings=LifeSettings(), mint=lambda _: "e")


def machine(machine_id: str, **times: str) -> Life:
    check = {"type": "tcp", "grace_period": "0s", "interval": "10ms", **times}
    config = MachineConfig(image="i", services=(Service(internal_port=80, checks=(check,)),))
    life = Life(
        id=machine_id, app="a", name="n", region="ams", config=config, version="v", created_at=0.0, updated_at=0
    )
    step(life, on.Prepared(), on.Start(), on.Started())
    return life


class World:
    def __init__(self, port: int) -> None:
        self.port, self.heard = port, list[Checked]()
        self.connected = 0
        self.gate = asyncio.Event()

    def apply(self, checked: Checked) -> None:
        self.heard.append(checked)

    def count(self, machine_id: str) -> int:
        return sum(checked.machine == machine_id for checked in self.heard)


@asynccontextmanager
async def serving(settings: CheckSettings = FAST) -> AsyncIterator[tuple[World, Checker]]:
    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1000)
    world = World(server.sockets[0].getsockname()[1])
    checker = Checker(SystemClock(), settings, address=lambda *_: ("127.0.0.1", world.port), apply=world.apply)
    try:
        yield world, checker
    finally:
        await checker.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)  # what was accepted last is closed in the next turn of the loop


async def test_it_goes_on_until_the_machine_ends() -> None:
    async with serving() as (world, checker):
        life = machine("m")
        checker.look(life)
        await until(lambda: world.count("m") >= 3)
        assert {(one.name, one.passed, one.round) for one in world.heard} == {
            ("servicecheck-00-tcp-80", True, life.health.round)
        }
        step(life, on.Stop())
        checker.look(life)
        assert (len(checker._agenda), checker._tasks, checker._watched) == (0, {}, {})
        step(life, on.Exited(), on.Start(), on.Started())
        world.heard.clear()
        checker.look(life)
        await until(lambda: world.count("m") >= 1)
        assert world.heard[0].round == life.health.round


async def test_two_thousand_idle_checks_are_no_tasks() -> None:
    async with serving() as (world, checker):
        before = len(asyncio.all_tasks())
        for number in range(2_000):
            checker.look(machine(f"m{number}", grace_period="60s"))
        assert len(asyncio.all_tasks()) == before
        assert len(checker._agenda) == 2_000
        checker.look(machine("now"))
        await until(lambda: world.count("now") >= 1)


async def test_no_more_than_so_many_run_at_once_and_all_have_their_turn() -> None:
    async with serving() as (world, checker):
        lives = [machine(f"m{number}", interval="60s") for number in range(200)]
        most = 0
        for life in lives:
            checker.look(life)

        def all_heard() -> bool:
            nonlocal most
            most = max(most, len(checker._tasks))
            return all(world.count(life.id) for life in lives)

        await until(all_heard)
        assert 0 < most <= FAST.at_once


async def test_a_machine_that_is_gone_is_forgotten() -> None:
    async with serving() as (world, checker):
        life = machine("m")
        checker._address = lambda *_: None
        checker.look(life)
        step(life, on.ForceDestroy())  # and nobody says so, as with the machines of an app that is deleted
        await until(lambda: not checker._watched)
        assert (len(checker._agenda), world.heard) == (0, [])


async def test_news_for_a_machine_that_was_destroyed_meanwhile() -> None:
    async with serving() as (world, checker):
        refused: list[Checked] = []

        def refuse(checked: Checked) -> None:
            refused.append(checked)
            raise RuleError("machine_not_found", "machine not found")

        checker._apply = refuse
        checker.look(machine("m"))
        await until(lambda: len(refused) >= 2)
        assert world.heard == []


@pytest.mark.parametrize("kind", ["tcp", "http"])
async def test_a_port_that_refuses(kind: str) -> None:
    async with serving() as (world, checker):
        checker._address = lambda *_: ("127.0.0.1", 1)
        checker.look(machine("m", type=kind))
        await until(lambda: world.heard)
        assert (world.heard[0].passed, world.heard[0].output) == (False, "connect: connection refused on port 80")
