"""What the load generator can do, and what a closed loop hides: `python benchmarks/load.py`.

1. One process on one core offers room messages at a rate, against a WebSocket echo in C on another core
   (`sinks/echo.c`). What is promised is its own lateness. Rounds alternate with a tenth of the rate.
2. Coordinated omission: a server that takes 10 ms and once stands still for a second, under 1,000 requests/s for a
   minute; the same for a closed loop of ten workers, and both against numbers that others published.

Each part is a run of its own, with all its samples (`flylab runs show bench-load`, `bench-omission`);
`benchmarks/page.py` makes the page. `--favoured` lets generator and server run before all others (SCHED_RR), for a
computer with neighbours, and is said on the page.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import frame
from comparison.conditions import conditions, load
from comparison.generator import MINUTE, both_table, summed, table
from roomload.peer import ROOT, pinned

from flylab.errors import UsageError
from flylab.kit.progress import Bar
from flylab.measure import omission, runs
from flylab.measure.offer import Within, offer
from flylab.measure.omission import Scenario
from flylab.measure.plan import Deed, Plan, Rooms
from flylab.measure.turns import VARIANT

SINKS = ROOT / "benchmarks" / "sinks"
SINK_CORE = 0
CORES = (1,) if (os.cpu_count() or 1) > 1 else ()  # of the generator; its parent, which draws the bar, is on any
GRAIN = 0.001  # the generator sleeps in between, so that a computer of two cores is not full of its waiting


@contextmanager
def sink(command: list[str], *, favoured: bool = False) -> Iterator[int]:
    """The port of a sink; it ends with its standard input, so with us whatever happens."""
    first = ["chrt", "--rr", "1"] if favoured else []
    process = subprocess.Popen(
        [*first, *pinned(SINK_CORE), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.communicate()


def compiled() -> Path:
    """The echo in C, built anew."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise UsageError("the echo is written in C: install a compiler (Debian, Ubuntu: apt-get install gcc)")
    path = ROOT / "build" / "echo"
    path.parent.mkdir(exist_ok=True)
    subprocess.run([compiler, "-D_GNU_SOURCE", "-O2", "-o", path, SINKS / "echo.c"], check=True)
    return path


async def lateness(rate: float, seconds: float, rounds: int, within: Within, bar: Bar, *, favoured: bool) -> None:
    """The generator against the echo, in turn with a tenth of the rate; each sample says round and rate."""
    deed, rooms = Deed(do="say"), Rooms(count=20, members=5, dialect="echo")
    with sink([str(compiled())], favoured=favoured) as port:
        for number in range(rounds):
            for asked in (rate / 10, rate) if number % 2 == 0 else (rate, rate / 10):
                bar.rename(f"{asked:.0f}/s, round {number + 1} of {rounds}")
                arrivals = {"kind": "constant", "rate": asked, "seconds": seconds}
                target = f"http://127.0.0.1:{port}"
                plan = Plan(target=target, arrivals=arrivals, mix=(deed,), rooms=rooms, seed=number, grain=GRAIN)
                marked = within.marked({VARIANT: f"{asked:.0f}/s", "asked": asked, "round": number})
                await offer(
                    plan, processes=1, progress=bar.show, within=marked, cores=CORES, favoured=favoured
                )  # fmt: skip


async def measure(part: str, asked: argparse.Namespace, within: Within) -> bool:
    """One part; false when the open loop of the second was late."""
    with Bar(part) as bar:
        if part == "lateness":
            await lateness(asked.rate, asked.seconds, asked.rounds, within, bar, favoured=asked.favoured)
            return True
        return await omission.ask_both(
            Scenario(seconds=asked.minute),
            within,
            processes=1,
            begin=bar.rename,
            progress=bar.show,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="What the load generator can do, and what a closed loop hides.")
    parser.add_argument("--rate", type=float, default=20_000, help="room messages a second (default: 20,000)")
    parser.add_argument("--seconds", type=float, default=10, help="of each round (default: 10)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minute", type=float, default=MINUTE, help="seconds of each loop (default: 60)")
    parser.add_argument("--only", choices=("lateness", "omission"), help="one of the two parts")
    parser.add_argument("--favoured", action="store_true", help="prefer these processes to neighbours (Linux, root)")
    asked = parser.parse_args()
    for part, name in (("lateness", "load"), ("omission", "omission")):
        if asked.only in (None, part):
            run = frame.begin(name, vars(asked), whole=part == "lateness" or asked.minute == MINUTE)
            found = conditions() | {"rate": asked.rate, "omission_seconds": asked.minute, "favoured": asked.favoured}
            if part == "omission":
                found |= frame.favour(asked)
            with runs.recording(run, frame.DATA) as keep:
                valid = asyncio.run(measure(part, asked, Within(keep.record)))
                found |= summed(runs.load(keep.record)[1]) | {"load_after": load()}
                keep.judge(valid=valid, results=found)
            print((table if part == "lateness" else both_table)(found))
            frame.tell(run, valid=valid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
