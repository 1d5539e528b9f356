"""What the proxy writes into an app's log, with Fly's codes, and the metrics that it keeps."""

import sys
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any

import httpx
import pytest

from flylab.kit.logs import shown
from flylab.published.network import rtt
from flylab.rules.routing import NoCandidate, Wanted, choose
from flylab.wire.log import LogLine
from tests.local.up import Up, up
from tests.local.world import World, answer, open_door, service
from tests.support import wait_until

SETTINGS = """
[exchange]
connect_tries = 2
first_pause = 0.01
attempts = 2
replays = 2
"""
ROUTER = [sys.executable, "-I", "-S", str(files("flylab.kit").joinpath("programs/router.py"))]
WEB = {"internal_port": 8080, "protocol": "tcp", "autostart": True, "ports": [{"port": 80, "handlers": ["http"]}]}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text(SETTINGS)
    with up("--settings", str(settings)) as running:
        yield running
        running.end()


def app(platform: Up, name: str) -> dict[str, Any]:
    platform.app(name)
    machine = platform.create(name, "local/process", init={"exec": ROUTER}, services=[WEB])
    platform.wait(machine, "started", name)
    wait_until(lambda: ask(platform, name).is_success, what="an answer")
    return machine


def ask(platform: Up, name: str, path: str = "/", edge: str = "ams", **headers: str) -> httpx.Response:
    with httpx.Client(base_url=platform.info["edges"][edge], trust_env=False, timeout=20) as http:
        return http.get(path, headers={"host": f"{name}.fly.dev", **headers})


def lines(platform: Up, name: str, **query: str) -> list[LogLine]:
    listed = platform.ok("GET", f"/_flylab/apps/{name}/logs", params=query)
    return [line for line in map(LogLine.from_json, listed) if line.provider == "proxy"]


def test_an_exchange_that_the_proxy_ends_is_a_line_of_the_apps_log(platform: Up) -> None:
    machine = app(platform, "web")
    assert ask(platform, "web", "/?replay=app%3Dnobody", "iad").status_code == 502
    (line,) = [line for line in lines(platform, "web") if "PA04" in line.text]
    assert (line.level, line.region, line.machine) == ("error", "iad", machine["id"])
    assert line.text.startswith("[PA04] ")
    assert shown(line).startswith(f"{line.at} proxy[{machine['id']}] iad [error] [PA04] ")
    assert lines(platform, "web", region="iad", machine=machine["id"]) == [line]
    assert line not in lines(platform, "web", region="ams")
    assert "PA04" not in platform.log(machine, "web")


def test_the_same_again_is_counted_and_not_written(platform: Up) -> None:
    app(platform, "loud")
    before = len(lines(platform, "loud"))
    for _ in range(30):
        assert ask(platform, "loud", "/?replay=region%3D").text.startswith("PA03: ")
    assert len(lines(platform, "loud")) == before + 1


async def test_a_connection_that_fails_otherwise_and_a_hard_limit_have_codes_of_their_own() -> None:
    world = World()
    async with open_door(world) as door:
        nowhere = ("255.255.255.255", 9)  # no host has that address
        assert (await door.edge.connect(nowhere, None, "ams"))[1] == "PC06"
        for machine, kind in (("m1", "connections"), ("m2", "requests")):
            await world.add(machine, lambda *_: answer(), service_of=service(hard=0, kind=kind))
            found = choose(
                world.view,
                world.loads,
                Wanted(app="rooms", instance=machine),
                edge_region="ams",
                rtt=rtt(),
                rng=Random(1),
            )
            assert isinstance(found, NoCandidate)
            assert found.code == {"connections": "PL01", "requests": "PL02"}[kind]


def test_an_unknown_host_has_no_log_to_write_to(platform: Up) -> None:
    answer = ask(platform, "nobody")
    assert answer.status_code == 404
    assert "PE01" in answer.text
    assert platform.call("GET", "/_flylab/apps/nobody/logs").status_code == 404


def test_a_deleted_app_leaves_no_lines_to_its_successor(platform: Up) -> None:
    app(platform, "brief")
    ask(platform, "brief", "/?replay=app%3Dnobody")
    assert lines(platform, "brief")
    platform.ok("DELETE", "/v1/apps/brief?force=true")
    platform.app("brief")
    assert lines(platform, "brief") == []
