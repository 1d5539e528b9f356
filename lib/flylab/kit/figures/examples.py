"""One figure of each type, for the gallery and tests; the numbers are made up, but for those that were published.

Seeded, so that the gallery looks the same each time; every footer says that the numbers are examples.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from flylab.kit import charts, costing, maps, reference, timeline, waterfall
from flylab.kit.figures import (
    Basis,
    Figure,
    basis,
    comparison,
    ecdf,
    effects,
    heat_map,
    histogram,
    over_time,
    phase_bars,
    world_map,
)
from flylab.measure.stats import compare, noise_floor
from flylab.published.network import published_pairs, regions, rtt

DAY = "2026-11-27"
NOTE = "Made-up numbers, as an example."
TRACE: dict[str, Any] = {
    "edge": "ams",
    "total_ms": 104.0,
    "hops": [
        {"n": 1, "region": "ams", "started_ms": 0.0, "ended_ms": 3.0, "configured_ms": 1.0, "outcome": "replay"},
        {
            "n": 2,
            "region": "iad",
            "started_ms": 3.0,
            "ended_ms": 104.0,
            "configured_ms": 80.0,
            "outcome": "response",
            "woke": {"requested_ms": 43.0, "started_ms": 44.0, "reachable_ms": 59.0},
        },
    ],
}


def about(*kinds: str, unit: str = "ms", note: str = NOTE) -> Basis:
    return basis(*kinds, unit=unit, date=DAY, note=note)


def _times(seed: int, middle: float, n: int, variant: str = "") -> list[dict[str, Any]]:
    rng = Random(seed)
    return [
        {
            "variant": variant,
            "ms": middle * rng.lognormvariate(0, 0.35),
            "at": each * 60 / n,
            "outcome": "503" if rng.random() < 0.006 else "ok",
        }
        for each in range(n)
    ]


def distribution() -> Figure:
    rows = [*_times(1, 140, 1200, "stop"), *_times(2, 42, 1200, "suspend"), *_times(3, 9, 60, "always on")]
    return ecdf(rows, about("measured"), log=True, x="time of a wake")


def counts() -> Figure:
    return histogram(_times(4, 30, 800), about("measured"), x="ms from request to answer")


def phases() -> Figure:
    rng = Random(5)
    middles = {
        "stop": (3, 12, 96, 20, 6),
        "suspend": (3, 2, 0, 20, 6),
        "pool": (3, 0, 0, 0, 7),
        "always on": (0, 0, 0, 0, 5),
    }
    names = ("start accepted", "process spawned", "port open", "pause of the proxy", "first byte")
    rows = [
        {
            "variant": variant,
            "wake": wake,
            "phase": name,
            "ms": ms * rng.lognormvariate(0, 0.2),
            "provenance": "configured" if name.startswith("pause") else "measured",
        }
        for variant, parts in middles.items()
        for wake in range(40)
        for name, ms in zip(names, parts, strict=True)
    ]
    return phase_bars(rows, about("measured", "configured"))


def hops() -> Figure:
    far = {**TRACE, "edge": "syd", "hops": TRACE["hops"][:1]}
    return waterfall.waterfall(
        "77 % of a replayed visit is distance", {"ams": TRACE, "fra": far}, about("measured", "configured")
    )


def matrix() -> Figure:
    """Not made up: the round trips that the local platform is set to."""
    rows = [
        {"from": a, "to": b, "ms": pair.rtt_ms}
        for pair in published_pairs()
        for a, b in ((pair.a, pair.b), (pair.b, pair.a))
    ]
    return heat_map(rows, basis("published", unit="ms", date="2020 to 2026", note=reference.ROUND_TRIPS))


def differences() -> Figure:
    rng = Random(6)
    codes = ("iad", "ord", "ams", "fra", "nrt", "syd")
    rows = [
        {"from": a, "to": b, "ms": rtt()(a, b) + rng.gauss(0.8, 1.2), "configured_ms": rtt()(a, b)}
        for a in codes
        for b in codes
        if a != b
    ]
    return heat_map(rows, about("measured", "configured"), mode="difference")


def places() -> Figure:
    codes = ("iad", "gru", "ams", "jnb", "nrt", "syd")
    rows = [{"from": "fra", "to": code, "ms": rtt()("fra", code), "provenance": "configured"} for code in codes]
    return world_map(
        rows, about("configured", note=reference.ROUND_TRIPS), machines={"fra": 2}, edges=codes, what="round trip"
    )


def all_regions() -> Figure:
    codes = [region.code for region in regions() if not region.deprecated]
    return maps.world(f"{len(codes)} edges", about("configured", unit="regions", note=""), edges=codes)


def states() -> Figure:
    rows, rng = [], Random(7)
    for machine in ("ams-1", "iad-1", "nrt-1 with a long name that somebody gave it"):
        at = rng.random() / 4
        for state, long in (
            ("created", 0.2),
            ("starting", 0.3),
            ("started", 1.6),
            ("stopping", 0.4),
            ("stopped", 0.9),
            ("starting", 0.2),
            ("started", 1.1),
        ):
            seconds = long * rng.uniform(0.8, 1.3)
            rows.append(timeline.Span(machine=machine, state=state, start=at, seconds=seconds))
            at += seconds
    return timeline.timeline("A machine is starting for a fifth of a second", rows, about("measured", unit="s"))


def costs() -> Figure:
    """Computed by flylab.costs from published prices."""
    return costing.over_rooms()


def verdicts() -> Figure:
    rng = Random(8)
    base = [rng.gauss(0.0102, 0.0010) for _ in range(400)]
    found = {
        name: compare(base, [rng.gauss(0.0102 + add, 0.0010) for _ in range(400)], rng=rng, resamples=400)
        for name, add in (
            ("with a replay", 0.0031),
            ("with TLS", 0.0006),
            ("with tracing", 0.0),
            ("from a pool", -0.0014),
        )
    }
    rounds = [([rng.gauss(0.0102, 0.0002)], [rng.gauss(0.0102, 0.0002)]) for _ in range(40)]
    floor = noise_floor(rounds, rng=rng, resamples=200)
    return effects(found, about("measured"), floor=floor)


def claims() -> Figure:
    """Published figures, two of which are marked as nobody's to check."""
    shown = reference.times("fly-start", "fly-wake")[:7]
    rows = [
        {"name": each.claim, "value": each.seconds, "provenance": "published", "verified": place not in (1, 4)}
        for place, each in enumerate(shown)
    ]
    own = {"name": "woken here", "value": 0.16, "low": 0.14, "high": 0.19, "provenance": "measured"}
    return comparison([own, *rows], about("measured", "published", unit="s"), x="seconds", log=True)


