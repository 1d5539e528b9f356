"""What apps have on a real platform: addresses, hostnames that the edges honour, tokens of their own, networks."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

SERVE = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if replay := os.environ.get("REPLAY"):
            self.send_header("fly-replay", replay)
        body = os.environ["FLY_APP_NAME"].encode()
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WEB = [{"internal_port": 8080, "protocol": "tcp", "autostart": True, "ports": [{"port": 80, "handlers": ["http"]}]}]


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up() as running:
        yield running
        running.end()


@pytest.fixture(autouse=True)
def fresh(platform: Up) -> Iterator[None]:
    platform.app()
    platform.app("other")
    yield
    for app in platform.ok("GET", "/v1/apps", params={"org_slug": "personal"})["apps"]:
        platform.ok("DELETE", f"/v1/apps/{app['name']}", params={"force": "true"})


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests."""


def web(platform: Up, app: str = "app", **options: Any) -> dict[str, Any]:
    return platform.script(SERVE, app, services=WEB, **options)


def visit(platform: Up, host: str) -> httpx.Response:
    return httpx.get(platform.info["edges"]["ams"], headers={"host": host}, timeout=20, trust_env=False)


def answered(platform: Up, host: str) -> str:
    """What a machine that may still be starting says."""
    return str(wait_until(lambda: (a := visit(platform, host)).status_code == 200 and a.text, what=f"answer of {host}"))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_addresses_are_assigned_listed_and_released(platform: Up) -> None:
    """DOCUMENTED openapi App_IPAssignments_list, _create, _delete: 200, 200, 204."""
    path = "/v1/apps/app/ip_assignments"
    assert platform.ok("GET", path) == {"ips": []}
    given = [
        platform.ok(
            "POST", path, {"type": kind, "region": "ams", "org_slug": "personal", "network": "", "service_name": ""}
        )
        for kind in ("v4", "v6", "shared_v4", "private_v6", "egress_v4", "egress_v6")
    ]
    assert platform.ok("GET", path)["ips"] == given
    assert [row["shared"] for row in given] == [False, False, True, False, False, False]
    assert set(given[0]) == {"ip", "region", "shared", "created_at"}
    for row in given:
        removed = platform.call("DELETE", f"{path}/{row['ip']}")
        assert (removed.status_code, removed.content) == (204, b"")
    assert platform.ok("GET", path) == {"ips": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {}, 400, "type '' is none of v4"),
        ("POST", "", {"type": "v5"}, 400, "type 'v5' is none of v4"),
        ("POST", "", {"type": 4}, 400, "cannot read type 4"),
        ("POST", "", {"type": "v4", "region": "moon"}, 400, "region 'moon' is unknown"),
        ("POST", "", {"type": "v4", "org_slug": "theirs"}, 422, "organization 'theirs' is unknown"),
        ("DELETE", "/198.51.100.9", None, 404, "no address 198.51.100.9"),
        ("DELETE", "/not-an-address", None, 400, "'not-an-address' is not an IP address"),
    ],
)
def test_wrong_addresses(platform: Up, method: str, path: str, body: Any, status: int, says: str) -> None:
    answer = platform.call(method, f"/v1/apps/app/ip_assignments{path}", body)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text


# ── hostnames ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_edges_honour_a_hostname_until_it_is_removed(platform: Up) -> None:
    """DOCUMENTED openapi App_Certificates_acme_create 201, _show, _check, _delete 204."""
    web(platform)
    certificates = "/v1/apps/app/certificates"
    assert visit(platform, "shop.example.com").status_code == 404
    made = platform.call("POST", f"{certificates}/acme", {"hostname": "Shop.Example.com"})
    assert (made.status_code, made.json()["hostname"], made.json()["configured"]) == (201, "shop.example.com", True)
    assert answered(platform, "shop.example.com:4300") == "app"
    shown = platform.ok("GET", f"{certificates}/shop.example.com")
    assert shown == made.json()
    assert platform.ok("POST", f"{certificates}/shop.example.com/check")["dns_records"]["a"] == []
    platform.ok("POST", f"{certificates}/acme", {"hostname": "*.example.org"})
    assert answered(platform, "blue.example.org") == "app"
    assert visit(platform, "a.blue.example.org").status_code == 404
    assert platform.call("DELETE", f"{certificates}/shop.example.com").status_code == 204
    assert visit(platform, "shop.example.com").status_code == 404
    assert platform.call("GET", f"{certificates}/shop.example.com").status_code == 404


def test_hostnames_come_in_pages(platform: Up) -> None:
    """DOCUMENTED openapi App_Certificates_list: filter, limit (25 unless said), cursor."""
    path = "/v1/apps/app/certificates"
    names = [f"h{i:02}.example.com" for i in range(30)]
    for name in names:
        platform.ok("POST", f"{path}/acme", {"hostname": name})
    first = platform.ok("GET", path)
    assert ([row["hostname"] for row in first["certificates"]], first["total_count"]) == (names[:25], 30)
    rest = platform.ok("GET", path, params={"cursor": first["next_cursor"]})
    assert ([row["hostname"] for row in rest["certificates"]], "next_cursor" in rest) == (names[25:], False)
    assert platform.ok("GET", path, params={"filter": "H2"})["total_count"] == 10
    assert platform.call("GET", path, params={"limit": "501"}).status_code == 400


