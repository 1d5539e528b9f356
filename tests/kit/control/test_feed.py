"""The feed over a platform that is there, goes away, comes back, is large, or is not there at all."""

import asyncio
import json
from typing import Any

import pytest

from flylab.errors import LocalError, UsageError
from flylab.kit import configs, rooms
from flylab.kit.control.feed import Feed
from flylab.kit.control.picture import Bounds
from flylab.kit.target import connect
from tests.kit.control.fake_platform import fake_platform
from tests.kit.control.told import event, exchange, hop, listed
from tests.support import until

REGIONS = "ams arn cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz bom".split()


async def test_it_begins_with_what_is_there_and_goes_on_with_what_happens() -> None:
    async with fake_platform("ams", "nrt", machines=[listed()]) as platform, Feed(platform.lab) as feed:
        assert feed.picture.machines["m1"]["state"] == "started"
        assert feed.picture.about["edges"] == ["ams", "nrt"]
        platform.tell("events", event(state="stopping"))
        platform.tell("exchanges", exchange(hops=[hop("nrt")]))
        await feed.until(lambda picture: picture.machines["m1"]["state"] == "stopping" and bool(picture.exchanges))


async def test_a_machine_that_nobody_knew_is_asked_for_with_its_size() -> None:
    async with fake_platform("ams") as platform, Feed(platform.lab) as feed:
        platform.machines.append(listed())
        platform.tell("events", event())
        await feed.until(lambda picture: picture.read(0.0)["usd_per_hour"] > 0)


async def test_faults_are_looked_at_when_somebody_says_so() -> None:
    async with fake_platform("ams") as platform, Feed(platform.lab) as feed:
        platform.faults = [{"id": "f1", "name": "slow_port", "struck": 0}]
        feed.look()
        await feed.until(lambda picture: bool(picture.faults))


async def test_it_says_that_the_platform_is_lost_and_comes_back_with_it() -> None:
    async with fake_platform("ams", machines=[listed("m1"), listed("m2")]) as platform, Feed(platform.lab) as feed:
        await platform.close()
        await feed.until(lambda picture: picture.platform == "lost")
        assert len(feed.picture.machines) == 2  # as they were
        platform.machines = [listed("m1", "stopped")]
        await platform.open()
        await feed.until(lambda picture: picture.platform == "live")
        assert {key: machine["state"] for key, machine in feed.picture.machines.items()} == {"m1": "stopped"}


async def test_a_stream_that_ends_is_followed_again_and_what_was_missed_is_read() -> None:
    async with fake_platform("ams", machines=[listed()]) as platform, Feed(platform.lab) as feed:
        platform.drop()
        platform.machines = [listed(state="stopped")]
        await feed.until(lambda picture: picture.machines["m1"]["state"] == "stopped" and picture.platform == "live")


async def test_another_lab_is_followed_at_once() -> None:
    async with (
        fake_platform("ams", machines=[listed("m1")]) as one,
        fake_platform("nrt", machines=[listed("m2", region="nrt")]) as other,
        Feed(one.lab) as feed,
    ):
        feed.lab = other.lab
        await feed.until(lambda picture: list(picture.machines) == ["m2"] and picture.platform == "live")
        await until(lambda: not one.followed)
        await other.close()
        await feed.until(lambda picture: picture.platform == "lost")
        feed.lab = one.lab
        await feed.until(lambda picture: list(picture.machines) == ["m1"])
        await other.open()


async def test_what_cannot_be_read_is_named_and_the_feed_goes_on() -> None:
    async with fake_platform("ams", machines=[listed()]) as platform, Feed(platform.lab) as feed:
        platform.tell("exchanges", {"id": "x", "what": "no record of ours"})
        await feed.until(lambda _: bool(feed.trouble))
        assert feed.trouble == "KeyError: 'edge'"
        await feed.until(lambda picture: picture.platform == "live")


async def test_without_a_platform_it_says_where_none_answers() -> None:
    async with fake_platform("ams") as platform:
        lab = platform.lab
    feed = Feed(lab)
    with pytest.raises(LocalError, match=r"no local platform answers at http://127\.0\.0\.1:\d+: ConnectError: "):
        await feed.start(2.0)
    assert not feed.running


def test_fly_itself_has_no_such_streams() -> None:
    lab: Any = type("Lab", (), {"platform": None})()
    with pytest.raises(UsageError, match="Fly has no such streams"):
        Feed(lab)


