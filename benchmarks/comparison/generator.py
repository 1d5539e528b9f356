"""The section of the page about the load generator, from what `benchmarks/load.py` has stored; pure."""

import math
from collections.abc import Iterable, Sequence

import frame

from flylab.measure.omission import CLOSED, EXPECTED, OPEN, PUBLISHED, Scenario
from flylab.measure.sample import Sample
from flylab.measure.stats import estimate

PROMISED_LATE_MS = 5.0
MINUTE = Scenario().seconds  # of both loops, in what was published


def summed(samples: Iterable[Sample]) -> frame.Found:
    """A row for each rate and round, and one for each loop: all computed from what is stored."""
    lateness: dict[tuple[object, object], list[Sample]] = {}
    loops: dict[str, list[Sample]] = {}
    for sample in samples:
        if "asked" in sample.detail:
            lateness.setdefault((sample.detail["asked"], sample.detail["round"]), []).append(sample)
        else:
            loops.setdefault(str(sample.detail["variant"]), []).append(sample)
    found: frame.Found = {}
    if lateness:
        found["lateness"] = [{"asked": asked, "round": number} | row(of) for (asked, number), of in lateness.items()]
    if loops:
        found["omission"] = {name: row(of) for name, of in loops.items()}
    return found


def row(samples: Sequence[Sample]) -> frame.Found:
    """Rate, failures, and quantiles of latency and lateness in milliseconds with their intervals."""
    latencies = [sample.latency for sample in samples if sample.ok]
    span = max(sample.sent for sample in samples) - min(sample.scheduled for sample in samples)
    found: frame.Found = {"n": len(samples), "failed": len(samples) - len(latencies), "rate": len(samples) / span}
    for what, values in (("latency", latencies), ("late", [sample.lateness for sample in samples])):
        for q in (0.5, 0.99, 0.999):
            one = estimate(values, q)
            if one.value is not None and one.interval is not None:
                found[f"{what}_p{100 * q:g}"] = [
                    1000 * each for each in (one.value, one.interval.low, one.interval.high)
                ]
    return found


def shown(three: Sequence[float] | None, digits: int = 2) -> str:
    if three is None:
        return "–"
    value, low, high = (f"{each:,.{digits}f}" for each in three)
    return f"{value} ({low}–{high})"


def table(run: frame.Found) -> str:
    """How late messages were sent, at a tenth of the rate and at all of it."""
    lines = ["| asked for, messages/s | offered | n | late: p50, ms | p99, ms | p99.9, ms | echo: p50, ms | p99, ms |"]
    lines.append("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for one in sorted(run["lateness"], key=lambda one: one["asked"]):
        names = ("late_p50", "late_p99", "late_p99.9", "latency_p50", "latency_p99")
        cells = [shown(one.get(name), 3) for name in names]
        lines.append(f"| {one['asked']:,.0f} | {one['rate']:,.0f} | {one['n']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def both_table(run: frame.Found) -> str:
    """Both loops, beside what was published."""
    lines = [
        "| | n | late: p99, ms | p50, ms | p99, ms | published p99, ms | expected here, ms | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name in (CLOSED, OPEN):
        one, (low, high), published = run["omission"][name], EXPECTED[name], PUBLISHED[name]
        p99 = one["latency_p99"][0] if "latency_p99" in one else math.inf
        inside = "**below**" if p99 < low else "**above**" if p99 > high else "inside"
        late = "–" if name == CLOSED else shown(one.get("late_p99"), 1)  # nothing is due in a closed loop
        if run["omission_seconds"] != MINUTE:
            inside = "not comparable: they are of a minute"
        lines.append(
            f"| {name} loop | {one['n']:,} | {late} | {shown(one.get('latency_p50'))} "
            f"| {shown(one.get('latency_p99'), 1)} | {published[0]:g}–{published[1]:g} "
            f"| {low:g}–{high:g} | {inside} |"
        )
    return "\n".join(lines)


def kept(run: frame.Found) -> str:
    """Whether the promise was kept, in words."""
    full = [one for one in run["lateness"] if one["asked"] == run["rate"]]
    good = sum(one["late_p99"][0] < PROMISED_LATE_MS for one in full)
    return (
        f"Promised: {run['rate']:,.0f} messages/s from one core with a p99 of its own lateness under "
        f"{PROMISED_LATE_MS:g} ms; kept in {good} of {len(full)} rounds."
    )


def section(run: frame.Found) -> str:
    """The generator's own lateness: everything between the marks."""
    return "\n\n".join([
        "## The load generator",
        f"One run on {run['at'][:10]}, one row per round; values with 95 % intervals. One process on one core, members "
        "as bare WebSockets, against an echo in C on another core; late is how long after it was due a message was "
        "sent. " + kept(run),
        table(run),
        *_conditions(run, "lateness"),
    ])  # fmt: skip


def both_section(run: frame.Found) -> str:
    """What a closed loop hides: everything between the marks."""
    it = Scenario(seconds=run["omission_seconds"])
    return "\n\n".join([
        "## What a closed loop hides",
        f"One run on {run['at'][:10]}. A server that takes {1000 * it.base:g} ms and once stands still for "
        f"{it.stall:g} s, under {it.rate:,.0f} requests/s for {it.seconds:g} s (coordinated omission). A closed loop "
        f"of {it.workers} workers waits with it and has one slow answer for each; the open loop asks on. With nothing "
        f"but the stall in it the open loop's p99 would be {1000 * it.p99():.0f} ms.",
        both_table(run),
        "Published: scenario 02 of github.com/be-next/Coordinated-Omission (2026), on another computer."
        + (f" Below it is less disturbance than there: {1000 * it.base:g} ms are the least." if _calm(run) else "")
        + " In a notebook: `measure.omission` ([measure.md](measure.md)).",
        *_conditions(run, "omission"),
    ])  # fmt: skip


def _calm(run: frame.Found) -> bool:
    """Whether the closed loop was faster than in what was published."""
    p99 = run["omission"][CLOSED].get("latency_p99")
    return p99 is not None and p99[0] < EXPECTED[CLOSED][0]


def _conditions(run: frame.Found, part: str) -> list[str]:
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    words = f"--only {part}{' --favoured' if run['favoured'] else ''}"
    return [
        f"{run['cpu']}, {run['cores']} cores, {run['kernel']}, Python {run['python']}, {run['generator']}; load "
        f"average before: {before}; after: {after}." + frame.favoured(run),
        f"**Again:** `python benchmarks/load.py {words}`, then `python benchmarks/page.py`.",
    ]
