"""Machines that nobody needs are stopped or suspended, and woken by the next request: real processes, a faster pace."""

import asyncio
import re
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from flylab.wire.log import LogLine
from tests.local.up import Up, up
from tests.support import wait_until

SETTINGS = """
[autostop]
period = 0.1
idle = 0.4
cordon_wait = 0.1
close_wait = 20.0
[edge]
propagation = 0.02
[exchange]
queue_timeout = 60.0
"""
# Answers requests, holds WebSockets, and tells how they and it itself end.
SERVER = """
import asyncio, base64, hashlib, os, signal
KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
async def frames(reader, writer):
    while True:
        first, second = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(second & 127)))
        if first & 15 == 8:
            print("closed with", int.from_bytes(data[:2], "big"), flush=True)
            writer.write(bytes([0x88, len(data)]) + data)
            return
        writer.write(bytes([0x81, len(data)]) + data)
async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            fields = [line.split(b": ", 1) for line in head.split(b"\\r\\n")[1:-2]]
            keys = [value for name, value in fields if name.lower() == b"sec-websocket-key"]
            if keys:
                accept = base64.b64encode(hashlib.sha1(keys[0] + KEY).digest())
                writer.write(b"HTTP/1.1 101 x\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\n")
                writer.write(b"sec-websocket-accept: " + accept + b"\\r\\n\\r\\n")
                await frames(reader, writer)
                return
            body = os.environ["FLY_MACHINE_ID"].encode()
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n%b" % (len(body), body))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
async def main():
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, over.set)
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=1000)
    print("listening", flush=True)
    await over.wait()
    print("interrupted", flush=True)
asyncio.run(main())
"""
# The same, but deaf in its second life.
DEAF_ONCE = """
import os, pathlib, time
lives = pathlib.Path(os.environ["LIVES"])
lives.write_text(lives.read_text() + "x")
if len(lives.read_text()) == 2:
    print("deaf", flush=True)
    time.sleep(600)
"""
PORTS = [{"port": 80, "handlers": ["http"]}]
STORM = 1000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text(SETTINGS)
    with up("--settings", str(settings)) as running:
        yield running
        running.end()
        assert running.running() == []


def web(platform: Up, app: str, autostop: str | bool = "stop", **more: Any) -> dict[str, Any]:
    """A machine of the server above; ``minimum`` and ``concurrency`` are of its service."""
    service = {
        "internal_port": 8080,
        "ports": PORTS,
        "autostart": True,
        "autostop": autostop,
        "min_machines_running": more.pop("minimum", 0),
        "concurrency": more.pop("concurrency", {"type": "requests"}),
    }
    machine = platform.script(more.pop("script", SERVER), app, services=[service], **more)
    wait_until(lambda: "listening" in platform.log(machine, app), 20, what="the server")
    return machine


def ask(platform: Up, app: str, region: str = "ams", **headers: str) -> httpx.Response:
    url = platform.info["edges"][region]
    named = {"host": f"{app}.localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url, headers=named, timeout=60, trust_env=False)


def web_socket(platform: Up, app: str, machine: dict[str, Any]) -> connect:
    """A client to be entered, connected to this machine."""
    edge = httpx.URL(platform.info["edges"]["ams"])
    raw = socket.create_connection((edge.host, edge.port or 80), timeout=20)
    headers = {"fly-force-instance-id": machine["id"]}
    return connect(f"ws://{app}.localhost/", sock=raw, additional_headers=headers, open_timeout=20, proxy=None)


def sources(platform: Up, app: str, machine: dict[str, Any], kind: str) -> list[str]:
    """Who caused its events of this kind, the first one first."""
    shown = platform.ok("GET", platform.path(machine, app=app))
    return [event["source"] for event in reversed(shown["events"]) if event["type"] == kind]


@pytest.mark.parametrize(("autostop", "state"), [(True, "stopped"), ("suspend", "suspended")])
def test_a_machine_without_requests_goes_down_and_the_next_request_wakes_it(
    platform: Up, autostop: str | bool, state: str
) -> None:
    """DOCUMENTED launch/autostop-autostart: true is stop, and suspend suspends; a request starts it again."""
    app = platform.app(f"quiet-{state}")
    machine = web(platform, app, autostop)
    platform.wait(machine, state, app)
    assert ask(platform, app, "iad").text == machine["id"]
    assert "proxy" in sources(platform, app, machine, "start")
    assert "proxy" in sources(platform, app, machine, "stop" if state == "stopped" else "suspend")
    assert ("interrupted" in platform.log(machine, app)) is (state == "stopped")
    lines = map(LogLine.from_json, platform.ok("GET", f"/_flylab/apps/{app}/logs"))
    said = [line.text for line in lines if line.provider == "proxy"]
    what = "autostopping" if state == "stopped" else "autosuspending"
    left = f"{what} machine {machine['id']}. 0 out of 1 machines left running (region=ams)"
    assert said[:2] == [f"App {app} has excess capacity, {left}", "Starting machine"]
    assert [re.sub(r"in [\d.]+.?s$", "in a while", line) for line in said[2:4]] == [
        "machine started in a while",
        "machine became reachable in a while",
    ]
    platform.wait(machine, state, app)


def test_a_stop_by_its_user_costs_no_request(platform: Up) -> None:
    """ASSUMED: edges send nothing new to a machine that is being stopped; what it has not read goes to another one."""
    app = platform.app("stopped")
    machines = [web(platform, app, autostop=False) for _ in range(2)]
    over = threading.Event()

    def visit(_: int) -> set[tuple[int, str]]:
        seen = set()
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not over.is_set():
                answer = client.get(platform.info["edges"]["ams"], headers={"host": f"{app}.localhost"})
                seen.add((answer.status_code, answer.text))
        return seen

    with ThreadPoolExecutor() as pool:
        visits = pool.map(visit, range(4))
        try:
            for machine in machines:
                platform.ok("POST", platform.path(machine, "/stop", app))
                platform.wait(machine, "stopped", app)
                platform.ok("POST", platform.path(machine, "/start", app))
                # The other one is not stopped before this one takes requests again.
                wait_until(lambda machine=machine: platform.log(machine, app).count("listening") == 2, 20, what="it")
        finally:
            over.set()
        assert set().union(*visits) == {(200, machine["id"]) for machine in machines}


def test_a_stop_by_its_user_costs_no_request_that_has_woken_the_machine(platform: Up, tmp_path: Path) -> None:
    """DOCUMENTED monitoring/error-codes: PM08 for a machine that stops; a request fails with PR03 only after tries."""
    app, lives = platform.app("overtaken"), tmp_path / "lives"
    lives.touch()
    machine = web(platform, app, autostop=False, script=DEAF_ONCE + SERVER, env={"LIVES": str(lives)})
    platform.ok("POST", platform.path(machine, "/stop", app))
    platform.wait(machine, "stopped", app)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, platform, app)
        wait_until(lambda: "deaf" in platform.log(machine, app), 20, what="its second life")
        platform.ok("POST", platform.path(machine, "/stop", app))
        assert (answer.result().status_code, answer.result().text) == (200, machine["id"])
    assert len(lives.read_text()) == 3


