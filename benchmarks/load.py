"""What the load generator can do, and what a closed loop hides: `python benchmarks/load.py`.

1. One process on one core offers room messages at a rate, against a WebSocket echo in C on another core
   (`sinks/echo.c`). What is promised is its own lateness. Rounds alternate with a tenth of the rate.
2. Coordinated omission: a server that takes 10 ms and once stands still for a second, under 1,000 requests/s for a
   minute; the same for a closed loop of ten workers, and both against numbers that others published.

All samples are stored as runs under build/data (`flylab runs show load-open`), the rest in build/load.json;
`--write docs/performance.md` makes the page's section from there and measures nothing. `--favoured` asks the kernel to
run the processes of the first part before all others (SCHED_RR), for a computer with neighbours, and is said on the
page. The second part is about what ordinary processes see, as in what was published, and is never favoured.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comparison.conditions import conditions, load
from comparison.page import place
from roomload.peer import ROOT, pinned

from flylab.errors import UsageError
from flylab.kit.progress import Bar
from flylab.measure import runs
from flylab.measure.offer import offer
from flylab.measure.plan import Deed, Plan, Rooms
from flylab.measure.stats import estimate

BEGIN, END = "<!-- load: written by benchmarks/load.py --write -->", "<!-- end of load -->"
OUT, DATA, SINKS = ROOT / "build" / "load.json", ROOT / "build" / "data", ROOT / "benchmarks" / "sinks"
SINK_CORE = 0
CORES = (1,) if (os.cpu_count() or 1) > 1 else ()  # of the generator; its parent, which draws the bar, is on any
PROMISED_LATE_MS = 5.0
BASE, STALL, AT = 0.010, 1.0, 0.5  # seconds, seconds, share of the run
WORKERS = 10  # of the closed loop: with 10 ms each they make the 1,000 requests a second
# Scenario 02 of github.com/be-next/Coordinated-Omission (2026), widened by what another computer may add.
PUBLISHED = {"closed": "12–19", "open": "400–450"}
EXPECTED = {"closed": (12.0, 25.0), "open": (380.0, 470.0)}
MINUTE = 60.0  # of both loops, in what was published
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


def offered(name: str, plan: Plan, *, favoured: bool) -> dict[str, Any]:
    """Carry it out in one process, store it, and sum up what was stored."""
    about = {**plan.to_json(), "favoured": favoured, "processes": 1}
    run = runs.begin(name, target="loopback", seed=plan.seed, settings=about, project=ROOT)
    with Bar(name) as bar:
        done = asyncio.run(
            offer(plan, processes=1, progress=bar.show, run=run, folder=DATA, cores=CORES, favoured=favoured)
        )
    assert done.record is not None
    _, samples = runs.load(done.record)
    latencies = [sample.latency for sample in samples if sample.ok]
    lateness = [sample.lateness for sample in samples]
    span = max(sample.sent for sample in samples)
    result: dict[str, Any] = {"run": done.record.stem, "n": len(samples), "failed": len(samples) - len(latencies)}
    result["rate"] = len(samples) / span
    for what, values in (("latency", latencies), ("late", lateness)):
        for q in (0.5, 0.99, 0.999):
            found = estimate(values, q)
            if found.value is not None and found.interval is not None:
                numbers = (found.value, found.interval.low, found.interval.high)
                result[f"{what}_p{100 * q:g}"] = [1000 * each for each in numbers]
    return result


def lateness(rate: float, seconds: float, rounds: int, *, favoured: bool) -> list[dict[str, Any]]:
    """The generator against the echo, in turn with a tenth of the rate."""
    deed, rooms = Deed(do="say"), Rooms(count=20, members=5, dialect="echo")
    results = []
    with sink([str(compiled())], favoured=favoured) as port:
        for number in range(rounds):
            for asked in (rate / 10, rate) if number % 2 == 0 else (rate, rate / 10):
                arrivals = {"kind": "constant", "rate": asked, "seconds": seconds}
                plan = Plan(
                    target=f"http://127.0.0.1:{port}",
                    arrivals=arrivals,
                    mix=(deed,),
                    rooms=rooms,
                    seed=number,
                    grain=GRAIN,
                )
                results.append({"asked": asked} | offered(f"load-{asked:.0f}", plan, favoured=favoured))
    return results


def omission(rate: float, seconds: float) -> dict[str, dict[str, Any]]:
    """The same server under both loops."""
    results = {}
    for name, closed in (("closed", WORKERS), ("open", 0)):
        numbers = [str(each) for each in (BASE, AT * seconds, STALL)]
        with sink([sys.executable, str(SINKS / "stalling.py"), *numbers]) as port:
            arrivals = {"kind": "constant", "rate": rate, "seconds": seconds}
            plan = Plan(
                target=f"http://127.0.0.1:{port}", arrivals=arrivals, mix=(Deed(do="get"),), closed=closed, grain=GRAIN
            )
            results[name] = offered(f"load-{name}", plan, favoured=False)
    return results


def exact(rate: float, seconds: float) -> float:
    """Milliseconds that the open loop's p99 would be with nothing but the base and the stall in it."""
    due = rate * STALL
    return 1000 * (BASE + max(STALL * (1 - 0.01 * rate * seconds / due), 0.0))


def shown(three: list[float] | None, digits: int = 2) -> str:
    if three is None:
        return "–"
    value, low, high = (f"{each:,.{digits}f}" for each in three)
    return f"{value} ({low}–{high})"


