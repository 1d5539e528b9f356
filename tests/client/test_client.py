"""The client survives what the API does to its callers: lost answers, lags, refusals that pass, limits."""

import httpx
import pytest

from flylab.client import Client, calls
from flylab.client.errors import (
    AlreadyExists,
    AmbiguousTimeout,
    AnswerError,
    Conflict,
    NameTaken,
    NotFound,
    PreconditionFailed,
    RateLimited,
    ServerError,
    TransportError,
    Unprocessable,
)
from flylab.client.making import CREATE_MARK
from flylab.errors import UsageError
from flylab.wire.machine import MachineConfig
from tests.client.fake_api import TOKEN, URL, FakeApi

CONFIG = MachineConfig(image="local/sleep", env={"A": "1"})
CREATE = "POST /apps/rooms/machines"
RATE = {"error": "rate limit exceeded"}


@pytest.fixture
async def api():
    return FakeApi()


@pytest.fixture
async def client(api):
    api.apps["rooms"] = {"id": "a0", "name": "rooms", "organization": {"slug": "personal"}}
    async with api.client() as client:
        yield client


# Creating a machine, once


@pytest.mark.parametrize("name", ["room-1", None])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 408},
        {"status": 502},
        {"status": 503},
        {"error": httpx.ReadTimeout},
        {"error": httpx.RemoteProtocolError},
    ],
    ids=str,
)
async def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(api, client, name, fault):
    api.fail(CREATE, after=True, **fault)
    machine = await api.run(client.create_machine("rooms", CONFIG, name=name))
    assert list(api.machines) == [machine.id]
    assert api.count(CREATE) == 1


@pytest.mark.parametrize("name", ["room-1", None])
async def test_a_create_that_did_not_happen_is_sent_again(api, client, name):
    api.fail(CREATE, 408)
    machine = await api.run(client.create_machine("rooms", CONFIG, name=name))
    assert list(api.machines) == [machine.id]
    assert api.count(CREATE) == 2


async def test_a_list_that_lags_cannot_make_two_machines_of_one_name(api, client):
    api.fail(CREATE, 408, after=True)
    api.list_is_empty_for = 1
    machine = await api.run(client.create_machine("rooms", CONFIG, name="room-1"))
    assert list(api.machines) == [machine.id]
    assert api.count(CREATE) == 2  # the second was refused, and its 409 named the first


async def test_a_machine_of_that_name_that_somebody_else_made_is_not_adopted(api, client):
    other = await api.run(client.create_machine("rooms", CONFIG, name="room-1"))
    with pytest.raises(AlreadyExists) as caught:
        await api.run(client.create_machine("rooms", CONFIG, name="room-1"))
    assert caught.value.machine_id == other.id
    assert len(api.machines) == 1


async def test_a_create_gives_up_and_says_why(api, client):
    api.fail(CREATE, 408, times=99)
    with pytest.raises(AmbiguousTimeout):
        await api.run(client.create_machine("rooms", CONFIG))
    assert api.count(CREATE) == 3


async def test_the_last_attempt_is_looked_for_too(api, client):
    api.fail(CREATE, 408, times=2)
    api.fail(CREATE, 408, after=True)
    machine = await api.run(client.create_machine("rooms", CONFIG))
    assert list(api.machines) == [machine.id]


async def test_a_refused_create_is_not_sent_again(api, client):
    api.fail(CREATE, 422, body={"error": "no candidate host", "status": "insufficient_capacity"}, times=9)
    with pytest.raises(Unprocessable, match="no candidate host") as caught:
        await api.run(client.create_machine("rooms", CONFIG))
    assert caught.value.capacity == "insufficient_capacity"
    assert api.count(CREATE) == 1


async def test_when_nothing_can_be_looked_up_the_first_failure_is_told(api, client):
    api.fail(CREATE, 408, after=True)
    api.fail("GET /apps/rooms/machines", 401, times=99)
    with pytest.raises(AmbiguousTimeout):
        await api.run(client.create_machine("rooms", CONFIG))


async def test_a_success_that_cannot_be_read_is_looked_for(api, client):
    api.fail(CREATE, 200, body="<html>", after=True)
    machine = await api.run(client.create_machine("rooms", CONFIG))
    assert list(api.machines) == [machine.id]


