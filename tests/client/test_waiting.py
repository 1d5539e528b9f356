"""Waiting goes on over the API's windows, ends in time and knows what gone means."""

import httpx
import pytest

from flylab.client.errors import BadRequest, NotFound, ServerError, TransportError, WaitTimeout
from tests.client.fake_api import FakeApi, after

ID = "148e21d4b2c0a1"
WAIT = f"/machines/{ID}/wait"


@pytest.fixture
async def api():
    api = FakeApi()
    api.machines[ID] = {"app": "rooms", "id": ID, "state": "created", "config": {}}
    return api


@pytest.fixture
async def client(api):
    async with api.client() as client:
        yield client


def become(api, state):
    api.machines[ID]["state"] = state


async def test_a_wait_longer_than_the_api_allows_is_made_of_windows(api, client):
    later = after(api, 150, lambda: become(api, "started"))
    assert await api.run(client.wait("rooms", ID, "started", timeout=300)) == "started"
    assert sum(request.endswith("/wait") for request in api.requests) == 3
    assert api.clock.now() == pytest.approx(150, abs=2)
    await later


async def test_a_wait_ends_when_it_should(api, client):
    with pytest.raises(
        WaitTimeout, match=r"not started after 90 s, deadline_exceeded: .*current state created"
    ) as caught:
        await api.run(client.wait("rooms", ID, timeout=90))
    assert api.clock.now() == pytest.approx(90, abs=2)
    assert caught.value.request_id == "01FAKE-ams"


async def test_a_short_wait_asks_once(api, client):
    with pytest.raises(WaitTimeout):
        await api.run(client.wait("rooms", ID, timeout=0.2))
    assert len(api.requests) == 1


async def test_a_state_that_is_already_there_is_seen_without_any_time(api, client):
    become(api, "started")
    assert await api.run(client.wait("rooms", ID, timeout=0)) == "started"


async def test_one_of_several_states_is_enough_and_is_named(api, client):
    become(api, "stopped")
    assert await api.run(client.wait("rooms", ID, ["started", "stopped"])) == "stopped"


async def test_gone_is_destroyed(api, client):
    del api.machines[ID]
    assert await api.run(client.wait("rooms", ID, "destroyed")) == "destroyed"
    assert len(api.requests) == 1


async def test_a_machine_that_cannot_be_seen_yet_is_waited_for(api, client):
    api.fail(WAIT, 404, times=3)
    become(api, "started")
    assert await api.run(client.wait("rooms", ID)) == "started"


async def test_a_machine_that_does_not_exist_is_told(api, client):
    api.fail(WAIT, 404, times=99)
    with pytest.raises(NotFound):
        await api.run(client.wait("rooms", ID))
    assert len(api.requests) == 4


async def test_a_bad_request_is_not_repeated(api, client):
    api.fail(WAIT, 400, body={"error": "invalid_argument: no such state"}, times=9)
    with pytest.raises(BadRequest):
        await api.run(client.wait("rooms", ID, "sleeping"))
    assert len(api.requests) == 1


async def test_bad_moments_in_a_wait_are_survived(api, client):
    api.fail(WAIT, 503)
    api.fail(WAIT, error=httpx.ReadError)
    api.fail(WAIT, 429)
    later = after(api, 5, lambda: become(api, "started"))
    assert await api.run(client.wait("rooms", ID)) == "started"
    await later


async def test_a_broken_api_is_told_and_not_waited_out(api, client):
    api.fail(WAIT, 503, times=99)
    with pytest.raises(ServerError):
        await api.run(client.wait("rooms", ID, timeout=600))
    assert len(api.requests) == 5


async def test_trouble_at_the_end_of_the_time_is_told_at_once(api, client):
    api.fail(WAIT, error=httpx.ReadError, times=99)
    with pytest.raises(TransportError):
        await api.run(client.wait("rooms", ID, timeout=0.1))
    assert len(api.requests) == 1


async def test_an_api_that_gives_up_at_once_is_not_hurried(api, client):
    api.fail(WAIT, 408, times=999)
    with pytest.raises(WaitTimeout):
        await api.run(client.wait("rooms", ID, timeout=10))
    assert len(api.requests) <= 21


async def test_the_older_answer_without_a_state_is_understood(api, client):
    api.fail(WAIT, 200, body={"ok": True})
    assert await api.run(client.wait("rooms", ID, "stopped")) == "stopped"


@pytest.mark.parametrize("wanted", ["settled", ["started", "stopped"]])
async def test_when_the_answer_leaves_it_open_the_machine_is_asked(api, client, wanted):
    api.fail(WAIT, 200, body={"ok": True})
    become(api, "stopped")
    assert await api.run(client.wait("rooms", ID, wanted)) == "stopped"


async def test_the_connection_outlasts_the_window(client):
    from flylab.client import calls

    call = calls.wait("rooms", ID, ("started",), version="V1", window=60)
    assert call.patience == 60
    assert call.query == {"state": "started", "timeout": 60, "version": "V1"}