def tables(run: dict[str, Any]) -> list[str]:
    """Both tables; a part that was not asked for is left out."""
    parts = []
    if rows := run.get("lateness"):
        lines = [
            "| asked for, messages/s | offered | n | late: p50, ms | p99, ms | p99.9, ms | echo: p50, ms | p99, ms |"
        ]
        lines.append("|---:|---:|---:|---:|---:|---:|---:|---:|")
        for row in sorted(rows, key=lambda row: row["asked"]):
            cells = [
                shown(row.get(name), 3) for name in ("late_p50", "late_p99", "late_p99.9", "latency_p50", "latency_p99")
            ]
            lines.append(f"| {row['asked']:,.0f} | {row['rate']:,.0f} | {row['n']:,} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    if found := run.get("omission"):
        lines = [
            "| | n | late: p99, ms | p50, ms | p99, ms | published p99, ms | expected here, ms | |",
            "|---|---:|---:|---:|---:|---:|---:|---|",
        ]
        for name in ("closed", "open"):
            row, (low, high) = found[name], EXPECTED[name]
            inside = "inside" if low <= row["latency_p99"][0] <= high else "**outside**"
            late = "–" if name == "closed" else shown(row["late_p99"], 1)  # nothing is due in a closed loop
            if run["omission_seconds"] != MINUTE:
                inside = "not comparable: they are of a minute"
            lines.append(
                f"| {name} loop | {row['n']:,} | {late} | {shown(row['latency_p50'])} | {shown(row['latency_p99'], 1)} "
                f"| {PUBLISHED[name]} | {low:g}–{high:g} | {inside} |"
            )
        parts.append("\n".join(lines))
    return parts


def kept(run: dict[str, Any]) -> str:
    """Whether the promise was kept, in words."""
    full = [row for row in run["lateness"] if row["asked"] == run["rate"]]
    good = sum(row["late_p99"][0] < PROMISED_LATE_MS for row in full)
    return (
        f"Promised: {run['rate']:,.0f} messages/s from one core with a p99 of its own lateness under "
        f"{PROMISED_LATE_MS:g} ms; kept in {good} of {len(full)} rounds."
    )


def section(run: dict[str, Any]) -> str:
    """Everything between the marks."""
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    parts = ["## The load generator"]
    found = tables(run)
    if run.get("lateness"):
        parts += [
            f"One run on {run['at'][:10]}, one row per round; values with 95 % intervals. One process on one core, "
            "members as bare WebSockets, against an echo in C on another core; late is how long after it was due a "
            "message was sent. " + kept(run),
            found.pop(0),
        ]
    if run.get("omission"):
        rate, seconds = run["omission_rate"], run["omission_seconds"]
        parts += [
            f"**Coordinated omission.** A server that takes {1000 * BASE:g} ms and once stands still for {STALL:g} s, "
            f"under {rate:,.0f} requests/s for {seconds:g} s. A closed loop of {WORKERS} workers waits with it and has "
            "one slow answer for each; the open loop asks on. With nothing but the stall in it the open loop's p99 "
            f"would be {exact(rate, seconds):.0f} ms.",
            found.pop(0),
            "Published: scenario 02 of github.com/be-next/Coordinated-Omission (2026), on another computer.",
        ]
    names = [row["run"] for row in [*run.get("lateness", []), *run.get("omission", {}).values()]]
    parts += [
        "Every sample was stored under `build/data` (`flylab runs show`): "
        + ", ".join(f"`{name}`" for name in names)
        + ".",
        f"{run['cpu']}, {run['cores']} cores, {run['kernel']}, Python {run['python']}, {run['generator']}; load "
        f"average before: {before}; after: {after}."
        + (" Those of the first table ran before all others on the computer (SCHED_RR)." if run["favoured"] else ""),
        f"**Again:** `python benchmarks/load.py{' --favoured' if run['favoured'] else ''}`, then "
        "`python benchmarks/load.py --write docs/performance.md`.",
    ]
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description="What the load generator can do, and what a closed loop hides.")
    parser.add_argument("--rate", type=float, default=20_000, help="room messages a second (default: 20,000)")
    parser.add_argument("--seconds", type=float, default=10, help="of each round (default: 10)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minute", type=float, default=MINUTE, help="seconds of each loop (default: 60)")
    parser.add_argument("--only", choices=("lateness", "omission"), help="one of the two parts")
    parser.add_argument("--favoured", action="store_true", help="prefer these processes to neighbours (Linux, root)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="only write the page's section, from the stored run")
    asked = parser.parse_args()
    if asked.write:
        if not OUT.is_file():
            print("There is no build/load.json yet: run this without --write first.", file=sys.stderr)
            return 1
        asked.write.write_text(place(asked.write.read_text(), section(json.loads(OUT.read_text())), marks=(BEGIN, END)))
        return 0
    favoured = asked.favoured
    run = conditions() | {"favoured": favoured, "rate": asked.rate}
    if asked.only != "omission":
        run["lateness"] = lateness(asked.rate, asked.seconds, asked.rounds, favoured=favoured)
    if asked.only != "lateness":
        run |= {"omission_rate": 1000.0, "omission_seconds": asked.minute}
        run["omission"] = omission(1000.0, asked.minute)
    run["load_after"] = load()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(run))
    print("\n\n".join(tables(run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
