"""The control room on a real platform: each button does its deed, what goes wrong is a sentence, and all of it ends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flylab.client import Client
from flylab.errors import UsageError
from flylab.kit.control.panel import ControlRoom, control_room
from flylab.kit.control.stage import SETTINGS, Stage
from flylab.kit.control.storyboard import Now, Phase
from flylab.kit.platform import Platform
from flylab.kit.record import Record
from flylab.kit.target import Lab, connect
from flylab.wire.link import Link
from tests.support import until

REGIONS = ("nrt", "cdg", "iad")


@pytest.fixture
async def lab(nothing_left: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    lab = await connect("local", chapter="control", regions=REGIONS, settings=SETTINGS)
    yield lab
    await lab.close()


async def a_room(lab: Lab, **options: float) -> ControlRoom:
    record = Record("control-room", target="local")
    return await control_room(lab, record, stage=Stage(lab, record, regions=REGIONS), **options)


async def said(room: ControlRoom, name: str) -> str:
    """What the status line says when a button has been pressed; no button stays disabled."""
    await room.press(name)
    assert not room.buttons[name].disabled
    return str(room.status.value)


async def test_every_button_does_its_deed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await a_room(lab)
    stage, tabs = room.stage, room.tabs
    nrt = stage.machines["nrt"]
    await room.feed.until(lambda picture: len(picture.machines) == 3)
    await until(lambda: len(tabs.machines.chosen.options) == 3)
    room.world._message(None, {"t": "pick", "machine": nrt}, None)
    assert tabs.machines.chosen.value == nrt
    assert "nrt-1 in Tokyo is started after" in await said(room, "start")
    assert "nrt-1 in Tokyo is suspended after" in await said(room, "suspend")
    assert "nrt-1 in Tokyo is stopped after" in await said(room, "stop")
    assert "nrt-1 in Tokyo is started after" in await said(room, "start")
    assert "nrt-1 in Tokyo is killed" in await said(room, "kill")
    assert "is lost, and what ran there" in await said(room, "lose-host")
    assert "The host of nrt-1 in Tokyo is back" in await said(room, "find-host")

    room.world._message(None, {"t": "pick", "region": "iad"}, None)
    assert (tabs.regions.region.value, tabs.rooms.city.value, tabs.machines.region.value) == ("iad", "iad", "iad")
    assert "Ashburn is full" in await said(room, "fill")
    assert "That did not work" in await said(room, "make")
    assert "There is room in Ashburn again" in await said(room, "free")
    tabs.regions.a.value, tabs.regions.b.value, tabs.regions.ms.value = "iad", "cdg", 120
    assert "between Ashburn and Paris take 120 ms longer" in await said(room, "slow")
    assert await lab.api.links.disturbed() == [Link(a="iad", b="cdg", added_ms=120)]
    assert "is cut" in await said(room, "cut")
    assert "is as it was" in await said(room, "mend")
    tabs.regions.b.value = "iad"
    assert "a link has two ends" in await said(room, "cut")

    tabs.faults.fault.value, tabs.faults.value.value = "slow_port", "many"
    assert "value &#x27;many&#x27; of fault slow_port is not a number of seconds" in await said(room, "arm")
    tabs.faults.value.value, tabs.faults.aim.value = "12", "the region"
    assert "slow_port for region iad" in await said(room, "arm")
    await until(lambda: tabs.faults.armed.options)
    tabs.faults.armed.value = tabs.faults.armed.options[0][1]
    assert "Disarmed: slow_port" in await said(room, "disarm")
    assert "Nothing was armed, slow or cut" in await said(room, "clear")

    tabs.rooms.name.value = "No Room"
    for name in ("move", "sleep", "open"):
        assert "is no name of a room" in await said(room, name)
    tabs.rooms.name.value = "blue"
    assert "does not move to Ashburn: 404" in await said(room, "move")
    assert "opens the room blue through the edge in Ashburn" in await said(room, "open")
    assert f"{lab.room_url(stage.app, 'iad')}/rooms/blue" in tabs.rooms.link.value
    tabs.rooms.asleep.value, tabs.rooms.idle.value = 3, 9
    assert "3 machines changed" in await said(room, "rest")
    tabs.rooms.wake.value = 11
    assert "wake_timeout 11 s" in await said(room, "times")

    assert "The room tour as it is seen from Tokyo, Paris, Ashburn" in await said(room, "show")
    assert [frame["region"] for frame in room.frames.frames] == ["nrt", "cdg", "iad"]
    assert room.frames.frames[0]["url"] == f"{lab.room_url(stage.app, 'nrt')}/rooms/tour"
    room.rooms.views[1].value = "nrt"
    assert "different regions" in await said(room, "show")
    assert "closed" in await said(room, "hide")

    for number, title, shown in (
        (1, "One", 0),
        (4, "Both draw", 3),
        (5, "The host dies", 3),
        (8, "Everybody leaves", 0),
    ):
        room.rooms.views[1].value = "cdg"
        room._told(Now(Phase.PLAYING, number, 8, title, ""))
        assert len(room.frames.frames) == shown, title

    tabs.visitors.cities.value, tabs.visitors.rate.value = ("cdg", "iad"), 20.0
    assert "20/s from Paris, 20/s from Ashburn" in await said(room, "send")
    await until(lambda: room.visitors.came["cdg"].ended["ok"])
    await until(lambda: "answered" in tabs.visitors.said.value)
    tabs.visitors.cities.value = ()
    assert "no city is chosen" in await said(room, "send")
    assert "No more visitors come" in await said(room, "send-off")
    assert "the story is not playing" in await said(room, "pause")
    assert "is destroyed" in await said(room, "destroy")
    assert "Set up: 3 machines, all stopped" in await said(room, "set-up")
    nrt = stage.machines["nrt"]
    assert (await lab.api.links.timeouts())["wake_timeout"] == 60.0
    assert (await lab.api.machine(stage.app, nrt)).config.env["IDLE_SECONDS"] == "4"

    await two_at_once(lab, room)
    await killed(lab, room, monkeypatch)


async def two_at_once(lab: Lab, room: ControlRoom) -> None:
    """Another panel on the same platform shows the same, and has rooms of its own."""
    other = await a_room(lab)
    assert other.stage.app != room.stage.app
    await room.feed.until(lambda picture: len(picture.machines) == 6)
    await other.feed.until(lambda picture: len(picture.machines) == 6)
    assert "Paused after step 1 of 8" in await said(other, "next")
    assert (other.story.phase, room.story.phase) == (Phase.PAUSED, Phase.READY)
    assert other.world.caption["step"] == 1
    # A cell that is run again connects again: what it showed before ends then, and what has the same handle stays.
    again = await connect("local", chapter="control", regions=REGIONS, settings=SETTINGS)
    other.lab = again
    third = await a_room(lab)
    assert not other.feed.running
    assert room.feed.running
    await third.end()
    await again.api.close()


async def killed(lab: Lab, room: ControlRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform is killed: the picture and every button say so, and Again starts another one."""
    platform = lab.platform
    assert isinstance(platform, Platform)
    seen_late(platform, monkeypatch)
    os.kill(platform.process.pid, signal.SIGKILL)
    await room.feed.until(lambda picture: picture.platform == "lost")
    assert "That did not work" in await said(room, "fill")
    playing = asyncio.ensure_future(room.press("again"))
    await until(lambda: len(room.story.outcomes) == 2 or playing.done(), 60.0, what="two steps on another platform")
    room.story.pause()
    await playing
    assert "Paused after step" in room.status.value
    await room.feed.until(lambda picture: picture.platform == "live")
    assert "The machine in Tokyo was started" in room.still()
    await room.end()


