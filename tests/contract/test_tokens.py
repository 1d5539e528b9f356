"""Deploy tokens, addresses and hostnames of an app."""

import ipaddress

import httpx
import pytest

from flylab.client import Client
from flylab.client.errors import Forbidden
from tests.support import until


async def test_a_deploy_token_works_in_its_app(raw, service, app):
    """DOCUMENTED openapi App_create_deploy_token; OBSERVED-IN-CLIENT fly-go tokens/: macaroons under FlyV1."""
    made = await raw("POST", f"/apps/{app}/deploy_token", json={"expiry": "1h"})
    assert made.status_code == 200
    token = made.json()["token"]
    async with Client(service.api, token) as holder:
        assert (await holder.app(app)).name == app
        assert await holder.machines(app) == []


async def test_a_deploy_token_does_not_work_in_another_app(raw, client, service, app):
    """OBSERVED-IN-CLIENT fly-go flaps/flaps_apps.go: 403 for an app that the token cannot see."""
    token = (await raw("POST", f"/apps/{app}/deploy_token", json={})).json()["token"]
    other = f"{app}-other"
    await client.create_app(other, service.org)
    try:
        async with Client(service.api, token) as holder:
            with pytest.raises(Forbidden):
                await holder.app(other)
    finally:
        await client.delete_app(other)


async def test_a_deploy_token_gets_nothing_out_of_volumes_of_another_app(local, raw, client, service, app):
    token = (await raw("POST", f"/apps/{app}/deploy_token", json={})).json()["token"]
    await client.create_app(other := f"{app}-other", service.org)
    try:
        theirs = await client.volumes.create(other, "data", region="iad", size_gb=1)
        made = await raw("POST", f"/apps/{other}/volumes/{theirs.id}/snapshots")
        snapshot = made.json()["id"]
        await until(lambda: copied(raw, other, theirs.id), what="the snapshot is there")
        async with httpx.AsyncClient(base_url=f"{service.api}/v1", trust_env=False) as mine:
            mine.headers["authorization"] = f"Bearer {token}"
            path = f"/apps/{app}/volumes"
            for source, unknown in (("source_volume_id", "vol_0000000000000000"), ("snapshot_id", "vs_0000000000")):
                key = theirs.id if source == "source_volume_id" else snapshot
                refused = await mine.post(path, json={"name": "mine", source: key})
                nobody = await mine.post(path, json={"name": "mine", source: unknown})
                assert (refused.status_code, refused.text) == (nobody.status_code, nobody.text.replace(unknown, key))
        assert await client.volumes.all(app) == []
        restored = await raw("POST", f"/apps/{app}/volumes", json={"name": "mine", "snapshot_id": snapshot})
        assert restored.status_code == 200  # with the organisation's own
    finally:
        await client.delete_app(other)


async def copied(raw, app, volume):
    listed = (await raw("GET", f"/apps/{app}/volumes/{volume}/snapshots")).json()
    return [each["status"] for each in listed] == ["created"]


async def test_the_current_token_is_shown(raw, service):
    """DOCUMENTED openapi CurrentToken_show."""
    shown = await raw("GET", "/tokens/current")
    assert shown.status_code == 200
    assert shown.json()["tokens"]


async def test_an_address_is_assigned_and_released(raw, app):
    """DOCUMENTED openapi App_IPAssignments_create 200, _list, _delete 204."""
    path = f"/apps/{app}/ip_assignments"
    made = await raw("POST", path, json={"type": "shared_v4"})
    assert made.status_code == 200
    assert ipaddress.ip_address(made.json()["ip"]).version == 4
    assert made.json()["shared"] is True
    assert [each["ip"] for each in (await raw("GET", path)).json()["ips"]] == [made.json()["ip"]]
    assert (await raw("DELETE", f"{path}/{made.json()['ip']}")).status_code == 204
    assert (await raw("GET", path)).json()["ips"] == []


async def test_a_hostname_is_added_shown_and_removed(raw, local, app):
    """DOCUMENTED openapi App_Certificates_acme_create 201, _list, _show, _delete 204.

    Fly would ask a certificate authority for it, so this is for the local platform alone.
    """
    path, hostname = f"/apps/{app}/certificates", f"{app}.example.com"
    made = await raw("POST", f"{path}/acme", json={"hostname": hostname})
    assert (made.status_code, made.json()["hostname"]) == (201, hostname)
    listed = (await raw("GET", path)).json()
    assert ([each["hostname"] for each in listed["certificates"]], listed["total_count"]) == ([hostname], 1)
    assert (await raw("GET", f"{path}/{hostname}")).json()["hostname"] == hostname
    assert (await raw("DELETE", f"{path}/{hostname}")).status_code == 204


async def test_an_app_is_made_with_a_wait(raw, service, name):
    """OBSERVED-IN-CLIENT fly-go flaps/flaps_apps.go: ?wait=true."""
    body = {"name": name, "org_slug": service.org, "enable_subdomains": False}
    assert (await raw("POST", "/apps", json=body, params={"wait": "true"})).status_code == 201
    assert (await raw("GET", f"/apps/{name}")).status_code == 200
    assert (await raw("DELETE", f"/apps/{name}")).status_code == 202


@pytest.mark.parametrize("header", ["Bearer FlyV1 {token}", "FlyV1 {token}", "Bearer {token}"])
async def test_every_form_of_a_token_is_taken(raw, service, app, header):
    """DOCUMENTED working-with-machines-api (Bearer); OBSERVED-IN-CLIENT fly-go tokens/ (FlyV1)."""
    token = (await raw("POST", f"/apps/{app}/deploy_token", json={})).json()["token"].removeprefix("FlyV1 ")
    async with httpx.AsyncClient(trust_env=service.kind == "fly", verify=service.kind == "fly") as http:
        url = f"{service.api}/v1/apps/{app}"
        answer = await http.get(url, headers={"authorization": header.format(token=token)})
    assert answer.status_code == 200
