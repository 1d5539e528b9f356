"""The platform's handle: one per name, gone with its owner, and clear words when it does not get ready."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

from flylab.errors import UsageError
from flylab.kit import configs
from flylab.kit.platform import Attached, NeverReady, Platform, running
from flylab.kit.target import connect
from tests.kit.test_suite import PLATFORM
from tests.kit.written import chapter

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(regions=["ams", "iad"], log=tmp_path / "up.log")
    yield platform
    platform.stop()


def test_it_says_where_it_is_and_stops_twice(platform: Platform) -> None:
    assert list(platform.address.edges) == ["ams", "iad"]
    assert platform.address.api.startswith("http://127.0.0.1:")
    assert platform.alive
    platform.stop()
    platform.stop()
    assert not platform.alive


def test_a_name_is_one_platform_until_its_options_change(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    first = Platform.shared("one", regions=["ams"], log=log)
    assert Platform.shared("one", regions=["ams"], log=log) is first
    second = Platform.shared("one", regions=["iad"], log=log)
    assert not first.alive
    assert list(second.address.edges) == ["iad"]
    second.stop()
    third = Platform.shared("one", regions=["iad"], log=log)
    assert third is not second
    third.stop()


def test_a_platform_that_cannot_start_is_explained_by_its_log(tmp_path: Path) -> None:
    with pytest.raises(NeverReady, match=r"ended before it was ready.*\n.*unknown.*xyz") as caught:
        Platform(regions=["xyz"], log=tmp_path / "up.log")
    assert str(tmp_path / "up.log") in str(caught.value)


def test_a_platform_that_stays_silent_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(NeverReady, match=r"was not ready after 0.001 s"):
        Platform(regions=["ams"], log=tmp_path / "up.log", ready_seconds=0.001)


async def test_a_chapter_attaches_to_the_platform_that_is_named(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYLAB_URL", platform.address.api)
    monkeypatch.setenv("FLYLAB_TOKEN", platform.address.token)
    one, two = await asyncio.gather(*(connect(chapter=chapter, regions=["ams"]) for chapter in ("01", "02")))
    assert isinstance(one.platform, Attached)
    assert one.edges == {"ams": platform.address.edges["ams"]}
    apps = [await lab.create_app("mine") for lab in (one, two)]
    machine = await one.create_machine(apps[0], configs.sleeper("local"), region="ams")
    assert machine.config.metadata["flylab_run"] == one.run_id
    await one.close()
    assert [app.name for app in await two.api.apps(two.org)] == [apps[1]]
    await two.close()
    assert platform.alive


async def test_what_a_failed_chapter_made_on_a_shared_platform_is_removed_at_exit(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYLAB_URL", platform.address.api)
    monkeypatch.setenv("FLYLAB_TOKEN", platform.address.token)
    lab = await connect(chapter="01", regions=["ams"])
    app = await lab.create_app("mine")
    await lab.create_machine(app, configs.sleeper("local"), region="ams")
    await asyncio.to_thread(lab.remove_leftovers)  # what the end of the process calls
    assert await lab.api.apps(lab.org) == []
    await lab.close()


def test_attaching_to_nothing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYLAB_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"no local platform answers at FLYLAB_URL=http://127\.0\.0\.1:9"):
        running("01")


def test_a_region_that_the_named_platform_lacks_is_refused(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYLAB_URL", platform.address.api)
    monkeypatch.setenv("FLYLAB_TOKEN", platform.address.token)
    with pytest.raises(UsageError, match="has no region syd"):
        running("01", regions=["ams", "syd"])


def test_a_cell_that_takes_too_long_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    path = chapter(tmp_path, "01-slow.ipynb", PLATFORM, "import asyncio\nawait asyncio.sleep(600)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].metadata["timeout"] = 1
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout_func=lambda cell: cell.metadata.get("timeout", 60),
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    with pytest.raises(CellTimeoutError):
        client.execute()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("moon", "target is 'moon'; it can be local or fly"),
        ("fly", "needs an access token in the environment variable FLY_API_TOKEN"),
    ],
)
async def test_a_wrong_target_is_one_sentence(target: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLY_API_TOKEN", raising=False)
    with pytest.raises(UsageError, match=says):
        await connect(target, chapter="01")


@pytest.mark.parametrize("host", ["http://127.0.0.1:4280", "http://localhost:4280", "http://[::1]:4280"])
async def test_a_local_platform_is_not_taken_for_fly(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_API_TOKEN", "not a real one")
    monkeypatch.setenv("FLY_API_HOSTNAME", host)
    with pytest.raises(UsageError, match="a local platform: unset it"):
        await connect("fly", chapter="01", budget_usd=1.0)


async def test_nothing_is_created_on_fly_beyond_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_API_TOKEN", "not a real one")
    monkeypatch.setenv("FLY_API_HOSTNAME", "https://api.invalid")
    with pytest.raises(UsageError, match="allow an amount with budget_usd"):
        await connect("fly", chapter="01")
    async with await connect("fly", chapter="01", budget_usd=0.001) as lab:
        with pytest.raises(UsageError, match=r"1 machines on Fly may cost .* USD; budget_usd is 0.001"):
            await lab.create_machine("app", configs.sleeper("fly"), region="ams")
    assert "FLYLAB_URL" not in os.environ


def test_other_settings_are_another_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    monkeypatch.delenv("FLYLAB_URL", raising=False)
    plain = running("one", regions=["ams"])
    quick = running("one", regions=["ams"], settings={"autostop": {"idle": 2.0, "enabled": True}})
    assert isinstance(plain, Platform)
    assert isinstance(quick, Platform)
    assert not plain.alive
    assert quick.alive
    assert running("one", regions=["ams"], settings={"autostop": {"idle": 2.0, "enabled": True}}) is quick
    quick.stop()


def test_a_setting_that_there_is_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    monkeypatch.delenv("FLYLAB_URL", raising=False)
    with pytest.raises(NeverReady, match="sleepy"):
        running("one", regions=["ams"], settings={"autostop": {"sleepy": 2.0}})