def seen_late(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process does not count as ended until somebody waits for that, as on a computer that is very busy."""
    ended, waited = platform.ended, asyncio.Event()

    async def wait() -> None:
        waited.set()
        await ended()

    monkeypatch.setattr(platform, "ended", wait)
    really = platform.process.poll
    monkeypatch.setattr(platform.process, "poll", lambda: really() if waited.is_set() else None)


@pytest.mark.parametrize("late", [False, True])
async def test_a_platform_that_is_gone_is_no_trouble_at_the_end(
    lab: Lab, late: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = await lab.create_app("rooms")
    assert isinstance(lab.platform, Platform)
    if late:
        seen_late(lab.platform, monkeypatch)
    os.kill(lab.platform.process.pid, signal.SIGKILL)
    await lab.close()
    assert f"The local platform had ended before; what it had went with it: {app}." in capsys.readouterr().out
    assert not lab.apps


async def test_what_cannot_be_is_refused() -> None:
    nowhere = dict.fromkeys(REGIONS, "http://127.0.0.1:1")
    api = Client("http://127.0.0.1:1", "token")
    async with Lab(api, target="local", chapter="control", org="personal", edges=nowhere, token="token") as lab:
        with pytest.raises(UsageError, match="dwell is -1; it is a number of seconds between 0 and 60"):
            await a_room(lab, dwell=-1)
        lab.target = "fly"
        with pytest.raises(UsageError, match="for the local platform"):
            await control_room(lab)