async def test_a_listener_that_fails_is_heard_no_more_and_harms_nobody() -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    batches: list[Any] = []

    def broken(_: Any) -> None:
        raise ValueError("no")

    async with fake_platform("ams") as platform, Feed(platform.lab) as feed:
        feed.listen(broken)
        end = feed.listen(batches.append)
        for state in ("stopping", "stopped"):
            platform.tell("events", event(state=state))
            await until(lambda state=state: any(b["machines"] and b["machines"][0]["state"] == state for b in batches))
        end()
    assert len(said) == 1


async def test_a_large_and_busy_platform_makes_few_and_small_batches() -> None:
    """18 regions, 500 machines and 2,000 things that happen at once: what a page gets is bounded all the same."""
    machines = [listed(f"m{number}", region=REGIONS[number % 18]) for number in range(500)]
    batches: list[dict[str, Any]] = []
    async with fake_platform(*REGIONS, machines=machines) as platform, Feed(platform.lab) as feed:
        feed.listen(batches.append)
        for number in range(1000):
            edge, region = REGIONS[number % 18], REGIONS[number // 18 % 18]
            platform.tell("events", event(f"m{number % 500}", "stopping" if number % 2 else "started", region=region))
            platform.tell("exchanges", exchange(f"x{number}", edge=edge, hops=[hop(region), hop(edge, cause="replay")]))
        platform.tell("events", event("last"))
        await until(lambda: any(m["id"] == "last" for batch in batches for m in batch["machines"]))
    bounds = Bounds()
    assert max(len(batch["machines"]) for batch in batches) <= bounds.machines
    assert max(len(batch["arcs"]) for batch in batches) <= bounds.arcs
    assert max(len(batch["exchanges"]) for batch in batches) <= bounds.exchanges
    assert max(len(json.dumps(batch)) for batch in batches) < 60_000
    hops = sum(sum(arc["n"] for arc in batch["arcs"]) + sum(batch["more_arcs"].values()) for batch in batches)
    assert hops == 2000  # none is forgotten


async def test_batches_come_ten_times_a_second_at_most() -> None:
    batches: list[float] = []
    async with fake_platform("ams", machines=[listed()]) as platform, Feed(platform.lab) as feed:
        clock = asyncio.get_running_loop().time
        feed.listen(lambda _: batches.append(clock()))
        began = clock()
        while clock() - began < 0.5:
            platform.tell("exchanges", exchange())
            await asyncio.sleep(0)
    assert 1 <= len(batches) <= 7


@pytest.mark.usefixtures("nothing_left")
async def test_a_real_platform_is_followed_over_its_end_and_the_next_one() -> None:
    async with await connect(chapter="97", regions=["ams", "nrt"], latency="off") as lab:
        feed = await Feed(lab).start()
        app = await lab.create_app("feed")
        machine = await lab.create_machine(app, configs.router("local"), region="nrt", name="far")
        await feed.until(lambda picture: picture.states("nrt")["started"] == 1)
        await lab.visitor("ams", app).get("/")
        picture = await feed.until(lambda picture: picture.totals["requests"] == 1)
        assert next(iter(picture.exchanges.values()))["hops"][0]["region"] == "nrt"
        await lab.api.stop(app, machine.id)
        await feed.until(lambda picture: picture.states()["stopped"] == 1)
        await lab.visitor("ams", app).get("/")
        await feed.until(lambda picture: picture.totals["wake"] == 1)
        await lab.api.faults.arm("slow_port", app=app)
        feed.look()
        await feed.until(lambda picture: bool(picture.faults))
        assert lab.platform is not None
        lab.platform.stop()
        await feed.until(lambda picture: picture.platform == "lost")
        lab.apps.clear()
    async with await connect(chapter="97", regions=["ams", "nrt"], latency="off") as lab:
        feed.lab = lab
        await feed.until(lambda picture: picture.platform == "live")
        assert feed.picture.machines == {}
        await feed.stop()


@pytest.mark.usefixtures("nothing_left")
async def test_a_room_that_is_joined_is_told_at_once_and_when_it_is_left() -> None:
    async with await connect(chapter="96", regions=["ams"], latency="off") as lab, Feed(lab) as feed:
        app = await lab.create_app("rooms")
        await lab.create_machine(app, configs.room("local", lab.store_url(app)), region="ams")
        async with rooms.visit(lab, "ams", app, "blue"):
            picture = await feed.until(lambda picture: picture.read(0.0)["open"] == 1)
            assert next(reversed(picture.exchanges.values()))["status"] == 101
        await feed.until(lambda picture: picture.read(0.0)["open"] == 0)
