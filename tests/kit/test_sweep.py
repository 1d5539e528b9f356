"""The sweep removes what runs left behind, all of that and nothing else; against a real local platform."""

import asyncio
import secrets
from dataclasses import replace

import pytest

from flylab.client import Client
from flylab.client.errors import NotFound
from flylab.clock import SimulatedClock, SystemClock
from flylab.kit import sweep
from flylab.kit.configs import sleeper
from flylab.kit.platform import Platform
from flylab.kit.target import LABEL
from tests.client.fake_api import FakeApi


@pytest.fixture(scope="module")
def platform():
    platform = Platform(regions=("ams",), latency="off")
    yield platform
    platform.stop()
    platform.log.unlink(missing_ok=True)


@pytest.fixture
async def client(platform):
    async with Client(platform.address.api, platform.address.token) as client:
        yield client
        for app in await client.apps():
            await client.delete_app(app.name, force=True)


@pytest.fixture
def run():
    return secrets.token_hex(3)


async def machine(client, app, run=None):
    config = sleeper("local")
    labelled = replace(config, metadata={LABEL: run} if run else {})
    made = await client.create_machine(app, labelled, region="ams")
    await client.wait(app, made.id)
    return made


def later():
    """A clock that is two hours ahead, so that what was just made is old."""
    return SimulatedClock(epoch=SystemClock().wall() + 7200)


async def test_a_run_that_died_is_removed_with_its_apps(client, run):
    rooms, lobby, empty = (f"c03-{what}-{run}" for what in ("rooms", "lobby", "empty"))
    for app in (rooms, lobby, empty):
        await client.create_app(app)
    machines = [await machine(client, rooms, run), await machine(client, rooms, run), await machine(client, lobby, run)]
    report = await sweep.sweep(client, run=run)
    assert report.left == ()
    assert {each for leftover in report.found for each in leftover.machines} == {each.id for each in machines}
    assert await client.apps() == []
    assert (await sweep.sweep(client, run=run)).found == ()


async def test_the_machines_of_others_and_their_app_stay(client, run):
    app = f"c03-rooms-{run}"
    await client.create_app(app)
    ours, other = await machine(client, app, run), await machine(client, app)
    report = await sweep.sweep(client, run=run)
    assert report.left == ()
    assert [leftover.machines for leftover in report.found] == [(ours.id,)]
    assert [each.id for each in await client.machines(app)] == [other.id]


async def test_an_app_of_somebody_else_stays_when_the_run_is_taken_out_of_it(client, run):
    await client.create_app("shared")
    ours = await machine(client, "shared", run)
    await sweep.sweep(client, run=run)
    assert (await client.app("shared")).machine_count == 0
    with pytest.raises(NotFound):
        await client.start("shared", ours.id)


async def test_a_run_that_is_going_on_is_spared(client, run):
    await client.create_app("shared")
    young = await machine(client, "shared", run)
    assert (await sweep.sweep(client)).found == ()
    report = await sweep.sweep(client, clock=later())
    assert [leftover.machines for leftover in report.found] == [(young.id,)]
    assert await client.machines("shared") == []


async def test_nothing_is_removed_without_a_label(client):
    await client.create_app("shared")
    await machine(client, "shared")
    assert (await sweep.sweep(client, clock=later())).found == ()
    assert (await client.app("shared")).machine_count == 1


@pytest.fixture
def environment(monkeypatch, platform):
    monkeypatch.setenv("FLY_API_HOSTNAME", platform.address.api)
    monkeypatch.setenv("FLY_API_TOKEN", platform.address.token)


async def test_the_command_says_what_it_would_do_and_then_does_it(client, run, environment, capsys):
    await client.create_app(f"c03-rooms-{run}")
    await machine(client, f"c03-rooms-{run}", run)
    assert await asyncio.to_thread(sweep.main, ["--run", run, "--dry-run"]) == 0
    assert f"would remove: app c03-rooms-{run}: 1 machine of run {run}, the app itself" in capsys.readouterr().out
    assert len(await client.apps()) == 1
    assert await asyncio.to_thread(sweep.main, ["--run", run]) == 0
    assert f"removed: app c03-rooms-{run}" in capsys.readouterr().out
    assert await client.apps() == []


def test_the_command_line_says_that_nothing_was_left(environment, capsys):
    assert sweep.main(["--run", "000000"]) == 0
    assert "nothing was left behind" in capsys.readouterr().out


async def test_what_cannot_be_removed_is_said_and_the_rest_goes_on():
    api = FakeApi()
    for app, machine_id in (("c03-stuck-abcdef", "1" * 14), ("c03-rooms-abcdef", "2" * 14)):
        api.apps[app] = {"id": app, "name": app}
        config = {"image": "local/sleep", "metadata": {LABEL: "abcdef"}}
        api.machines[machine_id] = {"app": app, "id": machine_id, "state": "started", "config": config}
    held = {"error": "aborted: lease currently held by someone"}
    api.fail(f"DELETE /apps/c03-stuck-abcdef/machines/{'1' * 14}", 409, body=held, times=99)
    async with api.client() as client:
        report = await api.run(sweep.sweep(client, run="abcdef"))
    assert list(api.apps) == ["c03-stuck-abcdef"]
    assert list(api.machines) == ["1" * 14]
    assert len(report.left) == 2
    assert "lease currently held" in report.left[0]
    assert report.left[1].startswith("app c03-stuck-abcdef: ")
