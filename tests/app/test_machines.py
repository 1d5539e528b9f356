"""The fleet behind the Machines API: what each of its refusals means to a lobby."""

import httpx
import pytest

from app import machines
from app.fleet import FleetDown, NotMade
from app.machines import PATIENCE, START_TIMEOUT, Machines
from flylab.client.health import failing
from flylab.wire.codes import refuse
from flylab.wire.config import MachineConfig
from flylab.wire.machine import Machine, MachineState
from tests.client.fake_api import FakeApi

CONFIG = MachineConfig(image="rooms:1")
CREATE = "POST /apps/rooms/machines"


@pytest.fixture
async def api() -> FakeApi:
    api = FakeApi()
    client = api.client()
    await client.create_app("rooms")
    await client.close()
    return api


def a_fleet(api: FakeApi) -> Machines:
    return Machines(api.client(retry=PATIENCE), "rooms")


async def test_a_machine_is_made_listed_and_waited_for(api: FakeApi) -> None:
    fleet = a_fleet(api)
    machine = await fleet.make("rooms-ams-1", "ams", CONFIG)
    found = await fleet.machines()
    assert [(each.id, each.name, each.state) for each in found] == [(machine, "rooms-ams-1", MachineState.CREATED)]
    assert api.bodies[-2]["region"] == "ams"  # type: ignore[index]
    api.fail(f"GET /apps/rooms/machines/{machine}/wait", 200, body={"ok": True, "state": "started"})
    await fleet.started(machine)
    await fleet.close()


async def test_the_machine_of_another_lobby_is_adopted(api: FakeApi) -> None:
    one, other = a_fleet(api), a_fleet(api)
    first = await one.make("rooms-ams-1", "ams", CONFIG)
    assert await api.run(other.make("rooms-ams-1", "ams", CONFIG)) == first
    assert len(api.machines) == 1


async def test_a_taken_name_without_an_id_is_looked_up(api: FakeApi) -> None:
    fleet = a_fleet(api)
    first = await fleet.make("rooms-ams-1", "ams", CONFIG)
    api.fail(CREATE, 409, body={"error": "already_exists: that name is taken"})
    assert await api.run(fleet.make("rooms-ams-1", "ams", CONFIG)) == first
    api.fail(CREATE, 409, body={"error": "already_exists: that name is taken"})
    with pytest.raises(NotMade):
        await api.run(fleet.make("rooms-iad-1", "iad", CONFIG))


async def test_a_lost_answer_makes_no_second_machine(api: FakeApi) -> None:
    api.fail(CREATE, after=True, error=httpx.ReadTimeout)
    machine = await api.run(a_fleet(api).make("rooms-ams-1", "ams", CONFIG))
    assert list(api.machines) == [machine]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        refuse("region_capacity", "no candidate host"),
        (503, {"error": "out of capacity", "status": "insufficient_capacity"}),
        refuse("over_quota", "rooms is over the allowed quota"),
        (422, {"error": "region bom is deprecated, use sin"}),
        (400, {"error": "no such region"}),
    ],
)
async def test_a_region_without_room_is_told_apart(api: FakeApi, status: int, body: object) -> None:
    api.fail(CREATE, status, body=body)
    with pytest.raises(NotMade):
        await api.run(a_fleet(api).make("rooms-ams-1", "ams", CONFIG))
    assert api.machines == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [refuse("unauthenticated", ""), refuse("forbidden", "not yours"), refuse("internal", "broken"), (404, "nothing")],
)
async def test_an_api_that_refuses_everything_is_as_good_as_away(api: FakeApi, status: int, body: object) -> None:
    api.fail(CREATE, status, body=body, times=99)
    api.fail("GET /apps/rooms/machines", status, body=body, times=99)
    fleet = a_fleet(api)
    with pytest.raises(FleetDown):
        await api.run(fleet.make("rooms-ams-1", "ams", CONFIG))
    with pytest.raises(FleetDown):
        await api.run(fleet.machines())


async def test_the_rate_limit_is_waited_out_and_then_given_up(api: FakeApi) -> None:
    status, body = refuse("rate_limited", "rate limit exceeded")
    api.fail(CREATE, status, body=body, times=2)
    assert await api.run(a_fleet(api).make("rooms-ams-1", "ams", CONFIG)) in api.machines
    api.fail(CREATE, status, body=body, times=99)
    with pytest.raises(FleetDown):
        await api.run(a_fleet(api).make("rooms-ams-2", "ams", CONFIG))
    assert api.count(CREATE) == 3 + PATIENCE.rate_attempts


async def test_an_unreachable_api_is_away(api: FakeApi) -> None:
    api.fail("GET /apps/rooms/machines", error=httpx.ConnectError, times=99)
    with pytest.raises(FleetDown):
        await api.run(a_fleet(api).machines())


async def test_a_machine_that_never_starts_is_given_up(api: FakeApi) -> None:
    fleet = a_fleet(api)
    machine = await fleet.make("rooms-ams-1", "ams", CONFIG)
    status, body = refuse("deadline_exceeded", "not started")
    api.fail(f"GET /apps/rooms/machines/{machine}/wait", status, body=body, times=10_000)
    before = api.clock.now()
    with pytest.raises(NotMade):
        await api.run(fleet.started(machine))
    assert START_TIMEOUT <= api.clock.now() - before < START_TIMEOUT + 2
    with pytest.raises(NotMade):
        await api.run(fleet.started("00000000000000"))


def test_it_opens_with_the_public_api_unless_told_otherwise() -> None:
    assert "api.machines.dev" in repr(Machines.open("rooms", token="t", hostname="")._client)
    assert "127.0.0.1:4280" in repr(Machines.open("rooms", token="t", hostname="http://127.0.0.1:4280")._client)


@pytest.mark.parametrize(
    ("state", "checks", "fails"),
    [
        (MachineState.STARTED, [], []),
        (MachineState.STARTED, [("servicecheck-00-http-8080", "passing"), ("disk", "critical")], []),
        (MachineState.STARTED, [("servicecheck-00-http-8080", "critical")], ["servicecheck-00-http-8080"]),
        (MachineState.STARTED, [("servicecheck-00-tcp-1", "warning"), ("servicecheck-01-tcp-2", "passing")],
         ["servicecheck-00-tcp-1"]),
        (MachineState.STOPPED, [("servicecheck-00-http-8080", "critical")], []),  # the proxy wakes it for a visitor
    ],
)  # fmt: skip
def test_service_checks_keep_the_proxy_from_a_machine_that_runs(
    state: MachineState, checks: list[tuple[str, str]], fails: list[str]
) -> None:
    shown = [{"name": name, "status": status} for name, status in checks]
    assert failing(Machine.from_json({"id": "m", "state": state, "checks": shown})) == fails


async def test_a_machine_whose_checks_do_not_pass_is_not_used(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "CHECKS_TIMEOUT", 0.0)
    fleet = a_fleet(api)
    machine = await fleet.make("rooms-ams-1", "ams", CONFIG)
    shown = {"id": machine, "state": "started", "checks": [{"name": "servicecheck-00-tcp-1", "status": "critical"}]}
    api.fail(f"GET /apps/rooms/machines/{machine}/wait", 200, body={"ok": True, "state": "started"})
    for _ in range(3):
        api.fail(f"GET /apps/rooms/machines/{machine}", 200, body=shown)
    with pytest.raises(NotMade, match="checks do not pass"):
        await fleet.started(machine)
