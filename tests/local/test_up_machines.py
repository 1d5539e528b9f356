"""Machines as real processes, through the API of a real platform: their life, their environment, their ends."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text("[life]\nrestart_pause = 0.02\n")
    with up("--settings", str(settings)) as running:
        running.app()
        yield running
        running.end()
        assert running.running() == []


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests; its fixture looks at what is left."""


def events(platform: Up, machine: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Oldest first."""
    listed = platform.ok("GET", platform.path(machine, "/events"))
    return [(event["type"], event["status"], event["source"]) for event in reversed(listed)]


def exit_event(platform: Up, machine: dict[str, Any]) -> dict[str, Any]:
    listed = platform.ok("GET", platform.path(machine, "/events"))
    found: dict[str, Any] = next(event["request"]["exit_event"] for event in listed if event["type"] == "exit")
    return found


def test_a_whole_life(platform: Up) -> None:
    machine = platform.create(metadata={"role": "x"})
    assert (machine["state"], machine["region"], machine["version"]) == ("created", "ams", machine["instance_id"])
    assert platform.wait(machine, "started")["version"] == machine["version"]
    assert len(platform.running()) == 1
    assert platform.call("POST", platform.path(machine, "/start")).status_code == 409
    assert platform.call("DELETE", platform.path(machine)).status_code == 412
    assert platform.ok("POST", platform.path(machine, "/stop")) == {"ok": True}
    platform.wait(machine, "stopped")
    assert platform.running() == []
    assert platform.ok("POST", platform.path(machine, "/stop")) == {"ok": True}
    assert platform.ok("POST", platform.path(machine, "/start"))["previous_state"] == "stopped"
    platform.wait(machine, "started")
    assert platform.ok("DELETE", platform.path(machine), params={"force": "true"}) == {"ok": True}
    platform.wait(machine, "destroyed")
    assert platform.running() == []
    assert platform.call("DELETE", platform.path(machine)).status_code == 404
    assert platform.state(machine) == "destroyed"
    assert events(platform, machine) == [
        ("launch", "created", "user"),
        ("start", "starting", "user"),
        ("start", "started", "flyd"),
        ("stop", "stopping", "user"),
        ("exit", "stopped", "flyd"),
        ("start", "starting", "user"),
        ("start", "started", "flyd"),
        ("destroy", "destroying", "user"),
        ("exit", "destroying", "flyd"),
        ("destroy", "destroyed", "flyd"),
    ]


def test_what_a_process_finds_around_it(platform: Up) -> None:
    machine = platform.script(
        "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.listdir(), os.getsid(0) == os.getpid(),"
        " open('etc/hello').read(), os.stat('etc/hello').st_mode & 0o777]))",
        env={"PORT": "8080", "MINE": "yes", "FLY_REGION": "moon"},
        services=[{"internal_port": 8080}, {"internal_port": 9090}],
        files=[{"guest_path": "/etc/hello", "raw_value": base64.b64encode(b"hi").decode(), "mode": 0o640}],
        metadata={"fly_process_group": "web"},
        restart={"policy": "no"},
    )
    platform.wait(machine, "stopped")
    env, folder, names, leads, text, mode = json.loads(platform.log(machine))
    assert (text, mode, leads, sorted(names)) == ("hi", 0o640, True, [".fly", "etc", "tmp"])
    assert Path(folder) == Path(platform.info["state"]) / "machines" / machine["id"] / "root"
    known = {key: env.pop(key) for key in list(env) if key.startswith("FLY_")}
    assert known == {
        "FLY_APP_NAME": "app",
        "FLY_MACHINE_ID": machine["id"],
        "FLY_ALLOC_ID": machine["id"],
        "FLY_REGION": "ams",
        "FLY_PRIVATE_IP": machine["private_ip"],
        "FLY_IMAGE_REF": "local/process",
        "FLY_MACHINE_VERSION": machine["version"],
        "FLY_PROCESS_GROUP": "web",
        "FLY_VM_MEMORY_MB": "256",
    }
    assert env["PORT"] == env["PORT_8080"] != env["PORT_9090"]
    assert (env["HOME"], env["TMPDIR"], env["MINE"], env["MARK"]) == (folder, f"{folder}/tmp", "yes", platform.mark)
    assert env.pop("FLYLAB_API_SOCKET").endswith(".fly/api")
    rest = {"PORT", "PORT_8080", "PORT_9090", "FLYLAB_DNS", "HOME", "TMPDIR", "MINE", "MARK", "PATH", "LANG"}
    assert set(env) - {"LC_CTYPE"} == rest  # an interpreter in the C locale sets LC_CTYPE itself


def test_the_root_file_system_is_reset_at_every_start(platform: Up) -> None:
    machine = platform.script("import os; print(os.path.exists('x')); open('x', 'w')", restart={"policy": "no"})
    platform.wait(machine, "stopped")
    after = platform.ok("GET", platform.path(machine, "/events"))[0]["id"]
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "stopped", from_event_id=after)
    assert platform.log(machine) == "False\nFalse\n"


def test_a_root_file_system_is_kept_where_the_configuration_says_so(platform: Up) -> None:
    """DOCUMENTED machines-resource, reference/configuration: rootfs.persist."""
    script = "import os; print(os.path.exists('x'), os.listdir('.fly'), open('f').read()); open('x', 'w')"
    files = [{"guest_path": "/f", "raw_value": base64.b64encode(b"hi").decode(), "mode": 0o400}]
    machine = platform.script(script, restart={"policy": "no"}, rootfs={"persist": "restart"}, files=files)
    platform.wait(machine, "stopped")
    after = platform.ok("GET", platform.path(machine, "/events"))[0]["id"]
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "stopped", from_event_id=after)
    assert platform.log(machine) == "False ['api'] hi\nTrue ['api'] hi\n"


@pytest.mark.parametrize(("code", "states"), [("0", ["started", "stopped"]), ("3", ["started", "restarting"])])
def test_a_process_that_exits_at_once(platform: Up, code: str, states: list[str]) -> None:
    machine = platform.create(image="local/exit", env={"EXIT_CODE": code})
    platform.wait(machine, "started", from_event_id=machine["events"][0]["id"])
    platform.wait(machine, "stopped")
    assert [status for _, status, _ in events(platform, machine)][2:4] == states
    assert exit_event(platform, machine)["exit_code"] == int(code)
    assert f"ending with status {code}" in platform.log(machine)


def test_restarts_run_out(platform: Up) -> None:
    restart = {"policy": "on-failure", "max_retries": 2}
    machine = platform.create(image="local/exit", env={"EXIT_CODE": "1"}, restart=restart)
    platform.wait(machine, "stopped")
    assert platform.log(machine).count("ending with status 1") == 3
    assert [status for _, status, _ in events(platform, machine)].count("restarting") == 2


def test_auto_destroy(platform: Up) -> None:
    machine = platform.create(image="local/exit", env={"EXIT_CODE": "1"}, auto_destroy=True)
    platform.wait(machine, "destroyed")
    folder = Path(platform.info["state"]) / "machines" / machine["id"]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("/nowhere/program", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
    ],
)
def test_a_command_that_cannot_run(platform: Up, program: str, says: str) -> None:
    machine = platform.create(image="local/process", init={"exec": [program]})
    platform.wait(machine, "failed")
    listed = platform.ok("GET", platform.path(machine, "/events"))
    assert listed[0]["request"]["error"] == says
    assert platform.ok("DELETE", platform.path(machine)) == {"ok": True}


def test_a_file_that_cannot_be_written_ends_the_launch_and_the_machine(platform: Up) -> None:
    machine = platform.create(files=[{"guest_path": path, "raw_value": ""} for path in ("/x", "/x/below")])
    platform.wait(machine, "destroyed")
    told = platform.ok("GET", platform.path(machine, "/events"))
    assert [event["status"] for event in told] == ["destroyed", "launch_failed", "starting", "created"]
    assert "File exists" in told[1]["request"]["error"]


def test_files_stay_below_the_folder_of_the_machine(platform: Up) -> None:
    machine = platform.create(files=[{"guest_path": "/etc/../tmp/../x", "raw_value": "eA=="}])
    platform.wait(machine, "started")
    assert (Path(platform.info["state"]) / "machines" / machine["id"] / "root" / "x").read_text() == "x"
    platform.ok("DELETE", platform.path(machine) + "?force=true")
    platform.wait(machine, "destroyed")


TELLS = """
import signal, time
def told(number, frame):
    print("told", signal.Signals(number).name, flush=True)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1): signal.signal(number, told)
