"""The story of the control room on a real platform: every step is seen to be so, also after the platform was killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flylab.client import Client
from flylab.errors import UsageError
from flylab.kit.control import deeds, tour
from flylab.kit.control.stage import SETTINGS, Stage
from flylab.kit.control.storyboard import Halted, Now, Phase
from flylab.kit.platform import Platform
from flylab.kit.record import Record
from flylab.kit.target import Lab, connect
from tests.support import until

REGIONS = ("nrt", "cdg", "iad")


@pytest.fixture
async def stage(nothing_left: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    lab = await connect("local", chapter="control", regions=REGIONS, settings=SETTINGS)
    stage = Stage(lab, Record("control-room", target="local"), regions=REGIONS)
    yield stage
    await stage.close()
    await lab.close()


async def test_a_room_is_woken_joined_loses_its_host_and_moves(stage: Stage) -> None:
    board = tour.tour(stage)
    outcomes = {outcome.step.title: outcome.seen for outcome in await board.play()}
    assert list(outcomes) == [step.title for step in tour.STEPS]
    assert outcomes["Everything sleeps"] == "3 machines in 3 regions, none of them running."
    assert "The machine in Tokyo was started for this visitor" in outcomes["A visitor arrives in Tokyo"]
    assert (
        "Paris answered fly-replay, and the request went on to Tokyo" in outcomes["A second visitor comes from Paris"]
    )
    assert "Tokyo to Paris" in outcomes["Both draw"]
    # What was drawn in one city is seen in the other after half a round trip at least: it cannot be faster.
    assert min(stage.record.ms("seen")) >= 112
    assert "has the room, in epoch" in outcomes["The host dies"]
    assert "each once" in outcomes["Nothing is lost"]
    assert outcomes["The room moves"].startswith("The room is back in Tokyo. All ")
    assert "none of them running" in outcomes["Everybody leaves"]
    assert stage.guests == {}
    assert await deeds.clear(stage.lab) == "Nothing was armed, slow or cut."

    await kill_in_the_middle(stage, board)


async def kill_in_the_middle(stage: Stage, board: tour.Storyboard) -> None:
    """The platform is killed while two visitors are in the room: a clear sentence, and another performance."""
    said: list[Now] = []
    board.listen(said.append)
    platform = stage.lab.platform
    assert isinstance(platform, Platform)
    playing = asyncio.ensure_future(board.again())
    await until(lambda: board.now.title == "Both draw", 60.0)
    os.kill(platform.process.pid, signal.SIGKILL)
    with pytest.raises(Halted, match=r"Step \d of 8, “[^”]*”, ended early: the platform has ended\. Press Again"):
        await asyncio.wait_for(playing, 30.0)
    assert said[-1].phase is Phase.FAILED
    # Two steps of another performance are enough to see that everything is there again.
    board.pause()
    await board.next()
    await board.next()
    assert stage.lab.platform is not platform
    assert "The machine in Tokyo was started" in board.now.seen


async def test_a_stage_that_cannot_be_is_refused(lab_without_platform: Lab) -> None:
    record = Record("control-room", target="local")
    for regions, why in ((("nrt", "atlantis"), "no region 'atlantis'"), (("nrt",), "two different ones")):
        with pytest.raises(UsageError, match=why):
            Stage(lab_without_platform, record, regions=regions)
    with pytest.raises(UsageError, match="'My Room' is no name of a room"):
        Stage(lab_without_platform, record, regions=REGIONS, room="My Room")
    with pytest.raises(UsageError, match="the story needs a machine in Paris, and the regions are nrt, iad"):
        tour.tour(Stage(lab_without_platform, record, regions=("nrt", "iad")))


@pytest.fixture
async def lab_without_platform() -> AsyncIterator[Lab]:
    api = Client("http://127.0.0.1:1", "token")
    edges = dict.fromkeys(REGIONS, "http://127.0.0.1:1")
    lab = Lab(api, target="local", chapter="control", org="personal", edges=edges, token="token")
    yield lab
    await lab.close()
