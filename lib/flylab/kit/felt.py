"""What a member felt, out of the samples of the latency chapter; and when a near room that sleeps beats a far one.

Pure: what is drawn is computed here from what was stored, and from published round trips and starts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

from flylab.errors import UsageError
from flylab.kit.figures import median
from flylab.kit.latency import AGAIN, ALONE, LINE, MOVE, WAKES, WAY, busy
from flylab.kit.record import Record
from flylab.measure.matrix import Cell, Matrix
from flylab.measure.omission import CLOSED, OPEN
from flylab.measure.sample import Sample
from flylab.measure.stats import Effect, Estimate, Floor, estimate, interleaved, noise_floor
from flylab.measure.summary import quantile
from flylab.measure.turns import rounds_of
from flylab.published.estimates import checked, left_out
from flylab.published.network import NEAR_KM, regions, rtt

ENTER = 2  # round trips until somebody is in a room: the upgrade, then hello and welcome (docs/protocol.md)
MARKS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300)  # round trips at which lines have points

UNTIL = "round trips until a start at home pays; left end: until a resume does"


def bare(samples: Iterable[Sample]) -> list[Sample]:
    """The same without their configured ways, which are inputs: what is left is the part of the computers."""
    found = []
    for sample in samples:
        seconds = way(sample) / 1000
        found.append(replace(sample, scheduled=sample.scheduled + seconds, sent=sample.sent + seconds))
    return found


def way(sample: Sample) -> float:
    """The configured way of an edit in ms; 0 on Fly, where nothing is configured."""
    ms = sample.detail.get(WAY)
    return float(ms) if isinstance(ms, int | float) else 0.0


def undisturbed(record: Record, kind: str) -> list[Sample]:
    """The stored edits of one kind that had nothing beside them."""
    return [sample for sample in record.of(kind) if sample.detail.get("part") == "edits"]


def parts(samples: Iterable[Sample]) -> tuple[list[str], dict[str, tuple[str, list[float]]], tuple[float, float]]:
    """Pairs of places, the nearest first; for ``charts.stacked`` the configured way of each and the median of what came
    on top, in ms; and both of the last pair."""
    groups: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda each: (way(each), each.where)):
        if sample.ok:
            groups.setdefault(sample.where, []).append(sample)
    if not groups:
        raise UsageError("nobody saw an edit of somebody else")
    given = [way(group[0]) for group in groups.values()]
    ours = [median([1000 * each.latency for each in bare(group)]) for group in groups.values()]
    shown = {"half of both round trips": ("configured", given), "our part": ("measured", ours)}
    return list(groups), shown, (given[-1], ours[-1])


def own(record: Record) -> tuple[Estimate, list[dict[str, Any]]]:
    """Our part of undisturbed edits: the median of lines, and every line and move for ``figures.ecdf``."""
    lines, moves = (bare(undisturbed(record, kind)) for kind in (LINE, MOVE))
    middle = estimate([each.latency for each in lines if each.ok], 0.5)
    return middle, [*_rows(lines, "lines"), *_rows(moves, "moves of cursors")]


def loops(record: Record) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The p99 of a closed and an open loop in seconds, whatever their n; and all their answers for ``figures.ecdf``."""
    both = {name: record.of(f"{name} loop") for name in (CLOSED, OPEN)}
    p99 = {name: quantile(sorted(each.latency for each in group if each.ok), 0.99) for name, group in both.items()}
    return p99, [row for name, group in both.items() for row in _rows(group, f"{name} loop")]


def answered(record: Record) -> tuple[int, int]:
    """How many answers the closed and the open loop had."""
    return len(record.of(f"{CLOSED} loop")), len(record.of(f"{OPEN} loop"))


def _rows(samples: Iterable[Sample], variant: str) -> list[dict[str, Any]]:
    return [{"variant": variant, "ms": 1000 * each.latency, "outcome": each.outcome} for each in samples]


def off(found: Matrix) -> float:
    """How far round trips were from what was configured, or else published: the median of all pairs, in ms."""
    return median([abs(by) for cell in found.cells if (by := _off(cell)) is not None])


def _off(cell: Cell) -> float | None:
    return cell.off_published if cell.off is None else cell.off


