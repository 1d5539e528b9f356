"""Texts of machines that are kept: they are what the machine says now, whatever has happened to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flylab.errors import LocalError
from flylab.rules import lifecycle as on
from flylab.rules.metadata import SetMetadata
from flylab.rules.orders import Cordon, Happened
from tests.local.test_platform import World


def test_a_kept_text_is_what_the_machine_says_now_after_each_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    life, platform = world.machine(), world.platform
    for event in (
        Happened("m", on.Start()), Happened("m", on.Started()), Cordon("m", True),
        SetMetadata(machine="m", values={"a": "1"}), Happened("m", on.Stop()), Happened("m", on.Exited()),
        Happened("m", on.Update(replace(life.config, env={"A": "1"}), "v2", {})),
    ):  # fmt: skip
        platform.rendered.text(life)
        platform.apply(event)
        assert platform.rendered.text(life) == json.dumps(life.machine().to_json()).encode(), event
    assert platform.rendered._of(life) is platform.rendered._of(life)  # and it was not made anew
    platform.apply(Happened("m", on.Destroy()))
    platform.apply(Happened("m", on.Removed()))
    assert b'"state": "destroyed"' in platform.rendered.text(life)


def test_large_machines_and_those_with_checks_are_not_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    life, texts = world.machine(), world.platform.rendered
    for config in (
        replace(life.config, env={"LARGE": "x" * 70_000}),
        replace(life.config, checks={"up": {"type": "tcp", "port": 80}}),
    ):
        world.platform.apply(Happened("m", on.Update(config, config.image + str(len(config.env)), {})))
        assert texts._of(life) is not texts._of(life)


def test_a_text_is_written_as_everywhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    life = world.machine()
    whole = json.dumps(life.machine().to_json())
    for lives in ([], [life], [life, life]):
        assert world.platform.rendered.texts(lives).decode() == f"[{', '.join(whole for _ in lives)}]"


async def test_news_that_cannot_be_written_down_is_taken_in_its_order_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    life = world.machine(on.Start())
    monkeypatch.setattr(world.store, "write", refuse)
    for news in (on.Started(), on.Exited(1)):
        world.platform.report("m", news)
    with pytest.raises(LocalError):
        world.platform.apply(Cordon("m", True))
    assert (life.state, life.running, life.cordoned, len(life.log)) == ("starting", True, False, 2)
    await world.clock.advance(1.0)
    assert life.state == "starting"
    monkeypatch.undo()
    await world.clock.advance(1.0)
    assert [event.status for event, _ in life.log] == ["created", "starting", "started", "stopped"]
    assert world.store.read()[1][0].log == life.log


def refuse(**_: object) -> None:
    raise LocalError("the disk is full")
