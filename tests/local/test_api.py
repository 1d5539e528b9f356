"""The API where a request is not what it should be: each answer has the right status and one clear sentence."""

from collections.abc import Iterator

import pytest

from flylab.local.api import operation_of
from tests.local.up import Up, up


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up() as running:
        running.app()
        yield running
        assert running.end()[0] == 0


APP = "/v1/apps/app"
NOBODY = f"{APP}/machines/00000000000000"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/v1/apps", b"{", 400, "cannot read the request's body as JSON: "),
        ("POST", "/v1/apps", b"[1]", 400, "the request's body is a JSON list, an object is expected"),
        ("POST", "/v1/apps", b"\xff", 400, "cannot read the request's body as JSON: "),
        ("POST", "/v1/apps", b"[" * 100_000, 400, "cannot read the request's body as JSON: "),
        ("POST", "/v1/apps", b'{"name": NaN}', 400, "NaN is not JSON"),
        ("POST", "/v1/apps", b'{"name": 3}', 400, "cannot read name 3: a text is expected"),
        ("POST", "/v1/apps", b" " * 9_000_000, 413, "the request's body is too large"),
        ("POST", "/v1/apps", b'{"name": "app"}', 422, "app name 'app' has already been taken"),
        ("POST", "/v1/apps", b'{"name": "b", "org_slug": "theirs"}', 422, "organization 'theirs' is unknown here"),
        ("GET", "/v1/apps", b"", 400, "org_slug is missing"),
        ("GET", "/v1/apps?org_slug=personal&limit=0", b"", 400, "limit '0' is not a number between 1 and 5000"),
        ("GET", "/v1/apps?org_slug=personal&limit=1&cursor=x", b"", 400, "cursor 'x' is unknown"),
        ("GET", "/v1/nowhere", b"", 404, "no such path: /v1/nowhere"),
        ("GET", "/elsewhere", b"", 404, "no such path: /elsewhere"),
        ("PUT", "/v1/apps", b"", 405, "PUT is not allowed on /v1/apps"),
        ("POST", "/v1/tokens/kms", b"{}", 501, "Tokens_request_Kms"),
        ("GET", f"{APP}/machines?state=dreaming", b"", 400, "cannot read state 'dreaming'"),
        ("GET", NOBODY, b"", 404, "not_found: machine not found"),
        ("POST", f"{NOBODY}/start", b"", 404, "not_found: machine not found"),
        ("POST", f"{APP}/machines", b"{}", 400, "config.image is missing"),
        ("POST", f"{APP}/machines", b'{"config": {"image": "nginx"}}', 400, "images here: local/exit"),
        (
            "POST",
            f"{APP}/machines",
            b'{"config": {"image": "local/sleep"}, "region": "xyz"}',
            400,
            "regions here: ams, iad",
        ),
        ("GET", f"{NOBODY}/wait?timeout={'9' * 5000}", b"", 400, "timeout '99"),
        ("GET", f"/v1/apps?org_slug=personal&limit={'9' * 5000}", b"", 400, "limit '99"),
        ("POST", f"{APP}/deploy_token", b'{"expiry": "' + b"9" * 5000 + b's"}', 400, "longer than 100 characters"),
        ("GET", f"{NOBODY}/wait?timeout=61", b"", 400, "timeout '61' is not between 1s and 1m0s"),
        ("GET", "/_flylab/apps/app/machines/x/logs", b"", 404, "machine not found"),
    ],
)
def test_what_is_wrong_is_said(platform: Up, method: str, path: str, body: bytes, status: int, says: str) -> None:
    answer = platform.http.request(method, path, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert says in answer.json()["error"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "FlyV1 a,b"])
def test_a_wrong_token(platform: Up, header: str) -> None:
    given = header.format(token=platform.info["token"])
    answer = platform.http.get(APP, headers={"authorization": given})
    assert answer.status_code == 401
    assert "Authenticate:" in answer.json()["error"]


@pytest.mark.parametrize("header", ["Bearer {token}", "bearer {token}", "FlyV1 {token}", "FlyV1 fm2_x, {token}"])
def test_a_right_token(platform: Up, header: str) -> None:
    given = header.format(token=platform.info["token"])
    assert platform.http.get(APP, headers={"authorization": given}).status_code == 200


@pytest.mark.parametrize("path", [APP, "/v1/nowhere", "/_flylab/platform", f"{APP}/volumes"])
def test_every_answer_has_a_request_id(platform: Up, path: str) -> None:
    ids = {platform.http.get(path).headers["fly-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(request_id.endswith("-ams") and len(request_id) == 30 for request_id in ids)


def test_lists_come_in_pages(platform: Up) -> None:
    made = [platform.create(skip_launch=True)["id"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        answer = platform.call("GET", f"{APP}/machines", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [machine["id"] for machine in answer.json()]
        cursor = answer.headers.get("fly-next-cursor", "")
        if not cursor:
            break
    assert seen == made
    platform.app("another")
    first = platform.ok("GET", "/v1/apps", params={"org_slug": "personal", "limit": 1})
    assert (first["total_apps"], first["next_cursor"], len(first["apps"])) == (2, "app", 1)


def test_a_summary_leaves_out_what_is_long(platform: Up) -> None:
    platform.create(skip_launch=True)
    (*_, machine) = platform.ok("GET", f"{APP}/machines", params={"summary": "true"})
    assert not {"config", "events"} & machine.keys()
    assert {"id", "name", "state", "region", "version"} <= machine.keys()


def test_operations_of_the_document_are_known() -> None:
    assert operation_of("PUT", "/v1/apps/a/volumes/vol_1/extend") == "Volumes_extend"
    assert operation_of("PUT", "/v1/apps/a/volumes/vol_1/extend/more") == ""
    assert operation_of("GET", "/v1/tokens/oidc") == ""
