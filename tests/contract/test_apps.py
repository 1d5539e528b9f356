"""Apps: made, shown, listed and removed, by the client and on the wire."""

import pytest

from flylab.client.errors import NameTaken, NotFound, Unprocessable


async def test_an_app_is_made_shown_listed_and_removed(client, service, name):
    made = await client.create_app(name, service.org)
    try:
        assert made.name == name
        assert made.id
        assert made.organization
        assert (await client.app(name)).name == name
        assert name in [app.name for app in await client.apps(service.org)]
    finally:
        await client.delete_app(name)
    with pytest.raises(NotFound):
        await client.app(name)


async def test_the_answers_have_the_documented_shape(raw, service, name):
    made = await raw("POST", "/apps", json={"name": name, "org_slug": service.org})
    try:
        assert made.status_code == 201
        assert set(made.json()) >= {"id", "created_at"}
        assert made.json()["created_at"] > 1_600_000_000_000  # milliseconds
        shown = await raw("GET", f"/apps/{name}")
        assert shown.status_code == 200
        assert set(shown.json()) >= {"id", "name", "status", "organization"}
        assert shown.json()["status"] == "pending"
        assert set(shown.json()["organization"]) >= {"name", "slug"}
        listed = await raw("GET", "/apps", params={"org_slug": service.org})
        assert listed.status_code == 200
        assert listed.json()["total_apps"] >= 1
        assert name in [app["name"] for app in listed.json()["apps"]]
    finally:
        removed = await raw("DELETE", f"/apps/{name}")
    assert removed.status_code == 202
    assert removed.content == b""


async def test_both_spellings_of_the_name_are_taken(raw, service, name):
    made = await raw("POST", "/apps", json={"app_name": name, "org_slug": service.org})
    assert made.status_code == 201
    assert (await raw("DELETE", f"/apps/{name}")).status_code == 202


async def test_a_taken_name_is_refused(client, service, app):
    with pytest.raises(NameTaken, match="taken") as caught:
        await client.create_app(app, service.org)
    assert (caught.value.status, caught.value.code) == (422, "name_taken")


async def test_a_name_that_was_given_back_can_be_taken_again(client, service, app):
    await client.delete_app(app)
    assert (await client.create_app(app, service.org)).name == app


@pytest.mark.parametrize("bad", ["Upper", "under_score", "dot.dot", "x" * 63, "", "sp ace"])
async def test_a_malformed_name_is_refused(client, service, bad):
    with pytest.raises(Unprocessable) as caught:
        await client.create_app(bad, service.org)
    assert not isinstance(caught.value, NameTaken)


async def test_the_same_key_makes_the_same_app(raw, service, name):
    body = {"name": name, "org_slug": service.org, "idempotency_key": f"key-{name}"}
    first = await raw("POST", "/apps", json=body)
    try:
        second = await raw("POST", "/apps", json=body)
        assert second.status_code == 201
        assert second.json()["id"] == first.json()["id"]
        assert (await raw("POST", "/apps", json=body | {"name": f"{name}-2"})).status_code == 422
    finally:
        await raw("DELETE", f"/apps/{name}")


async def test_removing_with_force_takes_the_machines_along(client, raw, service, app, machine):
    refused = await raw("DELETE", f"/apps/{app}")
    assert refused.status_code >= 400
    await client.delete_app(app, force=True)
    with pytest.raises(NotFound):
        await client.machine(app, machine.id)
    assert (await raw("DELETE", f"/apps/{app}")).status_code == 404


async def test_an_app_counts_its_machines_and_says_that_it_is_deployed(client, app, machine):
    shown = await client.app(app)
    assert shown.machine_count == 1
    assert shown.status == "deployed"
    assert machine.state == "started"


async def test_the_organisation_must_be_named(raw):
    refused = await raw("GET", "/apps")
    assert refused.status_code == 400
    assert refused.json()["error"]
