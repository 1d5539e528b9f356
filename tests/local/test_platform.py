"""The platform between rules and driver: waking, waiting, and what edges see, with a driver that only remembers."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from flylab.clock import SimulatedClock
from flylab.errors import RuleError
from flylab.local.platform import Platform
from flylab.local.settings import PlatformSettings
from flylab.local.store import Store
from flylab.rules import lifecycle as on
from flylab.rules.leases import TakeLease
from flylab.rules.life import Life
from flylab.rules.orders import Cordon, CreateApp, CreateMachine, DeleteApp, Happened
from flylab.rules.rates import Rates, RateSettings
from flylab.rules.waiting import Wanted
from flylab.wire.machine import Machine, MachineConfig, Restart, Service
from flylab.wire.machine import MachineState as S

STOPPED = Wanted(states=frozenset({"stopped"}))


class Remembers:
    """A driver that notes its orders and does nothing; a test plays the reports."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, str]] = []

    def spawn(self, machine: Machine, app: str, secrets: Mapping[str, str]) -> None:
        self.orders.append(("spawn", machine.id))

    def terminate(self, machine_id: str, signal: str, timeout: float) -> None:
        self.orders.append((signal, machine_id))

    def send(self, machine_id: str, signal: str) -> None:
        self.orders.append((signal, machine_id))

    def freeze(self, machine_id: str) -> None:
        self.orders.append(("freeze", machine_id))

    def thaw(self, machine_id: str) -> None:
        self.orders.append(("thaw", machine_id))

    def remove(self, machine_id: str) -> None:
        self.orders.append(("remove", machine_id))

    def keep_only(self, machine_ids: Collection[str]) -> None:
        self.orders.append(("keep only", " ".join(machine_ids)))

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        return ("127.0.0.1", 10_000 + internal_port)

    def log_tail(self, machine_id: str, lines: int) -> bytes:
        return b""

    async def close(self) -> None:
        self.orders.append(("close", ""))


class World:
    def __init__(self, folder: Path, **settings: float) -> None:
        self.store = Store(folder)
        self.clock = SimulatedClock()
        self.platform = Platform(
            store=self.store,
            clock=self.clock,
            rng=Random(1),
            settings=PlatformSettings(**settings),  # type: ignore[arg-type]  # only numbers are changed here
        )
        self.driver = Remembers()
        self.platform.attach(self.driver)
        assert self.driver.orders.pop()[0] == "keep only"

    def machine(self, *events: on.Happening, policy: str = "no") -> Life:
        """Machine m of app a after those events."""
        config = MachineConfig(image="i", services=(Service(internal_port=80),), restart=Restart(policy=policy))
        self.platform.apply(CreateApp(id="1", name="a", organization="personal"))
        self.platform.apply(
            CreateMachine(id="m", app="a", name="n", region="ams", config=config, version="v1", launch=False)
        )
        for event in events:
            self.platform.apply(Happened("m", event))
        return self.platform.fleet.machine("a", "m")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


RUNNING = (on.Start(), on.Started())
RESTING = (*RUNNING, on.Stop(), on.Exited())


async def refusal(world: World) -> str:
    with pytest.raises(RuleError) as caught:
        await world.platform.wake("m")
    return caught.value.code


async def test_many_wakes_are_one_start(world: World) -> None:
    life = world.machine(*RESTING)
    world.driver.orders.clear()
    wakes = [asyncio.create_task(world.platform.wake("m")) for _ in range(5)]
    await asyncio.sleep(0)
    assert world.driver.orders == [("spawn", "m")]
    assert life.log[-1][0].source == "proxy"
    world.platform.report("m", on.Started())
    await asyncio.gather(*wakes)
    await world.platform.wake("m")
    assert world.driver.orders == [("spawn", "m")]


async def test_a_suspended_machine_is_thawed(world: World) -> None:
    world.machine(*RUNNING, on.Suspend(), on.Suspended())
    wake = asyncio.create_task(world.platform.wake("m"))
    await asyncio.sleep(0)
    assert world.driver.orders[-1] == ("thaw", "m")
    world.platform.report("m", on.Started())
    await wake