def test_a_custom_certificate(platform: Up) -> None:
    """DOCUMENTED openapi App_Certificates_custom_create 201, _custom_delete 200, _acme_delete 200."""

    def pem(kind: str) -> str:
        return f"-----BEGIN {kind}-----\n{base64.b64encode(kind.encode()).decode()}\n-----END {kind}-----\n"

    path = "/v1/apps/app/certificates"
    body = {"hostname": "a.example.com", "fullchain": pem("CERTIFICATE"), "private_key": pem("PRIVATE KEY")}
    made = platform.call("POST", f"{path}/custom", body)
    assert (made.status_code, made.json()["certificates"][0]["source"]) == (201, "custom")
    platform.ok("POST", f"{path}/acme", {"hostname": "a.example.com"})
    assert platform.ok("DELETE", f"{path}/a.example.com/custom")["certificates"][0]["source"] == "fly"
    assert platform.ok("DELETE", f"{path}/a.example.com/acme")["certificates"] == []
    wrong = platform.call("POST", f"{path}/custom", body | {"private_key": 90210})
    assert (wrong.status_code, "90210" in wrong.text) == (422, False)
    wrong = platform.call("POST", f"{path}/custom", body | {"fullchain": "x"})
    assert (wrong.status_code, "fullchain is not PEM" in wrong.text) == (422, True)


@pytest.mark.parametrize(
    "hostname", ["", "no-dot", "x.fly.dev", "app.localhost", "1.2.3.4", "a b.example", "ü.example"]
)
def test_a_bad_hostname_is_refused(platform: Up, hostname: str) -> None:
    answer = platform.call("POST", "/v1/apps/app/certificates/acme", {"hostname": hostname})
    assert (answer.status_code, "cannot use hostname" in answer.json()["error"]) == (422, True)


def test_a_hostname_belongs_to_one_app_and_is_free_after_it(platform: Up) -> None:
    web(platform, "other")
    body = {"hostname": "shop.example.com"}
    platform.ok("POST", "/v1/apps/app/certificates/acme", body)
    refused = platform.call("POST", "/v1/apps/other/certificates/acme", body)
    assert (refused.status_code, "belongs to another app" in refused.json()["error"]) == (422, True)
    platform.ok("DELETE", "/v1/apps/app", params={"force": "true"})
    platform.ok("POST", "/v1/apps/other/certificates/acme", body)
    assert answered(platform, "shop.example.com") == "other"


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_holder(platform: Up, token: str) -> httpx.Client:
    return httpx.Client(base_url=platform.info["api"], headers={"authorization": token}, timeout=20, trust_env=False)


def test_a_deploy_token_is_good_in_its_app_only(platform: Up) -> None:
    """DOCUMENTED openapi App_create_deploy_token; OBSERVED-IN-CLIENT fly-go: 404 for a free name, 403 for others."""
    platform.ok("POST", "/v1/apps/other/ip_assignments", {"type": "v4"})
    token = platform.ok("POST", "/v1/apps/app/deploy_token", {"expiry": "1h"})["token"]
    assert token.startswith("FlyV1 fm2_")
    for header in (token, f"Bearer {token}", token.replace("FlyV1", "Bearer"), f"{token},fm2_unknown"):
        with as_holder(platform, header) as http:
            assert http.get("/v1/apps/app").status_code == 200
    with as_holder(platform, token) as http:
        made = http.post("/v1/apps/app/machines", json={"config": {"image": "local/sleep"}, "skip_launch": True})
        assert made.status_code == 200
        assert http.post("/v1/apps/app/secrets", json={"values": {"A": "x"}}).status_code == 200
        assert http.get("/v1/platform/regions").status_code == 200
        assert http.get("/v1/apps/free").status_code == 404
        for method, path in (
            ("GET", "/v1/apps/other"),
            ("GET", "/v1/apps/other/machines"),
            ("DELETE", "/v1/apps/other"),
            ("POST", "/v1/apps"),
            ("GET", "/v1/apps?org_slug=personal"),
            ("POST", "/v1/apps/app/deploy_token"),
        ):
            answer = http.request(method, path)
            assert (answer.status_code, path) == (403, path)
            assert answer.json()["error"]
        (mine,) = http.get("/v1/tokens/current").json()["tokens"]
        assert (mine["apps"], mine["org_slug"]) == (["app"], "personal")
    assert platform.ok("GET", "/v1/tokens/current")["tokens"][0].get("apps") is None


