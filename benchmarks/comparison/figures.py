"""What is shown of each load, what our rooms promise of it, and the median of what was measured; pure.

A run whose generator was late does not count: it has no part in any median or ratio.
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

OURS = "flylab"
Result = dict[str, Any]
Results = dict[str, dict[str, list[Result]]]  # of each load, of each server, of each round


@dataclass(frozen=True)
class Bound:
    """What is promised of a value."""

    most: float = math.inf
    least: float = -math.inf

    def holds(self, value: float) -> bool:
        return self.least <= value <= self.most

    def __str__(self) -> str:
        if self.least > -math.inf:
            return f"≥ {self.least:,g}"
        return f"≤ {self.most:,g}" if self.most < math.inf else ""


FREE = Bound()


@dataclass(frozen=True)
class Figure:
    """One row: ``name`` is where the value is in a result, as ``best.p99_ms``."""

    load: str
    heading: str
    name: str
    promise: Bound = FREE
    scale: float = 1.0
    digits: int = 0


FIGURES = (
    Figure("cold", "start of the process to the first chat line, ms", "ms", Bound(most=300)),
    Figure(
        "chat200", "chat, 200 members: lines delivered, thousands/s", "best.delivered_per_s", Bound(least=1000), 1e-3
    ),
    Figure("chat200", "… p99 at that rate, ms", "best.p99_ms", Bound(most=100), digits=1),
    Figure("chat200", "… stored: p99 at that rate, ms", "best.stored_p99_ms", digits=1),
    Figure("chat50", "chat, 50 members, 400 lines/s: p50, ms", "p50_ms", Bound(most=1), digits=2),
    Figure("chat50", "… p99, ms", "p99_ms", Bound(most=10), digits=2),
    Figure("chat50", "… stored: p99, ms", "stored_p99_ms", digits=2),
    Figure("chat50", "… CPU, % of a core", "server_cpu", scale=100),
    Figure(
        "rooms200", "200 rooms of 5: lines delivered, thousands/s", "best.delivered_per_s", Bound(least=36), 1e-3, 1
    ),
    Figure("rooms200", "… stored: p99 at that rate, ms", "best.stored_p99_ms", digits=1),
    Figure("cursors", "cursors in one room, 20 moves/s each: members", "best.members", Bound(least=800)),
    Figure("cursors", "… staleness p99 at that number, ms", "best.p99_ms", Bound(most=100), digits=1),
    Figure("cursors", "… CPU, % of a core", "best.server_cpu", scale=100),
    Figure("cursors100", "100 cursors: staleness p50, ms", "p50_ms", Bound(most=10), digits=1),
    Figure("cursors100", "… p99, ms", "p99_ms", Bound(most=25), digits=1),
    Figure("cursors100", "… CPU, % of a core", "server_cpu", Bound(most=30), scale=100),
    Figure("cursors400", "400 cursors: staleness p50, ms", "p50_ms", digits=1),
    Figure("cursors400", "… p99, ms", "p99_ms", digits=1),
    Figure("cursors400", "… CPU, % of a core", "server_cpu", scale=100),
    Figure("connects", "members who come in, up to their welcome, each s", "connects_per_s", Bound(least=2300)),
    Figure("idle", "10,000 idle members: resident memory for each, KB", "kb_each", Bound(most=20), digits=1),
    Figure("idle", "… the whole process, MB", "resident_mb", Bound(most=512)),
    Figure("idle", "… CPU, % of a core", "server_cpu", scale=100, digits=1),
    Figure("never_reads", "20 members stop reading: held for each, MB", "held_mb", Bound(most=1), digits=1),
    Figure("never_reads", "… the others: p99, ms", "stuck.p99_ms", digits=1),
    Figure("never_reads", "… the others: lines that did not reach them", "stuck.others_lost", Bound(most=0)),
    Figure("never_reads", "… after their return: lines lost", "stuck.missed", Bound(most=0)),
    Figure("never_reads", "… doubled or out of order, anybody", "stuck.faults", Bound(most=0)),
)
RISEN = {"best.delivered_per_s", "best.members"}
LOADS = tuple(dict.fromkeys(figure.load for figure in FIGURES))


@dataclass(frozen=True)
class Ratio:
    """Ours divided by another server's, or by the best other's where ``to`` is empty (the more, the better)."""

    load: str
    heading: str
    name: str
    to: str
    promise: Bound = FREE


RATIOS = (
    Ratio("cold", "cold start, to Socket.IO", "ms", "socketio", Bound(most=1.3)),
    Ratio("chat200", "chat with 200 members, to the best of the others", "best.delivered_per_s", "", Bound(least=15)),
    Ratio("rooms200", "200 rooms of 5, to workerd, which stores too", "best.delivered_per_s", "workerd"),
    Ratio("cursors", "members with cursors, to the best of the others", "best.members", ""),
    Ratio("cursors100", "100 cursors: staleness p50, to Colyseus", "p50_ms", "colyseus", Bound(most=0.5)),
    Ratio("cursors100", "… p99, to Colyseus", "p99_ms", "colyseus", Bound(most=0.5)),
    Ratio("cursors100", "… CPU, to Colyseus", "server_cpu", "colyseus", Bound(most=1)),
    Ratio("cursors400", "400 cursors: staleness p50, to Colyseus", "p50_ms", "colyseus", Bound(most=0.5)),
    Ratio("cursors400", "… p99, to Colyseus", "p99_ms", "colyseus", Bound(most=0.5)),
    Ratio("cursors400", "… CPU, to Colyseus", "server_cpu", "colyseus", Bound(most=1)),
)


@dataclass(frozen=True)
class Summary:
    """Over the rounds that count; ``late`` if there were others alone."""

    median: float = math.nan
    least: float = math.nan
    most: float = math.nan
    late: bool = False
    at_least: bool = False  # the generator could do no more before the server could

    @property
    def known(self) -> bool:
        return not math.isnan(self.median)


def value(result: Result, name: str) -> float:
    """``best.p99_ms`` of nested results; not a number where there is none, or where the generator was late."""
    if not counts(result):
        return math.nan
    found: Any = result
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return float(found) if isinstance(found, int | float) else math.nan


def counts(result: Result) -> bool:
    return bool(result.get("valid", True))


def summary(results: list[Result], name: str) -> Summary:
    found = _spread(value(result, name) for result in results)
    late = bool(results) and not any(counts(result) for result in results)
    bound = name in RISEN and any(result.get("bound") == "generator" for result in results if counts(result))
    return Summary(
        found.median, found.least, found.most, late, bound and name in ("best.delivered_per_s", "best.members")
    )


def ratio(results: Results, asked: Ratio) -> Summary:
    """Round by round, since the two were measured one right after the other."""
    load = results.get(asked.load, {})
    others = [asked.to] if asked.to else [name for name in load if name != OURS]
    each = []
    for place, ours in enumerate(load.get(OURS, [])):
        theirs = [value(load[name][place], asked.name) for name in others if place < len(load.get(name, []))]
        known = [one for one in theirs if not math.isnan(one)]
        each.append(value(ours, asked.name) / max(known) if known and max(known) > 0 else math.nan)
    return _spread(each)


def _spread(values: Iterable[float]) -> Summary:
    known = [one for one in values if not math.isnan(one)]
    return Summary(statistics.median(known), min(known), max(known)) if known else Summary()
