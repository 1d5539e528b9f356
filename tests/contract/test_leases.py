"""Leases on the wire: taking, refreshing, giving back, and what a call without the nonce meets."""

import asyncio
import re
import time

import pytest

from flylab.client.errors import Conflict
from flylab.wire.lease import NONCE_HEADER

NOBODY = "00000000000000"


def path(app, machine, more="/lease"):
    return f"/apps/{app}/machines/{machine.id}{more}"


def data(response, status=201):
    """What is in the envelope of the documentation and fly-go."""
    assert response.status_code == status, response.text
    assert response.json()["status"] == "success"
    return response.json()["data"]


def said(response, status):
    """The text of a refusal, which at these endpoints stands under ``message`` (fly-go)."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["status"] == "error"
    assert body["code"]
    return body["message"]


@pytest.fixture
async def lease(raw, app, machine):
    return data(await raw("POST", path(app, machine), json={"description": "a test", "ttl": 30}))


async def test_a_lease_is_taken_and_shown(raw, app, machine, lease):
    assert re.fullmatch(r"[0-9a-f]{12,}", lease["nonce"])
    assert 0 < lease["expires_at"] - time.time() <= 35
    assert lease["description"] == "a test"
    assert re.fullmatch(r"[^@]+@[^@]+", lease["owner"])
    shown = data(await raw("GET", path(app, machine)), 200)
    assert shown["expires_at"] == lease["expires_at"]
    assert shown["owner"] == lease["owner"]


async def test_the_owner_is_a_token(local, raw, app, machine, lease):
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@tokens\.fly\.io", lease["owner"])
    assert lease["version"] == machine.version


async def test_the_time_may_stand_in_the_query(raw, app, machine):
    lease = data(await raw("POST", path(app, machine), params={"ttl": 13}))
    assert 0 < lease["expires_at"] - time.time() <= 18


async def test_without_a_lease_there_is_none_to_see(raw, app, machine):
    assert "lease" in said(await raw("GET", path(app, machine)), 404)


async def test_a_second_lease_is_refused_and_names_the_owner(raw, app, machine, lease):
    text = said(await raw("POST", path(app, machine), json={"ttl": 30}), 409)
    assert "lease currently held by" in text
    assert lease["owner"] in text


async def test_the_nonce_refreshes(raw, app, machine, lease):
    headers = {NONCE_HEADER: lease["nonce"]}
    again = data(await raw("POST", path(app, machine), params={"ttl": 60}, headers=headers))
    assert again["nonce"] == lease["nonce"]
    assert again["expires_at"] > lease["expires_at"]


async def test_who_has_the_nonce_gives_it_back_once(raw, app, machine, lease):
    headers = {NONCE_HEADER: lease["nonce"]}
    assert data(await raw("DELETE", path(app, machine), headers=headers), 200) == {"ok": True}
    assert "lease not found" in said(await raw("DELETE", path(app, machine), headers=headers), 404)
    data(await raw("POST", path(app, machine), json={"ttl": 30}))


async def test_nobody_else_gives_it_back(local, raw, app, machine, lease):
    for headers in ({}, {NONCE_HEADER: "0" * 12}):
        assert "lease currently held by" in said(await raw("DELETE", path(app, machine), headers=headers), 409)


async def test_a_machine_that_never_was_has_no_lease(raw, app):
    for method in ("GET", "POST", "DELETE"):
        headers = {NONCE_HEADER: "0" * 12}
        answer = await raw(method, f"/apps/{app}/machines/{NOBODY}/lease", headers=headers)
        assert answer.status_code == 404
        assert "machine not found" in answer.text


async def test_an_update_needs_the_nonce_and_leaves_the_lease(raw, client, service, app, machine, lease):
    body = {"config": service.sleeper(N="1").to_json()}
    refused = await raw("POST", path(app, machine, ""), json=body)
    assert refused.status_code == 409
    assert "lease currently held by" in refused.json()["error"]
    assert (await client.machine(app, machine.id)).version == machine.version
    done = await raw("POST", path(app, machine, ""), json=body, headers={NONCE_HEADER: lease["nonce"]})
    assert done.status_code == 200
    assert done.json().get("version", done.json()["instance_id"]) != machine.version
    assert data(await raw("GET", path(app, machine)), 200)["expires_at"] == lease["expires_at"]


async def test_a_start_needs_the_nonce(raw, client, service, app):
    made = await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)
    lease = data(await raw("POST", path(app, made), json={"ttl": 60}))
    refused = await raw("POST", path(app, made, "/start"))
    assert refused.status_code == 409
    assert "lease currently held by" in refused.json()["error"]
    assert (await raw("POST", path(app, made, "/start"), headers={NONCE_HEADER: lease["nonce"]})).status_code == 200
    assert await client.wait(app, made.id, timeout=service.patience) == "started"


async def test_metadata_is_not_kept_from_anybody(raw, client, app, machine, lease):
    answer = await raw("POST", path(app, machine, "/metadata/colour"), json={"value": "blue"})
    assert answer.status_code == 204
    assert (await client.metadata(app, machine.id))["colour"] == "blue"


@pytest.mark.parametrize(("method", "tail", "state"), [("POST", "/stop", "stopped"), ("DELETE", "", "destroyed")])
async def test_a_stop_and_a_destroy_are_held_until_the_lease_ends(
    local, raw, client, service, app, machine, lease, method, tail, state
):
    params = {"force": "true"} if method == "DELETE" else {}
    held = asyncio.create_task(raw(method, path(app, machine, tail), params=params))
    # Somebody else's calls go through meanwhile, so the held one has been received when its answer is still missing.
    for _ in range(5):
        assert (await client.machine(app, machine.id)).state == "started"
    assert not held.done()
    await raw("DELETE", path(app, machine), headers={NONCE_HEADER: lease["nonce"]})
    answer = await held
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert await client.wait(app, machine.id, state, timeout=service.patience) == state


async def test_a_lease_ends_by_itself(local, raw, client, service, app, machine):
    data(await raw("POST", path(app, machine), json={"ttl": 1}))
    answer = await raw("POST", path(app, machine, "/stop"))  # answered when the lease is over
    assert answer.status_code == 200
    assert said(await raw("GET", path(app, machine)), 404).endswith("lease not found")


async def test_the_nonce_goes_through_at_once(raw, client, service, app, machine, lease):
    headers = {NONCE_HEADER: lease["nonce"]}
    assert (await raw("POST", path(app, machine, "/stop"), headers=headers)).status_code == 200
    assert await client.wait(app, machine.id, "stopped", timeout=service.patience) == "stopped"


async def test_a_machine_can_be_born_leased(raw, service, app):
    body = {"config": service.sleeper().to_json(), "region": "ams", "skip_launch": True, "lease_ttl": 30}
    made = (await raw("POST", f"/apps/{app}/machines", json=body)).json()
    assert made["nonce"]
    start = f"/apps/{app}/machines/{made['id']}/start"
    assert (await raw("POST", start)).status_code == 409
    assert (await raw("POST", start, headers={NONCE_HEADER: made["nonce"]})).status_code == 200


async def test_an_update_may_take_a_lease(local, raw, service, app, machine):
    body = {"config": service.sleeper(N="1").to_json(), "lease_ttl": 30}
    updated = (await raw("POST", path(app, machine, ""), json=body)).json()
    assert updated["nonce"]
    assert (await raw("POST", path(app, machine, ""), json=body)).status_code == 409
    assert data(await raw("GET", path(app, machine)), 200)["nonce"] == updated["nonce"]


async def test_leases_are_listed_on_demand(raw, app, machine, lease):
    for more, many in (("", False), ("?include_leases=true", True)):
        listed = (await raw("GET", f"/apps/{app}/machines{more}")).json()[0]
        shown = (await raw("GET", path(app, machine, more))).json()
        for each in (listed, shown):
            assert ("lease" in each) is many
            assert lease["nonce"] not in str(each)
            if many:
                assert each["lease"] == {key: lease[key] for key in ("owner", "description", "expires_at")}


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"ttl": "soon"}, {}),
        ({"ttl": "-1"}, {}),
        ({}, {"ttl": -5}),
        ({}, {"ttl": 10**12}),
        ({}, {"ttl": "30"}),
        ({}, {"description": 7}),
    ],
)
async def test_a_lease_that_cannot_be_is_refused(local, raw, app, machine, query, body):
    assert said(await raw("POST", path(app, machine), params=query, json=body), 400)
    assert (await raw("GET", path(app, machine))).status_code == 404


@pytest.mark.parametrize("ttl", [-1, 10**9, "30"])
async def test_a_machine_with_an_impossible_lease_is_not_made(local, raw, client, service, app, ttl):
    body = {"config": service.sleeper().to_json(), "region": "ams", "lease_ttl": ttl}
    assert (await raw("POST", f"/apps/{app}/machines", json=body)).status_code == 400
    assert await client.machines(app) == []


async def test_the_client_holds_a_lease_over_its_calls(client, service, app, machine):
    lease = await client.take_lease(app, machine.id, ttl=60, description="mine")
    with pytest.raises(Conflict, match="lease currently held by"):
        await client.take_lease(app, machine.id)
    with pytest.raises(Conflict, match="lease currently held by"):
        await client.update_machine(app, machine.id, service.sleeper(N="1"))
    again = await client.take_lease(app, machine.id, ttl=90, nonce=lease.nonce)
    assert (again.nonce, again.expires_at > lease.expires_at) == (lease.nonce, True)
    updated = await client.update_machine(app, machine.id, service.sleeper(N="2"), nonce=lease.nonce)
    await client.wait(app, machine.id, version=updated.version, timeout=service.patience)
    await client.stop(app, machine.id, nonce=lease.nonce)
    await client.wait(app, machine.id, "stopped", timeout=service.patience)
    assert await client.start(app, machine.id, nonce=lease.nonce) is True
    await client.destroy(app, machine.id, force=True, nonce=lease.nonce)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)
    await client.release_lease(app, machine.id, lease.nonce)
