"""What every benchmark shares: its run is stored with its samples, what the page shows of it is kept beside the code.

    run = frame.begin("edge", settings)          the circumstances, before anything else runs
    frame.keep(run, results, samples, valid=…)   build/data/bench-edge-<date>.json and its samples in Parquet

`flylab runs` lists, shows and compares such runs as any others. `benchmarks/page.py` takes the last one that is valid
and whole into `benchmarks/results/edge.json`, without samples, and makes docs/performance.md of what is there.
"""

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from roomload.peer import ROOT

from flylab.errors import ParseError
from flylab.kit import project
from flylab.measure import runs
from flylab.measure.runs import Run
from flylab.measure.sample import Sample

DATA, RESULTS = project.build() / "data", ROOT / "benchmarks" / "results"
Found = dict[str, Any]


def begin(name: str, settings: Mapping[str, object], *, whole: bool = True) -> Run:
    """Note the circumstances; a run of some parts has a name of its own, which the page does not take."""
    name = f"bench-{name}" if whole else f"bench-{name}-some"
    written = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    return runs.begin(name, target="loopback", seed=0, settings=written, project=ROOT)


def favour(asked: argparse.Namespace) -> Found:
    """With `--favoured` this process and whatever it starts run before neighbours (Linux, root); for the results."""
    if asked.favoured:  # to be nice counts only within a session, and much of what is started has one of its own
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    return {"favoured": asked.favoured}


def favoured(results: Found) -> str:
    """What the page says of it."""
    return " It ran before all others on the computer (SCHED_RR)." if results.get("favoured") else ""


def keep(run: Run, results: Found, samples: Sequence[Sample], *, valid: bool) -> Path:
    """Store a run that is over."""
    record = runs.save(run, samples, DATA, valid=valid, results=finite(results))
    tell(run, valid=valid)
    return record


def finite(value: Any) -> Any:
    """The same without what JSON has no word for: a number that is none becomes null."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tell(run: Run, *, valid: bool) -> None:
    print(f"stored: flylab runs show {run.id}" + ("" if valid else " (INVALID)"))


def at(what: str, where: str, when: float, took: float, *, ok: bool = True, **detail: object) -> Sample:
    """One observation that took so many seconds, begun at a moment of the run."""
    outcome = "ok" if ok else "failed"
    return Sample(
        what=what, where=where, scheduled=when, sent=when, finished=when + took, outcome=outcome, detail=detail
    )  # fmt: skip


def in_turn(
    what: str, where: str, times: Sequence[float], *, scale: float = 1e-3, **detail: object
) -> Iterator[Sample]:
    """Durations that were taken one after the other (milliseconds by default), of which only the order is known."""
    now = 0.0
    for place, took in enumerate(times):
        yield at(what, where, now, took * scale, place=place, **detail)
        now += took * scale


def of_rounds(results: Mapping[str, Mapping[str, Sequence[Found | None]]]) -> list[Sample]:
    """What was found of each load, of each contender, in each round, as samples that can be compared.

    Every figure that is a time is one, every rate the time that one took. Single latencies (``latencies``, in seconds,
    at the figures or at the best step) are taken out of the figures and become samples too.
    """
    return [
        sample
        for load, contenders in results.items()
        for who, rounds in contenders.items()
        for number, figures in enumerate(rounds)
        for sample in _of_round(load, who, number, figures)
    ]


def _of_round(load: str, who: str, number: int, figures: Found | None) -> Iterator[Sample]:
    if figures is None or not figures.get("valid", True):
        yield at(load, who, number, 0.0, ok=False, round=number)
        return
    best = figures.get("best")
    for found in (figures, best if isinstance(best, dict) else {}):
        latencies = found.pop("latencies", ())
        yield from in_turn(f"{load}: latency", who, latencies, scale=1.0, round=number)
        for name, value in found.items():
            if (took := _seconds(name, value)) is not None:
                yield at(f"{load}: {name.replace('per_s', 'time each')}", who, number, took, round=number)
    for step in figures.get("steps") or ():
        step.pop("latencies", None)


def _seconds(name: str, value: object) -> float | None:
    """What a figure is as a time; None when it is none. The end of its name is its unit."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    if name.endswith("per_s"):
        return 1 / value if value else None
    if name.endswith("cpu_us"):
        return value * 1e-6
    if name == "ms" or name.endswith("_ms"):
        return value * 1e-3
    return float(value) if name in ("p50", "p99") else None


def last(name: str, folder: Path = DATA) -> Run | None:
    """The newest run of a benchmark that is whole and counts."""
    newest: Run | None = None
    for record in folder.glob(f"bench-{name}-????????T??????.??????.json"):
        try:
            run = runs.read(record)
        except ParseError:
            continue
        if run.valid and run.finished_at and (newest is None or run.id > newest.id):
            newest = run
    return newest


def gather(name: str, *, data: Path = DATA, results: Path = RESULTS) -> Found | None:
    """What the page shows of a benchmark: the last run here, when it is newer than what is kept, which it replaces."""
    found, run = kept(name, results=results), last(name, data)
    if run is not None and (found is None or run.started_at > found["started_at"]):
        found = summary(run)
        results.mkdir(exist_ok=True)
        (results / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


def kept(name: str, *, results: Path = RESULTS) -> Found | None:
    """What the repository has of a benchmark."""
    path = results / f"{name}.json"
    found: Found | None = json.loads(path.read_text()) if path.is_file() else None
    return found


def summary(run: Run) -> Found:
    """A run without its samples, of which number and hashes remain."""
    parts = [{"n": part.n, "sha256": part.sha256} for part in run.parts]
    names = "id started_at finished_at commit dirty valid n settings results".split()
    return {name: getattr(run, name) for name in names} | {"parts": parts}
