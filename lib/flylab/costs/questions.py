"""What is asked of bills: where two cost the same, what one hangs on, a curve of it, and how it is shown."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date

from flylab.costs.bills import TODAY, Bill, Offer, bill
from flylab.costs.workload import Setup, Workload
from flylab.errors import UsageError


def break_even(
    one: Offer,
    other: Offer,
    work: Workload,
    field: str,
    low: float,
    high: float,
    setup: Setup | None = None,
    *,
    on: date = TODAY,
) -> float | None:
    """Where between two values of a workload's field both cost the same; None when one is cheaper at both ends."""
    if field not in {each.name for each in fields(Workload)}:
        raise UsageError(f"a workload has no {field!r}; it has {', '.join(each.name for each in fields(Workload))}")

    def gap(value: float) -> float:
        at = replace(work, **{field: value})
        return bill(one, at, setup, on=on).usd - bill(other, at, setup, on=on).usd

    below, above = gap(low), gap(high)
    if below == 0:
        return low
    if below * above > 0:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        found = gap(middle)
        if below * found > 0:
            low, below = middle, found
        else:
            high = middle
    return (low + high) / 2


def sensitivity(
    offer: Offer, work: Workload, setup: Setup | None = None, *, by: float = 2.0, on: date = TODAY
) -> dict[str, tuple[float, float]]:
    """For each field of the workload: the bill with it divided and multiplied by ``by``, the widest span first."""
    if by <= 1:
        raise UsageError(f"by is {by:g}; it divides and multiplies, so it is above 1")
    found = {}
    for each in fields(Workload):
        value = getattr(work, each.name)
        low = replace(work, **{each.name: max(value / by, 1.0) if each.name == "peak" else value / by})
        high = replace(work, **{each.name: value * by})
        found[each.name] = (bill(offer, low, setup, on=on).usd, bill(offer, high, setup, on=on).usd)
    return dict(sorted(found.items(), key=lambda item: -abs(item[1][1] - item[1][0])))


def rows(found: Iterable[Bill]) -> list[list[str]]:
    """Bills as a table: offer, USD a month, the dearest line, what is left out."""
    return [
        [
            each.offer,
            f"{each.usd:,.2f}",
            max(each.lines, key=lambda line: line.usd).what,
            "; ".join(each.left_out) or "–",
        ]
        for each in found
    ]