def test_two_tokens_are_good_for_two_apps(platform: Up) -> None:
    one, two = (platform.ok("POST", f"/v1/apps/{app}/deploy_token")["token"] for app in ("app", "other"))
    with as_holder(platform, f"{one},{two.removeprefix('FlyV1 ')}") as http:
        assert [http.get(f"/v1/apps/{app}").status_code for app in ("app", "other")] == [200, 200]
        assert len(http.get("/v1/tokens/current").json()["tokens"]) == 2


def test_a_token_expires_and_goes_with_its_app(platform: Up) -> None:
    short = platform.ok("POST", "/v1/apps/app/deploy_token", {"expiry": "1ns"})["token"]
    lasting = platform.ok("POST", "/v1/apps/app/deploy_token", {"expiry": "24h"})["token"]
    with as_holder(platform, short) as http:
        expired = http.get("/v1/apps/app")
        assert (expired.status_code, "Authenticate:" in expired.json()["error"]) == (401, True)
    platform.ok("DELETE", "/v1/apps/app")
    platform.app()
    with as_holder(platform, lasting) as http:
        assert http.get("/v1/apps/app").status_code == 401


@pytest.mark.parametrize("expiry", ["soon", "-1h", "0s", "10"])
def test_a_bad_expiry_is_refused(platform: Up, expiry: str) -> None:
    answer = platform.call("POST", "/v1/apps/app/deploy_token", {"expiry": expiry})
    assert (answer.status_code, "expiry" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("oidc", "Tokens_request_OIDC"),
        ("authenticate", "Tokens_authenticate"),
        ("authorize", "Tokens_authorize"),
        ("kms", "Tokens_request_Kms"),
    ],
)
def test_what_needs_macaroons_is_not_offered(platform: Up, path: str, name: str) -> None:
    answer = platform.call("POST", f"/v1/tokens/{path}", {})
    assert (answer.status_code, name in answer.json()["error"]) == (501, True)


# ── apps and networks ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_app_with_everything_that_can_be_said(platform: Up) -> None:
    """OBSERVED-IN-CLIENT fly-go: ?wait=true; DOCUMENTED openapi CreateAppRequest: network, enable_subdomains."""
    body = {"name": "net", "org_slug": "personal", "network": "n1", "enable_subdomains": True, "idempotency_key": "k"}
    first = platform.call("POST", "/v1/apps", body, params={"wait": "true"})
    assert first.status_code == 201
    assert platform.ok("POST", "/v1/apps", body)["id"] == first.json()["id"]
    assert platform.ok("POST", "/v1/apps", body | {"name": ""})["id"] == first.json()["id"]
    assert platform.call("POST", "/v1/apps", body | {"name": "net-2"}).status_code == 422
    assert platform.ok("GET", "/v1/apps/net")["network"] == "n1"
    assert platform.call("POST", "/v1/apps", body | {"name": "x", "enable_subdomains": "yes"}).status_code == 400


def test_a_machine_of_another_network_is_neither_replayed_to_nor_woken(platform: Up) -> None:
    """DOCUMENTED networking/dynamic-request-routing: refused unless the organisation enables it."""
    platform.ok("POST", "/v1/apps", {"name": "net", "org_slug": "personal", "network": "n1"})
    target = web(platform, "net")
    platform.wait(target, "started", "net")
    platform.ok("POST", platform.path(target, "/stop", "net"))
    platform.wait(target, "stopped", "net")
    origin = web(platform, env={"REPLAY": "app=net"})
    platform.wait(origin, "started")
    refused = wait_until(lambda: "PA05" in (a := visit(platform, "app.localhost")).text and a, what="PA05")
    assert "another private network" in refused.text
    assert platform.state(target, "net") == "stopped"
    assert answered(platform, "net.localhost") == "net"  # its own visitors wake it


def test_everything_of_an_app_comes_back_with_the_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with up("--state", str(state)) as before:
        before.app()
        web(before)
        address = before.ok("POST", "/v1/apps/app/ip_assignments", {"type": "v6"})
        before.ok("POST", "/v1/apps/app/certificates/acme", {"hostname": "shop.example.com"})
        token = before.ok("POST", "/v1/apps/app/deploy_token")["token"]
        before.end(9)
    written = b"".join(path.read_bytes() for path in state.rglob("flylab.db*"))
    assert token.split()[1].encode() not in written
    settings = tmp_path / "settings.toml"
    settings.write_text("[exchange]\ncross_network = true\n")
    with up("--state", str(state), "--settings", str(settings)) as after:
        assert after.ok("GET", "/v1/apps/app/ip_assignments")["ips"] == [address]
        with as_holder(after, token) as http:
            assert http.get("/v1/apps/app/machines").status_code == 200
        assert answered(after, "shop.example.com") == "app"
        after.ok("POST", "/v1/apps", {"name": "net", "org_slug": "personal", "network": "n1"})
        web(after, "net", env={"REPLAY": "app=app"})
        assert answered(after, "net.localhost") == "app"
        after.end()
