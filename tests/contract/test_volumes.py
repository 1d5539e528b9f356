"""Volumes: made, listed, extended, forked, snapshotted, destroyed, and in one machine at a time."""

import re
from dataclasses import replace

import pytest

from flylab.client.errors import BadRequest, NotFound, PreconditionFailed, StatusError
from flylab.wire.machine import Mount
from flylab.wire.volume import VolumeState
from tests.support import until

# Fields of the official document that a client reads (openapi, Volume; fly-go volume_types.go).
FIELDS = {
    "id", "name", "state", "size_gb", "region", "zone", "encrypted", "created_at", "host_status",
    "snapshot_retention", "auto_backup_enabled", "blocks", "block_size", "blocks_free", "blocks_avail", "fstype",
}  # fmt: skip
NOBODY = "vol_0000000000000000"


@pytest.fixture
async def volume(client, app):
    return await client.volumes.create(app, "data", region="ams", size_gb=1)


async def test_openapi_volumes_create_answers_the_whole_volume(raw, app):
    answer = await raw("POST", f"/apps/{app}/volumes", json={"name": "data", "region": "ams", "size_gb": 1})
    assert answer.status_code == 200
    made = answer.json()
    assert set(made) >= FIELDS
    assert re.fullmatch(r"vol_[0-9a-z]{16,}", made["id"])
    assert (made["name"], made["region"], made["size_gb"], made["encrypted"]) == ("data", "ams", 1, True)
    assert (made["snapshot_retention"], made["auto_backup_enabled"], made["fstype"]) == (5, True, "ext4")
    assert (made["attached_machine_id"], made["attached_alloc_id"]) == (None, None)


async def test_openapi_size_defaults_to_three(raw, app):
    # Both optional nulls and absent fields, as fly-go sends them.
    body = {"name": "data", "region": "ams", "size_gb": None, "encrypted": None, "fstype": None, "snapshot_id": None}
    assert (await raw("POST", f"/apps/{app}/volumes", json=body)).json()["size_gb"] == 3


async def test_volumes_are_listed_with_their_app(client, raw, app, volume):
    assert [each.id for each in await client.volumes.all(app)] == [volume.id]
    assert (await client.volumes.get(app, volume.id)).name == "data"
    assert (await client.app(app)).volume_count == 1
    short = (await raw("GET", f"/apps/{app}/volumes", params={"summary": "true"})).json()
    assert [each["id"] for each in short] == [volume.id]
    assert "blocks" not in short[0]