@pytest.mark.parametrize(
    "events", [(), (*RUNNING, on.Stop()), (*RUNNING, on.Suspend()), (on.Start(), on.StartFailed())]
)
async def test_what_the_proxy_may_not_start(world: World, events: tuple[on.Happening, ...]) -> None:
    world.machine(*events)
    assert await refusal(world) == "PM08"


async def test_nobody_is_not_startable(world: World) -> None:
    assert await refusal(world) == "PM08"


async def test_the_proxy_does_not_wake_a_leased_machine(world: World) -> None:
    world.machine(*RESTING)
    world.platform.apply(TakeLease(machine="m", nonce="n", owner="o", ttl=5))
    assert await refusal(world) == "PM01"
    await world.clock.advance(6)
    wake = asyncio.create_task(world.platform.wake("m"))
    await asyncio.sleep(0)
    world.platform.report("m", on.Started())
    await wake


async def test_a_ring_wakes_those_who_wait_for_that_name_and_the_end_wakes_all(world: World) -> None:
    world.machine()
    bell = world.platform.kept
    waits = [asyncio.create_task(bell.wait(kind, 60)) for kind in ("lease", "other")]
    await asyncio.sleep(0)
    world.platform.apply(TakeLease(machine="m", nonce="n", owner="o", ttl=5))
    await waits[0]
    await bell.wait("lease", 0.0)
    assert not waits[1].done()
    bell.close()
    with pytest.raises(RuleError, match="the platform is stopping"):
        await waits[1]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (on.StartFailed("no file"), "PM07"),
        (on.Exited(code=1), "PM07"),
        (on.Stop(), "PM10"),
        (on.ForceDestroy(), "PM10"),
    ],
)
async def test_a_start_that_comes_to_nothing(world: World, end: on.Happening, code: str) -> None:
    """DOCUMENTED monitoring/error-codes: PM07 when the state did not change, PM10 when the start was cancelled."""
    world.machine(*RESTING)
    wake = asyncio.create_task(refusal(world))
    await asyncio.sleep(0)
    world.platform.apply(Happened("m", end))
    if isinstance(end, on.Stop):
        world.platform.report("m", on.Exited())
    assert await wake == code


async def test_the_proxys_starts_use_up_the_rate_of_starts(world: World) -> None:
    """REPORTED: the proxy's own autostart requests count, PM01 with the rate limit's text on a cold start."""
    world.platform.rates = Rates(RateSettings())
    world.machine(*RESTING)
    for _ in range(3):
        wake = asyncio.create_task(world.platform.wake("m"))
        await asyncio.sleep(0)
        for event in (on.Started(), on.Stop(), on.Exited()):
            world.platform.apply(Happened("m", event))
        await wake
    with pytest.raises(RuleError, match="rate limit exceeded for Machines_start of m") as caught:
        await world.platform.wake("m")
    assert caught.value.code == "PM01"
    world.platform.settings = replace(world.platform.settings, autostart_counts=False)
    wake = asyncio.create_task(world.platform.wake("m"))
    await asyncio.sleep(0)
    world.platform.report("m", on.Started())
    await wake


async def test_a_wake_has_its_time(tmp_path: Path) -> None:
    world = World(tmp_path, wake_timeout=0.01)
    world.machine(*RESTING)
    assert await refusal(world) == "PM03"
    world.store.close()


async def test_a_wait_ends_with_the_event_even_if_it_passes_at_once(world: World) -> None:
    life = world.machine()
    started = asyncio.create_task(world.platform.wait(life, Wanted(states=frozenset({"started"})), 5))
    other = asyncio.create_task(world.platform.wait(life, Wanted(states=frozenset({"started"}), version="v9"), 5))
    await asyncio.sleep(0)
    for event in (*RUNNING, on.Exited()):
        world.platform.apply(Happened("m", event))
    assert (await started).state == "started"
    assert life.state is S.STOPPED
    for event in (on.Destroy(), on.Removed()):
        world.platform.apply(Happened("m", event))
    with pytest.raises(RuleError, match="it was destroyed"):
        await other
    with pytest.raises(RuleError, match="it was destroyed"):
        await world.platform.wait(life, STOPPED, 5)
    assert (await world.platform.wait(life, Wanted(states=frozenset({"destroyed"})), 5)).state == "destroyed"


