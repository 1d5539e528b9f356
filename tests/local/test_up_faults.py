"""Every fault that can be armed, seen from outside: at the API, at the edges and in what becomes of machines."""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from flylab.errors import UsageError
from flylab.local.options import read_faults
from tests.local.up import Up, refused, up
from tests.support import wait_until

SETTINGS = """
[edge]
connect_timeout = 0.3
[exchange]
connect_tries = 3
switch_after = 2
attempts = 3
first_pause = 0.01
longest_pause = 0.02
[checks]
least = 0.05
first_interval = 0.05
"""
ROUTER = [sys.executable, "-I", "-S", str(files("flylab.kit").joinpath("programs/router.py"))]
# Holds a request until its machine ends.
HOLDER = """
import os, socket
door = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    held, _ = door.accept()
    held.recv(1000)
    print("held", flush=True)
    held.recv(1000)
"""
# Accepts a WebSocket and says no more.
GREETER = """
import base64, hashlib, os, re, socket
door = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print("ready", flush=True)
while True:
    held, _ = door.accept()
    key = re.search(rb"(?i)sec-websocket-key: *([^\\r]+)", held.recv(10000))[1]
    told = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    held.sendall(b"HTTP/1.1 101 Switching\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: "
                 + told + b"\\r\\n\\r\\n")
    held.recv(1000)
    held.close()
"""
# Answers with who it is, or has the owner that the query names asked, and the edge remember that.
CACHER = """
import http.server, json, os, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        owner, me = query.get("owner", [""])[0], os.environ["FLY_MACHINE_ID"]
        said = {"machine": me, "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = json.dumps(said).encode()
        self.send_response(200)
        if owner not in ("", me) and "fly-replay-cache-status" not in said["headers"]:
            self.send_header("fly-replay", "instance=" + owner)
            self.send_header("fly-replay-cache", "/room/*")
            self.send_header("fly-replay-cache-ttl-secs", "60")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WEB = {"internal_port": 8080, "protocol": "tcp", "autostart": True, "ports": [{"port": 80, "handlers": ["http"]}]}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    (folder / "settings.toml").write_text(SETTINGS)
    (folder / "faults.toml").write_text('[[fault]]\nname = "rate_limit"\napp = "limited"\ncount = 1\n')
    given = ["--settings", str(folder / "settings.toml"), "--faults", str(folder / "faults.toml")]
    with up(*given, "--ws-replay", "ams-iad=refuse") as running:
        running.app()
        yield running
        running.end()
        assert running.running() == []


@pytest.fixture(scope="module")
def web(platform: Up) -> list[dict[str, Any]]:
    """Two machines of one app, each in its region, which answer or replay as they are asked."""
    platform.app("web")
    machines = [router(platform, "web", region) for region in ("ams", "iad")]
    for machine in machines:
        reachable(platform, "web", machine)
    return machines


def router(platform: Up, app: str, region: str = "ams", **service: Any) -> dict[str, Any]:
    return platform.create(app, "local/process", region=region, init={"exec": ROUTER}, services=[{**WEB, **service}])


def reachable(platform: Up, app: str, machine: dict[str, Any]) -> None:
    platform.wait(machine, "started", app)
    here = {"fly-force-instance-id": machine["id"]}
    wait_until(lambda: ask(platform, app, **here).is_success, what="an answer of the machine")


@contextmanager
def fault(platform: Up, name: str, **how: Any) -> Iterator[dict[str, Any]]:
    """Armed for a while; it must have struck."""
    armed = platform.ok("POST", "/_flylab/faults", {"name": name, **how})
    try:
        yield armed
        wait_until(lambda: struck(platform, armed["id"]), what=f"a strike of {name}")
    finally:
        platform.ok("DELETE", f"/_flylab/faults/{armed['id']}")


def struck(platform: Up, fault_id: str) -> int:
    listed = platform.ok("GET", "/_flylab/faults")["faults"]
    return next(int(each["struck"]) for each in listed if each["id"] == fault_id)


def ask(platform: Up, app: str, edge: str = "ams", path: str = "/", **headers: str) -> httpx.Response:
    with httpx.Client(base_url=platform.info["edges"][edge], trust_env=False, timeout=20) as http:
        return http.get(path, headers={"host": f"{app}.fly.dev", "x-flylab-trace": "1", **headers})


def events(platform: Up, machine: dict[str, Any]) -> list[tuple[str, str]]:
    listed = platform.ok("GET", platform.path(machine, "/events"))
    return [(event["status"], event["source"]) for event in listed]


def hops(answer: httpx.Response) -> list[str | None]:
    return [hop["code"] for hop in json.loads(answer.headers["x-flylab-trace"])["hops"]]


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


# ── arming ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_faults_are_listed_with_what_they_are_and_how_often_they_struck(platform: Up) -> None:
    listed = platform.ok("GET", "/_flylab/faults", headers={"authorization": ""})
    assert [(each["name"], each["app"], each["count"]) for each in listed["faults"]] == [("rate_limit", "limited", 1)]
    assert {each["name"] for each in listed["known"]} >= {"rate_limit", "replay_loop"}
    assert platform.ok("GET", "/_flylab/platform")["faults"][0]["name"] == "rate_limit"


@pytest.mark.parametrize("token", ["", "Bearer wrong"])
def test_nobody_without_the_token_arms_or_disarms(platform: Up, token: str) -> None:
    for method, path in (("POST", ""), ("DELETE", ""), ("DELETE", "/f1")):
        answer = platform.call(method, f"/_flylab/faults{path}", {}, headers={"authorization": token})
        assert answer.status_code == 401
    assert platform.ok("GET", "/_flylab/faults")["faults"]


def test_what_cannot_be_armed_is_refused(platform: Up) -> None:
    for body, why in (
        ({"name": "no"}, "fault 'no' is unknown"),
        ({"name": "slow_port", "what": 1}, "no such field"),
        ({"name": "slow_port", "region": "xyz"}, "'xyz' is unknown here; there are ams, iad"),
    ):
        answer = platform.call("POST", "/_flylab/faults", body)
        assert answer.status_code == 400
        assert why in answer.json()["error"]
    assert platform.call("DELETE", "/_flylab/faults/none").status_code == 404


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fault = 1", "tables [[fault]] are expected"),
        ("[other]", "'other' is unknown"),
        ("[[fault]]\nname = 'a'\nodd = 1", "a fault has no such field"),
        ("[", "cannot read the faults file"),
    ],
)
def test_a_file_of_faults_that_cannot_be_read_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "faults.toml").write_text(text)
    with pytest.raises(UsageError, match=re.escape(why)):
        read_faults(tmp_path / "faults.toml")


def test_a_fault_in_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text("[[fault]]\nname = 'nonsense'")
    status, words = refused("--faults", str(tmp_path / "faults.toml"))
    assert status == 1
    assert "fault 'nonsense' is unknown" in words


def test_a_fault_ends_by_itself(platform: Up) -> None:
    platform.ok("POST", "/_flylab/faults", {"name": "empty_list", "seconds": 0.2})
    assert platform.ok("GET", "/v1/apps/app/machines") == []
    platform.create(skip_launch=True)
    wait_until(lambda: platform.ok("GET", "/v1/apps/app/machines") != [])
    assert "empty_list" in [each["name"] for each in platform.ok("GET", "/_flylab/faults")["past"]]


# ── at the API ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_refusals(platform: Up) -> None:
    """FAULT rate_limit, host_full, lease_held, org_quota, ambiguous_408, strict_wait: statuses and words."""
    machine = platform.create(skip_launch=True)
    start, update = ("POST", platform.path(machine, "/start"), None), ("POST", platform.path(machine), machine)
    create = ("POST", "/v1/apps/app/machines", {"config": machine["config"], "region": "ams"})
    wait = ("GET", platform.path(machine, "/wait?state=stopped"), None)
    volume = ("POST", "/v1/apps/app/volumes", {"name": "data", "region": "ams"})
    for name, value, call, status, words in (
        ("rate_limit", None, ("GET", platform.path(machine), None), 429, "rate limit exceeded"),
        ("host_full", None, start, 409, "aborted: could not reserve"),
        ("host_full", "memory", update, 409, "insufficient memory available to fulfill request"),
        ("lease_held", None, start, 409, "lease currently held by"),
        ("org_quota", None, create, 403, "over the allowed quota"),
        ("org_quota", None, volume, 403, "over the allowed quota"),
        ("ambiguous_408", "not", start, 408, ""),
        ("strict_wait", None, wait, 400, "version is missing"),
    ):
        with fault(platform, name, **({"value": value} if value else {})):
            answer = platform.call(*call)
        assert answer.status_code == status, (name, answer.text)
        assert words in answer.json()["error"]
        assert answer.headers["x-flylab-fault"] == name
    assert platform.state(machine) == "created"
    assert "x-flylab-fault" not in platform.call("GET", platform.path(machine)).headers


def test_a_limit_that_was_armed_at_the_start_is_met_once(platform: Up) -> None:
    platform.app("limited")
    assert platform.call("GET", "/v1/apps/limited").status_code == 429
    assert platform.call("GET", "/v1/apps/limited").status_code == 200


def test_a_full_region_is_passed_over_when_others_are_named(platform: Up) -> None:
    """FAULT region_full, region_deprecated: machines, volumes, placements and the list of regions."""
    config = {"image": "local/sleep"}
    with fault(platform, "region_full", region="ams"):
        full = platform.call("POST", "/v1/apps/app/machines", {"config": config, "region": "ams"})
        assert full.status_code == 422
        assert full.json()["status"] == "insufficient_capacity"
        assert "candidate host" in full.json()["error"]
        volume = platform.call("POST", "/v1/apps/app/volumes", {"name": "data", "region": "ams"})
        assert volume.status_code == 409
        assert volume.json()["error"].endswith("no capacity")
        spilled = platform.create(region="ams,any", skip_launch=True)
        assert spilled["region"] == "iad"
        placed = platform.ok("POST", "/v1/platform/placements", {"org_slug": "personal"})
        assert [each["region"] for each in placed["regions"]] == ["iad"]
    with fault(platform, "region_deprecated", region="ams"):
        gone = platform.call("POST", "/v1/apps/app/machines", {"config": config, "region": "ams"})
        assert gone.status_code == 400
        assert "region 'ams' is deprecated; regions here: iad" in gone.json()["error"]
        listed = {each["code"]: each["deprecated"] for each in platform.ok("GET", "/v1/platform/regions")["Regions"]}
        assert listed["ams"]
        assert not listed["iad"]


def test_a_volume_has_no_room_beside_it_or_is_gone(platform: Up) -> None:
    """FAULT volume_host_full, volume_gone: for machines that mount the volume, and no others."""
    volume = platform.ok("POST", "/v1/apps/app/volumes", {"name": "disc", "region": "ams", "size_gb": 1})
    mounts = [{"volume": volume["id"], "path": "/data"}]
    body = {"config": {"image": "local/sleep", "mounts": mounts}, "region": "ams", "skip_launch": True}
    with fault(platform, "volume_host_full", volume=volume["id"]):
        full = platform.call("POST", "/v1/apps/app/machines", body)
        assert full.status_code == 412
        assert full.json()["status"] == "volume_placement_capacity"
        assert "insufficient resources" in full.json()["error"]
        platform.create(skip_launch=True)
    with fault(platform, "volume_gone", volume=volume["id"]):
        gone = platform.call("POST", "/v1/apps/app/machines", body)
        assert gone.status_code == 400
        assert "volume not found" in gone.json()["error"]


def test_a_write_is_done_and_its_answer_is_late_or_lost(platform: Up) -> None:
    """FAULT ambiguous_408, lost_response: the machine exists though nobody was told."""
    body = {"config": {"image": "local/sleep"}, "name": "late", "skip_launch": True}
    with fault(platform, "ambiguous_408", value="done", count=1):
        assert platform.call("POST", "/v1/apps/app/machines", body).status_code == 408
    with fault(platform, "lost_response", count=1), pytest.raises(httpx.RemoteProtocolError):
        platform.call("POST", "/v1/apps/app/machines", body | {"name": "lost"})
    names = {each["name"] for each in platform.ok("GET", "/v1/apps/app/machines")}
    assert {"late", "lost"} <= names


def test_lists_are_empty_and_machines_are_still_there(platform: Up) -> None:
    """FAULT empty_list: of the app and of the organisation."""
    machine = platform.create(skip_launch=True)
    with fault(platform, "empty_list", app="app"):
        assert platform.ok("GET", "/v1/apps/app/machines") == []
        assert platform.ok("GET", platform.path(machine))["id"] == machine["id"]
    with fault(platform, "empty_list"):
        assert platform.ok("GET", "/v1/orgs/personal/machines")["machines"] == []


# ── what becomes of machines ────────────────────────────────────────────────────────────────────────────────────────


def test_a_host_is_down(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT host_down: no config, 408 to writes, no connection; a destroy with force works."""
    machine = router(platform, "web", "ams")
    platform.wait(machine, "started", "web")
    path = platform.path(machine, app="web")
    with fault(platform, "host_down", machine=machine["id"]):
        shown = platform.ok("GET", path)
        assert shown["host_status"] == "unreachable"
        assert "config" not in shown
        assert shown["incomplete_config"]["image"] == "local/process"
        assert platform.call("POST", f"{path}/stop").status_code == 408
        assert platform.call("DELETE", path).status_code == 408
        forced = ask(platform, "web", **{"fly-force-instance-id": machine["id"]})
        assert forced.status_code in (502, 503)
        assert set(hops(forced)) == {"PC05"}
        platform.ok("DELETE", f"{path}?force=true")


