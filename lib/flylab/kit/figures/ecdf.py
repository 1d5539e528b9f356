"""The distribution of a time: which share of all took at most so long, with how far the curve may be off."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, by, kind_of, kinds_of, numeral, records, title_of
from flylab.kit.figures.palette import Provenance, series
from flylab.kit.figures.sheet import Figure, Sheet, dot, shade, stroke
from flylab.measure.stats import ecdf as distribution
from flylab.measure.stats import least_n
from flylab.measure.summary import interval_ranks, quantile

_MARKS = (0.5, 0.95, 0.99)
_BAND = tuple(each / 40 for each in range(1, 40))  # the shares at which the band is reckoned


def ecdf(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "ms",
    variant: str = "variant",
    x: str = "",
    log: bool = False,
) -> Figure:
    """One curve for each variant, from records of one observation each.

    Columns: ``value`` (a number), ``variant`` (text, may be missing), ``outcome`` (``ok`` or what went wrong; failures
    are counted beside the name and are not in the curve), ``provenance``. The band is the 95 % bootstrap interval of
    each quantile; marks stand at p50, p95 and p99 where there are enough values for them.
    """
    rows = [{variant: "", **row} for row in records(data, value)]
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds))
    sheet = Sheet(
        about,
        area=300,
        x=x or f"{value if value != about.unit else 'time'} in {about.unit}",
        y="share of all that took at most so long",
        mark="line",
    )
    table: list[Row] = []
    for number, (name, group) in enumerate(by(rows, variant).items()):
        color, symbol = series(number)
        kind = kind_of(group[0], 0, about.kinds[0])
        ok = [row for row in group if row.get("outcome", "ok") == "ok"]
        values = sorted(numeral(row, place, value, above=0.0 if log else None) for place, row in enumerate(ok))
        failed = len(group) - len(values)
        table.append({variant: name or "all", "n": len(group), "failed": failed, **_quantiles(values)})
        if values:
            label = f"{name or 'all'} (n = {len(group):,}{f', {failed:,} failed' if failed else ''})"
            _curve(sheet, label, values, color, symbol, kind)
    if not any(row["n"] > row["failed"] for row in table):
        sheet.say("No observation to show.")
    sheet.plot.update_yaxes(range=[0, 1.02], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 0.95])
    if log and any(row["p50"] is not None for row in table):
        shown = [float(each) for trace in sheet.plot.data for each in trace.x]
        sheet.marks_across(*formats.decades(min(shown), max(shown), about.unit))
    else:
        sheet.plot.update_xaxes(rangemode="tozero")
    says = [_sentence(row, variant, about.unit) for row in table]
    return sheet.done(
        "Distribution", title_of(title, table, lambda found: _finding(found, variant, about.unit)), table, says
    )


def _curve(sheet: Sheet, name: str, values: Sequence[float], color: str, symbol: str, kind: Provenance) -> None:
    look = sheet.key(name, color=color, kind=kind, mark="line", symbol=symbol)
    corners = distribution(values).points()
    low, high = _band(values)
    # The curve lies over its band, so the band comes first.
    sheet.plot.add_scatter(
        x=[*low, *reversed(high)],
        y=[*_BAND, *reversed(_BAND)],
        mode="lines",
        **shade(color),
        **{**look, "showlegend": False},
    )
    unit = sheet.about.unit
    sheet.plot.add_scatter(
        x=[corners[0][0], *(x for x, _ in corners)],
        y=[0.0, *(y for _, y in corners)],
        mode="lines",
        line={**stroke(kind, color), "shape": "hv"},
        hovertemplate=f"{name}: %{{y:.1%}} took at most %{{x:.4~g}} {unit}<extra></extra>",
        **look,
    )
    marks = [q for q in _MARKS if len(values) >= least_n(q)]
    sheet.plot.add_scatter(
        x=[quantile(values, q) for q in marks],
        y=marks,
        mode="markers",
        marker=dot(kind, color, symbol),
        cliponaxis=False,
        customdata=[f"p{100 * q:g}" for q in marks],
        hovertemplate=f"{name}: %{{customdata}} %{{x:.4~g}} {unit}<extra></extra>",
        **{**look, "showlegend": False},
    )


def _band(values: Sequence[float]) -> tuple[list[float], list[float]]:
    ranks = [_ranks(len(values), q) for q in _BAND]
    return [values[low - 1] for low, _ in ranks], [values[high - 1] for _, high in ranks]


@cache
def _ranks(n: int, q: float) -> tuple[int, int]:
    return interval_ranks(n, q)


def _quantiles(values: Sequence[float]) -> dict[str, Any]:
    return {f"p{100 * q:g}": quantile(values, q) if values and len(values) >= least_n(q) else None for q in _MARKS}


def _sentence(row: Row, variant: str, unit: str) -> str:
    given = [f"{name} {formats.quantity(row[name], unit)}" for name in ("p50", "p95", "p99") if row[name] is not None]
    return f"{row[variant]}: {', '.join(given) or 'no success'}, n {row['n']}, {row['failed']} failed"


def _finding(table: Sequence[Row], variant: str, unit: str) -> str:
    known = sorted((row["p50"], str(row[variant])) for row in table if row["p50"] is not None)
    if not known:
        return "Nothing was observed"
    if len(known) == 1:
        return f"Half of all took at most {formats.quantity(known[0][0], unit)}"
    (fast, first), (slow, last) = known[0], known[-1]
    return f"At the median, {first} takes {formats.quantity(fast, unit)} and {last} {formats.quantity(slow, unit)}"
