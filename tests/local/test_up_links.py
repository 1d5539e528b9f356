"""A link between two regions is made slow or cut while the platform runs, and so are connections that are open."""

import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.local.up import Up, up

ROUTER = [sys.executable, "-I", "-S", str(files("flylab.kit").joinpath("programs/router.py"))]
SETTINGS = "[edge]\nconnect_timeout = 0.3\n[exchange]\nconnect_tries = 2\nattempts = 2\nfirst_pause = 0.01\n"
# Every region is 20 ms from every other, so that connections have a delay that can be changed.
FAR = "a,b,rtt_ms\nams,iad,20\nams,ams,0\niad,iad,0\n"
# Accepts a WebSocket and sends back whatever comes, a frame as it is but without its mask.
ECHO = """
import base64, hashlib, os, re, socket, threading
door = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
def serve(held):
    key = re.search(rb"(?i)sec-websocket-key: *([^\\r]+)", held.recv(10000))[1]
    told = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    held.sendall(b"HTTP/1.1 101 Switching\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                 b"Sec-WebSocket-Accept: " + told + b"\\r\\n\\r\\n")
    while frame := held.recv(1000):
        mask, text = frame[2:6], frame[6:]
        said = bytes(byte ^ mask[n % 4] for n, byte in enumerate(text))
        held.sendall(bytes((frame[0], len(said))) + said)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=door.accept()[:1], daemon=True).start()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder: Path = tmp_path_factory.mktemp("links")
    (folder / "settings.toml").write_text(SETTINGS)
    (folder / "far.csv").write_text(FAR)
    with up("--settings", str(folder / "settings.toml"), "--latency", str(folder / "far.csv")) as platform:
        for name, code in (("routed", ROUTER), ("echo", [sys.executable, "-I", "-S", "-u", "-c", ECHO])):
            platform.app(name)
            service = {"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}
            made = platform.create(name, "local/process", init={"exec": code}, region="iad", services=[service])
            platform.wait(made, "started", name)
        yield platform


@pytest.fixture(autouse=True)
def mended(running: Up) -> Iterator[None]:
    yield
    running.ok("DELETE", "/_flylab/links")


def visit(platform: Up, edge: str, app: str = "routed") -> httpx.Response:
    address = platform.info["edges"][edge]
    return httpx.get(address, headers={"host": f"{app}.fly.dev", "x-flylab-trace": "1"}, trust_env=False, timeout=20)


def hop(answer: httpx.Response) -> dict[str, Any]:
    trace = httpx.Response(200, text=answer.headers["x-flylab-trace"]).json()
    last: dict[str, Any] = trace["hops"][-1]
    return {"configured_ms": last["configured_ms"], "links": trace.get("links")}


def test_a_slow_link_is_part_of_the_distance_and_of_the_trace(running: Up) -> None:
    assert hop(visit(running, "ams")) == {"configured_ms": 20.0, "links": None}
    said = running.call("POST", "/_flylab/links", {"a": "iad", "b": "ams", "added_ms": 180})
    assert (said.status_code, said.json()) == (201, {"a": "iad", "b": "ams", "added_ms": 180.0, "cut": False})
    slow = visit(running, "ams")
    assert hop(slow) == {"configured_ms": 200.0, "links": ["iad–ams +180 ms"]}
    assert slow.elapsed.total_seconds() >= 0.19
    assert hop(visit(running, "iad")) == {"configured_ms": 1.0, "links": ["iad–ams +180 ms"]}
    about = running.ok("GET", "/_flylab/platform")
    assert about["rtt_ms"]["ams"]["iad"] == about["rtt_ms"]["iad"]["ams"] == 200.0
    assert about["links"] == running.ok("GET", "/_flylab/links")["links"] == [said.json()]
    assert running.ok("DELETE", "/_flylab/links/ams/iad") == {"links": [said.json()]}
    assert hop(visit(running, "ams")) == {"configured_ms": 20.0, "links": None}


def test_a_cut_link_lets_nothing_through_and_leaves_other_ways_alone(running: Up) -> None:
    assert visit(running, "ams").status_code == 200
    running.ok("POST", "/_flylab/links", {"a": "ams", "b": "iad", "cut": True})
    refused = visit(running, "ams")
    assert refused.status_code in (502, 503)
    assert "PC05" in refused.headers["x-flylab-trace"]
    assert visit(running, "iad").status_code == 200
    running.ok("DELETE", "/_flylab/links")
    assert visit(running, "ams").status_code == 200


def test_a_socket_that_is_open_feels_it(running: Up) -> None:
    port = httpx.URL(running.info["edges"]["ams"]).port
    address = {"address": ("127.0.0.1", port), "proxy": None}

    def round_trip(socket: Any) -> float:
        began = time.perf_counter()
        socket.send("hello")
        assert socket.recv(timeout=10) == "hello"
        return time.perf_counter() - began

    with connect("ws://echo.fly.dev/", **address) as socket:
        round_trip(socket)
        running.ok("POST", "/_flylab/links", {"a": "ams", "b": "iad", "added_ms": 400})
        assert round_trip(socket) >= 0.4
        running.ok("DELETE", "/_flylab/links/iad/ams")
        assert min(round_trip(socket) for _ in range(5)) < 0.4
        running.ok("POST", "/_flylab/links", {"a": "ams", "b": "iad", "cut": True})
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=10)
        with pytest.raises(InvalidStatus):
            connect("ws://echo.fly.dev/", **address)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "why"),
    [
        (
            "POST",
            "links",
            {"a": "ams", "b": "lhr", "cut": True},
            400,
            "region 'lhr' is unknown here; there are ams, iad",
        ),
        ("POST", "links", {"a": "ams", "b": "iad"}, 400, "added_ms above 0"),
        ("POST", "links", {"a": "ams", "b": "iad", "added_ms": "x"}, 400, "a number of milliseconds"),
        ("DELETE", "links/ams/iad", None, 404, "neither slow nor cut"),
        ("PATCH", "timeouts", {"lunch_timeout": 1}, 400, "time-out 'lunch_timeout' is unknown; there are head_timeout"),
        ("PATCH", "timeouts", {"wake_timeout": True}, 400, "wake_timeout 'True' is not a number of seconds"),
        ("PATCH", "timeouts", {"wake_timeout": 0}, 400, "between 0.1 and 3600"),
    ],
)
def test_bad_input_is_refused_by_name(running: Up, method: str, path: str, body: object, status: int, why: str) -> None:
    answer = running.call(method, f"/_flylab/{path}", body)
    assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert running.ok("GET", "/_flylab/links") == {"links": []}


def test_only_the_organisation_may_change_them(running: Up) -> None:
    for method, path, body in (("POST", "links", {"a": "ams", "b": "iad", "cut": True}), ("PATCH", "timeouts", {})):
        answer = httpx.request(method, f"{running.info['api']}/_flylab/{path}", json=body, trust_env=False)
        assert answer.status_code == 401


def test_time_outs_hold_from_now_on(running: Up) -> None:
    before = running.ok("GET", "/_flylab/timeouts")
    assert (before["connect_timeout"], before["queue_timeout"]) == (0.3, 8.0)
    try:
        changed = running.ok("PATCH", "/_flylab/timeouts", {"connect_timeout": 1.5, "queue_timeout": 2})
        assert changed == before | {"connect_timeout": 1.5, "queue_timeout": 2.0}
        running.ok("POST", "/_flylab/links", {"a": "ams", "b": "iad", "cut": True})
        slow = visit(running, "ams")
        assert "PC05" in slow.headers["x-flylab-trace"]
        assert slow.elapsed.total_seconds() >= 1.5
        # A change with something wrong in it changes nothing.
        assert running.call("PATCH", "/_flylab/timeouts", {"idle_timeout": 9, "body_timeout": "x"}).status_code == 400
        assert running.ok("GET", "/_flylab/timeouts") == changed
    finally:
        running.ok("PATCH", "/_flylab/timeouts", before)