def test_starts_fail_and_stay_away(platform: Up) -> None:
    """FAULT boot_failed, unpack_failed, stuck_created: what the first start comes to."""
    with fault(platform, "boot_failed", count=1):
        failed = platform.create()
        platform.wait(failed, "failed")
    platform.ok("POST", platform.path(failed, "/start"))
    platform.wait(failed, "started")
    with fault(platform, "unpack_failed", count=1):
        lost = platform.create()
        wait_until(lambda: platform.state(lost) == "destroyed")
    with fault(platform, "stuck_created", value=600):
        stuck = platform.create()
        waited = platform.call("GET", platform.path(stuck, "/wait?timeout=1"))
        assert waited.status_code == 408
        assert "current state: created" in waited.json()["error"]
        platform.ok("DELETE", platform.path(stuck))


def test_stops_updates_and_destroys_take_their_time(platform: Up) -> None:
    """FAULT slow_stop, slow_replace, slow_destroy, restart_fights_stop: one machine, from one to the other."""
    machine = platform.create()
    platform.wait(machine, "started")
    with fault(platform, "slow_stop"):
        platform.ok("POST", platform.path(machine, "/stop"))
        platform.wait(machine, "stopped", version=machine["version"])
        early = platform.call("POST", platform.path(machine, "/start"))
        assert early.status_code == 412
        assert "still active" in early.json()["error"]
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "started")
    with fault(platform, "slow_replace", value=600):
        updated = platform.ok("POST", platform.path(machine), {"config": machine["config"]})
        assert platform.state(machine) == "replacing"
        early = platform.call("POST", platform.path(machine, "/start"))
        assert early.status_code == 412
        assert "getting replaced" in early.json()["error"]
    platform.wait(machine, "started", version=updated["version"])  # what was put off is done when it is disarmed
    with fault(platform, "restart_fights_stop", count=1):
        platform.ok("POST", platform.path(machine, "/stop"))
        wait_until(lambda: ("starting", "flyd") in events(platform, machine), what="a start that nobody asked for")
        platform.wait(machine, "started", version=updated["version"])
    with fault(platform, "slow_destroy", value=600):
        platform.ok("DELETE", platform.path(machine, "?force=true"))
        assert platform.state(machine) == "destroying"
    wait_until(lambda: platform.state(machine) == "destroyed")


