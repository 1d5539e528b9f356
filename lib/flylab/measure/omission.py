"""Coordinated omission: a server that once stands still, asked by a closed loop and by an open one, in one stored run.

A closed loop waits with the server and has one slow answer for each of its workers; whoever would have come meanwhile
is not asked and so not counted. The open loop asks on, and everybody who came has waited.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.offer import Progress, Within, offer
from flylab.measure.plan import Deed, Plan
from flylab.measure.runs import Run
from flylab.measure.sample import Sample
from flylab.measure.stats import Estimate, estimate
from flylab.measure.turns import VARIANT

CLOSED, OPEN = "closed", "open"
GRAIN = 0.001  # the generator sleeps in between, so that a computer of two cores is not full of its waiting; our choice
# Milliseconds of the p99 of the scenario below: scenario 02 of github.com/be-next/Coordinated-Omission (2026), and the
# same widened by what another computer may add (our choice).
PUBLISHED = {CLOSED: (12.0, 19.0), OPEN: (400.0, 450.0)}
EXPECTED = {CLOSED: (12.0, 25.0), OPEN: (380.0, 470.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The published one by default; times in seconds, ``at`` is the share of the run after which it stands still."""

    rate: float = 1_000.0
    seconds: float = 60.0
    base: float = 0.010
    stall: float = 1.0
    at: float = 0.5
    workers: int = 10  # of the closed loop: with 10 ms each they make the 1,000 requests a second

    def p99(self) -> float:
        """Of the open loop, with nothing but the base and the stall in it.

        ``rate * stall`` requests are due in the stall and wait for its rest, which is evenly spread; one in a hundred
        of all waits longer than the p99.
        """
        in_stall = self.rate * self.stall
        return self.base + max(self.stall * (1 - 0.01 * self.rate * self.seconds / in_stall), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """Both loops' samples, from the run in which they were stored."""

    run: Run
    closed: Sequence[Sample]
    open: Sequence[Sample]

    @property
    def valid(self) -> bool:
        """Whether the open loop's generator was in time."""
        return self.run.valid is True

    def loop(self, name: str) -> Sequence[Sample]:
        return self.closed if name == CLOSED else self.open

    def latency(self, name: str, q: float) -> Estimate:
        """Of the successes of ``closed`` or ``open``."""
        return estimate([sample.latency for sample in self.loop(name) if sample.ok], q)


async def both(
    folder: Path,
    scenario: Scenario | None = None,
    *,
    processes: int | None = None,
    begin: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] | None = None,
    project: Path | None = None,
    name: str = "omission",
) -> Omission:
    """Ask a server of one's own, first closed and then open, store every sample and read them back.

    In a notebook, with a bar of ``flylab.kit.progress``:
    ``await omission.both(folder, begin=bar.rename, progress=bar.show)``.
    """
    chosen = scenario or Scenario()
    run = runs.begin(name, target="loopback", seed=0, settings=asdict(chosen), project=project)
    with runs.recording(run, folder) as keep:
        within = Within(keep.record)
        valid = await ask_both(chosen, within, processes=processes, begin=begin, progress=progress)
        keep.judge(valid=valid)
    return read(keep.record)


async def ask_both(
    scenario: Scenario,
    within: Within,
    *,
    processes: int | None = None,
    begin: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] | None = None,
) -> bool:
    """The same as a part of a run that somebody else records; whether the open loop was in time."""
    valid = True
    arrivals = {"kind": "constant", "rate": scenario.rate, "seconds": scenario.seconds}
    for loop, closed in ((CLOSED, scenario.workers), (OPEN, 0)):
        begin(f"{loop} loop")
        async with stalling(scenario) as port:
            target = f"http://127.0.0.1:{port}"
            plan = Plan(target=target, arrivals=arrivals, mix=(Deed(do="get"),), closed=closed, grain=GRAIN)
            marked = within.marked({VARIANT: loop})
            offered = await offer(plan, processes=processes, progress=progress, within=marked)
        valid = valid and offered.valid
    return valid


def read(record: Path) -> Omission:
    """Read what ``both`` stored; raises ParseError when it is not whole, UsageError when it is another run."""
    run, samples = runs.load(record)
    closed, open_ = ([each for each in samples if each.detail.get(VARIANT) == loop] for loop in (CLOSED, OPEN))
    if not closed or not open_:
        raise UsageError(f"{run.id} is no run of both loops")
    return Omission(run=run, closed=closed, open=open_)


@asynccontextmanager
async def stalling(scenario: Scenario) -> AsyncIterator[int]:
    """The port of a server that stands still once; it ends with its standard input, so with us whatever happens."""
    words = [str(each) for each in (scenario.base, scenario.at * scenario.seconds, scenario.stall)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "flylab.measure.stalling",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; it ends when its input does
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
