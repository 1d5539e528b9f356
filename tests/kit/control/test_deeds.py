"""What the buttons do, done to a real platform: each says in a sentence what came of it, or why not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from flylab.client.errors import BadRequest, NotFound, PreconditionFailed
from flylab.errors import FlylabError, UsageError
from flylab.kit import configs, rooms
from flylab.kit.control import deeds
from flylab.kit.control.stage import SETTINGS
from flylab.kit.control.visitors import Visitors
from flylab.kit.platform import Platform, to_toml
from flylab.kit.target import Lab, connect
from tests.support import until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One for all of these tests; each makes an app of its own."""
    folder: Path = tmp_path_factory.mktemp("deeds")
    settings = folder / "settings.toml"
    settings.write_text(to_toml({**SETTINGS, "exchange": {**SETTINGS["exchange"], "longest_pause": 0.2}}))
    running = Platform(
        regions=["ams", "iad", "nrt"],
        latency="off",
        arguments=("--settings", str(settings)),
        log=folder / "up.log",
    )
    yield running
    running.stop()


@pytest.fixture
async def lab(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    monkeypatch.setenv("FLYLAB_URL", platform.address.api)
    monkeypatch.setenv("FLYLAB_TOKEN", platform.address.token)
    async with await connect(chapter="98", regions=["ams", "iad", "nrt"]) as lab:
        yield lab
        await deeds.clear(lab)


async def two(lab: Lab) -> tuple[str, dict[str, str]]:
    """An app with a router in two regions, started."""
    app = await lab.create_app("deeds")
    made = [await lab.create_machine(app, configs.router("local"), region=code, name=code) for code in ("ams", "iad")]
    await asyncio.gather(*(lab.api.wait(app, machine.id, "started") for machine in made))
    for code in ("ams", "iad"):
        assert (await ask(lab, app, code)).is_success
    return app, {machine.region: machine.id for machine in made}


async def ask(lab: Lab, app: str, region: str) -> httpx.Response:
    return await lab.visitor(region, app).get("/")


async def state(lab: Lab, app: str, machine: str) -> str:
    return str((await lab.api.machine(app, machine)).state)


async def test_machines_start_stop_suspend_and_go(lab: Lab) -> None:
    app, there = await two(lab)
    assert await deeds.start(lab, app, there["ams"]) == "ams in Amsterdam is started already."
    assert "ams in Amsterdam is stopped after" in await deeds.stop(lab, app, "ams")  # by its name as well
    assert "is started after" in await deeds.start(lab, app, there["ams"])
    assert "is suspended after" in await deeds.suspend(lab, app, there["ams"])
    assert await state(lab, app, there["ams"]) == "suspended"
    assert await deeds.destroy(lab, app, there["ams"]) == "ams in Amsterdam is destroyed."
    assert await state(lab, app, there["ams"]) in ("destroying", "destroyed")
    assert "is made and started" in await deeds.create(lab, app, "nrt", configs.sleeper("local"))


async def test_a_killed_process_is_gone_at_once(lab: Lab) -> None:
    app, there = await two(lab)
    (pid,) = await lab.api.processes(app, there["iad"])
    assert "The process of iad in Ashburn" in await deeds.kill(lab, app, there["iad"])

    async def another() -> bool:
        try:
            return pid not in await lab.api.processes(app, there["iad"])
        except PreconditionFailed:  # it is between two processes
            return True

    await until(another, what="the process is another one")
    await deeds.stop(lab, app, there["ams"])
    with pytest.raises(UsageError, match="is stopped: only the processes of a started machine can be killed"):
        await deeds.kill(lab, app, there["ams"])


async def test_a_lost_host_answers_nobody_until_it_is_found(lab: Lab) -> None:
    app, there = await two(lab)
    assert (await ask(lab, app, "iad")).json()["region"] == "iad"
    (pid,) = await lab.api.processes(app, there["iad"])
    assert await deeds.lose_host(lab, app, there["iad"]) == (
        "The host of iad in Ashburn is lost, and what ran there with it."
    )
    assert not Path(f"/proc/{pid}").exists() or (await lab.api.machine(app, there["iad"])).host_status == "unreachable"
    assert (await ask(lab, app, "iad")).json()["region"] == "ams"
    with pytest.raises(UsageError, match="is lost already"):
        await deeds.lose_host(lab, app, there["iad"])
    assert await deeds.find_host(lab, app, there["iad"]) == "The host of iad in Ashburn is back."
    with pytest.raises(UsageError, match="is not lost"):
        await deeds.find_host(lab, app, there["iad"])


async def test_a_full_region_takes_no_machine(lab: Lab) -> None:
    app = await lab.create_app("full")
    assert "Tokyo is full" in await deeds.fill_region(lab, "nrt")
    with pytest.raises(FlylabError, match="nrt"):
        await deeds.create(lab, app, "nrt", configs.sleeper("local"))
    assert await deeds.free_region(lab, "nrt") == "There is room in Tokyo again."
    assert "is made" in await deeds.create(lab, app, "nrt", configs.sleeper("local"))
    with pytest.raises(UsageError, match="Tokyo is not full"):
        await deeds.free_region(lab, "nrt")


async def test_links_are_slow_cut_and_mended(lab: Lab) -> None:
    app, _ = await two(lab)
    assert await deeds.slow_link(lab, "nrt", "ams", 250) == (
        "Round trips between Tokyo and Amsterdam take 250 ms longer."
    )
    assert {str(link) for link in await lab.api.links.disturbed()} == {"nrt–ams +250 ms"}
    assert "is cut" in await deeds.cut_link(lab, "nrt", "ams")
    assert "is as it was" in await deeds.mend_link(lab, "ams", "nrt")
    with pytest.raises(NotFound, match="neither slow nor cut"):
        await deeds.mend_link(lab, "ams", "nrt")
    await deeds.cut_link(lab, "nrt", "iad")
    await deeds.cut_link(lab, "nrt", "ams")
    assert (await ask(lab, app, "nrt")).status_code in (502, 503)
    assert await deeds.clear(lab) == "Disarmed 0 faults and mended 2 links."
    assert (await ask(lab, app, "nrt")).is_success
    assert await deeds.clear(lab) == "Nothing was armed, slow or cut."


async def test_any_fault_is_armed_by_name(lab: Lab) -> None:
    app, there = await two(lab)
    told = await deeds.arm(lab, "target_5xx", machine=there["ams"], count=1, value=503.0)
    assert "target_5xx for machine" in told
    assert "answers with status 503" in told
    assert (await ask(lab, app, "ams")).status_code == 503
    assert await deeds.disarm(lab, "target_5xx") == "Disarmed: target_5xx."
    assert {"host_down", "bad_edge"} <= {known.name for known in deeds.armable()}
    assert "replay_loop" not in {known.name for known in deeds.armable()}  # it is not armed but produced
    with pytest.raises(UsageError, match="there is no fault 'nonsense'; there are slow_port"):
        await deeds.arm(lab, "nonsense")
    with pytest.raises(BadRequest, match="cannot be aimed at a machine"):
        await deeds.arm(lab, "bad_edge", machine=there["ams"])
    with pytest.raises(BadRequest, match="probability 2"):
        await deeds.arm(lab, "bad_edge", probability=2)


async def test_a_room_moves_with_who_is_in_it_and_idle_times_are_set(lab: Lab) -> None:
    app = await lab.create_app("rooms")
    config = configs.room("local", lab.store_url(app), ROOM_REGIONS="ams,nrt")
    config = configs.with_env(config, SLEEP_SECONDS="60")
    made = [await lab.create_machine(app, config, region=code, name=code) for code in ("ams", "nrt")]
    await asyncio.gather(*(lab.api.wait(app, machine.id, "started") for machine in made))
    for code in ("ams", "nrt"):
        assert (await lab.visitor(code, app).get("/healthz")).is_success

    async with rooms.visit(lab, "ams", app, "blue") as guest:
        home = guest.welcome["region"]
        away = "nrt" if home == "ams" else "ams"
        with pytest.raises(UsageError, match=r"does not move to .*409"):
            await deeds.move_room(lab, app, "blue", home)
        assert f"The room blue moves to {deeds.city(away)}." == await deeds.move_room(lab, app, "blue", away)
        assert (await guest.next("moved"))["region"] == away
    async with rooms.visit(lab, "ams", app, "blue") as guest:
        assert guest.welcome["region"] == away
    assert await deeds.put_to_sleep(lab, app, "blue") == "The room blue sleeps."
    with pytest.raises(UsageError, match="does not sleep: 404"):
        await deeds.put_to_sleep(lab, app, "green")

    assert await deeds.set_idle(lab, app, [made[0].id, made[1].name], sleep=3, idle=7) == (
        "2 machines changed: an empty room sleeps after 3 s, a machine without rooms ends after 7 s."
    )
    env = (await lab.api.machine(app, made[0].id)).config.env
    assert (env["SLEEP_SECONDS"], env["IDLE_SECONDS"]) == ("3", "7")
    assert "0 machines changed" in await deeds.set_idle(lab, app, [made[0].id], sleep=3, idle=7)


async def test_time_outs_of_the_edges_are_set(lab: Lab) -> None:
    before = await lab.api.links.timeouts()
    assert await deeds.set_timeouts(lab, wake_timeout=12, queue_timeout=3) == (
        "From now on: wake_timeout 12 s, queue_timeout 3 s."
    )
    assert await lab.api.links.timeouts() == before | {"wake_timeout": 12.0, "queue_timeout": 3.0}
    with pytest.raises(BadRequest, match="time-out 'lunch' is unknown"):
        await deeds.set_timeouts(lab, lunch=3)


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (lambda lab: deeds.fill_region(lab, "atlantis"), "no region 'atlantis'; there are ams, iad, nrt"),
        (lambda lab: deeds.slow_link(lab, "ams", "ams", 5), "a link has two ends, and 'ams' is both"),
        (lambda lab: deeds.slow_link(lab, "ams", "iad", 0), "milliseconds 0 is not between 1 and 10000"),
        (lambda lab: deeds.slow_link(lab, "ams", "iad", float("nan")), "milliseconds nan is not between"),
        (lambda lab: deeds.cut_link(lab, "ams", ""), "no region ''"),
        (lambda lab: deeds.move_room(lab, "app", "Blue Room", "ams"), "'Blue Room' is no name of a room"),
        (lambda lab: deeds.move_room(lab, "app", "blue", "lhr"), "no region 'lhr'"),
        (lambda lab: deeds.set_timeouts(lab, wake_timeout=0), "wake_timeout 0 is not between 0.1 and 3600"),
        (lambda lab: deeds.set_idle(lab, "app", [], sleep=-1, idle=0), "until an empty room sleeps -1 is not between"),
        (lambda lab: deeds.start(lab, "app", ""), "no machine is chosen"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(lab: Lab, deed: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        await deed(lab)


async def test_a_machine_that_is_not_there_is_named(lab: Lab) -> None:
    app = await lab.create_app("empty")
    with pytest.raises(UsageError, match="there is no machine 'fox' in c98-empty"):
        await deeds.stop(lab, app, "fox")


async def test_visitors_come_at_their_rate_and_are_counted(lab: Lab) -> None:
    app, _ = await two(lab)
    visitors = Visitors(lab, rng=Random(7))
    assert await visitors.start(app, {"ams": 100.0, "iad": 50.0}) == (
        "Visitors come: 100/s from Amsterdam, 50/s from Ashburn, asking for /api/where."
    )
    await until(lambda: sum(came.ended["ok"] for came in visitors.came.values()) >= 60, what="sixty were answered")
    assert visitors.came["ams"].asked > visitors.came["iad"].asked > 0
    await lab.api.faults.arm("target_5xx", app=app, value=503.0)
    await until(lambda: visitors.came["ams"].ended["503"], what="a failure is counted")
    said = await visitors.stop()
    assert "No more visitors come." in said
    assert "× 503" in said
    assert not visitors.running
    asked = visitors.came["ams"].asked
    assert await visitors.stop() == "No visitors came."
    assert visitors.came["ams"].asked == asked


@pytest.mark.parametrize(
    ("rates", "room", "why"),
    [
        ({}, "", "no city is chosen"),
        ({"lhr": 1.0}, "", "no region 'lhr'"),
        ({"ams": 0.0}, "", "0 visitors a second from Amsterdam: the rate must be above 0"),
        ({"ams": float("inf")}, "", "the rate must be above 0"),
        ({"ams": 150.0, "iad": 150.0}, "", "300 visitors a second are more than 200"),
        ({"ams": 1.0}, "no room", "'no room' is no name of a room"),
    ],
)
async def test_visitors_that_cannot_be_are_refused(lab: Lab, rates: dict[str, float], room: str, why: str) -> None:
    visitors = Visitors(lab)
    with pytest.raises(UsageError, match=why):
        await visitors.start("app", rates, room=room)
    assert not visitors.running
