"""Refusals on the wire: status, the shape of the body, the words that clients look for, and the id of every request."""

import asyncio

import httpx
import pytest

from flylab.client import Client
from flylab.client.errors import BadRequest, Unauthorized

NOBODY = "00000000000000"


def text(response, *, keys=("error",)):
    """The error text of a body that has these keys and no others (``status`` may be there or not)."""
    body = response.json()
    assert set(body) - {"status", "details"} == set(keys)
    assert isinstance(body["error"], str)
    assert body["error"]
    return body["error"]


@pytest.mark.parametrize("token", ["wrong", "FlyV1 fm2_wrong"])
async def test_a_token_that_nobody_knows_is_refused(service, token):
    async with Client(service.api, token) as client:
        with pytest.raises(Unauthorized) as caught:
            await client.apps(service.org)
    assert "uthenticate" in caught.value.text
    assert token not in str(caught.value)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic abc"}, {"authorization": "Bearer"}])
async def test_without_a_token_nothing_is_shown(service, headers):
    async with httpx.AsyncClient(base_url=service.api, trust_env=service.kind == "fly") as http:
        answer = await http.get("/v1/apps", params={"org_slug": service.org}, headers=headers)
    assert answer.status_code == 401
    assert "uthenticate" in answer.text


async def test_both_schemes_of_a_token_are_understood(local):
    async with httpx.AsyncClient(base_url=local.api, trust_env=False) as http:
        for scheme in ("Bearer", "FlyV1", "bearer"):
            headers = {"authorization": f"{scheme} {local.token}"}
            answer = await http.get("/v1/apps", params={"org_slug": local.org}, headers=headers)
            assert answer.status_code == 200, scheme


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("POST", "/start"),
        ("POST", "/stop"),
        ("DELETE", ""),
        ("GET", "/wait"),
        ("GET", "/events"),
        ("GET", "/metadata"),
        ("POST", "/cordon"),
    ],
)
async def test_a_machine_that_never_was_is_not_found(raw, app, method, tail):
    answer = await raw(method, f"/apps/{app}/machines/{NOBODY}{tail}")
    assert answer.status_code == 404
    assert text(answer).startswith("not_found")
    assert "machine not found" in answer.json()["error"]


@pytest.mark.parametrize("path", ["", "/machines", f"/machines/{NOBODY}"])
async def test_an_app_that_never_was_is_not_found(raw, name, path):
    answer = await raw("GET", f"/apps/{name}{path}")
    assert answer.status_code == 404
    assert text(answer)


async def test_a_taken_app_name_has_its_status_value(raw, service, app):
    answer = await raw("POST", "/apps", json={"name": app, "org_slug": service.org})
    assert answer.status_code == 422
    assert answer.json()["status"] == "name_taken"
    assert "already been taken" in text(answer)


async def test_a_taken_machine_name_names_the_machine(raw, service, app, machine):
    body = {"name": machine.name, "region": "ams", "config": service.sleeper().to_json()}
    answer = await raw("POST", f"/apps/{app}/machines", json=body)
    assert answer.status_code == 409
    assert text(answer).startswith("already_exists")
    assert f"machine ID {machine.id}" in answer.json()["error"]


async def test_a_version_that_is_not_current_is_a_conflict(raw, service, app, machine):
    body = {"config": service.sleeper().to_json(), "current_version": "0" * 26}
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}", json=body)
    assert answer.status_code == 409
    assert text(answer)


async def test_destroying_what_runs_names_the_reason(raw, app, machine):
    answer = await raw("DELETE", f"/apps/{app}/machines/{machine.id}")
    assert answer.status_code == 412
    assert text(answer).startswith("failed_precondition")
    assert "not currently stopped" in answer.json()["error"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"\xff", b"null", b"{'a': 1}"])
async def test_malformed_json_is_a_bad_request(raw, app, content):
    headers = {"content-type": "application/json"}
    answer = await raw("POST", f"/apps/{app}/machines", content=content, headers=headers)
    assert answer.status_code == 400
    assert text(answer)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"config": None},
        {"config": {}},
        {"config": {"image": ""}},
        {"config": {"image": 7}},
        {"config": {"image": "local/sleep", "env": {"A": 1}}},
        {"config": {"image": "local/sleep", "services": [{"internal_port": 0}]}},
        {"config": {"image": "local/sleep", "services": [{"internal_port": 8080, "autostop": "maybe"}]}},
        {"config": {"image": "local/sleep", "metrics": {"port": "9091"}}},
        {"config": {"image": "local/sleep", "dns": {"dns_forward_rules": [{"addr": 1}]}}},
        {"config": {"image": "local/sleep", "statics": {}}},
    ],
    ids=str,
)
async def test_a_configuration_that_cannot_be_is_refused(raw, client, app, body):
    answer = await raw("POST", f"/apps/{app}/machines", json={"region": "ams", **body})
    assert answer.status_code in (400, 422)
    assert text(answer)
    assert await client.machines(app) == []


