"""The supervisor alone, through its socket: what it is told and what it reports."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import is_running, wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

WAITS = "import time; print('ready', flush=True); time.sleep(3600)"
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(3600)"


class Boss:
    """Plays the platform."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(10)
        with theirs:
            # As a module and not isolated as in the product, so that its coverage can be measured.
            command = [sys.executable, "-m", "flylab.local.supervisor"]
            self.process = subprocess.Popen(command, stdin=theirs.fileno())
        self.reports = self.channel.makefile("rb")

    def order(self, do: str, machine: str = "m", **fields: Any) -> None:
        self.channel.sendall(json.dumps({"do": do, "machine": machine, **fields}).encode() + b"\n")

    def spawn(self, script: str, machine: str = "m", *, ready: bool = True) -> int:
        """Start it and wait until it runs and, unless told otherwise, has said so."""
        self.run([sys.executable, "-I", "-S", "-c", script], machine)
        pid: int = self.heard()["pid"]
        if ready:
            wait_until(lambda: "ready" in self.log(machine), what="the machine is ready")
        return pid

    def run(self, argv: list[str], machine: str = "m", cwd: str | None = None) -> None:
        env = {"FLY_MACHINE_ID": machine, "PATH": os.environ["PATH"]}
        log = str(self.folder / f"{machine}.log")
        self.order("spawn", machine, argv=argv, env=env, cwd=cwd or str(self.folder), log=log)

    def log(self, machine: str = "m") -> str:
        """What it printed; each line has 27 characters of ours in front."""
        lines = (self.folder / f"{machine}.log").read_text().splitlines()
        return "".join(f"{line[27:]}\n" for line in lines)

    def heard(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.reports.readline())
        return report

    def leave(self) -> None:
        self.reports.close()
        self.channel.close()
        assert self.process.wait(10) == 0


@pytest.fixture
def boss(tmp_path: Path) -> Iterator[Boss]:
    made = Boss(tmp_path)
    yield made
    made.leave()


def test_a_process_runs_and_ends(boss: Boss) -> None:
    boss.run(["sh", "-c", "echo $FLY_MACHINE_ID $PWD; exit 3"])
    assert "pid" in boss.heard()
    assert boss.heard() == {"exited": "m", "code": 3, "signal": 0}
    assert boss.log() == f"m {boss.folder}\n"


def test_a_process_leads_a_session_without_our_files(boss: Boss) -> None:
    pid = boss.spawn("import os, time; print(os.listdir('/proc/self/fd'), 'ready', flush=True); time.sleep(3600)")
    assert os.getsid(pid) == pid
    assert boss.log().startswith("['0', '1', '2', '3']")  # 3 is the listing itself


@pytest.mark.parametrize(
    ("argv", "cwd", "why"),
    [
        (["/nowhere"], None, "No such file or directory"),
        (["/etc/passwd"], None, "Permission denied"),
        (["sh"], "/nowhere", "No such file or directory"),
        (["a\0b"], None, "Invalid argument"),
    ],
)
def test_what_cannot_run_fails(boss: Boss, argv: list[str], cwd: str | None, why: str) -> None:
    boss.run(argv, cwd=cwd)
    assert boss.heard() == {"failed": "m", "why": why}
    assert boss.spawn(WAITS) > 0


def test_a_signal_then_patience_then_the_end(boss: Boss) -> None:
    boss.spawn(WAITS, "m1")
    boss.order("terminate", "m1", name="SIGTERM", timeout=60)
    assert boss.heard() == {"exited": "m1", "code": 0, "signal": signal.SIGTERM}
    boss.spawn(DEAF, "m2")
    boss.order("terminate", "m2", name="SIGINT", timeout=0.05)
    assert boss.heard() == {"exited": "m2", "code": 0, "signal": signal.SIGKILL}
    boss.spawn(DEAF, "m3")
    boss.order("terminate", "m3", name="SIGINT", timeout=0)
    assert boss.heard()["signal"] == signal.SIGKILL


def test_a_terminate_that_overtakes_the_start(boss: Boss) -> None:
    for _ in range(20):
        boss.run(["sleep", "3600"])
        boss.order("terminate", name="SIGTERM", timeout=60)
        assert "spawned" in boss.heard()
        assert boss.heard() == {"exited": "m", "code": 0, "signal": signal.SIGTERM}


def test_frozen_processes_stand_still(boss: Boss) -> None:
    pid = boss.spawn(WAITS)

    def state() -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    boss.order("freeze")
    wait_until(lambda: state() == "T")
    boss.order("thaw")
    wait_until(lambda: state() == "S")
    boss.order("send", name="SIGUSR1")
    assert boss.heard()["signal"] == signal.SIGUSR1


def test_orders_for_nobody_do_no_harm(boss: Boss) -> None:
    for do, fields in (
        ("terminate", {"name": "SIGTERM", "timeout": 1}),
        ("send", {"name": "SIGTERM"}),
        ("freeze", {}),
        ("thaw", {}),
    ):
        boss.order(do, "nobody", **fields)
    assert boss.spawn(WAITS) > 0


def test_signals_to_itself_are_nothing(boss: Boss) -> None:
    boss.spawn(WAITS, "m1")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        boss.process.send_signal(number)
    assert boss.spawn(WAITS, "m2") > 0


def test_the_end_of_the_socket_is_the_end_of_everything(tmp_path: Path) -> None:
    boss = Boss(tmp_path)
    pids = [boss.spawn(script, f"m{number}") for number, script in enumerate([WAITS, DEAF, WAITS])]
    boss.order("freeze", "m0")
    boss.leave()
    assert not any(is_running(pid) for pid in pids)


def test_last_words_are_kept_when_the_platform_is_killed(tmp_path: Path) -> None:
    boss = Boss(tmp_path)
    boss.spawn(
        "import time; print('ready', flush=True)\nfor _ in range(2000): print('word', flush=True)\ntime.sleep(3600)"
    )
    wait_until(lambda: boss.log().count("word") > 0)
    boss.leave()
    words = boss.log().count("word")
    assert 0 < words <= 2000
    assert boss.log() == "ready\n" + "word\n" * words


def test_the_log_is_whole_when_the_end_is_told(boss: Boss) -> None:
    boss.run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do seq 1000; done; printf end >&2"])
    assert "pid" in boss.heard()
    assert boss.heard() == {"exited": "m", "code": 0, "signal": 0}
    said = boss.log().splitlines()
    assert said.count("end") == 1
    assert [line for line in said if line != "end"] == [str(i) for _ in range(8) for i in range(1, 1001)]


def test_what_detached_itself_goes_with_its_machine(boss: Boss) -> None:
    boss.spawn(
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: print('ready', os.getpid(), flush=True); time.sleep(3600)\n"
        "    os._exit(0)\n"
        "time.sleep(3600)"
    )
    stray = int(boss.log().split()[1])
    assert is_running(stray)
    boss.order("terminate", name="SIGTERM", timeout=60)
    assert "exited" in boss.heard()
    wait_until(lambda: not is_running(stray))


def test_many_at_once(boss: Boss) -> None:
    for number in range(50):
        boss.run(["sh", "-c", f"exit {number}"], f"m{number}")
    reports = [boss.heard() for _ in range(100)]
    ended = {report["exited"]: report["code"] for report in reports if "exited" in report}
    assert ended == {f"m{number}": number for number in range(50)}
