"""The suite's exit code can be believed, and nothing outlives it, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.kit.written import chapter

MARK = "FLYLAB_TEST_OF"
LONG = "import asyncio, pathlib\npathlib.Path('running').touch()\nawait asyncio.sleep(600)"


def belonging(mark: str) -> list[psutil.Process]:
    """Every process of this computer that was started below a suite with that mark in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def eventually(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Poll until it is so; processes that are not our children cannot be waited for in another way."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


class Trial:
    """A suite over chapters of its own, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.notebooks, self.build, self.mark = folder / "notebooks", folder / "build", str(folder)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "FLYLAB_BUILD": str(self.build), MARK: self.mark}
        code = "import sys; from flylab.kit.suite import main; sys.exit(main(sys.argv[1:]))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "--folder", str(self.notebooks), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def run(self, *arguments: str) -> tuple[int, str, str]:
        out, err = self.start(*arguments).communicate(timeout=90)
        assert self.process is not None
        return self.process.returncode, out, err


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    trial = Trial(tmp_path)
    yield trial
    if trial.process is not None:
        if trial.process.poll() is None:
            trial.process.kill()
        trial.process.communicate(timeout=30)
    left = belonging(trial.mark)
    for process in left:
        process.kill()
    assert not left, left


def test_chapters_run_with_their_parameters_and_are_kept(trial: Trial) -> None:
    chapter(trial.notebooks, "01-a.ipynb", "print('ran', runs)")
    chapter(trial.notebooks, "02-b.ipynb", "assert runs == 1")
    code, out, err = trial.run("01", "--set", "runs=7")
    assert (code, err) == (0, "")
    assert "01-a  ok" in out
    assert "1 of 1 chapters ran" in out
    assert "ran 7" in (trial.build / "logs" / "01-a.log").read_text()
    executed = json.loads((trial.build / "executed" / "01-a.ipynb").read_text())
    assert "ran 7" in json.dumps(executed["cells"][-1]["outputs"])
    assert not belonging(trial.mark)


def test_a_failing_chapter_fails_the_suite_but_not_the_others(trial: Trial) -> None:
    chapter(trial.notebooks, "01-bad.ipynb", "fruit = ['apple']\nfruit[3]")
    chapter(trial.notebooks, "02-good.ipynb", "1 + 1")
    code, out, err = trial.run("--jobs", "2")
    assert code == 1
    assert "02-good  ok" in out
    assert "1 of 2 chapters ran" in out
    assert "01-bad failed: cell" in err
    assert "IndexError: list index out of range" in err
    assert not belonging(trial.mark)


def test_a_kernel_that_is_killed_fails_the_suite(trial: Trial) -> None:
    chapter(trial.notebooks, "01-dies.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    code, _, err = trial.run()
    assert code == 1
    assert "01-dies failed" in err
    assert not belonging(trial.mark)


def test_a_process_that_a_chapter_leaves_behind_fails_the_suite_and_is_ended(trial: Trial) -> None:
    start = "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)"
    chapter(trial.notebooks, "01-leaks.ipynb", start)
    code, _, err = trial.run()
    assert code == 1
    assert "processes were left behind" in err
    assert "sleep 600" in err
    assert not belonging(trial.mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_a_suite_that_is_stopped(trial: Trial, number: signal.Signals) -> None:
    chapter(trial.notebooks, "01-long.ipynb", LONG)
    chapter(trial.notebooks, "02-long.ipynb", LONG)
    process = trial.start()
    assert eventually((trial.notebooks / "running").exists, seconds=60)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (-9 if number is signal.SIGKILL else 128 + number)
    if number is not signal.SIGKILL:
        assert f"stopped by {number.name}" in err
    assert eventually(lambda: not belonging(trial.mark), seconds=10), belonging(trial.mark)


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
