"""What is told of a whole organisation, and where there is room."""

import pytest


async def pages(raw, service, **params):
    """All machines of the list, from as many pages as it takes, and the last page."""
    found, cursor = [], ""
    for _ in range(200):
        more = {"cursor": cursor} if cursor else {}
        answer = await raw("GET", f"/orgs/{service.org}/machines", params=params | more)
        assert answer.status_code == 200, answer.text
        found += answer.json()["machines"]
        cursor = answer.json().get("next_cursor") or ""
        if not cursor:
            return found, answer.json()
    raise AssertionError("the pages do not end")


async def test_machines_of_all_apps_are_listed(raw, service, app, machine):
    found, last = await pages(raw, service, region="ams")
    (mine,) = [each for each in found if each["id"] == machine.id]
    assert (mine["app_name"], mine["name"], mine["state"], mine["region"]) == (app, machine.name, "started", "ams")
    assert mine["version"] == machine.version
    assert mine["config"]["image"]
    assert mine["config"]["guest"]["memory_mb"] == 256
    assert [each["updated_at"] for each in found] == sorted(each["updated_at"] for each in found)
    assert not last.get("error_regions")


async def test_a_summary_has_no_configuration(raw, service, machine):
    found, _ = await pages(raw, service, summary="true")
    assert all(not each.get("config") for each in found)


async def test_filters(local, raw, service, client, app, machine):
    other = await client.create_machine(app, service.sleeper(), region="iad", skip_launch=True)

    async def mine(**params):
        found, _ = await pages(raw, service, **params)
        return {each["id"] for each in found if each["app_name"] == app}

    assert await mine() == {machine.id, other.id}
    assert await mine(region="iad") == {other.id}
    assert await mine(state="started") == {machine.id}
    assert await mine(state="started,created") == {machine.id, other.id}
    assert await mine(limit=1) == {machine.id, other.id}
    shown = await client.machine(app, other.id)
    assert other.id not in await mine(updated_after=shown.updated_at)
    assert await mine(updated_after="2020-01-01T00:00:00Z") == {machine.id, other.id}
    await client.destroy(app, other.id)
    await client.wait(app, other.id, "destroyed", timeout=service.patience)
    assert await mine() == {machine.id}
    assert await mine(include_deleted="true") == {machine.id, other.id}


async def test_a_page_names_its_last_machine(local, raw, service, machine):
    body = (await raw("GET", f"/orgs/{service.org}/machines", params={"limit": 1})).json()
    assert (body["last_machine_id"], body["last_updated_at"]) == (
        body["machines"][-1]["id"],
        body["machines"][-1]["updated_at"],
    )


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"updated_after": "soon"}, {"state": "asleep"}]
)
async def test_a_list_that_cannot_be_is_refused(local, raw, service, params):
    assert (await raw("GET", f"/orgs/{service.org}/machines", params=params)).status_code == 400


async def test_another_organisation_is_not_found(local, raw):
    assert (await raw("GET", "/orgs/nobodys/machines")).status_code == 404


async def test_a_cursor_outlives_its_machine(local, raw, service, client, app):
    made = [await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True) for _ in range(3)]
    first = await raw("GET", f"/apps/{app}/machines", params={"limit": 1})
    await client.destroy(app, first.json()[0]["id"])
    await client.wait(app, first.json()[0]["id"], "destroyed", timeout=service.patience)
    params = {"limit": 5, "cursor": first.headers["fly-next-cursor"]}
    rest = await raw("GET", f"/apps/{app}/machines", params=params)
    assert {each["id"] for each in rest.json()} == {each.id for each in made} - {first.json()[0]["id"]}


async def test_placements_name_regions_with_room(raw, service):
    body = {"org_slug": service.org, "region": "ams,iad", "count": 2}
    answer = await raw("POST", "/platform/placements", json=body)
    assert answer.status_code == 200
    listed = answer.json().get("Regions") or answer.json()["regions"]
    assert {row.get("Region") or row["region"] for row in listed} <= {"ams", "iad"}
    if service.kind == "local":
        assert answer.json()["Regions"] == [{"Region": "ams", "Count": 2, "Concurrency": 2}]
        assert answer.json()["regions"] == [{"region": "ams", "count": 2, "concurrency": 2}]


@pytest.mark.parametrize("body", [{}, {"org_slug": ""}, {"org_slug": "personal", "count": -1}])
async def test_placements_that_cannot_be_are_refused(local, raw, body):
    assert (await raw("POST", "/platform/placements", json=body)).status_code == 400
