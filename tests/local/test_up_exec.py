"""Commands in real machines: where they run, what bounds them, and that they end with their machine."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.up import Up, nobody_carries, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text("[exec]\noutput_limit = 100000\nlongest_timeout = 90\n")
    with up("--settings", str(settings)) as running:
        running.app()
        yield running
        running.end()
        assert running.running() == []


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests; its fixture looks at what is left."""


@pytest.fixture
def machine(platform: Up) -> Iterator[dict[str, Any]]:
    made = platform.create()
    platform.wait(made, "started")
    yield made
    platform.ok("DELETE", platform.path(made), params={"force": "true"})
    platform.wait(made, "destroyed")


def run(platform: Up, machine: dict[str, Any], *command: str, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = platform.ok("POST", platform.path(machine, "/exec"), {"command": command, **more})
    return told


def test_it_runs_in_the_folder_of_the_machine(platform: Up, machine: dict[str, Any]) -> None:
    root = Path(platform.info["state"]) / "machines" / machine["id"] / "root"
    told = run(platform, machine, "sh", "-c", "pwd; echo $MARK $FLY_MACHINE_ID $SECRET_OF_THE_TEST; touch made")
    assert told["stdout"] == f"{root}\n{platform.mark} {machine['id']}\n"
    assert (root / "made").exists()


def test_it_reads_its_input_to_the_end_or_not_at_all(platform: Up, machine: dict[str, Any]) -> None:
    text = "ä" * 300_000
    assert run(platform, machine, "wc", "-c", stdin=text)["stdout"].strip() == "600000"
    assert run(platform, machine, "true", stdin=text)["exit_code"] == 0
    assert run(platform, machine, "cat")["stdout"] == ""


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("/nowhere",), 127, "No such file or directory"),
        (("/etc/passwd",), 126, "Permission denied"),
        (("sh", "-c", "kill -9 $$"), 137, ""),
    ],
)
def test_a_command_that_cannot_run_or_is_killed(
    platform: Up, machine: dict[str, Any], command: tuple[str, ...], code: int, says: str
) -> None:
    told = run(platform, machine, *command)
    assert (told["exit_code"], told["stderr"].strip()) == (code, says)
    assert told["exit_signal"] == (9 if code == 137 else 0)


def test_a_flood_of_output_is_cut(platform: Up, machine: dict[str, Any]) -> None:
    told = run(platform, machine, "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; echo end >&2")
    assert (len(told["stdout"]), told["stderr"], told["truncated"]) == (100_000, "end\n", True)


def test_all_that_a_command_wrote_comes_with_its_end(platform: Up, machine: dict[str, Any]) -> None:
    for _ in range(10):
        told = run(platform, machine, "sh", "-c", "head -c 90000 /dev/zero | tr '\\0' x")
        assert (len(told["stdout"]), "truncated" in told) == (90_000, False)


def test_what_a_command_leaves_behind_lives_as_long_as_its_machine(platform: Up) -> None:
    made = platform.create()
    platform.wait(made, "started")
    told = run(platform, made, "sh", "-c", "sleep 3600 & echo $!")
    (left,) = told["stdout"].split()
    assert int(left) in platform.running()
    assert int(left) in [process["pid"] for process in platform.ok("GET", platform.path(made, "/ps"))]
    platform.ok("POST", platform.path(made, "/stop"))
    platform.wait(made, "stopped")
    wait_until(lambda: int(left) not in platform.running())
    platform.ok("DELETE", platform.path(made))


def under_way(platform: Up, machine: dict[str, Any], pool: ThreadPoolExecutor) -> Any:
    """A command that would take an hour and runs by now."""
    before = set(platform.running())
    future = pool.submit(run, platform, machine, "sh", "-c", "sleep 3600; true", timeout=90)
    wait_until(lambda: len(set(platform.running()) - before) >= 2, what="the command runs")
    return future


def test_a_command_ends_with_its_machine(platform: Up) -> None:
    made = platform.create()
    platform.wait(made, "started")
    with ThreadPoolExecutor(1) as pool:
        future = under_way(platform, made, pool)
        platform.ok("DELETE", platform.path(made), params={"force": "true"})
        assert future.result()["exit_signal"] == signal.SIGKILL
    platform.wait(made, "destroyed")
    assert platform.running() == []


def test_a_command_ends_with_its_time(platform: Up, machine: dict[str, Any]) -> None:
    before = platform.running()
    body = {"command": ["sh", "-c", "sleep 3600; true"], "timeout": 1}
    answer = platform.call("POST", platform.path(machine, "/exec"), body)
    assert answer.status_code == 408
    assert "did not end within 1s" in answer.json()["error"]
    wait_until(lambda: platform.running() == before)


def test_a_command_ends_with_its_caller(platform: Up, machine: dict[str, Any]) -> None:
    before = platform.running()
    with pytest.raises(httpx.ReadTimeout):
        platform.call("POST", platform.path(machine, "/exec"), {"command": ["sleep", "3600"]}, timeout=0.3)
    wait_until(lambda: platform.running() == before)


def test_many_commands_at_once(platform: Up, machine: dict[str, Any]) -> None:
    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(run, platform, machine, "sh", "-c", f"echo {n}; exit {n}") for n in range(40)]
        told = [future.result() for future in futures]
    assert [(each["exit_code"], each["stdout"]) for each in told] == [(n, f"{n}\n") for n in range(40)]


def test_ports_are_listed_with_their_process(platform: Up) -> None:
    text = (
        "import os, socket, time; s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])));"
        "print('ready', flush=True); b = bytearray(30_000_000); time.sleep(3600)"
    )
    made = platform.script(text, services=[{"internal_port": 8080}])
    platform.wait_for_log(made, "ready")
    (process,) = platform.ok("GET", platform.path(made, "/ps"))
    root = Path(platform.info["state"]) / "machines" / made["id"] / "root"
    assert process["directory"] == str(root)
    assert process["pid"] in platform.running()
    (listening,) = process["listen_sockets"]
    assert listening["proto"] == "tcp"
    assert listening["address"].startswith("127.0.0.1:")
    wait_until(lambda: platform.ok("GET", platform.path(made, "/memory"))["available_mb"] < 256 - 28)
    platform.ok("DELETE", platform.path(made), params={"force": "true"})
    platform.wait(made, "destroyed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_commands_end_with_the_platform(number: int, tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as running:
        running.app()
        made = running.create()
        running.wait(made, "started")
        with ThreadPoolExecutor(1) as pool:
            future = under_way(running, made, pool)
            running.end(number)
            future.exception()  # whatever the caller was told, the answer does not take an hour
        nobody_carries(running.mark)


def test_a_set_limit_of_memory_is_there_again(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as before:
        before.app()
        made = before.create()
        before.wait(made, "started")
        before.ok("PUT", before.path(made, "/memory"), {"limit_mb": 100})
        before.end(signal.SIGKILL)
    with up("--state", str(tmp_path)) as after:
        after.ok("POST", after.path(made, "/start"))
        after.wait(made, "started")
        assert after.ok("GET", after.path(made, "/memory"))["limit_mb"] == 100
        after.end()