def test_a_start_is_cold_or_elsewhere(platform: Up) -> None:
    """FAULT snapshot_lost, migrate: the process is another one; the address is another one."""
    machine = platform.script("import os, time; print('pid', os.getpid()); time.sleep(1000)")
    platform.wait_for_log(machine, "pid")
    platform.ok("POST", platform.path(machine, "/suspend"))
    platform.wait(machine, "suspended")
    with fault(platform, "snapshot_lost"):
        platform.ok("POST", platform.path(machine, "/start"))
        wait_until(lambda: platform.log(machine).count("pid") == 2, what="a second process")
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped", version=machine["version"])
    with fault(platform, "migrate"):
        started = platform.ok("POST", platform.path(machine, "/start"))
        assert started["migrated"] is True
    assert platform.ok("GET", platform.path(machine))["private_ip"] != machine["private_ip"]


def test_the_cpu_is_taken_away(platform: Up) -> None:
    """FAULT cpu_throttle: the process gets a small share of the time; the clock of its own CPU shows it."""
    busy = "import time\nwhile True:\n    c, w = time.process_time(), time.monotonic()\n"
    busy += "    while time.monotonic() < w + 0.4: pass\n"
    busy += "    print('share', (time.process_time() - c) / (time.monotonic() - w))\n"
    machine = platform.script(busy)
    platform.wait_for_log(machine, "share")
    with fault(platform, "cpu_throttle", machine=machine["id"], value=0):
        count = platform.log(machine).count("share")
        wait_until(lambda: platform.log(machine).count("share") >= count + 2, what="a throttled round")
        share = float(platform.log(machine).split()[-1])
        assert share < 0.5  # 0.0625 on an idle computer
    platform.ok("DELETE", platform.path(machine, "?force=true"))