async def test_an_answer_without_a_machine_is_said_to_be_unreadable(api, client):
    api.fail(CREATE, 200, body={"id": "1"})
    with pytest.raises(AnswerError, match="cannot read machine"):
        await api.run(client.create_machine("rooms", CONFIG))


async def test_creates_wait_for_the_rate_limit(api, client):
    api.fail(CREATE, 429, body=RATE, times=4)
    await api.run(client.create_machine("rooms", CONFIG))
    assert len(api.machines) == 1
    assert api.count(CREATE) == 5
    assert api.count("GET /apps/rooms/machines") == 0  # nothing was done, so nothing is looked for
    gaps = [b - a for a, b in zip(api.times, api.times[1:], strict=False)]
    assert all(gap >= 0.5 for gap in gaps)


async def test_a_rate_limit_that_does_not_end_is_told(api, client):
    api.fail(CREATE, 429, body=RATE, headers={"retry-after": "2"}, times=99)
    with pytest.raises(RateLimited):
        await api.run(client.create_machine("rooms", CONFIG))
    assert api.count(CREATE) == 10


async def test_create_sends_what_was_asked_and_its_mark(api, client):
    await api.run(client.create_machine("rooms", CONFIG, region="lhr,eu", name="r", skip_launch=True))
    body = api.bodies[-1]
    assert {key: body[key] for key in ("region", "name", "skip_launch")} == {
        "region": "lhr,eu",
        "name": "r",
        "skip_launch": True,
    }
    assert body["config"]["env"] == {"A": "1"}
    assert body["config"]["metadata"][CREATE_MARK]
    assert CONFIG.metadata == {}


async def test_an_empty_region_is_never_sent(api, client):
    await api.run(client.create_machine("rooms", CONFIG, region=""))
    assert "region" not in api.bodies[-1]


# Updating