def test_the_primary_region_keeps_its_minimum(platform: Up) -> None:
    """DOCUMENTED reference/configuration: min_machines_running is kept in the primary region only."""
    app = platform.app("kept")
    common: dict[str, Any] = {"minimum": 1, "env": {"PRIMARY_REGION": "ams"}}
    here = [web(platform, app, region="ams", **common) for _ in range(2)]
    there = web(platform, app, region="iad", **common)
    platform.wait(there, "stopped", app)
    wait_until(lambda: "stopped" in [platform.state(each, app) for each in here], 20, what="one of two is stopped")
    clock = web(platform, platform.app("clock"))
    platform.wait(clock, "stopped", "clock")  # as long again as it takes to stop a machine
    assert sorted(platform.state(each, app) for each in here) == ["started", "stopped"]


def test_an_open_websocket_is_closed_with_1001_and_opened_again_on_the_woken_machine(platform: Up) -> None:
    """REPORTED community.fly.io/t/27544 (Fly's staff): WebSockets get a close frame, 1001, before the stop."""
    app = platform.app("sockets")
    staying = web(platform, app, concurrency={"type": "requests", "soft_limit": 3})
    with ExitStack() as stack:
        others = [stack.enter_context(web_socket(platform, app, staying)) for _ in range(3)]
        leaving = web(platform, app)
        page = stack.enter_context(web_socket(platform, app, leaving))
        # Now both have load below their soft limit, so one is too many by the formula: the one with less load.
        others[0].close()
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        platform.wait(leaving, "stopped", app)
        # The machine heard of it as of a client that leaves, and only then was told to stop.
        said = platform.log(leaving, app)
        assert said.index("closed with 1001") < said.rindex("interrupted")
        stack.enter_context(web_socket(platform, app, staying))  # at its soft limit: two are not too many
        again = stack.enter_context(web_socket(platform, app, leaving))
        assert again.response is not None
        assert again.response.status_code == 101
        assert "proxy" in sources(platform, app, leaving, "start")


def test_a_storm_of_requests_is_one_start_and_every_one_is_answered(platform: Up) -> None:
    app = platform.app("storm")
    machine = web(platform, app, "off", concurrency={"type": "requests", "soft_limit": 50, "hard_limit": 100})
    platform.ok("POST", platform.path(machine, "/stop", app))
    platform.wait(machine, "stopped", app)
    starts = len(sources(platform, app, machine, "start"))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4 * STORM), most))
    answers = asyncio.run(_storm(httpx.URL(platform.info["edges"]["ams"]), app))
    assert answers == [f"200 {machine['id']}"] * STORM
    # One start makes two events: starting and started.
    assert len(sources(platform, app, machine, "start")) == starts + 2


async def _storm(edge: httpx.URL, app: str) -> list[str]:
    async def one() -> str:
        reader, writer = await asyncio.open_connection(edge.host, edge.port)
        writer.write(f"GET / HTTP/1.1\r\nhost: {app}.localhost\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return f"{head[9:12].decode()} {body.decode()}"

    async with asyncio.timeout(60):
        return list(await asyncio.gather(*(one() for _ in range(STORM))))
