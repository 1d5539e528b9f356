"""What is asked of bills: where two cost the same, what one hangs on, a curve of it, and how it is shown."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date

from flylab.costs.bills import TODAY, Bill, Offer, bill
from flylab.costs.workload import Setup, Workload
from flylab.errors import UsageError

# What may be asked about: every quantity of a workload, and every number of a setup.
_WORK = tuple(each.name for each in fields(Workload))
_SETUP = tuple(each.name for each in fields(Setup) if each.name not in ("regions", "continent"))
_LEAST = {"peak": 1.0, "rooms_per_machine": 1.0}
_MOST = {"kept": 1.0}


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
    """Where between two values of a field both cost the same; None when one is cheaper at both ends.

    The field is one of the workload or a number of the setup. Where a bill jumps by a machine it is the jump.
    """

    def gap(value: float) -> float:
        at, used = _changed(work, setup or Setup(), field, value)
        return bill(one, at, used, on=on).usd - bill(other, at, used, on=on).usd

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
    """For each field of both: the bill with it divided and multiplied by ``by``, the widest span first."""
    if by <= 1:
        raise UsageError(f"by is {by:g}; it divides and multiplies, so it is above 1")
    used = setup or Setup()
    found = {}
    for name in (*_WORK, *_SETUP):
        value = float(getattr(work if name in _WORK else used, name))
        ends = (max(value / by, _LEAST.get(name, 0.0)), min(value * by, _MOST.get(name, value * by)))
        low, high = (bill(offer, *_changed(work, used, name, end), on=on).usd for end in ends)
        found[name] = (low, high)
    return dict(sorted(found.items(), key=lambda item: -abs(item[1][1] - item[1][0])))


def curve(
    offer: Offer, work: Workload, field: str, values: Iterable[float], setup: Setup | None = None, *, on: date = TODAY
) -> list[tuple[float, float]]:
    """The bill in USD for each value of a field, as points of a curve."""
    used = setup or Setup()
    return [(value, bill(offer, *_changed(work, used, field, value), on=on).usd) for value in values]


def rows(found: Iterable[Bill]) -> list[list[str]]:
    """Bills as a table: offer, USD a month, the dearest line, what is left out; unverified prices are named."""
    return [
        [
            each.offer,
            f"{each.usd:,.2f}" + (f" (unverified: {', '.join(each.unverified)})" if each.unverified else ""),
            max(each.lines, key=lambda line: line.usd).what,
            "; ".join(each.left_out) or "–",
        ]
        for each in found
    ]


def statement(found: Bill) -> list[list[str]]:
    """One bill line by line: what, quantity, the price with its mark, the row that it is from and its date, USD."""
    return [
        [line.what, f"{line.quantity:,.4g}", line.price.text, line.price.id, line.price.date, f"{line.usd:,.2f}"]
        for line in found.lines
    ]


def _changed(work: Workload, setup: Setup, field: str, value: float) -> tuple[Workload, Setup]:
    """Both with one field of either changed; UsageError for a field that neither has."""
    if field in _WORK:
        return replace(work, **{field: value}), setup
    if field in _SETUP:
        return work, replace(setup, **{field: value})  # type: ignore[arg-type]
    raise UsageError(f"there is no {field!r}; a workload has {', '.join(_WORK)}, a setup {', '.join(_SETUP)}")
