"""What the proxy writes into an app's log, with Fly's codes, and the metrics that it keeps."""

import sys
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

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
    told = [each["attributes"] for each in platform.ok("GET", "/api/v1/apps/web/logs")["data"]]
    (as_fly,) = [each for each in told if "PA04" in each["message"]]
    assert (as_fly["level"], as_fly["meta"]["event"]["provider"], as_fly["region"]) == ("error", "proxy", "iad")


def test_the_same_again_is_counted_and_not_written(platform: Up) -> None:
    app(platform, "loud")
    before = len(lines(platform, "loud"))
    for _ in range(30):
        assert ask(platform, "loud", "/?replay=region%3D").text.startswith("PA03: ")
    assert len(lines(platform, "loud")) == before + 1


async def test_a_connection_that_fails_otherwise_and_a_hard_limit_have_codes_of_their_own() -> None:
    world = World()
    async with open_door(world) as door:
        nowhere = ("127.255.255.255", 9)  # the broadcast address of loopback: no connection can be made to it
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


# ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TELLER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = b'# TYPE visits counter\\nvisits_total{app="mine",kind="a\\\\"b"} 3\\n# TYPE depth gauge\\ndepth 1.5\\n'
        self.send_response(200 if self.path == "/told" else 404)
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT_9091"])), Handler).serve_forever()
"""


def metrics(platform: Up) -> dict[str, list[tuple[dict[str, str], float]]]:
    """By name of a sample: labels and value, as Prometheus' own reader has it."""
    answer = platform.call("GET", "/_flylab/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            # The reader names every counter as the client libraries do; Fly's series of that kind have other names.
            said = f"\n{sample.name}{{" in answer.text
            name = sample.name if said else sample.name.removesuffix("_total")
            assert f"\n{name}{{" in answer.text
            found.setdefault(name, []).append((sample.labels, sample.value))
    return found


def of(found: dict[str, list[tuple[dict[str, str], float]]], name: str, **labels: str) -> float:
    (value,) = [value for told, value in found.get(name, []) if told.items() >= labels.items()]
    return value


def test_metrics_have_flys_names_and_labels(platform: Up) -> None:
    """DOCUMENTED monitoring/metrics: series of edges, apps, instances and volumes, with app, region, host, instance."""
    machine = app(platform, "counted")
    before = metrics(platform)
    for _ in range(3):
        assert ask(platform, "counted", "/?x=" + "y" * 1000).status_code == 200
    other = machine["id"]
    assert ask(platform, "counted", f"/?replay=instance%3D{other}").status_code == 502
    platform.ok("POST", "/v1/apps/counted/volumes", {"name": "disc", "region": "ams", "size_gb": 2})
    after = metrics(platform)

    def grown(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    edge = {"app": "counted", "region": "ams", "proxy_id": "blue"}
    assert grown("fly_edge_http_responses_count", **edge, status="200") == 3
    assert of(after, "fly_edge_http_responses_count", **edge, status="502") == 1
    assert grown("fly_edge_http_response_time_seconds_count", **edge, status="200") == 3
    assert of(after, "fly_edge_http_response_time_seconds_bucket", **edge, status="502", le="+Inf") == 1
    assert 3000 < grown("fly_edge_data_in", **edge) < 20_000
    assert 3000 < grown("fly_edge_data_out", **edge) < 20_000
    assert grown("fly_edge_tcp_connects_count", region="ams") == 4
    here = {"app": "counted", "region": "ams", "instance": other}
    assert grown("fly_app_http_responses_count", **here, status="200") == 6  # two replays are allowed here
    assert grown("fly_app_connect_time_seconds_count", **here) == 6
    assert of(after, "fly_app_concurrency", **here) == 0
    assert of(after, "fly_instance_up", **here) == 1
    assert of(after, "fly_instance_cpu", **here, mode="user") > 0
    memory = [of(after, f"fly_instance_memory_mem_{what}", **here) for what in ("total", "available")]
    assert memory[0] == 256 * 1024 * 1024 > memory[1] > 0
    (host,) = {labels["host"] for labels, _ in after["fly_instance_up"] if labels["instance"] == other}
    assert len(host) == 4
    assert of(after, "fly_volume_size_bytes", app="counted") == 2 << 30
    assert of(after, "fly_volume_used_pct", app="counted") < 1


def test_an_exit_is_told(platform: Up) -> None:
    platform.app("ending")
    machine = platform.create("ending", "local/exit", env={"EXIT_CODE": "3"}, restart={"policy": "no"})
    platform.wait(machine, "stopped", "ending", version=machine["version"])
    found = metrics(platform)
    assert of(found, "fly_instance_exit_code", instance=machine["id"]) == 3
    assert of(found, "fly_instance_exit_oom", instance=machine["id"]) == 0
    assert of(found, "fly_instance_up", instance=machine["id"]) == 0


def test_machines_tell_their_own_metrics(platform: Up) -> None:
    """DOCUMENTED monitoring/metrics: an app's own labels named app, region, host or instance are overwritten."""
    platform.app("telling")
    machine = platform.script(TELLER, "telling", metrics={"port": 9091, "path": "/told"})
    wrong = platform.script(TELLER, "telling", metrics={"port": 9091, "path": "/elsewhere"})
    for each in (machine, wrong):
        platform.wait(each, "started", "telling")
    wait_until(lambda: "visits_total" in metrics(platform), what="the metrics of the machine")
    found = metrics(platform)
    assert of(found, "visits_total", app="telling", instance=machine["id"], region="ams", kind='a"b') == 3
    assert of(found, "depth", instance=machine["id"]) == 1.5
    assert of(found, "flylab_scrape_failed", instance=wrong["id"]) == 1
