"""Waiting: the forms of the question, the answer, and what ends it."""

import asyncio

import pytest

from flylab.client.errors import NotFound, WaitTimeout
from flylab.clock import SystemClock


@pytest.fixture
async def stopped(client, service, app):
    """A machine that was created and never launched."""
    return await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)


def path(app, machine):
    return f"/apps/{app}/machines/{machine.id}/wait"


async def test_the_answer_says_what_was_reached(raw, app, machine):
    answer = await raw("GET", path(app, machine), params={"state": "started"})
    assert answer.status_code == 200
    assert answer.json()["ok"] is True
    assert answer.json().get("state", "started") == "started"
    assert answer.json().get("version", machine.version) == machine.version


async def test_started_is_waited_for_when_nothing_is_said(raw, app, machine):
    assert (await raw("GET", path(app, machine))).status_code == 200


@pytest.mark.parametrize("params", [{"state": "stopped,started"}, {"state": ["stopped", "started"]}])
async def test_several_states_are_repeated_or_separated_by_commas(raw, app, machine, params):
    assert (await raw("GET", path(app, machine), params=params)).status_code == 200


@pytest.mark.parametrize("key", ["version", "instance_id"])
async def test_the_version_has_two_names(raw, app, machine, key):
    answer = await raw("GET", path(app, machine), params={"state": "started", key: machine.version})
    assert answer.status_code == 200


async def test_a_wait_that_runs_out_says_both_states(raw, app, stopped):
    answer = await raw("GET", path(app, stopped), params={"state": "started", "timeout": 1})
    assert answer.status_code == 408
    error = answer.json()["error"]
    assert error.startswith("deadline_exceeded")
    assert "started" in error
    assert "created" in error


@pytest.mark.parametrize("seconds", ["0", "61", "-1", "soon"])
async def test_a_timeout_outside_of_a_minute_is_refused(raw, app, machine, seconds):
    answer = await raw("GET", path(app, machine), params={"state": "started", "timeout": seconds})
    assert answer.status_code == 400
    assert "invalid_argument" in answer.json()["error"]


async def test_an_unknown_state_is_refused(raw, app, machine):
    assert (await raw("GET", path(app, machine), params={"state": "asleep"})).status_code == 400


async def test_a_change_ends_a_wait_that_is_under_way(client, service, app, machine):
    waiting = asyncio.create_task(client.wait(app, machine.id, "stopped", timeout=service.patience))
    await client.stop(app, machine.id)
    assert await waiting == "stopped"


async def test_only_events_after_the_one_that_is_named_count(raw, client, app, machine):
    newest = (await client.events(app, machine.id))[0]
    params = {"state": "started", "timeout": 1, "from_event_id": newest.id}
    assert (await raw("GET", path(app, machine), params=params)).status_code == 408


async def test_settled_is_any_state_of_rest(client, service, app):
    made = await client.create_machine(app, service.leaver(0), region="ams")
    assert await client.wait(app, made.id, "settled", timeout=service.patience) in ("started", "stopped")


async def test_a_wait_for_what_does_not_exist_is_told_apart(client, app, machine):
    with pytest.raises(NotFound):
        await client.wait(app, "00000000000000", "started", timeout=5)
    assert await client.wait(app, "00000000000000", "destroyed", timeout=5) == "destroyed"


async def test_the_client_gives_up_when_it_should(client, app, stopped):
    clock = SystemClock()
    began = clock.now()
    with pytest.raises(WaitTimeout, match="not started after 1 s"):
        await client.wait(app, stopped.id, "started", timeout=1.0)
    assert 0.9 <= clock.now() - began < 10