async def test_an_update_that_counted_is_recognised(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail(f"POST /apps/rooms/machines/{made.id}", 408, after=True)
    changed = MachineConfig(image="local/sleep", env={"A": "2"})
    updated = await api.run(client.update_machine("rooms", made.id, changed, current_version=made.version))
    assert updated.version == "V1+"
    assert updated.config.env == {"A": "2"}


async def test_an_update_of_a_known_version_that_did_not_happen_is_sent_again(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail(f"POST /apps/rooms/machines/{made.id}", 408)
    updated = await api.run(client.update_machine("rooms", made.id, CONFIG, current_version=made.version))
    assert updated.version == "V1+"


async def test_an_update_without_a_version_is_never_repeated(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    update = f"POST /apps/rooms/machines/{made.id}"
    api.fail(update, 408, times=9)
    with pytest.raises(AmbiguousTimeout):
        await api.run(client.update_machine("rooms", made.id, CONFIG))
    assert api.count(update) == 1


async def test_somebody_elses_update_is_a_conflict(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    with pytest.raises(Conflict, match="current_version"):
        await api.run(client.update_machine("rooms", made.id, CONFIG, current_version="V0"))


# Starting, stopping, destroying


@pytest.mark.parametrize("words", ["still active, refusing to start", "getting replaced, refusing to start"])
async def test_a_start_is_tried_until_the_machine_is_at_rest(api, client, words):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail("/start", 412, body={"error": f"failed_precondition: machine {words}"}, times=6)
    assert await api.run(client.start("rooms", made.id)) is True
    assert api.machines[made.id]["state"] == "started"


async def test_a_machine_that_never_rests_is_told_after_ten_seconds(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail("/start", 412, body={"error": "failed_precondition: machine still active"}, times=99)
    began = api.clock.now()
    with pytest.raises(PreconditionFailed, match="still active"):
        await api.run(client.start("rooms", made.id))
    assert 8 <= api.clock.now() - began <= 11


async def test_another_precondition_is_told_at_once(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail("/start", 412, body={"error": "failed_precondition: machine is being destroyed"}, times=99)
    with pytest.raises(PreconditionFailed):
        await api.run(client.start("rooms", made.id))
    assert sum(request.endswith("/start") for request in api.requests) == 1


@pytest.mark.parametrize("status", [409, 412])
async def test_a_start_of_what_is_starting_is_a_success(api, client, status):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail("/start", status, body={"error": "aborted: machine still attempting to start"})
    assert await api.run(client.start("rooms", made.id)) is False


async def test_any_other_conflict_of_a_start_is_one(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail("/start", 409, body={"error": "aborted: insufficient CPUs available to fulfill request"}, times=9)
    with pytest.raises(Conflict) as caught:
        await api.run(client.start("rooms", made.id))
    assert caught.value.capacity == "host"


@pytest.mark.parametrize("verb", ["start", "stop", "suspend", "cordon", "uncordon"])
async def test_what_ends_in_the_same_place_is_repeated(api, client, verb):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail(f"/{verb}", 408, after=True)
    api.fail(f"/{verb}", error=httpx.ReadError)
    await api.run(getattr(client, verb)("rooms", made.id))
    assert sum(request.endswith(f"/{verb}") for request in api.requests) == 3


async def test_stop_sends_no_body_or_an_object(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    await api.run(client.stop("rooms", made.id))
    assert api.bodies[-1] is None
    await api.run(client.stop("rooms", made.id, signal="SIGINT", timeout=2.5))
    assert api.bodies[-1] == {"signal": "SIGINT", "timeout": "2.5s"}


async def test_destroying_what_is_gone_is_done(api, client):
    made = await api.run(client.create_machine("rooms", CONFIG))
    api.fail(f"DELETE /apps/rooms/machines/{made.id}", 502, after=True)
    await api.run(client.destroy("rooms", made.id, force=True))
    assert api.machines == {}
    await api.run(client.destroy("rooms", made.id))


# Apps


async def test_an_app_is_read_back_once_it_can_be_seen(api, client):
    api.fail("GET /apps/lobby", 404)
    api.fail("GET /apps/lobby", 401)
    assert (await api.run(client.create_app("lobby"))).name == "lobby"


async def test_an_app_whose_creation_was_answered_with_408_is_adopted(api, client):
    api.fail("POST /apps", 408, after=True)
    assert (await api.run(client.create_app("lobby"))).name == "lobby"
    assert api.count("POST /apps") == 1


async def test_an_app_that_nobody_can_see_yet_is_recognised_by_its_taken_name(api, client):
    api.fail("POST /apps", 408, after=True)
    api.fail("GET /apps/lobby", 404)
    assert (await api.run(client.create_app("lobby"))).name == "lobby"
    keys = [body["idempotency_key"] for body in api.bodies if body]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_name_that_is_taken_is_not_adopted(api, client):
    with pytest.raises(NameTaken, match="already been taken"):
        await api.run(client.create_app("rooms"))


async def test_an_app_that_never_appears_is_told(api, client):
    api.fail("GET /apps/lobby", 404, times=99)
    with pytest.raises(NotFound):
        await api.run(client.create_app("lobby"))


async def test_all_pages_of_apps_are_read(api, client):
    for name in ("a", "b", "c", "d"):
        await api.run(client.create_app(name))
    assert [app.name for app in await api.run(client.apps())] == ["a", "b", "c", "d", "rooms"]


async def test_deleting_an_app_twice_is_fine(api, client):
    await api.run(client.delete_app("rooms", force=True))
    await api.run(client.delete_app("rooms"))


# The connection


async def test_reading_survives_a_bad_moment(api, client):
    api.fail("GET /apps/rooms", error=httpx.ConnectError)
    api.fail("GET /apps/rooms", 503)
    api.fail("GET /apps/rooms", error=httpx.ReadTimeout)
    assert (await api.run(client.app("rooms"))).name == "rooms"


@pytest.mark.parametrize(
    ("error", "sent", "attempts"),
    [
        (httpx.ConnectError, False, 5),
        (httpx.ConnectTimeout, False, 5),
        (httpx.PoolTimeout, False, 5),
        (httpx.ReadTimeout, True, 5),
        (httpx.ReadError, True, 5),
        (httpx.RemoteProtocolError, True, 5),
    ],
)
async def test_no_foreign_exception_gets_out(api, client, error, sent, attempts):
    api.fail("GET /apps/rooms", error=error, times=99)
    with pytest.raises(TransportError) as caught:
        await api.run(client.app("rooms"))
    assert caught.value.sent is sent
    assert isinstance(caught.value.__cause__, httpx.HTTPError)
    assert api.count("GET /apps/rooms") == attempts
    assert str(caught.value).startswith("look at app rooms: no answer, ")


async def test_the_request_id_is_kept(api, client):
    with pytest.raises(NotFound) as caught:
        await api.run(client.machine("rooms", "148e21d4b2c0a1"))
    assert caught.value.request_id == "01FAKE-ams"
    assert str(caught.value) == (
        "look at machine 148e21d4b2c0a1 of app rooms: answered 404, not_found: machine not found (request 01FAKE-ams)"
    )


async def test_names_cannot_leave_their_place_in_the_path(api, client):
    with pytest.raises(NotFound):
        await api.run(client.machine("rooms", "../../../tokens/current"))
    assert "tokens" not in [part for request in api.requests for part in request.split("/")[:3]]


async def test_a_server_error_that_stays_is_told(api, client):
    api.fail("GET /apps/rooms", 500, body="oh", times=99)
    with pytest.raises(ServerError, match="answered 500, oh"):
        await api.run(client.app("rooms"))


# The token


async def test_the_token_is_in_no_text(api, caplog):
    caplog.set_level(0)
    async with api.client() as client:
        api.fail("GET /apps/rooms", 500, body=f"you sent Bearer {TOKEN}", times=99)
        with pytest.raises(ServerError) as caught:
            await api.run(client.app("rooms"))
        chain = [caught.value, caught.value.__cause__, caught.value.__context__]
        texts = [repr(client), str(vars(client)), caplog.text, *map(str, chain), *map(repr, chain)]
    assert "[token]" in str(caught.value)
    assert not any(TOKEN in text for text in texts)


@pytest.mark.parametrize("token", ["", "  ", "two\nlines", "snow☃", "nul\0"])
async def test_a_malformed_token_is_refused_without_being_quoted(token):
    with pytest.raises(UsageError) as caught:
        Client(URL, token)
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("fo1_abc", "Bearer fo1_abc"),
        ("fm2_abc,fm2_def", "FlyV1 fm2_abc,fm2_def"),
        ("FlyV1 fm2_abc", "FlyV1 fm2_abc"),
        (" fo1_abc\n", "Bearer fo1_abc"),
    ],
)
async def test_each_kind_of_token_is_sent_in_its_scheme(api, token, header):
    async with Client(URL, token, transport=httpx.MockTransport(api.answer), clock=api.clock) as client:
        with pytest.raises(Exception, match="401"):
            await api.run(client.app("rooms"))
    assert api.headers[-1]["authorization"] == header


# The address and the environment


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://127.0.0.1:4280", "http://127.0.0.1:4280/v1"),
        ("http://127.0.0.1:4280/v1/", "http://127.0.0.1:4280/v1"),
        ("127.0.0.1:4280", "http://127.0.0.1:4280/v1"),
        ("localhost:4280", "http://localhost:4280/v1"),
        ("api.machines.dev", "https://api.machines.dev/v1"),
        ("https://api.machines.dev", "https://api.machines.dev/v1"),
        ("http://_api.internal:4280", "http://_api.internal:4280/v1"),
    ],
)
async def test_the_address_is_read_in_every_usual_form(given, meant):
    async with Client(given, TOKEN) as client:
        assert client.base_url == meant
        assert repr(client) == f"Client({meant!r})"


@pytest.mark.parametrize("address", ["ftp://x", "http://", "http://me:secret@host", "http://[", ""])
async def test_an_impossible_address_is_refused(address):
    with pytest.raises(UsageError, match="address") as caught:
        Client(address, TOKEN)
    assert "secret" not in str(caught.value)


async def test_proxies_are_for_the_real_service_alone(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    for key in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(key, raising=False)
    async with Client("http://127.0.0.1:4280", TOKEN) as near, Client("https://api.machines.dev", TOKEN) as far:
        assert not near._transport._http.trust_env
        assert far._transport._http.trust_env


async def test_the_environment_names_the_service():
    async with Client.from_env({"FLY_API_TOKEN": TOKEN}) as client:
        assert client.base_url == "https://api.machines.dev/v1"
    async with Client.from_env({"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": URL}) as client:
        assert client.base_url == f"{URL}/v1"
    with pytest.raises(UsageError, match="FLY_API_TOKEN is not set"):
        Client.from_env({"FLY_API_TOKEN": " "})


async def test_errors_about_secrets_have_no_value(api, client):
    api.fail("POST /apps/rooms/secrets", 500, times=99)
    with pytest.raises(ServerError) as caught:
        await api.run(client.set_secrets("rooms", {"KEY": "hunter2"}))
    assert "KEY" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(calls.set_secrets("rooms", {"KEY": "hunter2"}))
