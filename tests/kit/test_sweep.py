"""What a run left behind is found by name and label, listed first, and removed only when told to."""

from pathlib import Path

import pytest

from flylab.client import Client
from flylab.kit import configs, sweep
from flylab.kit.platform import Platform
from flylab.kit.target import connect

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_only_our_leftovers_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = Platform(regions=["ams"], log=tmp_path / "up.log")
    monkeypatch.setenv("FLYLAB_URL", platform.address.api)
    monkeypatch.setenv("FLYLAB_TOKEN", platform.address.token)
    lab = await connect(chapter="01", regions=["ams"])
    ours = await lab.create_app("left")
    await lab.create_machine(ours, configs.sleeper("local"), region="ams")
    # A stranger's app, and one that only looks like ours: its machine has no label.
    for name in ("shop", "c01-shop-abcdef"):
        await lab.api.create_app(name, org=lab.org)
    await lab.api.create_machine("c01-shop-abcdef", configs.sleeper("local"), region="ams")

    def client() -> Client:
        return Client(platform.address.api, platform.address.token)

    assert await sweep.sweep(client(), lab.org, remove=False) == 1
    assert f"left behind: {ours} (1 machines)" in capsys.readouterr().out
    assert await sweep.sweep(client(), lab.org, remove=True) == 0
    assert {app.name for app in await lab.api.apps(lab.org)} == {"shop", "c01-shop-abcdef"}
    assert await sweep.sweep(client(), lab.org, remove=True) == 0
    assert "nothing was left behind" in capsys.readouterr().out
    lab.apps.clear()
    await lab.close()
    platform.stop()


def test_without_a_token_it_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLY_API_TOKEN", raising=False)
    assert sweep.main([]) == 2
    assert capsys.readouterr().err == "flylab sweep: FLY_API_TOKEN is not set: a token of the Machines API is needed\n"