async def test_lists_come_in_pages(client, raw, app, volume):
    await client.volumes.create(app, "more", region="iad", size_gb=1)
    seen, cursor = [], ""
    while True:
        answer = await raw("GET", f"/apps/{app}/volumes", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        seen += [each["name"] for each in answer.json()]
        cursor = answer.headers.get("fly-next-cursor", "")
        if not cursor:
            break
    assert sorted(seen) == ["data", "more"]


async def test_openapi_the_organisation_has_a_list_of_all_volumes(client, raw, service, app, volume):
    other = await client.volumes.create(app, "more", region="iad", size_gb=1)

    async def listed(**params):
        answer = await raw("GET", f"/orgs/{service.org}/volumes", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    everything = await listed()
    mine = [each for each in everything["volumes"] if each["app_name"] == app]
    assert {each["id"] for each in mine} == {volume.id, other.id}
    assert set(mine[0]) >= FIELDS | {"app_name", "updated_at"}
    assert [each["updated_at"] for each in mine] == sorted(each["updated_at"] for each in mine)
    assert {each["region"] for each in (await listed(region="iad"))["volumes"]} == {"iad"}
    assert {each["state"] for each in (await listed(state="created"))["volumes"]} == {"created"}
    assert "blocks" not in (await listed(summary="true"))["volumes"][0]
    later = await listed(updated_after=mine[0]["updated_at"])
    assert mine[0]["id"] not in [each["id"] for each in later["volumes"]]
    page = await listed(limit="1", updated_after=mine[0]["updated_at"])
    assert page["last_volume_id"] == page["volumes"][-1]["id"]


async def test_pages_of_the_organisation_follow_each_other(client, raw, local, app):
    for number in range(3):
        await client.volumes.create(app, f"page{number}", region="ams", size_gb=1)
    seen, cursor = [], ""
    while True:
        params = {"limit": 2, "updated_after": "2020-01-01T00:00:00Z"} | ({"cursor": cursor} if cursor else {})
        body = (await raw("GET", f"/orgs/{local.org}/volumes", params=params)).json()
        seen += [each["name"] for each in body["volumes"] if each["app_name"] == app]
        cursor = body.get("next_cursor", "")
        if not cursor:
            break
    assert seen == ["page0", "page1", "page2"]


async def test_openapi_update_changes_retention_and_backups(client, app, volume):
    changed = await client.volumes.update(app, volume.id, snapshot_retention=9, auto_backup_enabled=False)
    assert (changed.snapshot_retention, changed.auto_backup_enabled) == (9, False)
    assert (await client.volumes.get(app, volume.id)).snapshot_retention == 9


async def test_openapi_extend_only_grows(client, app, volume):
    grown, needs_restart = await client.volumes.extend(app, volume.id, 2)
    assert (grown.size_gb, needs_restart) == (2, False)
    with pytest.raises(StatusError) as caught:
        await client.volumes.extend(app, volume.id, 1)
    assert 400 <= caught.value.status < 500
    assert (await client.volumes.get(app, volume.id)).size_gb == 2


async def test_openapi_destroyed_volumes_are_pending_at_first(client, app, volume):
    destroyed = await client.volumes.destroy(app, volume.id)
    assert destroyed.state in (VolumeState.PENDING_DESTROY, VolumeState.SCHEDULING_DESTROY)
    assert await client.volumes.destroy(app, NOBODY) is None


async def test_a_volume_that_is_not_there_is_not_found(client, app, volume, name, service):
    for act in (client.volumes.get, client.volumes.update, client.volumes.snapshots, client.volumes.snapshot):
        with pytest.raises(NotFound):
            await act(app, NOBODY)
    other = f"{name}-other"
    await client.create_app(other, service.org)
    try:
        with pytest.raises(NotFound):
            await client.volumes.get(other, volume.id)
    finally:
        await client.delete_app(other)


async def test_a_machine_holds_its_volume(client, service, app, volume):
    config = replace(service.sleeper(), mounts=(Mount(volume=volume.id, path="/data"),))
    machine = await client.create_machine(app, config, region="ams")
    assert machine.config.mounts[0].volume == volume.id
    await client.wait(app, machine.id, "started", timeout=service.patience)
    assert (await client.volumes.get(app, volume.id)).attached_machine_id == machine.id
    # superfly/docs pull request 2226 quotes this refusal (2025-09).
    with pytest.raises(PreconditionFailed, match=f"volume is currently bound to machine: {machine.id}"):
        await client.volumes.destroy(app, volume.id)
    await client.destroy(app, machine.id, force=True)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)

    async def is_free():
        return not (await client.volumes.get(app, volume.id)).attached_machine_id

    await until(is_free, service.patience)


async def test_reported_a_mount_of_what_is_gone_is_a_bad_request(client, service, app):
    config = replace(service.sleeper(), mounts=(Mount(volume=NOBODY, path="/data"),))
    with pytest.raises(BadRequest, match="volume not found"):
        await client.create_machine(app, config, region="ams")
    assert await client.machines(app) == []


@pytest.mark.parametrize("region", ["", "ams,iad", "any", "us"])
async def test_a_machine_is_made_where_its_volume_is(local, raw, client, service, app, region):
    volume = await client.volumes.create(app, "far", region="iad", size_gb=1)
    config = replace(service.sleeper(), mounts=(Mount(volume=volume.id, path="/data"),)).to_json()
    body = {"config": config, "region": region, "skip_launch": True}
    made = await raw("POST", f"/apps/{app}/machines", json=body)
    assert (made.status_code, made.json().get("region")) == (200, volume.region), made.text


async def test_reported_a_mount_of_another_region_is_refused(client, service, app, volume):
    config = replace(service.sleeper(), mounts=(Mount(volume=volume.id, path="/data"),))
    with pytest.raises(StatusError) as caught:
        await client.create_machine(app, config, region="iad")
    assert 400 <= caught.value.status < 500
    assert not (await client.volumes.get(app, volume.id)).attached_machine_id


async def test_unknown_fields_of_a_mount_come_back(client, service, app, volume):
    extra = {"extend_threshold_percent": 80, "add_size_gb": 1, "size_gb_limit": 10}
    config = replace(service.sleeper(), mounts=(Mount(volume=volume.id, path="/data", extra=extra),))
    machine = await client.create_machine(app, config, region="ams", skip_launch=True)
    shown = machine.config.mounts[0]
    assert {key: shown.extra.get(key) for key in extra} == extra


async def test_snapshots_appear_and_can_be_restored(client, service, app, volume):
    await client.volumes.snapshot(app, volume.id)

    async def done():
        return [each for each in await client.volumes.snapshots(app, volume.id) if each.status == "created"]

    (snapshot,) = await until(done, service.patience)
    assert snapshot.id.startswith("vs_")
    assert snapshot.retention_days == 5
    assert snapshot.created_at.endswith("Z")
    restored = await client.volumes.create(app, "again", region="ams", snapshot=snapshot.id, size_gb=1)
    assert restored.id != volume.id


async def test_a_volume_is_forked(client, app, volume):
    fork = await client.volumes.create(app, "data", region="ams", source=volume.id, size_gb=1)
    assert fork.id != volume.id
    assert fork.state in (VolumeState.CREATED, VolumeState.HYDRATING, VolumeState.CREATING)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "data", "size_gb": 501}, "size_gb 501 is not between 1 and 500"),
        ({"name": "data", "size_gb": "3"}, "size_gb '3'"),
        ({"name": "No Good"}, "volume name 'No Good' is invalid"),
        ({"name": "data", "region": "xyz"}, "region 'xyz' is unknown"),
        ({"name": "data", "snapshot_retention": 61}, "snapshot_retention 61"),
        ({"name": "data", "encrypted": "yes"}, "encrypted 'yes'"),
        ({"name": "data", "compute": {"cpu_kind": "quantum"}}, "cpu_kind 'quantum'"),
        ({"name": "data", "source_volume_id": NOBODY}, "volume not found"),
        ({"name": "data", "snapshot_id": "vs_x"}, "snapshot not found"),
    ],
)
async def test_bad_volumes_are_refused_with_the_value_and_the_rule(raw, local, app, body, says):
    answer = await raw("POST", f"/apps/{app}/volumes", json={"region": "ams"} | body)
    assert answer.status_code in (400, 422)
    assert says in answer.json()["error"]
    assert (await raw("GET", f"/apps/{app}/volumes")).json() == []