# ── at the edges ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_port_opens_late_or_early(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT slow_port, early_port, target_5xx: of a machine that is started, as its requests find it."""
    here = {"fly-force-instance-id": web[0]["id"]}
    for name, value, status, code in (
        ("slow_port", 600, 502, "PC01"),
        ("early_port", 600, 502, "PU02"),
        ("target_5xx", 507, 507, None),
    ):
        with fault(platform, name, machine=web[0]["id"], value=value):
            answer = ask(platform, "web", **here)
            assert hops(answer)[0] == code, (name, answer.text)
            assert answer.status_code == status or (name == "slow_port" and answer.status_code == 503)
            assert name in json.loads(answer.headers["x-flylab-trace"])["faults"]
        after = ask(platform, "web", **here)
        assert after.status_code == 200
        assert name not in json.loads(after.headers["x-flylab-trace"]).get("faults", ())


def test_a_fallback_does_not_help_against_a_target_that_fails(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT target_5xx: the client gets the 500 though the replay has a fallback."""
    one, other = (machine["id"] for machine in web)
    path = f"/?at={one}&replay=instance%3D{other}%3Bfallback%3Dforce_self%3Btimeout%3D5s"
    with fault(platform, "target_5xx", machine=other):
        assert ask(platform, "web", "ams", path).status_code == 500
    with fault(platform, "slow_port", machine=other, value=600):  # never connected: this is what it is for
        answer = ask(platform, "web", "ams", path)  # it comes back to the one that asked, and that asks again
        assert "replayed a request that had fallen back to it" in answer.text


def test_a_target_is_not_found(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT target_gone: `instance` fails after many tries, `prefer_instance` ends at another one, which is told."""
    one, other = (machine["id"] for machine in web)
    with fault(platform, "target_gone", machine=other):
        gone = ask(platform, "web", "ams", f"/?at={one}&replay=instance%3D{other}")
        assert gone.status_code == 503
        assert "PR04" in gone.text
        found = ask(platform, "web", "ams", f"/?at={one}&replay=prefer_instance%3D{other}&x=1")
        # It comes back to the one that asked, and that would ask again.
        assert found.status_code == 502
        assert "PA02" in found.text
        preferred = ask(platform, "web", "ams", **{"fly-prefer-instance-id": other})
        assert preferred.json()["machine"] == one
        assert preferred.json()["headers"]["fly-preferred-instance-unavailable"] == other


def test_one_edge_reaches_nobody(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT bad_edge: time-outs at the edge that is aimed at, none at the other."""
    with fault(platform, "bad_edge", region="iad"):
        bad = ask(platform, "web", "iad")
        assert bad.status_code in (502, 503)
        assert "PC05" in hops(bad)
        assert ask(platform, "web", "ams").status_code == 200


def test_an_old_view_sends_to_a_stopped_machine(platform: Up) -> None:
    """FAULT stale_edge, stale_load: the edge finds another one, or believes what is not so."""
    platform.app("stale")
    machines = [router(platform, "stale") for _ in range(2)]
    for machine in machines:
        reachable(platform, "stale", machine)
    one, other = (machine["id"] for machine in machines)
    with fault(platform, "stale_load", machine=one):
        assert {ask(platform, "stale").json()["machine"] for _ in range(12)} == {other}
    platform.ok("POST", platform.path(machines[0], "/stop", "stale"))
    platform.wait(machines[0], "stopped", "stale", version=machines[0]["version"])
    with fault(platform, "stale_edge", machine=one):
        answers = [ask(platform, "stale") for _ in range(12)]  # by chance half of them go to the stopped one first
        assert {answer.json()["machine"] for answer in answers} == {other}
        assert {code for answer in answers for code in hops(answer)} == {"PM11", None}
        assert platform.state(machines[0], "stale") == "stopped"
        platform.ok("POST", platform.path(machines[1], "/cordon", "stale"))
        alone = hops(ask(platform, "stale"))  # nobody else is there, so it is started again; so few tries may miss it
        assert alone[0] == "PM11"
        assert len(alone) > 1
        assert platform.state(machines[0], "stale") == "started"


def test_a_stopped_machine_is_not_woken(platform: Up) -> None:
    """FAULT wake_refused, lease_held: 503 with the refusal in its words, and then it is woken."""
    platform.app("asleep")
    machine = router(platform, "asleep")
    platform.wait(machine, "started", "asleep")
    platform.ok("POST", platform.path(machine, "/stop", "asleep"))
    platform.wait(machine, "stopped", "asleep", version=machine["version"])
    for name, value, code in (("wake_refused", "PM07", "PM07"), ("lease_held", None, "PM01")):
        with fault(platform, name, machine=machine["id"], **({"value": value} if value else {})):
            answer = ask(platform, "asleep")
            assert answer.status_code == 503
            assert hops(answer) == [code]
    assert platform.state(machine, "asleep") == "stopped"
    assert ask(platform, "asleep").status_code in (200, 502, 503)  # so few tries are set that its port may be late
    assert platform.state(machine, "asleep") == "started"


def struck_by(platform: Up, machine: dict[str, Any]) -> str:
    (check,) = platform.ok("GET", platform.path(machine, app="checked"))["checks"]
    assert check["status"] != "critical" or check["output"] == "a fault of flylab: check_flap"
    return str(check["status"])


def test_a_check_fails_and_the_app_is_out(platform: Up) -> None:
    """FAULT check_flap: a single machine whose check fails gets nothing; with a second one there is no outage."""
    platform.app("checked")
    check = {"type": "tcp", "interval": "50ms", "timeout": "5s", "grace_period": "0s"}
    machine = router(platform, "checked", checks=[check])
    wait_until(lambda: ask(platform, "checked").is_success)
    with fault(platform, "check_flap", machine=machine["id"]):
        wait_until(lambda: ask(platform, "checked").status_code == 503)
        assert struck_by(platform, machine) == "critical"
    wait_until(lambda: ask(platform, "checked").is_success)
    second = router(platform, "checked")
    reachable(platform, "checked", second)
    with fault(platform, "check_flap", machine=machine["id"]):
        wait_until(lambda: struck_by(platform, machine) == "critical", what="a failing check")
        assert {ask(platform, "checked").json()["machine"] for _ in range(5)} == {second["id"]}


def test_a_busy_machine_is_stopped(platform: Up) -> None:
    """FAULT autostop_busy: with a request under way, by the proxy."""
    platform.app("busy")
    machine = platform.script(HOLDER, "busy", services=[WEB])
    platform.wait(machine, "started", "busy")
    answers: list[int] = []
    request = threading.Thread(target=lambda: answers.append(ask(platform, "busy").status_code))
    request.start()
    wait_until(lambda: "held" in platform.log(machine, "busy"), what="a request in the machine")
    with fault(platform, "autostop_busy", machine=machine["id"]):
        platform.wait(machine, "stopped", "busy", version=machine["version"])
    request.join(20)
    assert answers == [502]
    events = platform.ok("GET", platform.path(machine, "/events", "busy"))
    assert ("stop", "proxy") in [(event["type"], event["source"]) for event in events]


def test_sockets_are_closed_with_going_away(platform: Up) -> None:
    """FAULT going_away: 1001 to the client, and the machine stays."""
    platform.app("leaving")
    machine = platform.script(GREETER, "leaving", services=[WEB])
    wait_until(lambda: "ready" in platform.log(machine, "leaving"), what="the door of the machine")
    edge = httpx.URL(platform.info["edges"]["ams"])
    with (
        fault(platform, "going_away", machine=machine["id"]),
        connect("ws://leaving.fly.dev/", sock=socket.create_connection((edge.host, edge.port)), proxy=None) as client,
    ):
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
        assert client.protocol.close_code == 1001
    assert platform.state(machine, "leaving") == "started"


def test_a_machine_that_replays_to_itself_goes_round_ten_times(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT replay_loop, body_too_large: no fault is armed, an app does it."""
    one = web[0]["id"]
    loop = ask(platform, "web", "ams", f"/?replay=instance%3D{one}")
    assert loop.status_code == 502
    assert "PA02" in loop.text
    with httpx.Client(base_url=platform.info["edges"]["ams"], trust_env=False) as http:
        large = http.post(f"/?replay=instance%3D{one}", content=b"x" * 1_048_577, headers={"host": "web.fly.dev"})
    assert large.status_code == 502
    assert "PA01" in large.text


def test_a_cached_replay_goes_to_an_owner_that_has_moved(platform: Up) -> None:
    """FAULT stale_cache: no fault is armed; the target cannot see who sent it, only that the cache did."""
    platform.app("cached")
    machines = [platform.script(CACHER, "cached", region=region, services=[WEB]) for region in ("ams", "iad")]
    one, other = (machine["id"] for machine in machines)
    for machine in machines:
        reachable(platform, "cached", machine)
    first = ask(platform, "cached", "ams", f"/room/blue?owner={other}").json()
    assert (first["machine"], first["headers"].get("fly-replay-cache-status")) == (other, "miss")
    stale = ask(platform, "cached", "ams", f"/room/blue?owner={one}").json()  # it has moved, and the edge knows better
    assert (stale["machine"], stale["headers"]["fly-replay-cache-status"]) == (other, "hit")
    assert "fly-replay-src" not in stale["headers"]


def test_an_upgrade_is_not_replayed_to_another_region(platform: Up, web: list[dict[str, Any]]) -> None:
    """FAULT ws_replay: 502 to the upgrade, while the same request without one is replayed."""
    one, other = (machine["id"] for machine in web)
    path = f"/?at={one}&replay=instance%3D{other}"
    assert ask(platform, "web", "ams", path).json()["machine"] == other
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    assert ask(platform, "web", "ams", path, **upgrade).status_code == 502


def test_nothing_is_in_the_way_when_nothing_is_armed(platform: Up, web: list[dict[str, Any]]) -> None:
    platform.ok("DELETE", "/_flylab/faults")
    began = time.monotonic()
    answer = ask(platform, "web")
    assert answer.status_code == 200
    assert "faults" not in json.loads(answer.headers["x-flylab-trace"])
    assert time.monotonic() - began < 10
