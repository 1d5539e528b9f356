"""The suite's exit code can be believed, and nothing outlives it, however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from flylab.kit.suite import LEAVE_IF_ORPHANED
from tests.kit.trial import Trial
from tests.kit.written import chapter
from tests.support import wait_until

LONG = "import asyncio, pathlib\npathlib.Path('running').touch()\nawait asyncio.sleep(600)"
QUIET = "import logging\nprint('quiet', not logging.getLogger('tornado.general').isEnabledFor(logging.ERROR))"
PORTS = "import psutil\nprint(sum(not c.raddr for c in psutil.Process().net_connections('tcp')), 'ports')"
PLATFORM = """
from flylab.kit import configs
from flylab.kit.target import connect
lab = await connect(chapter="01", regions=["ams"])
app = await lab.create_app("trial")
machine = await lab.create_machine(app, configs.sleeper("local"), region="ams")
await lab.api.wait(app, machine.id, "started")
"""
SECONDS_TO_START = 90.0  # on a computer that is busy with other tests; four as a rule


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    trial = Trial(tmp_path)
    yield trial
    trial.close()


def test_chapters_run_with_their_parameters_and_are_kept(trial: Trial) -> None:
    chapter(trial.notebooks, "01-a.ipynb", f"print('ran', runs)\n{PORTS}\n{QUIET}")
    chapter(trial.notebooks, "02-b.ipynb", "assert runs == 1")
    code, out, err = trial.run("01", "--set", "runs=7")
    assert (code, err) == (0, "")
    assert "01-a  ok" in out
    assert "1 of 1 chapters ran" in out
    log = (trial.build / "logs" / "01-a.log").read_text()
    assert "ran 7" in log
    # Any of its five channels could be somebody's port before the kernel has it. (One that it picks itself is its own.)
    assert int(log.split("ports")[0].split()[-1]) < 5
    assert "quiet True" in log
    executed = json.loads((trial.build / "executed" / "01-a.ipynb").read_text())
    assert "ran 7" in json.dumps(executed["cells"][-1]["outputs"])
    assert not trial.left()


def test_a_failing_chapter_fails_the_suite_but_not_the_others(trial: Trial) -> None:
    chapter(trial.notebooks, "01-bad.ipynb", "fruit = ['apple']\nfruit[3]")
    chapter(trial.notebooks, "02-good.ipynb", "1 + 1")
    code, out, err = trial.run("--jobs", "2")
    assert code == 1
    assert "02-good  ok" in out
    assert "1 of 2 chapters ran" in out
    assert "01-bad failed: cell" in err
    assert "IndexError: list index out of range" in err
    assert not trial.left()


def test_a_kernel_that_is_killed_fails_the_suite(trial: Trial) -> None:
    chapter(trial.notebooks, "01-dies.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    code, _, err = trial.run()
    assert code == 1
    assert "01-dies failed" in err
    assert not trial.left()


def test_every_chapter_runs_in_the_chapters_folder(trial: Trial) -> None:
    for name in ("01-a.ipynb", "02-b.ipynb"):
        chapter(trial.notebooks, name, "import os\nprint('folder', os.getcwd())")
    assert trial.run("--jobs", "2")[0] == 0
    for name in ("01-a", "02-b"):
        assert f"folder {trial.notebooks}\n" in (trial.build / "logs" / f"{name}.log").read_text()


def test_a_process_that_a_chapter_leaves_behind_fails_the_suite_and_is_ended(trial: Trial) -> None:
    start = "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)"
    chapter(trial.notebooks, "01-leaks.ipynb", start)
    code, _, err = trial.run()
    assert code == 1
    assert "processes were left behind" in err
    assert "sleep 600" in err
    assert not trial.left()


def test_only_what_changed_or_failed_runs_again(trial: Trial) -> None:
    store = "import os, pathlib\npathlib.Path(os.environ['FLYLAB_BUILD'], 'data', '01-a-20261127T1.json').touch()"
    chapter(trial.notebooks, "01-a.ipynb", store)
    chapter(trial.notebooks, "02-bad.ipynb", "1 / 0")
    code, out, _ = trial.run("--only-changed")
    assert code == 1
    assert "01-a runs: there is no result" in out
    kept = trial.build / "executed" / "01-a.ipynb"
    first = kept.read_bytes()

    code, out, _ = trial.run("--only-changed")
    assert code == 1
    assert "01-a is skipped: nothing changed since its run of 20" in out
    assert "02-bad runs: its last run failed" in out
    assert "01-a    skipped" in out
    assert "0 of 2 chapters ran" in out
    assert "1 skipped" in out
    assert kept.read_bytes() == first

    chapter(trial.notebooks, "02-bad.ipynb", "1 / 1")
    code, out, _ = trial.run("--only-changed", "--set", "runs=2")
    assert code == 0
    assert "01-a runs: changed: parameters" in out
    assert "02-bad runs: its last run failed" in out
    code, out, _ = trial.run("--only-changed", "--set", "runs=2")
    assert (code, out.count(" is skipped: ")) == (0, 2)
    assert not trial.left()


def test_the_full_size_is_what_the_notebook_says_unless_the_call_says_otherwise(trial: Trial) -> None:
    parameters = "runs: int = 1  # how often (1 to 90)\nseed: int = 3  # of the order"
    chapter(trial.notebooks, "01-a.ipynb", "print('ran', runs, seed)", parameters=parameters, full={"runs": 40})
    log = trial.build / "logs" / "01-a.log"
    assert trial.run("--full", "--set", "seed=4")[0] == 0
    assert "ran 40 4" in log.read_text()
    chapter(trial.notebooks, "01-a.ipynb", "1", parameters=parameters, full={"runs": 91})
    code, _, err = trial.run("--full")
    assert (code, err) == (2, "flylab suite: parameter runs is 91; it can be 1 to 90\n")


def running_suite(trial: Trial) -> subprocess.Popen[str]:
    """A suite whose first chapter runs; one that ends before that says why."""
    process = trial.start()
    began = trial.notebooks / "running"
    wait_until(lambda: began.exists() or process.poll() is not None, SECONDS_TO_START, what="a chapter runs")
    assert began.exists(), process.communicate(timeout=30)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_a_suite_that_is_stopped(trial: Trial, number: signal.Signals) -> None:
    chapter(trial.notebooks, "01-long.ipynb", LONG)
    chapter(trial.notebooks, "02-long.ipynb", LONG)
    process = running_suite(trial)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (-9 if number is signal.SIGKILL else 128 + number)
    if number is not signal.SIGKILL:
        assert f"stopped by {number.name}" in err
    wait_until(lambda: not trial.left(), what="everything that the suite started has ended")


@pytest.mark.parametrize("parent", ["alive", "dead"])
def test_a_kernel_whose_suite_died_while_it_started_leaves(trial: Trial, tmp_path: Path, parent: str) -> None:
    connection = tmp_path / "connection.json"
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(connection)]
    pid = os.getpid() if parent == "alive" else 2**22  # above the highest process id
    kernel = subprocess.Popen(
        [*command, "--IPKernelApp.log_level=50", f"--IPKernelApp.exec_lines={LEAVE_IF_ORPHANED}"],
        env={**trial.environment, "JPY_PARENT_PID": str(pid)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if parent == "dead":
            assert kernel.wait(SECONDS_TO_START) == 1
        else:
            client = BlockingKernelClient(connection_file=str(connection))
            wait_until(lambda: connection.exists() and connection.read_text().endswith("}"), SECONDS_TO_START)
            client.load_connection_file()
            client.start_channels()
            client.wait_for_ready(timeout=SECONDS_TO_START)
            client.stop_channels()
            assert kernel.poll() is None
    finally:
        kernel.kill()
        kernel.wait(30)


DEATHS = {
    "raises": "raise RuntimeError('on purpose')",
    "is killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "leaves": "pass",
}


@pytest.mark.parametrize("how", DEATHS)
def test_a_platform_and_its_machines_end_with_the_kernel(trial: Trial, how: str) -> None:
    chapter(trial.notebooks, "01-dies.ipynb", PLATFORM, DEATHS[how])
    code, _, err = trial.run()
    assert code == (0 if how == "leaves" else 1), err
    assert "left behind" not in err
    assert not trial.left()


def test_a_platform_and_its_machines_end_with_a_killed_suite(trial: Trial) -> None:
    chapter(trial.notebooks, "01-long.ipynb", PLATFORM, LONG)
    process = running_suite(trial)
    assert len(trial.left()) >= 4  # suite, kernel, platform, supervisor and the machine
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: not trial.left(), what="kernel, platform and machine have ended")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["09"], "no chapter '09'; there are 01-a"),
        (["--set", "rums=3"], "no chosen chapter has a parameter 'rums'"),
        (["--set", "runs=many"], "parameter runs is 'many'; it must be of type int"),
        (["--target", "fly"], "no chosen chapter has a parameter 'target'"),
        (["--jobs", "0"], "--jobs is 0"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_starts_nothing(trial: Trial, arguments: list[str], says: str) -> None:
    chapter(trial.notebooks, "01-a.ipynb", "1")
    code, out, err = trial.run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("flylab suite: ")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not trial.build.exists()


def test_a_run_on_fly_that_is_not_possible_keeps_what_an_earlier_run_left(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLY_API_TOKEN", raising=False)
    chapter(trial.notebooks, "01-a.ipynb", "1", parameters='target: str = "local"  # where')
    earlier = trial.build / "executed" / "01-a.ipynb"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("an earlier result")
    code, out, err = trial.run("--target", "fly")
    assert (code, out) == (2, "")
    assert "FLY_API_TOKEN" in err
    assert earlier.read_text() == "an earlier result"