async def test_reported_an_empty_region_is_answered_like_a_full_one(raw, local, app):
    answer = await raw("POST", f"/apps/{app}/volumes", json={"name": "data", "region": ""})
    assert answer.status_code == 409
    assert answer.json()["error"].endswith("no capacity")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/orgs/nobody/volumes", None, 404),
        ("GET", "/orgs/{org}/volumes?state=dreaming", None, 400),
        ("GET", "/orgs/{org}/volumes?limit=1001", None, 400),
        ("GET", "/orgs/{org}/volumes?cursor=nonsense", None, 400),
        ("GET", "/orgs/{org}/volumes?cursor=nan,vol_x", None, 400),
        ("GET", "/orgs/{org}/volumes?updated_after=yesterday", None, 400),
        ("GET", "/apps/{app}/volumes?limit=1&cursor=nonsense", None, 400),
        ("GET", "/apps/nowhere-at-all/volumes", None, 404),
        ("POST", "/apps/nowhere-at-all/volumes", {"name": "data"}, 404),
        ("PUT", "/apps/{app}/volumes/{vol}", {"snapshot_retention": 0}, 400),
        ("PUT", "/apps/{app}/volumes/{vol}", {"auto_backup_enabled": "yes"}, 400),
        ("PUT", "/apps/{app}/volumes/{vol}/extend", {}, 400),
        ("PUT", "/apps/{app}/volumes/{vol}/extend", {"size_gb": "9"}, 400),
        ("GET", "/apps/{app}/volumes/..%2f..%2fetc", None, 404),
    ],
)
async def test_what_is_wrong_is_said(raw, local, app, volume, method, path, body, status):
    answer = await raw(method, path.format(org=local.org, app=app, vol=volume.id), json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