def run() -> Figure:
    rows = _times(9, 20, 1200)
    for row in rows:
        if 31 < row["at"] < 32.5:
            row["ms"] += 900 * (32.5 - row["at"])
    return over_time(rows, about("measured"), log=True)


def samples() -> Figure:
    groups = {
        name: [row["ms"] for row in _times(seed, middle, 24)]
        for seed, (name, middle) in enumerate(
            {"straight": 3.0, "replayed": 4.8, "the difference within a pair of requests": 1.7}.items()
        )
    }
    return charts.dots("A replay adds 1.7 ms", groups, about("measured"), x="ms as the visitor sees it")


def parts() -> Figure:
    values = {
        "imports": ("measured", [92, 90, 96]),
        "first byte": ("measured", [6, 7, 6]),
        "round trip": ("configured", [1, 81, 236]),
    }
    return charts.stacked(
        "Distance outweighs a cold start from nrt",
        ["ams", "iad", "nrt"],
        values,
        about("measured", "configured"),
        x="ms since the request",
    )


def side_by_side() -> Figure:
    groups = {"apps": [0, 2, 0, 0], "machines": [0, 8, 0, 0], "processes": [14, 30, 14, 0]}
    rows = ["before", "with machines", "destroyed", "platform stopped"]
    return charts.grouped(
        "8 machines came, and nothing is left", rows, groups, about("measured", unit="count"), y="how many there are"
    )


TYPES: dict[str, Callable[[], Figure]] = {
    "distribution": distribution,
    "histogram": counts,
    "phase-bars": phases,
    "waterfall": hops,
    "matrix": matrix,
    "difference": differences,
    "world": places,
    "edges": all_regions,
    "states": states,
    "costs": costs,
    "effects": verdicts,
    "claims": claims,
    "over-time": run,
    "dots": samples,
    "stacked": parts,
    "grouped": side_by_side,
}
