"""Replays on a real platform with machines in two regions: what tables of rules cannot show."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.local.up import Up, refused, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

# Answers as the query says, once: a request that was replayed here, or comes from the cache, is described instead.
SERVE = """
import http.server, json, os, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))
        if self.headers.get("fly-replay-cache-status") or not (query.get("replay") or query.get("json")):
            if query.get("then") and "fly-replay-src" not in self.headers:
                self.say(307, {"fly-replay": query["then"], "fly-replay-cache": "invalidate"}, b"moved")
            elif self.headers.get("upgrade"):
                self.say(101, {"connection": "upgrade", "upgrade": self.headers["upgrade"]}, None)
                self.wfile.write(self.rfile.read1(5))
                self.close_connection = True
            else:
                seen = {"machine": os.environ["FLY_MACHINE_ID"], "app": os.environ["FLY_APP_NAME"], "path": self.path,
                        "headers": {name.lower(): value for name, value in self.headers.items()}}
                self.say(200, {"fly-replay-cache": "/x/*"}, json.dumps(seen).encode())
        elif query.get("json"):
            self.say(200, {"content-type": "application/vnd.fly.replay+json"}, query["json"].encode())
        else:
            status = int(query.get("status", 307))
            more = {"connection": "upgrade", "upgrade": "websocket"} if status == 101 else {}
            names = ("fly-replay-cache", "fly-replay-cache-ttl-secs", "fly-replay-cache-allow-bypass")
            caching = {name: query[name] for name in names if name in query}
            self.say(status, {"fly-replay": query["replay"], **more, **caching}, None if status == 101 else b"not me")
    def say(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SETTINGS = """
[upgrades]
pairs = ["across=only_plain"]
"""
RULES = [{"path_prefix": "/s", "ttl_seconds": 60, "type": "cookie", "name": "sid"}]
WEB = [
    {
        "internal_port": 8080,
        "protocol": "tcp",
        "autostart": True,
        "ports": [{"port": 80, "handlers": ["http"], "http_options": {"replay_cache": RULES}}],
    }
]
CACHED = {"fly-replay-cache": "/x/*", "fly-replay-cache-ttl-secs": "60"}


class Place:
    """A platform with a machine of `app` in ams and in iad, and one of two other apps."""

    def __init__(self, running: Up) -> None:
        self.up = running
        running.app()
        running.app("other")
        running.ok("POST", "/v1/apps", {"app_name": "far", "org_slug": "personal", "network": "far"})
        self.a, self.b = (running.script(SERVE, services=WEB, region=region)["id"] for region in ("ams", "iad"))
        for app in ("other", "far"):
            running.script(SERVE, app, services=WEB)
        for app, machine in (("app", self.a), ("app", self.b), ("other", ""), ("far", "")):
            force = {"fly-force-instance-id": machine} if machine else {}
            wait_until(lambda a=app, f=force: self.get("/", a, headers=f).status_code == 200, what=f"{app} answers")

    def get(self, path: str, app: str = "app", region: str = "ams", **options: Any) -> httpx.Response:
        headers = {"host": f"{app}.fly.dev"} | options.pop("headers", {})
        return httpx.get(self.up.info["edges"][region] + path, headers=headers, timeout=20, trust_env=False, **options)

    def seen(self, path: str, **options: Any) -> dict[str, Any]:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        assert not [name for name in answer.headers if name.startswith("fly-replay")]
        found: dict[str, Any] = answer.json()
        return found

    def query(self, path: str = "/", **said: str) -> str:
        pairs = (f"{key.replace('_', '-')}={quote(value)}" for key, value in said.items())
        return f"{path}?{'&'.join(pairs)}"

    def upgrade(self, status: int, target: str) -> str:
        """The first line of the answer to an upgrade whose replay is answered with this status."""
        edge = urlsplit(self.up.info["edges"]["ams"])
        path = self.query(replay=f"instance={target}", status=str(status))
        with socket.create_connection((edge.hostname or "", edge.port or 0), 20) as client:
            head = f"GET {path} HTTP/1.1\r\nHost: app.fly.dev\r\nFly-Prefer-Region: ams\r\n"
            client.sendall(f"{head}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n".encode())
            answer = client.makefile("rb")
            first = answer.readline().decode().strip()
            if " 101 " in first:
                while answer.readline().strip():
                    pass
                client.sendall(b"hello")
                assert answer.read(5) == b"hello"
            return first


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text(SETTINGS)
    with up("--settings", str(settings), "--ws-replay", "within=only_101") as running:
        yield Place(running)
        running.end()


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests."""


def test_a_replay_from_region_to_region(place: Place) -> None:
    """DOCUMENTED networking/dynamic-request-routing: the original request again, with fly-replay-src."""
    path = place.query("/a%2F", replay="region=iad;state=blue")
    seen = place.seen(path, headers={"fly-replay-src": "forged"})
    assert (seen["machine"], seen["path"]) == (place.b, path)
    assert seen["headers"]["fly-replay-src"].startswith(f"instance={place.a};region=ams;t=")
    assert seen["headers"]["fly-replay-src"].endswith(";state=blue")
    assert seen["headers"]["fly-replay-cache-status"] == "miss"


def test_the_cache_hits_is_skipped_and_is_invalidated(place: Place) -> None:
    """DOCUMENTED networking/dynamic-request-routing: hit without fly-replay-src, bypass where allowed, invalidate."""
    asked = place.query("/x/1", replay=f"instance={place.b}", **{**CACHED, "fly-replay-cache-allow-bypass": "yes"})
    assert place.seen(asked)["headers"]["fly-replay-cache-status"] == "miss"
    hit = place.seen("/x/2")
    assert (hit["machine"], hit["headers"]["fly-replay-cache-status"]) == (place.b, "hit")
    assert "fly-replay-src" not in hit["headers"]
    # Another edge learns for itself (ASSUMED), and so does another path.
    assert "fly-replay-cache-status" not in place.seen("/x/2", region="iad")["headers"]
    assert place.seen("/y")["machine"] == place.a
    skipped = place.seen(asked, headers={"fly-replay-cache-control": "skip"})
    assert skipped["headers"]["fly-replay-cache-status"] == "bypass"
    moved = place.seen(place.query("/x/3", then=f"instance={place.a}"))
    assert (moved["machine"], moved["headers"]["fly-replay-cache-status"]) == (place.a, "miss")
    assert place.seen("/x/2")["machine"] == place.a


def test_a_session_is_remembered_by_its_cookie(place: Place) -> None:
    """DOCUMENTED reference/configuration: http_options.replay_cache."""
    place.seen(place.query("/s", replay=f"instance={place.b}"), headers={"cookie": "sid=1"})
    assert place.seen("/s/deep", headers={"cookie": "a=b; sid=1"})["machine"] == place.b
    assert place.seen("/s/deep", headers={"cookie": "sid=2"})["machine"] == place.a


def test_a_transform_changes_path_and_headers(place: Place) -> None:
    """DOCUMENTED networking/dynamic-request-routing: the JSON form alone has it."""
    transform = {
        "path": "/there?a=b",
        "delete_headers": ["Fly-Force-Instance-Id", "X-Gone"],
        "set_headers": [{"name": "X-Set", "value": "new"}],
    }
    words = {"instance": place.b, "transform": transform}
    headers = {"fly-force-instance-id": place.a, "x-gone": "1", "x-set": "old", "x-kept": "2"}
    seen = place.seen(place.query(json=json.dumps(words)), headers=headers)
    assert (seen["machine"], seen["path"]) == (place.b, "/there?a=b")
    assert [seen["headers"].get(name) for name in headers] == [None, None, "new", "2"]
    transform["set_headers"] = [{"name": "Transfer-Encoding", "value": "chunked"}]
    refusal = place.get(place.query(json=json.dumps(words)))
    assert (refusal.status_code, refusal.text[:5]) == (502, "PA03:")


def test_upgrades_by_pair_of_regions(place: Place) -> None:
    """REPORTED: replays of upgrades under other modes than any, by the settings file and by --ws-replay."""
    across, within = (
        [place.upgrade(status, target).split()[1] for status in (101, 307)] for target in (place.b, place.a)
    )
    assert across == ["502", "101"]
    assert within == ["101", "502"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ("app=other", 200, "other"),
        ("app=far", 502, "PA05: app 'far' is on another private network"),
        ("app=nobody", 502, "PA04: there is no app 'nobody'"),
        ("app=other;instance=A", 502, "PA03: machine"),
        ("region=", 502, "PA03: cannot read region list ''"),
    ],
)
def test_other_apps(place: Place, words: str, status: int, says: str) -> None:
    """DOCUMENTED networking/dynamic-request-routing; statuses ASSUMED."""
    answer = place.get(place.query(replay=words.replace("=A", f"={place.a}")))
    assert answer.status_code == status
    assert says in answer.text


def test_a_replay_rule_that_could_never_work_is_rejected(place: Place) -> None:
    options = {"replay_cache": [RULES[0] | {"ttl_seconds": 9}]}
    services = [{"internal_port": 1, "ports": [{"port": 80, "http_options": options}]}]
    body = {"config": {"image": "local/sleep", "services": services}}
    answer = place.up.call("POST", "/v1/apps/app/machines", body)
    assert answer.status_code == 400
    assert "replay_cache[0].ttl_seconds 9: 10 seconds are the least" in answer.json()["error"]


def test_a_mode_that_is_none() -> None:
    status, said = refused("--ws-replay", "ams-nrt=never")
    assert (status, "the modes are any, only_101, only_plain, refuse" in said) == (2, True)
