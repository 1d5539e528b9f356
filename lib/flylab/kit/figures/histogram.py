"""How often which size occurred: counts in equal classes, one row of bars or one outline for each variant."""

import math
from collections.abc import Sequence
from itertools import pairwise

from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, by, kind_of, kinds_of, numeral, records, title_of
from flylab.kit.figures.palette import fade, series
from flylab.kit.figures.sheet import Figure, Sheet, area
from flylab.measure.summary import quantile

_LEAST, _MOST = 5, 60  # classes; our choice


def histogram(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "ms",
    variant: str = "variant",
    x: str = "",
    bins: int | None = None,
) -> Figure:
    """Counts per class, from records of one observation each; columns as for ``ecdf``, failures are left out."""
    rows = [{variant: "", **row} for row in records(data, value)]
    ok = [row for row in rows if row.get("outcome", "ok") == "ok"]
    values = [numeral(row, place, value) for place, row in enumerate(ok)]
    note = f"{len(rows) - len(ok):,} failed and are not shown." if len(rows) > len(ok) else ""
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds), note=note)
    sheet = Sheet(about, area=260, x=x or f"{value if value != about.unit else 'time'} in {about.unit}", y="how many")
    edges = _edges(values, bins)
    table: list[Row] = []
    for number, (name, group) in enumerate(by(ok, variant).items()):
        mine = [float(row[value]) for row in group]
        counts = _counts(mine, edges)
        color, _ = series(number)
        label = f"{name or 'all'} (n = {len(mine):,})"
        look = sheet.key(label, color=color, kind=kind_of(group[0], 0, about.kinds[0]))
        marker = area(kind_of(group[0], 0, about.kinds[0]), color)
        # Faded inside, so that the median's line and another variant show through; the outline keeps its contrast.
        marker["line"]["width"] = 1.5
        marker["color"] = fade(color, 0.5)
        sheet.plot.add_bar(
            x=[(low + high) / 2 for low, high in pairwise(edges)],
            y=counts,
            width=(edges[1] - edges[0]) * 0.94,
            marker=marker,
            customdata=[f"{formats.number(low)} to {formats.number(high)}" for low, high in pairwise(edges)],
            hovertemplate=f"{label}<br>%{{customdata}} {about.unit}: %{{y}}<extra></extra>",
            **look,
        )
        middle = quantile(sorted(mine), 0.5)
        top = max(counts)
        sheet.plot.add_scatter(
            x=[middle, middle],
            y=[0, top * 1.08],
            mode="lines+text",
            line={"color": color, "width": 3},
            text=["", f"median {formats.quantity(middle, about.unit)}"],
            textposition="top center",
            cliponaxis=False,
            hovertemplate=f"{label}: median %{{x:.4~g}} {about.unit}<extra></extra>",
            **{**look, "showlegend": False},
        )
        table += [
            {variant: name or "all", "from": low, "to": high, "count": count}
            for low, high, count in zip(edges, edges[1:], counts, strict=False)
            if count
        ]
    if not values:
        sheet.say("No observation to show.")
    sheet.plot.update_layout(barmode="overlay", bargap=0)
    says = (
        [
            f"{len(values):,} values from {formats.quantity(min(values), about.unit)} to "
            f"{formats.quantity(max(values), about.unit)}"
        ]
        if values
        else []
    )
    return sheet.done("Histogram", title_of(title, table, lambda _: _finding(values, about.unit)), table, says)


def _edges(values: Sequence[float], bins: int | None) -> list[float]:
    """Equal classes by the rule of Freedman and Diaconis, at least five and at most sixty, around all values."""
    low, high = formats.span(values)
    if not values or low == high:
        half = abs(low) / 20 or 0.5
        return [low - half, low + half]
    ordered = sorted(values)
    spread = quantile(ordered, 0.75) - quantile(ordered, 0.25)
    wanted = bins or (math.ceil((high - low) / (2 * spread / len(values) ** (1 / 3))) if spread > 0 else _LEAST)
    count = max(min(wanted, _MOST), 1 if bins else _LEAST)
    return [low + (high - low) * each / count for each in range(count + 1)]


def _counts(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    width = edges[1] - edges[0]
    found = [0] * (len(edges) - 1)
    for each in values:
        found[min(int((each - edges[0]) / width), len(found) - 1)] += 1
    return found


def _finding(values: Sequence[float], unit: str) -> str:
    if not values:
        return "Nothing was observed"
    ordered = sorted(values)
    low, high = quantile(ordered, 0.25), quantile(ordered, 0.75)
    return f"Half of all lie between {formats.quantity(low, unit)} and {formats.quantity(high, unit)}"
