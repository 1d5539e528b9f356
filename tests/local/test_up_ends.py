"""However the platform ends, no process of its machines is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest

from tests.local.up import COMMAND, READY, Up, clean_environment, nobody_carries, processes_with, up
from tests.support import is_running, wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(3600)
"""
# Leaves its session and its parent, as a daemon does; the marker in its arguments is all that is left of its origin.
DETACHED = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(3600)", {mark!r}], {env})
    os._exit(0)
print("detached", flush=True)
time.sleep(3600)
"""


def three_kinds(platform: Up) -> None:
    """A machine that listens to signals, one that does not, and one with a process that has detached itself."""
    platform.app()
    platform.create()
    platform.wait_for_log(platform.script(STUBBORN), "deaf")
    script = DETACHED.format(mark=f"MARK={platform.mark}", env="{}")
    platform.wait_for_log(platform.script(script), "detached")
    wait_until(lambda: len(platform.running()) == 4, what="four processes of three machines")


@pytest.fixture
def hang_up_counts() -> Iterator[None]:
    """What is started hears SIGHUP, also when the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_every_machine_within_five_seconds(number: int, hang_up_counts: None) -> None:
    with up() as platform:
        three_kinds(platform)
        status, seconds = platform.end(number)
        assert status == 0
        assert seconds < 5
        assert platform.running() == []


def test_a_killed_platform_leaves_nothing() -> None:
    with up() as platform:
        three_kinds(platform)
        platform.end(signal.SIGKILL)
        nobody_carries(f"MARK={platform.mark}")


def test_a_killed_supervisor_ends_the_platform_and_leaves_nothing() -> None:
    with up() as platform:
        three_kinds(platform)
        (supervisor,) = [pid for pid in children_of(platform.process.pid) if is_running(pid)]
        os.kill(supervisor, signal.SIGKILL)
        assert platform.process.wait(10) == 1
        assert platform.process.stderr is not None
        assert "supervisor of the machines was killed" in platform.process.stderr.read()
        nobody_carries(f"MARK={platform.mark}")


def test_the_death_of_whoever_started_it_ends_it() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({[*COMMAND, '--regions', 'ams']!r})"],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    platform = Up(parent)
    try:
        platform.app()
        platform.create()
        wait_until(platform.running)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_running(platform.info["pid"]), what="the platform has ended")
        nobody_carries(f"MARK={platform.mark}")
    finally:
        platform.close()


def test_the_death_of_whoever_started_it_counts_while_it_starts_too() -> None:
    # The parent leaves before its child has run an instruction, so it is named: the child can only be too late.
    script = (
        "import os, subprocess; "
        f"command = [*{COMMAND!r}, '--regions', 'ams', '--parent', str(os.getpid())]; "
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=clean_environment(), check=True
    )
    platform = int(parent.stdout)
    wait_until(lambda: not is_running(platform), READY, what="the platform has ended")


@pytest.mark.parametrize("after", [1, 12, 30])
def test_a_kill_in_the_middle_of_many_creates_leaves_nothing(after: int, tmp_path: object) -> None:
    with up("--state", str(tmp_path)) as platform:
        platform.app()

        def create(number: int) -> None:
            if number == after:
                platform.process.kill()
            with suppress(httpx.TransportError, AssertionError):
                platform.create(env={"NUMBER": str(number)})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(create, range(40)))
        nobody_carries(f"MARK={platform.mark}")
    with up("--state", str(tmp_path)) as again:
        machines = again.ok("GET", "/v1/apps/app/machines")
        assert {machine["state"] for machine in machines} <= {"created", "stopped"}
        for machine in machines:
            assert again.ok("DELETE", again.path(machine)) == {"ok": True}
            again.wait(machine, "destroyed")
        assert again.ok("GET", "/v1/apps/app/machines") == []
        assert again.end()[0] == 0


def test_what_a_machine_detached_ends_with_the_machine() -> None:
    mark = f"DETACHED={uuid4().hex}"
    with up() as platform:
        platform.app()
        script = DETACHED.format(mark=mark, env="os.environ")
        machine = platform.script(script, restart={"policy": "no"})
        platform.wait_for_log(machine, "detached")
        wait_until(lambda: len(processes_with(mark)) == 2, what="the machine and what it detached")
        platform.ok("POST", platform.path(machine, "/stop"))
        platform.wait(machine, "stopped")
        nobody_carries(mark)
        platform.end()


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]
