"""The cold starts' section of docs/performance.md, from what a run found; pure."""

from collections.abc import Sequence
from typing import Any

from flylab.measure.sample import Sample
from flylab.measure.stats import estimate, interleaved

BARE, PLATFORM = "bare process", "machine of the platform"
ROOM = "our room server, a room's first message"
FAVOURED = " It ran before all others on the computer (SCHED_RR)."
READING = """\
medians with 95 % intervals. A bare process: from its spawn to the first byte of an answer, its port tried every
millisecond. A machine: from the request at the edge of its region, without a round trip, that wakes it. The proxy's
pauses between tries are a setting of the platform (50 ms, each 1.4 times the one before: tries after 50, 120, 218 and
355 ms), so that programs which open their ports between the same two tries take equally long. A room's first message
is its welcome, after upgrade and hello, with the room's log read from and written to a folder. Ratios are of that first
message to the other program, within rounds."""


def folded(samples: Sequence[Sample], names: Sequence[str], rounds: int) -> dict[str, Any]:
    """What the page shows: medians with intervals, and our start as a multiple of the others', round by round."""
    rows = []
    for name in names:
        row: dict[str, Any] = {"program": name}
        for way in (BARE, PLATFORM):
            all_of_them = [each for each in samples if (each.what, each.where) == (name, way)]
            good = [each for each in all_of_them if each.ok]
            row[way] = {
                "n": len(all_of_them),
                "failed": len(all_of_them) - len(good),
                "ms": median([1000 * each.latency for each in good]),
                "cpu_ms": median(numbers(good, "cpu_ms")),
                "pauses_ms": median(numbers(good, "pauses_ms")),
                "ratio": ratio(samples, name, way, rounds),
            }
        rows.append(row)
    return {"rounds": rounds, "rows": rows}


def numbers(samples: Sequence[Sample], name: str) -> list[float]:
    return [float(value) for each in samples if isinstance(value := each.detail.get(name), int | float)]


def median(values: Sequence[float]) -> list[float] | None:
    """It and the ends of its interval."""
    if not values:
        return None
    found = estimate(values, 0.5)
    assert found.value is not None
    assert found.interval is not None
    return [found.value, found.interval.low, found.interval.high]


def ratio(samples: Sequence[Sample], name: str, way: str, rounds: int) -> list[float] | None:
    """The room's first message divided by this program's first byte, within rounds in which both succeeded."""
    took = {(each.what, each.detail.get("round")): each.latency for each in samples if each.ok and each.where == way}
    pairs = [
        ([took[name, number]], [took[ROOM, number]])
        for number in range(1, rounds + 1)
        if (name, number) in took and (ROOM, number) in took
    ]
    if name == ROOM or not pairs:
        return None
    effect = interleaved(pairs)
    between = effect.ratio_interval
    return [effect.ratio, *((between.low, between.high) if between is not None else (effect.ratio, effect.ratio))]


def shown(three: Sequence[float] | None, digits: int = 0) -> str:
    if three is None:
        return "–"
    value, low, high = (f"{each:,.{digits}f}" for each in three)
    return f"{value} ({low}–{high})"


def table(found: dict[str, Any]) -> str:
    lines = [
        "| to the first byte, ms | bare process | … its CPU time | … ours divided by it | machine, woken by a request "
        "| … of which pauses of the proxy (configured) | … ours divided by it | failed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found["rows"]:
        one, other = row[BARE], row[PLATFORM]
        cells = [shown(one["ms"]), shown(one["cpu_ms"]), shown(one["ratio"], 1),
                 shown(other["ms"]), shown(other["pauses_ms"]), shown(other["ratio"], 1)]  # fmt: skip
        lines.append(f"| {row['program']} | {' | '.join(cells)} | {one['failed'] + other['failed']} |")
    return "\n".join(lines)


def section(found: dict[str, Any]) -> str:
    """Everything between the marks."""
    before, after = (" / ".join(f"{one:.2f}" for one in found[name]) for name in ("load_before", "load_after"))
    return "\n\n".join([
        "## Cold starts",
        f"One run on {found['at'][:10]}, {found['rounds']} rounds after one to warm up; {READING}",
        table(found),
        f"{found['cpu']}, {found['cores']} cores, {found['kernel']}, {found['versions']}; load average before: "
        f"{before}; after: {after}.{FAVOURED if found['favoured'] else ''}",
        f"**Again:** `python benchmarks/cold_start.py --rounds {found['rounds']}"
        f"{' --favoured' if found['favoured'] else ''}`, then `python benchmarks/page.py`.",
    ])  # fmt: skip
