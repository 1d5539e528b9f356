"""Logs of real machines: read and followed through the API and by `flylab logs`, also under a flood."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from flylab.client import Client
from flylab.client.errors import NotFound
from flylab.errors import UsageError
from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

ONCE = {"restart": {"policy": "no"}}


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up() as running:
        running.app()
        yield running
        running.end()
        assert running.running() == []


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests; its fixture looks at what is left."""


def ended(platform: Up, text: str, app: str = "app", **config: Any) -> dict[str, Any]:
    machine = platform.script(text, app, **ONCE, **config)
    platform.wait(machine, "stopped", app)
    return machine


def lines(platform: Up, app: str, **query: Any) -> list[tuple[str, str]]:
    found = platform.ok("GET", f"/_flylab/apps/{app}/logs", params=query)
    assert [line["at"] for line in found] == sorted(line["at"] for line in found)
    return [(line["stream"], line["text"]) for line in found]


def test_both_streams_of_all_machines_by_time(platform: Up) -> None:
    platform.app("both")
    first = ended(platform, "import sys; print('a'); sys.stdout.flush(); print('b', file=sys.stderr)", "both")
    second = ended(platform, "print('c')", "both")
    assert sorted(lines(platform, "both")) == [("stderr", "b"), ("stdout", "a"), ("stdout", "c")]
    assert lines(platform, "both", machine=second["id"]) == [("stdout", "c")]
    assert lines(platform, "both", region="iad") == []
    assert len(lines(platform, "both", region="ams")) == 3
    (at,) = {
        line["at"]
        for line in platform.ok(
            "GET", platform.path(second, "/logs", "both").replace("/v1", "/_flylab"), params={"limit": 1}
        )
    }
    assert ("stdout", "c") in lines(platform, "both", since=at)
    assert lines(platform, "both", since="2100-01-01T00:00:00Z") == []
    assert platform.log(first, "both").splitlines() in (["a", "b"], ["b", "a"])


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/_flylab/apps/nobody/logs", 404, "app 'nobody' not found"),
        ("/_flylab/apps/app/logs?machine=x", 404, "machine not found"),
        ("/_flylab/apps/app/logs?region=xyz", 400, "region 'xyz' is unknown; regions here: ams, iad"),
        ("/_flylab/apps/app/logs?since=yesterday", 400, "cannot read since 'yesterday'"),
        ("/_flylab/apps/app/logs?limit=0", 400, "limit '0' is not a number between 1 and 100000"),
        ("/_flylab/apps/app/logs?follow=true&machine=x", 404, "machine not found"),
    ],
)
def test_what_is_wrong_is_said(platform: Up, path: str, status: int, says: str) -> None:
    answer = platform.http.get(path)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text


async def test_the_client_reads_and_follows(platform: Up) -> None:
    platform.app("typed")
    machine = platform.script(
        "import itertools, time\nfor i in itertools.count(): print(i, flush=True); time.sleep(0.01)", "typed"
    )
    platform.wait(machine, "started", "typed")
    async with Client(platform.info["api"], platform.info["token"]) as client:
        seen: list[int] = []
        async for line in client.follow_logs("typed", since="2020-01-01T00:00:00Z"):
            assert (line.machine, line.region, line.stream) == (machine["id"], "ams", "stdout")
            seen.append(int(line.text))
            if len(seen) == 100:
                break
        assert seen == list(range(100))
        assert [line.text for line in await client.logs("typed", since="2020-01-01T00:00:00Z", limit=2)] == ["0", "1"]
        with pytest.raises(NotFound):
            await client.logs("nobody")
        with pytest.raises(NotFound):
            await anext(aiter(client.follow_logs("nobody")))
    async with Client("https://api.machines.dev", "token") as fly:
        with pytest.raises(UsageError, match="use 'fly logs'"):
            await fly.logs("typed")
    platform.ok("DELETE", "/v1/apps/typed", params={"force": "true"})


@contextmanager
def logs(platform: Up, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {"FLY_API_HOSTNAME": platform.info["api"], "FLY_API_TOKEN": platform.info["token"]} | environment
    command = [sys.executable, "-m", "flylab", "logs", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_command_shows_what_there_is(platform: Up) -> None:
    platform.app("shown")
    machine = ended(platform, "print('hello')", "shown")
    with logs(platform, "shown") as process:
        out, err = process.communicate(timeout=30)
    at, _, rest = out.partition(" ")
    assert (rest, err, process.returncode) == (f"app[{machine['id']}] ams hello\n", "", 0)
    assert at.startswith("20")
    for more, wanted in ((["--region", "iad"], ""), ([machine["id"], "--since", "1h", "--limit", "5"], out)):
        with logs(platform, "shown", *more) as process:
            assert process.communicate(timeout=30) == (wanted, "")


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "says"),
    [
        (["nobody"], {}, 1, "app 'nobody' not found"),
        (["app", "x"], {}, 1, "machine not found"),
        (["app", "--since", "soon"], {}, 2, "--since 'soon' is neither a duration such as 10m nor a time"),
        (["app", "--limit", "0"], {}, 1, "limit '0' is not a number"),
        (["app"], {"FLY_API_TOKEN": ""}, 2, "FLY_API_TOKEN is not set"),
        (["app"], {"FLY_API_HOSTNAME": "http://127.0.0.1:9"}, 1, "cannot be reached"),
        (["app"], {"FLY_API_HOSTNAME": ""}, 2, "use 'fly logs'"),
    ],
)
def test_the_command_says_what_is_wrong(
    platform: Up, arguments: list[str], environment: dict[str, str], status: int, says: str
) -> None:
    with logs(platform, *arguments, **environment) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")
    assert says in err
    assert "Traceback" not in err


