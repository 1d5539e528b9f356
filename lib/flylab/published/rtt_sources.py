"""Every published value behind ``rtt.csv``: which table has what for a pair, in which direction, and how it was found.

For each pair and table the two directions are averaged; where those of 2020 differ by more than 15 % the lower one is
kept. A row of ``rtt.csv`` is the median over the tables, and its extremes are theirs.
"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from flylab.published.lookup import rows

# Directions of the public internet that differ by more are not averaged: one of them went a long way round. The other
# tables are of backbones and of whole milliseconds.
APART = {"WonderNetwork": 1.15}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A public table of round trips; kind and status mean what they do for a claim."""

    table: str
    title: str
    address: str
    date: str
    statistic: str
    kind: str
    status: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What one table has for one direction; ``note`` names a site that stands for the region."""

    a: str
    b: str
    table: Table
    rtt_ms: float
    min_ms: float | None
    max_ms: float | None
    note: str


@cache
def tables() -> Mapping[str, Table]:
    """The tables by their short names, which ``rtt.csv`` uses too."""
    return {row["table"]: Table(**row) for row in rows("rtt_tables.csv")}


@cache
def values() -> tuple[Value, ...]:
    """Every value, both directions, in the order of the file."""
    return tuple(
        Value(
            a=row["from"],
            b=row["to"],
            table=tables()[row["table"]],
            rtt_ms=float(row["rtt_ms"]),
            min_ms=float(row["min_ms"]) if row["min_ms"] else None,
            max_ms=float(row["max_ms"]) if row["max_ms"] else None,
            note=row["note"],
        )
        for row in rows("rtt_sources.csv")
    )


def of_pair(a: str, b: str) -> tuple[Value, ...]:
    """What the tables have for a pair, both directions."""
    return tuple(value for value in values() if {value.a, value.b} == {a, b})


def combined(a: str, b: str) -> tuple[float, float, float]:
    """The round trip of a pair with its extremes: the median of the tables, the least and the most of them."""
    found: dict[str, list[float]] = {}
    for value in of_pair(a, b):
        found.setdefault(value.table.table, []).append(value.rtt_ms)
    each = [
        min(both) if max(both) > APART.get(table, math.inf) * min(both) else statistics.fmean(both)
        for table, both in found.items()
    ]
    return statistics.median(each), min(each), max(each)
