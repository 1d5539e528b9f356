"""``flylab suite``: runs chapters headlessly, several at a time, and leaves nothing running however it ends.

Each chapter gets a kernel of its own, below this one process. Chapters that measure small times ask in their metadata
to run alone, and come last. Executed copies, logs and data go to ``build/``. With ``--only-changed`` a chapter whose
result came from the sources of today (``sources``) is not run again.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from flylab.errors import UsageError
from flylab.kit import chapters, parameters, processes, project, results, sources
from flylab.kit.chapters import Chapter
from flylab.kit.kernels import Meeting
from flylab.kit.table import Live, Row
from flylab.kit.target import allowed
from flylab.kit.verdict import MIME, tally

JOBS = 2  # a run is bound by the processor: more than one per core gains nothing
CELL_SECONDS = 120
FULL_CELL_SECONDS = 600  # of the published sizes, whose longest cell takes two minutes on a quiet computer
START_SECONDS = 60
# Run by a kernel once it is up. From then on it watches its parent by itself; of a suite that was killed while the
# kernel started it takes no notice unless it was handed to process 1, and would live on.
LEAVE_IF_ORPHANED = "import os; os.getppid() == int(os.environ['JPY_PARENT_PID']) or os._exit(1); del os"
# At its end ipykernel closes a socket that another thread of it may still flush, and tornado logs that as an error.
QUIET_END = "import logging; logging.getLogger('tornado.general').setLevel(logging.CRITICAL); del logging"
LEAK_SECONDS = 8.0  # a kernel notices within 1 s that its parent is gone, a platform ends within 5 s


@dataclass(slots=True)
class Run:
    """One chapter's way through the suite."""

    chapter: Chapter
    state: str = "waiting"
    began: float = 0.0
    seconds: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)
    error: str = ""

    def elapsed(self) -> float:
        return time.monotonic() - self.began if self.state == "running" else self.seconds


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when every chapter ran and nothing is left, 1 otherwise, 2 for a wrong call."""
    options = _parser().parse_args(arguments)
    try:
        chosen = chapters.find(options.chapter, folder=options.folder)
        wanted = parameters.parse(options.set)
        if options.target != "local":
            wanted["target"] = options.target
        values = parameters.check(chosen, wanted, full=options.full)
        if any(value.get("target") == "fly" for value in values.values()):
            allowed(float(wanted.get("budget_usd", 0)))  # asked before a kernel starts or an older result goes
        if options.jobs < 1:
            raise UsageError(f"--jobs is {options.jobs}; at least one chapter has to run at a time")
    except UsageError as error:
        print(f"flylab suite: {error}", file=sys.stderr)
        return 2
    runs = [Run(replace(chapter, path=chapter.path.resolve())) for chapter in chosen]
    suite = Suite(runs, values, cell_seconds=FULL_CELL_SECONDS if options.full else CELL_SECONDS)
    if options.only_changed:
        suite.skip_unchanged()
    return suite.run(options.jobs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flylab suite", description="Run chapters headlessly and keep their results.")
    parser.add_argument("chapter", nargs="*", help="numbers or names, for example 03 or 03-replay; all by default")
    parser.add_argument("--target", choices=("local", "fly"), default="local", help="where the chapters run")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"chapters at a time (default {JOBS})")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the chapters are (default: notebooks/)")
    parser.add_argument("--only-changed", action="store_true", help="run only what has no result of today's sources")
    parser.add_argument("--full", action="store_true", help="the published sizes, which each notebook's metadata name")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="set a notebook's parameter")
    return parser


class Suite:
    """Drives the runs and answers signals; one per process."""

    def __init__(self, runs: list[Run], values: dict[str, dict[str, Any]], *, cell_seconds: int = CELL_SECONDS) -> None:
        self.runs = runs
        self.values = values
        self.cell_seconds = cell_seconds
        self.build = project.build()
        self.table = Live(sys.stdout)
        self.meeting = Meeting()

    def skip_unchanged(self) -> None:
        """Keep what came from the sources of today, and say of each chapter why it runs or does not."""
        common = sources.shared()
        for run in self.runs:
            values = self.values[run.chapter.name]
            executed = results.executed(self.build / "executed", run.chapter.name, target(values))
            parts = sources.digests(run.chapter, values, common)
            found = sources.kept(executed, parts, self.build / "data")
            if found.stands:
                run.state, run.verdicts = "skipped", verdicts(executed)
            print(f"{run.chapter.name} {'is skipped' if found.stands else 'runs'}: {found.why}", flush=True)

    def run(self, jobs: int) -> int:
        for folder in ("executed", "logs", "data"):
            (self.build / folder).mkdir(parents=True, exist_ok=True)
        os.environ["FLYLAB_BUILD"] = str(self.build)
        os.environ.pop("JPY_SESSION_NAME", None)  # headless, also from a terminal inside JupyterLab
        processes.adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        began = time.monotonic()
        import papermill  # noqa: F401  # here, for two chapters at once would import it in two threads

        # A kernel begins in the folder of this process. Papermill would change it for each chapter and back, which two
        # threads cannot do at once, so it is changed once for all of them.
        with contextlib.chdir(self.runs[0].chapter.path.parent):
            waiting = [run for run in self.runs if run.state == "waiting"]
            self._together([run for run in waiting if not run.chapter.alone], jobs)
            self._together([run for run in waiting if run.chapter.alone], 1)
        self.table.show(self.lines(), last=True)
        self.meeting.close()
        return self._report(time.monotonic() - began)

    def _together(self, runs: list[Run], jobs: int) -> None:
        """Run chapters side by side, so many at a time."""
        with ThreadPoolExecutor(jobs, thread_name_prefix="chapter") as pool:
            waiting: set[Future[None]] = {pool.submit(self._one, run) for run in runs}
            while waiting:
                self.table.show(self.lines())
                _, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)

    def lines(self) -> list[Row]:
        """What the live table shows: chapter, state, seconds, verdicts."""
        return [
            (
                run.chapter.name,
                run.state,
                f"{run.elapsed():.1f} s" if run.began else "",
                tally(run.verdicts),
            )
            for run in self.runs
        ]

    def _one(self, run: Run) -> None:
        run.began, run.state = time.monotonic(), "running"
        try:
            config = self.meeting.of(self.runs.index(run) + 1)
            values = self.values[run.chapter.name]
            before = sources.digests(run.chapter, values, sources.shared())
            executed = execute(run.chapter, values, self.build, config, self.cell_seconds)
            run.verdicts = verdicts(executed)
            if sources.digests(run.chapter, values, sources.shared()) == before:
                data = results.stored(self.build / "data", run.chapter.name, target(values))
                sources.mark(executed, before, data)
            run.state = "ok"
        except Exception as error:
            # Whatever went wrong in a notebook, its kernel or papermill: it belongs in the report, the others go on.
            run.state, run.error = "failed", _short(error)
        run.seconds = time.monotonic() - run.began

    def _report(self, seconds: float) -> int:
        skipped = [run for run in self.runs if run.state == "skipped"]
        failed = [run for run in self.runs if run.state not in ("ok", "skipped")]
        for run in failed:
            log = self.build / "logs" / f"{run.chapter.name}.log"
            print(f"\n{run.chapter.name} failed: {run.error}\n  log: {log}", file=sys.stderr)
        leaked = processes.wait_for_none(LEAK_SECONDS)
        if leaked:
            print(f"\nprocesses were left behind and are ended now: {processes.describe(leaked)}", file=sys.stderr)
            processes.end_all()
        total = sum((run.verdicts for run in self.runs), Counter())
        said = tally(total)
        done = len(self.runs) - len(failed) - len(skipped)
        ran = f"{done} of {len(self.runs)} chapters ran in {seconds:.0f} s"
        if skipped:
            ran += f", {len(skipped)} skipped"
        print(f"{ran}; {said}" if said else ran)
        return 1 if failed or leaked else 0

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        # Kernels live in sessions of their own and did not get the signal. Threads that wait for them cannot be
        # cancelled, so the process leaves as soon as nothing is below it any more.
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)
        name = signal.Signals(number).name
        print(f"\nflylab suite: stopped by {name}, ending what it started", file=sys.stderr, flush=True)
        left = processes.end_all()
        self.meeting.close()
        if left:
            print(f"flylab suite: could not end {processes.describe(left)}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(128 + number)


def target(values: dict[str, Any]) -> str:
    """Where a chapter with these parameters runs."""
    return str(values.get("target", "local"))


def execute(chapter: Chapter, values: dict[str, Any], build: Path, config: Any, cell_seconds: int) -> Path:
    """Run one notebook in a fresh kernel, in this process's folder; its executed copy. Raises what papermill raises.

    ``config`` is of the traitlets package, for whatever manages the kernel.
    """
    import papermill  # flylab is imported before it, see flylab/__init__.py

    executed = results.executed(build / "executed", chapter.name, target(values))
    executed.parent.mkdir(exist_ok=True)
    recording = build / "recordings" / f"{chapter.name}.json"
    for stale in (executed, recording, *results.stored(build / "data", chapter.name, target(values))):
        stale.unlink(missing_ok=True)
    with (build / "logs" / f"{chapter.name}.log").open("w", encoding="utf-8") as log:
        papermill.execute_notebook(
            str(chapter.path),
            str(executed),
            parameters=values,
            kernel_name="python3",
            progress_bar=False,
            start_timeout=START_SECONDS,
            execution_timeout=cell_seconds,
            stdout_file=log,
            stderr_file=log,
            store_widget_state=False,
            config=config,
            # ipykernel warns at every start where it is plain TCP, and calls the interrupt at its end an error.
            extra_arguments=[
                "--IPKernelApp.log_level=50",
                *(f"--IPKernelApp.exec_lines={line}" for line in (LEAVE_IF_ORPHANED, QUIET_END)),
            ],
        )
    return executed


def verdicts(executed: Path) -> Counter[str]:
    """How many claims hold, fail and cannot be tested, from the tables in an executed notebook."""
    found: Counter[str] = Counter()
    for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            found.update(row["outcome"] for row in output.get("data", {}).get(MIME, {}).get("rows", []))
    return found


def _short(error: Exception) -> str:
    named = getattr(error, "ename", "")
    if named:
        return f"cell {getattr(error, 'exec_count', '?')}: {named}: {getattr(error, 'evalue', '')}"
    with contextlib.suppress(IndexError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    return type(error).__name__