print("ready", flush=True)
while True: time.sleep(3600)
"""


def test_a_deaf_process_is_killed_after_its_timeout(platform: Up) -> None:
    machine = platform.script(TELLS, stop_config={"signal": "SIGTERM", "timeout": "300ms"})
    platform.wait_for_log(machine, "ready")
    began = time.monotonic()
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    assert time.monotonic() - began >= 0.3
    assert "told SIGTERM" in platform.log(machine)
    assert exit_event(platform, machine) | {"exited_at": ""} == {
        "exit_code": 137,
        "guest_exit_code": 0,
        "guest_signal": 9,
        "signal": 9,
        "oom_killed": False,
        "requested_stop": True,
        "restarting": False,
        "exited_at": "",
    }


def test_a_stop_request_may_say_how(platform: Up) -> None:
    machine = platform.script(TELLS)
    platform.wait_for_log(machine, "ready")
    platform.ok("POST", platform.path(machine, "/stop"), {"signal": "SIGINT", "timeout": "100ms"})
    platform.wait(machine, "stopped")
    assert "told SIGINT" in platform.log(machine)


def test_a_signal_reaches_the_process(platform: Up) -> None:
    machine = platform.script(TELLS)
    platform.wait_for_log(machine, "ready")
    platform.ok("POST", platform.path(machine, "/signal"), {"signal": "SIGUSR1"})
    platform.wait_for_log(machine, "told SIGUSR1")
    platform.ok("POST", platform.path(machine, "/signal"), {"signal": 15})
    platform.wait_for_log(machine, "told SIGTERM")
    assert platform.call("POST", platform.path(machine, "/signal"), {"signal": "SIGX"}).status_code == 400
    platform.ok("DELETE", platform.path(machine), params={"kill": "true"})
    platform.wait(machine, "destroyed")
    assert platform.call("POST", platform.path(machine, "/signal"), {"signal": 15}).status_code == 412


def test_suspend_freezes_and_start_resumes(platform: Up) -> None:
    machine = platform.script(
        "import itertools, time\nfor i in itertools.count(): print(i, flush=True); time.sleep(0.01)"
    )
    platform.wait_for_log(machine, "3")
    platform.ok("POST", platform.path(machine, "/suspend"))
    platform.wait(machine, "suspended")
    (pid,) = platform.running()
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    frozen = platform.log(machine)
    written = Path(platform.info["state"]) / "machines" / machine["id"] / "root" / "x"
    written.touch()
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "started")
    wait_until(lambda: platform.log(machine) != frozen)
    assert written.exists()  # the root file system is that of before (DOCUMENTED machines-resource)
    assert platform.running() == [pid]
    platform.ok("POST", platform.path(machine, "/suspend"))
    platform.wait(machine, "suspended")
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    assert platform.running() == []


def test_a_restart_makes_a_new_process(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    (before,) = platform.running()
    after = platform.ok("GET", platform.path(machine, "/events"))[0]["id"]
    platform.ok("POST", platform.path(machine, "/restart"), params={"timeout": "2"})
    platform.wait(machine, "started", from_event_id=after)
    (now,) = platform.running()
    assert now != before
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
    platform.wait(machine, "destroyed")


def test_an_update_swaps_the_process_under_a_new_version(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    config = machine["config"] | {"env": {"MARK": platform.mark, "NEW": "1"}}
    body = {"config": config, "current_version": machine["version"]}
    updated = platform.ok("POST", platform.path(machine), body)
    assert updated["state"] == "replacing"
    assert updated["version"] != machine["version"]
    platform.wait(machine, "started", version=updated["version"])
    (pid,) = platform.running()
    assert "NEW=1" in Path(f"/proc/{pid}/environ").read_text()
    assert platform.call("POST", platform.path(machine), body).status_code == 409
    old = platform.ok("GET", platform.path(machine), params={"version": machine["version"]})
    assert (old["state"], old["config"]["env"]) == ("replaced", {"MARK": platform.mark})
    versions = platform.ok("GET", platform.path(machine, "/versions"))
    assert [entry["version"] for entry in versions] == [updated["version"], machine["version"]]
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
    platform.wait(machine, "destroyed")


def test_twenty_events_are_told_unless_up_to_fifty_are_asked_for(platform: Up) -> None:
    """DOCUMENTED openapi Machines_list_events: limit 20 unless said, 50 at most."""
    machine = platform.create(skip_launch=True)
    for _ in range(24):
        platform.ok("POST", platform.path(machine), {"config": machine["config"]})
    path = platform.path(machine, "/events")
    assert [len(platform.ok("GET", path, params=params)) for params in ({}, {"limit": "50"})] == [20, 25]
    assert platform.call("GET", path, params={"limit": "51"}).status_code == 400


def test_an_app_goes_with_its_machines(platform: Up) -> None:
    platform.app("doomed")
    machine = platform.create("doomed")
    platform.wait(machine, "started", "doomed")
    assert platform.call("DELETE", "/v1/apps/doomed").status_code == 412
    assert platform.call("DELETE", "/v1/apps/doomed", params={"force": "true"}).status_code == 202
    assert platform.call("GET", "/v1/apps/doomed").status_code == 404
    wait_until(lambda: platform.running() == [])
    platform.app("doomed")
    assert platform.ok("GET", "/v1/apps/doomed/machines") == []


def test_a_create_is_started_within_milliseconds(platform: Up) -> None:
    spans = []
    for _ in range(10):
        machine = platform.create()
        platform.wait(machine, "started")
        told = {event["status"]: event["timestamp"] for event in platform.ok("GET", platform.path(machine, "/events"))}
        spans.append(told["started"] - told["created"])
        platform.ok("DELETE", platform.path(machine), params={"force": "true"})
        platform.wait(machine, "destroyed")
    assert min(spans) <= 50, spans
