"""Who should use what for a room: decided from the ways of edits and the bills that a chapter reckoned, not typed.

An architecture is advised for the loads at which nothing else costs less, or where nothing is nearer to the members;
what is neither says by how much it is not.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from flylab.costs import Offer
from flylab.published.claims import claim

CHOICE_MIME = "application/vnd.flylab.choice+json"
# Placements by their names in `tradeoffs`; an empty one is that of what holds no room at all.
BEST, SOME, FIRST = "best one region", "nearest of a few regions", "the first member's region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of architecture: which of the reckoned offers are of it, and where it lets a room be."""

    name: str
    kind: str
    of: tuple[str, ...]  # names in `architectures`
    offers: tuple[Offer, ...]
    placement: str
    everywhere: str = ""  # where a room can be for somebody who has machines in each region


FAMILIES = (
    Family(name="Edge functions", kind="CDN: Workers with KV, Netlify", placement="", offers=(),
           of=("Cloudflare Workers with KV", "Netlify edge functions")),
    Family(name="Durable Objects", kind="CDN: an object that stays where it began", placement=FIRST,
           of=("Durable Objects",), offers=(Offer.HIBERNATING, Offer.DURABLE_OBJECTS)),
    Family(name="Functions and containers", kind="FaaS and PaaS: Lambda, Fargate", placement=BEST,
           of=("Lambda behind API Gateway", "Fargate"), offers=(Offer.LAMBDA, Offer.FARGATE)),
    Family(name="Virtual machines", kind="IaaS: EC2, Vultr", placement=BEST,
           of=("EC2, Vultr",), offers=(Offer.EC2, Offer.VULTR)),
    Family(name="Fly Machines", kind="fly-replay, machines in a few regions", placement=SOME, everywhere=FIRST,
           of=("Fly Machines with fly-replay",),
           offers=(Offer.FLY_STOP, Offer.FLY_SUSPEND, Offer.FLY_POOL, Offer.FLY_ALWAYS)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is said of one family; a number that there is not is None."""

    name: str
    kind: str
    advice: str
    least: str  # how often rooms are opened for which nothing costs less; empty where something always does
    way_ms: float | None  # from an edit to another member, mean
    everywhere_ms: float | None  # the same with machines in each region, where that is a choice
    seldom_usd: float | None  # a month at the least load that was reckoned
    often_usd: float | None  # and at the highest
    starts: str  # from the shortest published one to the longest

    def way(self) -> str:
        """The way of an edit, and what it could be."""
        if self.way_ms is None:
            return "–"
        other = "" if self.everywhere_ms is None else f"; {self.everywhere_ms:.0f} ms with machines in each region"
        return f"{self.way_ms:.0f} ms{other}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The decision as the result of a cell; carries its rows as JSON for the site."""

    rows: tuple[Row, ...]
    loads: tuple[float, ...]
    target: str = "local"

    def head(self) -> list[str]:
        """The columns; the loads stand in them, because a month's bill means nothing without."""
        low, high = (f"{load:g} visit{'' if load == 1 else 's'} of a room" for load in (self.loads[0], self.loads[-1]))
        return [
            "architecture",
            "who should use it",
            "way of an edit",
            f"a month at {low}",
            f"at {high}",
            "published starts",
        ]

    def cells(self) -> list[list[str]]:
        return [
            [
                f"{row.name} ({row.kind})",
                row.advice,
                row.way(),
                *("–" if usd is None else f"{usd:,.2f} USD" for usd in (row.seldom_usd, row.often_usd)),
                row.starts,
            ]
            for row in self.rows
        ]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        head, cells = self.head(), self.cells()
        data = {"target": self.target, "head": head, "rows": [asdict(row) for row in self.rows], "cells": cells}
        text = "\n".join(f"{cell[0]}: {cell[1]}" for cell in cells)
        heads = "".join(f'<th scope="col" style="text-align:left">{html.escape(name)}</th>' for name in head)
        body = "".join(
            f'<tr><th scope="row" style="text-align:left;font-weight:normal">{html.escape(first)}</th>'
            + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in rest)
            + "</tr>"
            for first, *rest in cells
        )
        shown = f'<table class="chapters choice"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
        return {"text/html": shown, "text/plain": text, CHOICE_MIME: data}


def choose(ways: Mapping[str, float], bills: Sequence[Mapping[str, object]], *, target: str = "local") -> Choice:
    """Decide: ``ways`` are mean ms of an edit by placement, ``bills`` rows with offer, visits and usd."""
    usd = _by_family(bills)
    loads = tuple(sorted({load for costs in usd.values() for load in costs}))
    cheapest = {load: min(costs[load] for costs in usd.values() if load in costs) for load in loads}
    nearest = min(ways[family.placement] for family in FAMILIES if family.placement in ways)
    rows = []
    for family in FAMILIES:
        costs, way = usd.get(family.name, {}), ways.get(family.placement)
        rows.append(
            Row(
                name=family.name,
                kind=family.kind,
                advice=_advice(costs, cheapest, way, nearest),
                least=stretches({load: costs[load] <= cheapest[load] for load in sorted(costs)}),
                way_ms=way,
                everywhere_ms=ways.get(family.everywhere),
                seldom_usd=costs.get(loads[0]),
                often_usd=costs.get(loads[-1]),
                starts=_starts(family),
            )
        )
    return Choice(rows=tuple(rows), loads=loads, target=target)


def _by_family(bills: Sequence[Mapping[str, object]]) -> dict[str, dict[float, float]]:
    """The least that a family costs at each load."""
    found: dict[str, dict[float, float]] = {}
    for family in FAMILIES:
        for bill in bills:
            if str(bill["offer"]) in family.offers:
                load, usd = float(str(bill["visits"])), float(str(bill["usd"]))
                costs = found.setdefault(family.name, {})
                costs[load] = min(usd, costs.get(load, usd))
    return found


def _advice(costs: Mapping[float, float], cheapest: Mapping[float, float], way: float | None, nearest: float) -> str:
    if way is None or not costs:
        return "For what needs no room: none of its copies holds one."
    least = {load: costs[load] <= cheapest[load] for load in sorted(costs)}
    near = way <= nearest
    if any(least.values()):
        also = ", and nothing is nearer to the members" if near else f"; an edit goes {way / nearest:.1f} times the way"
        return f"For rooms that are opened {stretches(least)} a month: nothing costs less there{also}."
    times = min(costs[load] / cheapest[load] for load in costs)
    if near:
        return f"Where the way counts more than the bill: nothing is nearer, and it costs {times:.1f} times the least."
    far = f"an edit goes {way / nearest:.1f} times the way"
    return f"When you have it already: it costs {times:.1f} times the least or more, and {far}."


def stretches(least: Mapping[float, bool]) -> str:
    """Where a row of loads is true, in words: ``at most 2 times or 200 times or more``."""
    loads = list(least)
    parts = []
    for true, group in groupby(loads, key=lambda load: least[load]):
        run = list(group)
        if not true:
            continue
        first, last = run[0] == loads[0], run[-1] == loads[-1]
        if first and last:
            return "any number of times"
        if first:
            parts.append(f"at most {_times(run[-1])}")
        elif last:
            parts.append(f"{_times(run[0])} or more")
        else:
            parts.append(f"{run[0]:g} to {run[-1]:g} times" if len(run) > 1 else _times(run[0]))
    return " or ".join(parts)


def _times(load: float) -> str:
    return "once" if load == 1 else f"{load:g} times"


def _starts(family: Family) -> str:
    """From the shortest to the longest that was published; Firecracker's own is a part of a start, so it is none."""
    from flylab.kit.architectures import ARCHITECTURES  # with its controls, which the site's data do not need

    named = [start for one in ARCHITECTURES if one.name in family.of for start in one.starts]
    found = [each for each in map(claim, named) if each.value is not None and each.topic != "firecracker"]
    known = sorted(found, key=lambda each: each.seconds)
    ends = list(dict.fromkeys((known[0].text, known[-1].text))) if known else ["not published"]
    return " to ".join(ends)
