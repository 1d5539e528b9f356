"""Memory limits of real machines: who is killed, how that is told, and what ordinary programs do not notice."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc"),
]

EATS = (
    "import time\nkept = []\n"
    "while True: kept.append(bytearray(b'x') * (8 << 20)); print(len(kept) * 8, flush=True); time.sleep(0.02)"
)
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


def exit_event(platform: Up, machine: dict[str, Any]) -> dict[str, Any]:
    listed = platform.ok("GET", platform.path(machine, "/events"))
    found: dict[str, Any] = next(event["request"]["exit_event"] for event in listed if event["type"] == "exit")
    return found


def test_a_machine_that_eats_too_much_is_killed_as_linux_would(platform: Up) -> None:
    """OBSERVED-IN-CLIENT fly-go machine_types.go: the exit event says oom_killed."""
    machine = platform.script(EATS, **ONCE)
    platform.wait(machine, "stopped")
    told = exit_event(platform, machine)
    assert (told["oom_killed"], told["exit_code"], told["signal"]) == (True, 137, 9)
    if platform.ok("GET", "/_flylab/platform")["limits"]["memory"]["how"] == "watched":
        assert "[flylab: Out of memory: killed process" in platform.log(machine)
    printed = [int(line) for line in platform.log(machine).splitlines() if line.isdecimal()]
    assert 200 < printed[-1] < 1500


def test_it_is_restarted_as_its_policy_says(platform: Up) -> None:
    machine = platform.script(EATS, restart={"policy": "on-failure", "max_retries": 1})
    platform.wait(machine, "stopped")
    listed = platform.ok("GET", platform.path(machine, "/events"))
    exits = [event["request"]["exit_event"] for event in listed if event["type"] == "exit"]
    assert [(one["oom_killed"], one["restarting"]) for one in reversed(exits)] == [(True, True), (True, False)]


def test_the_largest_process_goes_and_the_others_stay(platform: Up) -> None:
    worker = EATS.replace("\n", "\\n").replace("'", "\\'")
    machine = platform.script(
        f"import subprocess, sys, time\nprint('worker', subprocess.run([sys.executable, '-I', '-S', '-c', '{worker}'],"
        " stdout=subprocess.DEVNULL, start_new_session=True).returncode, flush=True)\ntime.sleep(3600)"
    )
    platform.wait_for_log(machine, "worker -9")
    assert platform.state(machine) == "started"
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
    platform.wait(machine, "destroyed")


def test_a_larger_guest_may_have_more(platform: Up) -> None:
    machine = platform.script(
        "data = bytearray(b'x') * (400 << 20); import time; time.sleep(1.5); print('fine')",
        guest={"cpu_kind": "shared", "cpus": 1, "memory_mb": 1024},
        **ONCE,
    )
    platform.wait(machine, "stopped")
    assert platform.log(machine) == "fine\n"
    assert exit_event(platform, machine)["oom_killed"] is False


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_node_runs_in_the_smallest_guest(platform: Up) -> None:
    """It reserves gigabytes of address space."""
    script = "setTimeout(() => console.log('alive', process.memoryUsage().rss > 0), 1000)"
    machine = platform.create(image="local/process", init={"exec": ["node", "-e", script]}, **ONCE)
    platform.wait(machine, "stopped")
    assert platform.log(machine) == "alive true\n"
    assert exit_event(platform, machine)["exit_code"] == 0


def test_the_platform_says_what_holds(platform: Up) -> None:
    told = platform.ok("GET", "/_flylab/platform")["limits"]
    assert set(told) == {"memory", "cpu", "burst"}
    assert told["memory"]["how"] in ("cgroup", "watched")
    assert all(set(one) == {"enforced", "how", "why"} and one["why"] for one in told.values())


def test_limits_can_be_switched_off_and_cores_assigned(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[limits]\nmemory = false\ncgroup = false\ncpu_affinity = true\n")
    with up("--settings", str(tmp_path / "settings.toml")) as mine:
        mine.app()
        machines = [
            mine.script(
                "import os, time; data = bytearray(b'x') * (300 << 20); time.sleep(1)\n"
                "print(len(os.sched_getaffinity(0)), flush=True); time.sleep(3600)"
            )
            for _ in range(2)
        ]
        for machine in machines:
            wait_until(lambda machine=machine: mine.log(machine) == "1\n", 60)
        told = mine.ok("GET", "/_flylab/platform")["limits"]
        assert (told["memory"]["how"], told["cpu"]["how"]) == ("off", "affinity")
        mine.end()