def test_the_command_follows_until_ctrl_c(platform: Up) -> None:
    platform.app("followed")
    with logs(platform, "followed", "--follow") as process:
        machine = platform.script("import time; print('one', flush=True); time.sleep(3600)", "followed")
        assert process.stdout is not None
        assert process.stdout.readline().endswith(f"app[{machine['id']}] ams one\n")  # made after the command began
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("", "", 130)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_ends_with_the_platform_and_shows_the_last_words(number: int) -> None:
    tells = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (print('bye', flush=True), sys.exit()))\n"
        "print('hi', flush=True); time.sleep(3600)"
    )
    with up() as mine:
        mine.app()
        mine.script(tells)
        with logs(mine, "app", "--follow") as process:
            assert process.stdout is not None
            assert process.stdout.readline().endswith(" ams hi\n")
            mine.end(number)
            out, err = process.communicate(timeout=30)
        assert "Traceback" not in err
        if number == signal.SIGTERM:
            assert (out.endswith(" ams bye\n"), err, process.returncode) == (True, "", 0)
        else:
            assert (process.returncode, "the connection failed" in err) == (1, True)


FLOOD = """
import os, sys
line = b"x" * 99 + b"\\n"
for _ in range({megabytes}): sys.stdout.buffer.write(line * 10_000)
sys.stdout.buffer.flush()
print("done", flush=True)
"""


def test_a_flood_costs_the_platform_nothing(platform: Up) -> None:
    """100 MB of output: the process is through with it, memory and disk are bounded, the API answers meanwhile."""
    platform.app("flood")
    server = psutil.Process(platform.process.pid)
    tree = [server, *server.children()]
    before = sum(process.memory_info().rss for process in tree)
    with logs(platform, "flood", "--follow") as process:
        machine = platform.script(FLOOD.format(megabytes=100), "flood", **ONCE)
        slowest = 0.0
        deadline = time.monotonic() + 120
        while platform.state(machine, "flood") != "stopped":
            began = time.monotonic()
            platform.ok("GET", "/v1/apps/app")
            slowest = max(slowest, time.monotonic() - began)
            assert time.monotonic() < deadline
        grown = sum(one.memory_info().rss for one in tree) - before
        assert process.poll() is None
    assert slowest < 5.0  # it is some milliseconds on a computer that has nothing else to do
    assert grown < 64 << 20, grown
    folder = platform.info["state"] + f"/machines/{machine['id']}"
    assert sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()) < 9 << 20
    assert lines(platform, "flood", limit=1) == [("stdout", "done")]


def test_a_log_is_bounded_as_the_settings_say(tmp_path: Any) -> None:
    (tmp_path / "settings.toml").write_text("[platform]\nlog_size = 20000\n")
    with up("--settings", str(tmp_path / "settings.toml"), "--state", str(tmp_path / "state")) as mine:
        mine.app()
        machine = ended(mine, "for i in range(10_000): print(i)")
        found = [int(text) for _, text in lines(mine, "app", limit=100_000)]
        assert found == list(range(found[0], 10_000))
        folder = tmp_path / "state" / "machines" / machine["id"]
        assert sum(path.stat().st_size for path in folder.glob("log*")) < 20_000 + 4 * 65_536
        mine.end()


def test_a_stream_is_made_of_events(platform: Up) -> None:
    platform.app("events")
    ended(platform, "print('one')", "events")
    with platform.http.stream("GET", "/_flylab/apps/events/logs", params={"follow": "true"}) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        found = (line for line in answer.iter_lines() if line.startswith("data:"))
        assert json.loads(next(found)[5:])["text"] == "one"
        platform.ok("DELETE", "/v1/apps/events", params={"force": "true"})
        assert list(found) == []  # the app is gone, and so is the stream


def test_reading_a_log_waits_for_nothing(platform: Up) -> None:
    machine = platform.script("print('x' * 10, flush=True); import time; time.sleep(3600)")
    wait_until(lambda: platform.log(machine) == "x" * 10 + "\n")
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
