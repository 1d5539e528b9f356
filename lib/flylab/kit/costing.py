"""Bills of ``flylab.costs`` as the rows that a figure is drawn from: over a load, with a band and with break-evens."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from itertools import combinations
from typing import Any

from flylab.costs import TODAY, Bill, Offer, Setup, Workload, bill, break_even
from flylab.errors import UsageError
from flylab.kit.figures import Figure, basis, cost_curves
from flylab.kit.figures.data import Finding

SHOWN = (Offer.FLY_STOP, Offer.FLY_ALWAYS, Offer.HIBERNATING, Offer.DURABLE_OBJECTS, Offer.LAMBDA, Offer.FARGATE)
LOADS = tuple(10 ** (exponent / 4) for exponent in range(4, 25))  # 10 to a million rooms, four to a decade; our choice


def curve(
    offers: Sequence[Offer],
    work: Workload,
    field: str,
    values: Sequence[float],
    setup: Setup | None = None,
    *,
    by: float = 2.0,
    vary: Sequence[str] = ("visit_seconds", "sent"),
    on: date = TODAY,
) -> list[dict[str, Any]]:
    """A row for each offer and value: what it costs, and the least and most with ``vary`` divided and times ``by``."""
    known = {each.name for each in fields(Workload)}
    for name in (field, *vary):
        if name not in known:
            raise UsageError(f"a workload has no {name!r}; it has {', '.join(sorted(known))}")
    if by < 1:
        raise UsageError(f"by is {by:g}; it divides and multiplies, so it is at least 1")
    rows = []
    for offer in offers:
        for value in values:
            at = replace(work, **{field: value})
            found = bill(offer, at, setup, on=on)
            around = [_with(offer, at, name, factor, setup, on).usd for name in vary for factor in (1 / by, by)]
            ends = [found.usd, *around]
            rows.append(
                {
                    "offer": offer.value,
                    field: value,
                    "usd": found.usd,
                    "low": min(ends),
                    "high": max(ends),
                    "verified": not found.unverified,
                    "provenance": "simulated",
                }
            )
    return rows


def break_evens(
    offers: Sequence[Offer],
    work: Workload,
    field: str,
    low: float,
    high: float,
    setup: Setup | None = None,
    *,
    on: date = TODAY,
) -> list[dict[str, Any]]:
    """Where another of the offers becomes the cheapest, between two values of a field."""
    found = []
    for one, other in combinations(offers, 2):
        value = break_even(one, other, work, field, low, high, setup, on=on)
        if value is None:
            continue
        at = replace(work, **{field: value})
        usd = bill(one, at, setup, on=on).usd
        # Two that cost the same while a third costs less are no choice of anybody.
        if usd <= min(bill(each, at, setup, on=on).usd for each in offers) * 1.001:
            found.append({field: value, "usd": usd, "between": (one.value, other.value)})
    return found


def over_rooms(
    work: Workload | None = None,
    setup: Setup | None = None,
    *,
    offers: Sequence[Offer] = SHOWN,
    title: Finding = None,
    on: date = TODAY,
) -> Figure:
    """The month's bill of each offer from ten rooms to a million, all else as in ``work``."""
    work = work or Workload()
    rows = curve(offers, work, "rooms", LOADS, setup, on=on)
    evens = break_evens(offers, work, "rooms", LOADS[0], LOADS[-1], setup, on=on)
    note = "List prices as published; bands: visits and messages halved and doubled. Object storage is in no bill."
    about = basis("simulated", n=len(rows), unit="USD", date=f"prices of {on.isoformat()}", note=note)
    return cost_curves(
        rows,
        about,
        title=title,
        load="rooms",
        x=f"rooms, each visited {work.visits:g} times a month",
        break_evens=evens,
    )


def _with(offer: Offer, work: Workload, name: str, factor: float, setup: Setup | None, on: date) -> Bill:
    return bill(offer, replace(work, **{name: getattr(work, name) * factor}), setup, on=on)