def compared(record: Record, rates: Sequence[float]) -> tuple[dict[str, Effect], Floor]:
    """What each thing beside the room adds to a line, at the median and within rounds; and the noise of nothing."""
    lines = bare(record.of(LINE))
    found = {name: interleaved(rounds_of(lines, ALONE, name)) for name in (*map(busy, rates), WAKES)}
    return found, noise_floor(rounds_of(lines, ALONE, AGAIN), rng=Random(record.run.seed))


def told(effect: Effect, bound: float) -> bool | None:
    """Whether something adds at most so many ms; None where its interval lies on both sides, or there is none."""
    if effect.interval is None:
        return None
    low, high = 1000 * effect.interval.low, 1000 * effect.interval.high
    return True if high <= bound else False if low > bound else None


def said(effect: Effect, floor: Floor) -> str:
    """An effect beside the noise of nothing, in words."""
    return f"{effect.text()}; noise ±{1000 * floor.effect:.2g} ms"


def estimated() -> list[str]:
    """How many pairs of regions have only an estimate, and how wrong it and the table are, in lines."""
    table, every = rtt().pairs, list(combinations(regions(), 2))
    missing = [(a, b) for a, b in every if frozenset((a.code, b.code)) not in table]
    today = sum(not (a.deprecated or b.deprecated) for a, b in missing)
    lines = [f"estimated: {len(missing)} of {len(every)} pairs, {today} of them between regions that Fly still has"]
    for name, error in zip(("below", "from"), left_out(), strict=True):
        about = f"off by {error.median_share:.0%} at the median, {error.p90_share:.0%} at the p90, n = {error.n}"
        lines.append(f"estimates {name} {NEAR_KM:,.0f} km: {about}")
    check = checked()
    about = f"off by {check.median_share:.0%} at the median, {check.p90_share:.0%} at the p90, n = {check.n}"
    return [*lines, f"the table, beside the benchmark: {about}"]


def catches_up(start: float, near: float, far: float) -> float:
    """After how many round trips a room at ``near`` ms that has to start first has cost no more than one at ``far``.

    ``start + n * near = n * far``. Infinite when the far room is no farther; the first ``ENTER`` are those of entering.
    """
    return start / (far - near) if far > near else math.inf


def waited(home: str, away: Sequence[str], starts: Mapping[str, float]) -> list[dict[str, Any]]:
    """Seconds waited in all over round trips, for ``figures.cost_curves``: near after a start, or far and awake."""
    near = rtt()(home, home)
    lines = {f"{home} ({name})": (start, near) for name, start in starts.items()}
    lines |= {f"{region} (awake)": (0.0, rtt()(home, region)) for region in away}
    return [
        {"offer": name, "trips": trips, "s": (start + trips * each) / 1000, "provenance": "simulated"}
        for name, (start, each) in lines.items()
        for trips in MARKS
    ]


def crossings(home: str, away: Sequence[str], starts: Mapping[str, float]) -> list[dict[str, Any]]:
    """Where those lines cross: ``trips``, seconds, and ``between`` which two."""
    near = rtt()(home, home)
    found = []
    for name, start in starts.items():
        for region in away:
            far = rtt()(home, region)
            trips = catches_up(start, near, far)
            if MARKS[0] <= trips <= MARKS[-1]:
                between = (f"{home} ({name})", f"{region} (awake)")
                found.append({"trips": trips, "s": trips * far / 1000, "between": between})
    return found


def first(crossed: Sequence[Mapping[str, Any]]) -> str:
    """The first of those crossings in a sentence."""
    if not crossed:
        return f"No two lines cross within {MARKS[-1]} round trips"
    near, far = crossed[0]["between"]
    return f"After {crossed[0]['trips']:.0f} round trips {near} has cost no more than {far}"


def by_distance(home: str, boot: float, resume: float) -> list[dict[str, Any]]:
    """For each other region that Fly has, the nearest first: when a room at home that boots has caught up with it.

    ``low`` is the same for one that only resumes.
    """
    near, found = rtt()(home, home), []
    for region in regions():
        far = rtt()(home, region.code) if region.code != home else 0.0
        if far > near and not region.deprecated:
            name = f"{region.code}, {far:.0f} ms"
            value, low = catches_up(boot, near, far), catches_up(resume, near, far)
            found.append({"name": name, "value": value, "low": low, "ms": far, "provenance": "simulated"})
    return sorted(found, key=lambda row: -row["value"])