async def test_a_wait_that_runs_out_names_both_states(world: World) -> None:
    life = world.machine(*RUNNING)
    with pytest.raises(RuleError, match=r"did not reach stopped within 0\.01s, current state: started") as caught:
        await world.platform.wait(life, STOPPED, 0.01)
    assert caught.value.code == "deadline_exceeded"


async def test_edges_see_a_change_in_the_step_that_makes_it(world: World) -> None:
    view = world.platform.view
    world.machine()
    assert view.app_of_host("a.localhost") == "a"
    for event, state in ((on.Start(), S.STARTING), (on.Started(), S.STARTED), (on.Stop(), S.STOPPING)):
        world.platform.apply(Happened("m", event))
        row = view.row("m")
        assert row is not None
        assert row.state is state
    world.platform.apply(Cordon("m", True))
    row = view.row("m")
    assert row is not None
    assert (row.cordoned, row.services[0].internal_port) == (True, 80)
    world.platform.apply(Happened("m", on.ForceDestroy()))
    world.platform.report("m", on.Exited())
    world.platform.report("m", on.Removed())
    assert view.row("m") is None
    world.platform.apply(DeleteApp(name="a"))
    assert view.app_of_host("a.localhost") is None


async def test_only_a_started_machine_has_an_address(world: World) -> None:
    world.machine()
    assert world.platform.address("m", 80) is None
    assert world.platform.address("nobody", 80) is None
    for event in RUNNING:
        world.platform.apply(Happened("m", event))
    assert world.platform.address("m", 80) == ("127.0.0.1", 10_080)


async def test_late_news_is_dropped(world: World) -> None:
    life = world.machine(*RESTING)
    world.platform.report("m", on.Exited())
    world.platform.report("nobody", on.Exited())
    assert life.state is S.STOPPED


async def test_a_crash_loop_pauses_on_the_clock(world: World) -> None:
    life = world.machine(*RUNNING, on.Exited(1), policy="always")
    assert life.state is S.RESTARTING
    pause = PlatformSettings().fleet.life.restart_pause
    await world.clock.advance(pause - 0.01)
    assert world.driver.orders.count(("spawn", "m")) == 1
    await world.clock.advance(0.02)
    assert world.driver.orders.count(("spawn", "m")) == 2


async def test_the_stream_tells_every_change(world: World) -> None:
    with world.platform.events.follow() as items:
        world.machine(*RUNNING)
        seen = [await anext(items) for _ in range(3)]
    assert [(item["type"], item["state"]) for item in seen] == [
        ("launch", "created"),
        ("start", "starting"),
        ("start", "started"),
    ]
    assert (seen[0]["machine"], seen[0]["app"], seen[0]["region"], seen[0]["name"]) == ("m", "a", "ams", "n")


async def test_the_end_stops_what_runs_and_answers_who_waits(tmp_path: Path) -> None:
    world = World(tmp_path, stop_patience=0.0)
    life = world.machine(*RUNNING)
    waiting = asyncio.create_task(world.platform.wait(life, Wanted(states=frozenset({"failed"})), 60))
    await asyncio.sleep(0)
    await world.platform.close()
    assert world.driver.orders[-2:] == [("SIGINT", "m"), ("close", "")]
    with pytest.raises(RuleError, match="the platform is stopping") as caught:
        await waiting
    assert caught.value.code == "unavailable"
    with world.platform.events.follow() as items:
        assert [item async for item in items] == []
    world.store.close()


async def test_a_machine_in_the_middle_of_an_update_is_killed_at_the_end(tmp_path: Path) -> None:
    world = World(tmp_path, stop_patience=0.0)
    world.machine(*RUNNING, on.Update(MachineConfig(image="i"), "v2", {}))
    await world.platform.close()
    assert world.driver.orders[-2:] == [("SIGKILL", "m"), ("close", "")]
    world.store.close()
