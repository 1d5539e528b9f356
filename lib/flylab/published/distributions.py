"""Readers of ``distributions.csv`` and ``lambda_init.csv``: published percentile tables, phases of starts, raw samples.

A group names curves that belong on one figure, such as one service seen by a closed and by an open client. All of it
was published by others; a local run may imitate it and be drawn beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isclose

from flylab.errors import UsageError
from flylab.published.lookup import rows, unknown

LAMBDA_SOURCE = "https://github.com/maxday/lambda-perf"
LAMBDA_DATE = "2026-08-22"


@dataclass(frozen=True, slots=True)
class Point:
    """One row: ``name`` is a percentile, ``mean``, or a phase; a range in the source is entered as its middle."""

    name: str
    value: float
    note: str

    @property
    def percentile(self) -> float | None:
        """The percentile, 0 to 100; None for a mean and for a phase."""
        return float(self.name) if self.name.replace(".", "", 1).isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What one source says of one thing, in the order of the file; kind and status mean what they do for a claim."""

    group: str
    name: str
    unit: str
    source: str
    address: str
    date: str
    kind: str
    status: str
    points: tuple[Point, ...]

    def at(self, name: float | str) -> float:
        """One value: ``at(99)``, ``at("mean")``, ``at("API call")``; UsageError for what was not published."""
        for point in self.points:
            wanted = point.percentile if not isinstance(name, str) else None
            if point.name == name or (wanted is not None and isclose(wanted, float(name))):
                return point.value
        raise unknown(f"value of {self.name!r} called", str(name), (point.name for point in self.points))

    @property
    def percentiles(self) -> Mapping[float, float]:
        """The percentiles alone."""
        return {point.percentile: point.value for point in self.points if point.percentile is not None}

    @property
    def phases(self) -> Mapping[str, float]:
        """The phases alone, in their order; empty for a table of percentiles."""
        return {point.name: point.value for point in self.points if point.percentile is None and point.name != "mean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaInit:
    """Init durations of one hello-world function on AWS Lambda, as billed: no network, gateway or placement in them."""

    runtime: str
    package: str
    memory_mb: int
    arch: str
    mean_ms: float
    median_ms: float
    min_ms: float
    max_ms: float
    handler_mean_ms: float
    samples_ms: tuple[float, ...]


@cache
def distributions() -> Mapping[str, Mapping[str, Curve]]:
    """Every group with its curves by name, in the order of the file."""
    found: dict[str, dict[str, list[dict[str, str]]]] = {}
    for row in rows("distributions.csv"):
        found.setdefault(row["group"], {}).setdefault(row["curve"], []).append(row)
    return {
        group: {name: _curve(group, name, points) for name, points in curves.items()} for group, curves in found.items()
    }


def distribution(group: str) -> Mapping[str, Curve]:
    """The curves of one group by name: ``distribution("openstatus-2024")["Railway"].at(75)``; UsageError without it."""
    if group not in distributions():
        raise unknown("distribution", group, distributions())
    return distributions()[group]


@cache
def _lambda_rows() -> tuple[LambdaInit, ...]:
    return tuple(
        LambdaInit(
            runtime=row["runtime"],
            package=row["package"],
            memory_mb=int(row["memory_mb"]),
            arch=row["arch"],
            mean_ms=float(row["mean_ms"]),
            median_ms=float(row["median_ms"]),
            min_ms=float(row["min_ms"]),
            max_ms=float(row["max_ms"]),
            handler_mean_ms=float(row["handler_mean_ms"]),
            samples_ms=tuple(map(float, row["samples_ms"].split())),
        )
        for row in rows("lambda_init.csv")
    )


def lambda_init(
    *, runtime: str | None = None, memory: int | None = None, package: str | None = None, arch: str | None = None
) -> tuple[LambdaInit, ...]:
    """The rows that fit: ``lambda_init(runtime="python3.13", memory=1024)``; UsageError for what was not measured."""
    asked = {"runtime": runtime, "memory_mb": memory, "package": package, "arch": arch}
    found = _lambda_rows()
    for field, value in asked.items():
        if value is None:
            continue
        known = {str(getattr(row, field)) for row in _lambda_rows()}
        if str(value) not in known:
            raise unknown(f"init duration of Lambda with {field}", str(value), sorted(known))
        found = tuple(row for row in found if getattr(row, field) == value)
    if not found:
        words = ", ".join(f"{field} {value}" for field, value in asked.items() if value is not None)
        raise UsageError(f"there is no published init duration of Lambda with {words} together")
    return found


def _curve(group: str, name: str, points: list[dict[str, str]]) -> Curve:
    first = points[0]
    return Curve(
        group=group,
        name=name,
        points=tuple(Point(row["percentile_or_phase"], float(row["value"]), row["note"]) for row in points),
        **{field: first[field] for field in ("unit", "source", "address", "date", "kind", "status")},
    )