async def test_what_is_only_kept_is_held_to_its_type_and_comes_back(local, raw, app):
    """DOCUMENTED openapi fly.MachineConfig: fields that mean nothing on one computer have their types all the same."""
    kept = {
        "containers": [{"name": "a", "env": {"A": "1"}, "healthchecks": [{"tcp": {"port": 80}, "interval": 10}]}],
        "dns": {"dns_forward_rules": [{"basename": "corp", "addr": "10.0.0.1"}]},
        "metrics": {"port": 9091, "path": "/metrics"},
        "processes": [{"cmd": ["x"], "ignore_app_secrets": True}],
        "rootfs": {"persist": "always", "size_gb": 2},
        "statics": [{"guest_path": "/public", "url_prefix": "/"}],
        "nobody_knows": {"this": [1, None]},
    }
    body = {"region": "ams", "skip_launch": True, "config": {"image": "local/sleep", **kept}}
    made = (await raw("POST", f"/apps/{app}/machines", json=body)).json()
    assert {key: made["config"][key] for key in kept} == kept
    body["config"]["processes"] = [{"ignore_app_secrets": "yes"}]
    answer = await raw("POST", f"/apps/{app}/machines/{made['id']}", json=body)
    assert answer.status_code == 400
    assert "config.processes[0].ignore_app_secrets 'yes': true or false is expected" in text(answer)


async def test_an_array_as_the_body_of_a_stop_is_refused(raw, app, machine):
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/stop", json=[])
    assert answer.status_code == 400


async def test_an_unknown_image_is_refused_with_the_names_of_the_known(local, raw, app):
    answer = await raw("POST", f"/apps/{app}/machines", json={"region": "ams", "config": {"image": "nginx:latest"}})
    assert answer.status_code in (400, 422)
    for known in ("nginx:latest", "local/room", "local/sleep", "local/exit", "local/process"):
        assert known in text(answer)


@pytest.mark.parametrize("region", ["xyz", "AMS1", "ams;iad"])
async def test_an_unknown_region_is_refused(raw, client, service, app, region):
    answer = await raw("POST", f"/apps/{app}/machines", json={"region": region, "config": service.sleeper().to_json()})
    assert answer.status_code in (400, 404, 422)
    assert text(answer)
    assert await client.machines(app) == []


async def test_an_unknown_path_is_not_found(raw, local):
    answer = await raw("GET", "/nothing/here")
    assert answer.status_code == 404
    assert text(answer)


async def test_an_unknown_method_is_not_allowed(raw, local, app):
    answer = await raw("PUT", f"/apps/{app}")
    assert answer.status_code == 405
    assert text(answer)


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", "/tokens/kms", "Tokens_request_Kms"),
        ("POST", "/tokens/oidc", "oidc"),
    ],
)
async def test_what_the_local_platform_does_not_offer_it_names(local, raw, app, machine, method, path, named):
    answer = await raw(method, path.format(app=app, machine=machine.id), json={})
    assert answer.status_code == 501
    assert named in text(answer)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/platform/regions"), ("GET", "/apps"), ("GET", "/nothing"), ("POST", "/apps")]
)
async def test_every_answer_carries_the_id_of_its_request(raw, method, path):
    first, second = await raw(method, path), await raw(method, path)
    ids = [answer.headers["fly-request-id"] for answer in (first, second)]
    assert all(ids)
    assert ids[0] != ids[1]


async def test_every_answer_names_the_proxies_it_came_through(raw):
    """REPORTED clutterstack.com, 2025-03: answers carry `server: Fly/…` and `via`."""
    for path in ("/platform/regions", "/nothing"):
        answer = await raw("GET", path)
        assert answer.headers["server"].startswith("Fly/")
        assert answer.headers["via"].endswith("fly.io")


async def test_the_id_arrives_in_the_exception(client, service, app):
    with pytest.raises(BadRequest) as caught:
        await client.wait(app, NOBODY, "asleep", timeout=1)
    assert caught.value.request_id
    assert caught.value.request_id in str(caught.value)


async def test_one_of_many_machines_of_one_name_is_made(raw, client, service, app):
    body = {"name": "one", "region": "ams", "skip_launch": True, "config": service.sleeper().to_json()}
    answers = await asyncio.gather(*(raw("POST", f"/apps/{app}/machines", json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert len(await client.machines(app)) == 1
