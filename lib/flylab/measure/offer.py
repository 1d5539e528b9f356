"""A whole load: its plan carried out in as many processes as there are cores, its progress told, its run recorded."""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.pace import LATE
from flylab.measure.plan import Plan
from flylab.measure.runs import Run
from flylab.measure.stats import Histogram, merged

LEAD = 0.2  # seconds between the word to begin and the first request, so that every process has heard it; our choice
WITHIN = 60.0  # seconds in which every process has to be ready; our choice
GOODBYE = 5.0  # seconds that a process has to end by itself; our choice
MOST_PROCESSES = 256  # each makes the whole schedule and takes some 30 MB; our choice
LINE = 1 << 20  # bytes of a line of a worker: two histograms of at most some thousand buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known while it runs; latencies are those of successes from when they were due."""

    elapsed: float
    seconds: float
    sent: int
    finished: int
    failed: int
    latencies: Histogram
    lateness: Histogram

    @property
    def rate(self) -> float:
        return self.finished / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def late(self) -> float:
        """The 99th percentile of how late requests were sent, in seconds."""
        return self.lateness.quantile(0.99) if self.lateness.n else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """How a load went. ``valid`` is false when one request in a hundred was sent later than ``bound`` (open loop)."""

    end: Progress
    processes: int
    bound: float
    valid: bool
    record: Path | None

    def text(self) -> str:
        """One line: rates, quantiles with intervals, failures, and how late the generator itself was."""
        end = self.end
        parts = [f"{end.sent} sent, {end.finished - end.failed} answered, {end.failed} failed"]
        parts += [end.latencies.estimate(q).text() for q in (0.5, 0.99) if end.latencies.n]
        parts.append(f"sent late: p99 {1000 * end.late:.3g} ms in {self.processes} processes")
        if not self.valid:
            parts.append(f"INVALID: the generator was later than {1000 * self.bound:g} ms, these are its own times")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Within:
    """A run that is being recorded already, of which a load is a part; ``detail`` marks its samples.

    Times count from when the first of its parts is made, on the clock that all processes of a computer share.
    """

    record: Path
    since: float = field(default_factory=time.monotonic)
    detail: Mapping[str, object] = field(default_factory=dict)

    def marked(self, detail: Mapping[str, object]) -> "Within":
        return replace(self, detail=detail)


async def offer(
    plan: Plan,
    *,
    processes: int | None = None,
    late: float = LATE,
    progress: Callable[[Progress], None] | None = None,
    run: Run | None = None,
    folder: Path | None = None,
    cores: Sequence[int] = (),
    favoured: bool = False,
    within: Within | None = None,
) -> Offered:
    """Carry out a plan; with a run and a folder its samples are stored, and read with ``runs.load(offered.record)``.

    ``within`` says instead which run, recorded by somebody else, they belong to.

    ``cores`` are those that the processes keep to, one each in turn; ``favoured`` lets them run before all others on
    the computer (SCHED_RR, for root), which is for benchmarks beside neighbours, and wants a plan with a ``grain``.

    Raises UsageError when a process cannot begin: nobody answers at the target, or a room lets nobody in.
    """
    count = _processes(plan, processes)
    with ExitStack() as stack:
        keep, since = None, within.since if within else None  # None: from the first request on
        if run is not None and folder is not None:
            keep = stack.enter_context(runs.recording(run, folder))
            within = Within(keep.record)
        crew = [await _start() for _ in range(count)]
        try:
            life = secrets.token_hex(3)  # members of a new run are nobody whom a room knows from an earlier one
            plans = {"plan": plan.to_json(), "of": count, "life": life, "record": str(within.record) if within else ""}
            plans |= {"since": since, "detail": within.detail if within else {}}
            for place, worker in enumerate(crew):
                core = cores[place % len(cores)] if cores else None
                _write(worker, plans | {"place": place, "core": core, "favoured": favoured})
            async with asyncio.timeout(WITHIN):
                await asyncio.gather(*(_next(worker, "ready") for worker in crew))
            began = time.monotonic() + LEAD
            for worker in crew:
                _write(worker, {"begin": began})
            last = await _follow(crew, plan, began, progress)
        except TimeoutError as exc:
            raise UsageError(f"a process of the load was not ready within {WITHIN:g} s") from exc
        finally:
            await asyncio.gather(*(_end(worker) for worker in crew))
        valid = bool(plan.closed) or last.late <= late
        if keep is not None:
            found = {
                "sent": last.sent,
                "failed": last.failed,
                "processes": count,
                "late_p99": last.late,
                "late_bound": late,
            }
            keep.judge(valid=valid, results=found)
        return Offered(end=last, processes=count, bound=late, valid=valid, record=within.record if within else None)


def _processes(plan: Plan, asked: int | None) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = min(cores, MOST_PROCESSES) if asked is None else asked
    if not 1 <= most <= MOST_PROCESSES:
        raise UsageError(f"a load cannot be offered by {most} processes: 1 to {MOST_PROCESSES} are possible")
    # A room's members are in one process, which sees their cursors; a worker of a closed loop too.
    most = min(most, plan.rooms.count) if plan.in_rooms else most
    return min(most, plan.closed) if plan.closed else most


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "flylab.measure.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE,
        start_new_session=True,  # Ctrl-C is for us; they end when their input does
    )


async def _end(worker: asyncio.subprocess.Process) -> None:
    """It ends by itself with its input, once it has said all; else it is killed."""
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        await asyncio.wait_for(worker.wait(), GOODBYE)
    except TimeoutError:
        worker.kill()
        await worker.wait()


def _write(worker: asyncio.subprocess.Process, value: Mapping[str, Any]) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(value).encode() + b"\n")


async def _next(worker: asyncio.subprocess.Process, word: str = "") -> dict[str, Any]:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    said: dict[str, Any] = json.loads(line) if line else {"error": "it ended without a word"}
    if "error" in said or (word and word not in said):
        raise UsageError(f"a process of the load gave up: {said.get('error', said)}")
    return said


async def _follow(
    crew: list[asyncio.subprocess.Process],
    plan: Plan,
    began: float,
    progress: Callable[[Progress], None] | None,
) -> Progress:
    """Add up what the processes tell until all are done."""
    told: list[dict[str, Any]] = [{} for _ in crew]

    def together() -> Progress:
        said = [each for each in told if each]
        return Progress(
            elapsed=max(time.monotonic() - began, 0.0),
            seconds=plan.seconds,
            sent=sum(each["sent"] for each in said),
            finished=sum(each["finished"] for each in said),
            failed=sum(each["failed"] for each in said),
            latencies=merged(Histogram.from_json(each["latencies"]) for each in said),
            lateness=merged(Histogram.from_json(each["lateness"]) for each in said),
        )

    async def listen(place: int) -> None:
        while "done" not in told[place]:
            told[place] = await _next(crew[place])
            # One of them speaks for all: they tell equally often.
            if progress is not None and place == 0:
                progress(together())

    await asyncio.gather(*(listen(place) for place in range(len(crew))))
    return together()
