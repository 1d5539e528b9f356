"""The section of the page about what a replay costs, from what `benchmarks/replay_cost.py` has stored; pure."""

from collections.abc import Mapping, Sequence

import frame

from flylab.measure.stats import Effect, estimate, interleaved
from flylab.measure.summary import Interval

DIRECT, EDGE, REPLAYED = "direct", "edge", "replayed"
TARGET_MS = 1.0
NAMES = {DIRECT: "the machine itself", EDGE: "through the edge", REPLAYED: "replayed once"}
BLOCK = 25  # rounds whose medians are compared: single requests scatter more than they differ; our choice


def summed(times: Mapping[str, Sequence[float]]) -> frame.Found:
    """Of milliseconds of each way, asked in turn: quantiles, and what edge and replay add within blocks of rounds."""
    direct = estimate(times[DIRECT], 0.5)
    adds, replay = (_added(times[a], times[b]) for a, b in ((DIRECT, EDGE), (EDGE, REPLAYED)))
    assert direct.value is not None
    return {
        "ways": {way: _way(values) for way, values in times.items()},
        "edge_adds": _three(adds.difference, adds.interval),
        "replay_adds": _three(replay.difference, replay.interval),
        "beyond": replay.difference - direct.value,
        "holds": replay.difference - direct.value <= TARGET_MS,
    }


def table(loops: Mapping[str, frame.Found]) -> str:
    """A row for each way, a column for each loop."""
    lines = [f"| p50; p99, ms | {' | '.join(loops)} |", "|---|" + "---:|" * len(loops)]
    for way, name in NAMES.items():
        cells = [f"{_shown(found['ways'][way]['p50'])}{_tail(found['ways'][way])}" for found in loops.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for key, name in (("edge_adds", "the edge adds"), ("replay_adds", "a replay adds")):
        lines.append(f"| {name} | {' | '.join(_shown(found[key]) for found in loops.values())} |")
    kept = [f"{found['beyond']:.3f}, {'kept' if found['holds'] else '**not kept**'}" for found in loops.values()]
    lines.append(f"| … beyond one round trip to a machine; promised ≤ {TARGET_MS:g} | {' | '.join(kept)} |")
    return "\n".join(lines)


def section(run: frame.Found) -> str:
    """Everything between the marks."""
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    n = min(way["n"] for found in run["loops"].values() for way in found["ways"].values())
    return "\n\n".join([
        "## What a replay costs",
        f"One run on {run['at'][:10]}, n {n:,} of each way, on each event loop. One connection; every round asks the "
        "machine itself, the machine through the edge, and through a replay by another machine, in an order that "
        f"chance decides. What is added is the median over blocks of {BLOCK} rounds, with 95 % intervals; no latency "
        "between regions.",
        table(run["loops"]),
        f"{run['cpu']}, {run['cores']} cores, {run['kernel']}, Python {run['python']}; load average before: {before}; "
        f"after: {after}.",
        f"**Again:** `python benchmarks/replay_cost.py --runs {run['runs']}`, then `python benchmarks/page.py`.",
    ])  # fmt: skip


def _added(a: Sequence[float], b: Sequence[float]) -> Effect:
    blocks = range(0, len(a), BLOCK)
    return interleaved([(a[at : at + BLOCK], b[at : at + BLOCK]) for at in blocks])


def _way(values: Sequence[float]) -> frame.Found:
    found: frame.Found = {"n": len(values)}
    for q in (0.5, 0.99):
        one = estimate(values, q)
        if one.value is not None:
            found[f"p{100 * q:g}"] = _three(one.value, one.interval)
    return found


def _three(value: float, interval: Interval | None) -> list[float]:
    """A value and the ends of its interval; the value alone where there is none."""
    return [value] if interval is None else [value, interval.low, interval.high]


def _shown(three: Sequence[float]) -> str:
    value, *ends = (f"{each:.3f}" for each in three)
    return f"{value} ({'–'.join(ends)})" if ends else value


def _tail(way: frame.Found) -> str:
    return f"; {way['p99'][0]:.3f}" if "p99" in way else ""
