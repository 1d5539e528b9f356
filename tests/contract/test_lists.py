"""Lists and their filters, events, regions."""

import pytest

from flylab.client.errors import NotFound


async def test_machines_are_filtered_by_region_and_state(client, service, app, machine):
    other = await client.create_machine(app, service.sleeper(), region="iad", skip_launch=True)

    async def ids(**filters):
        return {each.id for each in await client.machines(app, **filters)}

    assert await ids() == {machine.id, other.id}
    assert await ids(region="iad") == {other.id}
    assert await ids(region="nrt") == set()
    assert await ids(state="started") == {machine.id}
    assert await ids(state="started,created") == {machine.id, other.id}
    assert await ids(state="stopped") == set()
    assert await ids(region="ams", state="created") == set()


async def test_destroyed_machines_are_shown_on_demand(client, service, app, machine):
    await client.destroy(app, machine.id, force=True)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)
    assert await client.machines(app) == []
    assert machine.id in [each.id for each in await client.machines(app, include_deleted=True)]


async def test_a_list_of_an_app_that_does_not_exist_is_not_an_empty_one(client, name):
    with pytest.raises(NotFound):
        await client.machines(name)


async def test_pages_are_made_when_they_are_asked_for(raw, client, service, app):
    made = {(await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)).id for _ in range(3)}
    found, cursor = set(), None
    for _ in range(10):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await raw("GET", f"/apps/{app}/machines", params=params)
        assert page.status_code == 200
        assert len(page.json()) <= 2
        found |= {each["id"] for each in page.json()}
        cursor = page.headers.get("fly-next-cursor")
        if not cursor:
            break
    assert found == made


@pytest.mark.parametrize(("limit", "status"), [("0", 400), ("1", 200), ("1000", 200), ("1001", 400)])
async def test_a_page_has_a_thousand_machines_at_most(local, raw, app, limit, status):
    """DOCUMENTED openapi Machines_list: limit from 1 to 1000."""
    assert (await raw("GET", f"/apps/{app}/machines", params={"limit": limit})).status_code == status


async def test_what_pins_a_request_to_an_api_server_changes_nothing(raw, app, machine):
    """OBSERVED-IN-CLIENT fly-go flaps/flaps.go: a cookie of the API's and Fly-Force-Instance-Id are sent along."""
    headers = {"cookie": "fly_flaps_affinity=x", "fly-force-instance-id": machine.id}
    answer = await raw("GET", f"/apps/{app}/machines", headers=headers)
    assert [each["id"] for each in answer.json()] == [machine.id]


async def test_events_tell_the_life_newest_first(client, service, app, machine):
    await client.stop(app, machine.id)
    await client.wait(app, machine.id, "stopped", timeout=service.patience)
    events = await client.events(app, machine.id)
    assert events[0].status == "stopped"
    assert [event.timestamp for event in events] == sorted((event.timestamp for event in events), reverse=True)
    assert {"launch", "start", "exit"} <= {event.type for event in events}
    assert len({event.id for event in events}) == len(events)
    assert all(event.source in ("user", "flyd", "proxy") for event in events)


async def test_the_number_of_events_is_limited(client, app, machine):
    assert len(await client.events(app, machine.id, limit=1)) == 1
    assert (await client.events(app, machine.id, limit=1))[0] == (await client.events(app, machine.id))[0]


@pytest.mark.parametrize("code", [0, 3])
async def test_an_exit_tells_its_status(client, service, app, code):
    made = await client.create_machine(app, service.leaver(code), region="ams")
    await client.wait(app, made.id, "stopped", version=made.version, timeout=service.patience)
    exits = [event for event in await client.events(app, made.id) if event.type == "exit"]
    seen = exits[0].request.get("exit_event") or exits[0].request["MonitorEvent"]["exit_event"]
    assert seen["exit_code"] == code
    assert seen["requested_stop"] is False


async def test_an_exit_that_was_asked_for_says_so(client, service, app, machine):
    await client.stop(app, machine.id, signal="SIGKILL")
    await client.wait(app, machine.id, "stopped", timeout=service.patience)
    exits = [event for event in await client.events(app, machine.id) if event.type == "exit"]
    seen = exits[0].request.get("exit_event") or exits[0].request["MonitorEvent"]["exit_event"]
    assert seen["requested_stop"] is True


async def test_regions_have_codes_names_and_places(client, raw, service):
    regions = {region.code: region for region in await client.regions()}
    assert {"ams", "iad", "nrt"} <= set(regions)
    assert regions["ams"].name.startswith("Amsterdam")
    assert regions["ams"].latitude == pytest.approx(52.4, abs=0.5)
    assert sum(region.nearest for region in regions.values()) <= 1
    wire = (await raw("GET", "/platform/regions")).json()
    assert "Regions" in wire or "regions" in wire
    shown = next(each for each in wire.get("Regions") or wire["regions"] if each["code"] == "ams")
    told = ("code", "name", "latitude", "longitude", "gateway_available", "requires_paid_plan", "deprecated")
    assert shown.keys() >= {*told, "geo_region"}
    if service.kind == "local":  # two spellings are in use, so both are sent
        assert wire["Regions"] == wire["regions"]
        assert wire["Nearest"] == wire["nearest"]
