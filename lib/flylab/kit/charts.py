"""The kinds of chart that chapters draw of a few numbers; how they look is decided in ``figures``."""

import textwrap
from collections.abc import Mapping, Sequence

from flylab.errors import UsageError
from flylab.kit.figures import INK, SERIES, Basis, Figure, Provenance, Sheet, median
from flylab.kit.figures.data import Row
from flylab.kit.figures.formats import quantity
from flylab.kit.figures.palette import series
from flylab.kit.figures.sheet import area, dot


def dots(title: str, groups: Mapping[str, Sequence[float]], about: Basis, *, x: str, kind: str = "measured") -> Figure:
    """Every sample as a dot, one row per group, with a bar at the median: what small n deserves instead of a box."""
    sheet = Sheet(about.of(n=sum(map(len, groups.values()))), area=0, x=x, mark="dot")
    sheet.named_rows(list(groups), pitch=44)
    look = INK[Provenance(kind)]
    table: list[Row] = []
    for row, (name, values) in enumerate(groups.items()):
        if not values:
            table.append({"name": name, "n": 0})
            continue
        # A fixed fan of offsets keeps dots of equal value apart without chance, so the figure can be made again.
        spread = [row + ((i * 7) % 11 - 5) / 24 for i in range(len(values))]
        hover = f"{name}: %{{x:.4~g}} {about.unit}<extra></extra>"
        marker = {**dot(Provenance(kind), size=7), "opacity": 0.85}
        sheet.plot.add_scatter(x=list(values), y=spread, mode="markers", marker=marker, name=name, hovertemplate=hover)
        middle = median(values)
        sheet.plot.add_scatter(
            x=[middle, middle],
            y=[row - 0.3, row + 0.3],
            mode="lines",
            line={"color": look.color, "width": 3},
            hovertemplate=f"{name}: median %{{x:.4~g}} {about.unit}<extra></extra>",
        )
        table.append({"name": name, "n": len(values), "least": min(values), "median": middle, "most": max(values)})
    if not any(map(len, groups.values())):
        sheet.say("No sample to show.")
    sheet.plot.update_xaxes(rangemode="tozero")
    says = [f"{row['name']}: median {quantity(row['median'], about.unit)}, n {row['n']}" for row in table if row["n"]]
    return sheet.done("Every sample as a dot", title, table, says)


def stacked(
    title: str, rows: Sequence[str], parts: Mapping[str, tuple[str, Sequence[float]]], about: Basis, *, x: str
) -> Figure:
    """Horizontal bars made of parts; ``parts`` maps a part's name to its kind and to one value per row."""
    sheet = Sheet(about.of(n=len(rows)), area=0, x=x)
    sheet.named_rows(rows, pitch=34)
    solid, table = 0, list[Row]()
    for name, (said, values) in parts.items():
        kind = Provenance(said)
        if len(values) != len(rows):
            raise UsageError(f"{name!r} has {len(values)} values for {len(rows)} rows")
        color = series(solid)[0] if kind is Provenance.MEASURED else INK[kind].color
        solid += kind is Provenance.MEASURED
        sheet.plot.add_bar(
            y=list(range(len(rows))),
            x=list(values),
            width=0.6,
            orientation="h",
            marker=area(kind, color),
            customdata=list(rows),
            hovertemplate=f"%{{customdata}}, {name}: %{{x:.4~g}} {about.unit}<extra></extra>",
            **sheet.key(name, color=color, kind=kind),
        )
        table += [
            {"row": row, "part": name, about.unit: value, "provenance": kind.value}
            for row, value in zip(rows, values, strict=True)
        ]
    sheet.plot.update_layout(barmode="stack").update_xaxes(rangemode="tozero")
    totals = {row: sum(values[place] for _, values in parts.values()) for place, row in enumerate(rows)}
    return sheet.done("Bars", title, table, [f"{row}: {quantity(total, about.unit)}" for row, total in totals.items()])


def bars(title: str, values: Mapping[str, float], about: Basis, *, x: str, kind: str = "measured") -> Figure:
    """One horizontal bar per name, the longest first."""
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))
    return stacked(title, list(ordered), {kind: (kind, list(ordered.values()))}, about, x=x)


def grouped(
    title: str,
    rows: Sequence[str],
    groups: Mapping[str, Sequence[float]],
    about: Basis,
    *,
    y: str,
    kind: str = "measured",
) -> Figure:
    """Bars side by side: one group of them for each row, the number written on each."""
    sheet = Sheet(about.of(n=len(rows)), area=270, y=y)
    table: list[Row] = []
    for (name, values), color in zip(groups.items(), (*SERIES, *SERIES), strict=False):
        sheet.plot.add_bar(
            x=list(range(len(rows))),
            y=list(values),
            text=[f"{value:g}" for value in values],
            textposition="outside",
            cliponaxis=False,
            marker=area(Provenance(kind), color),
            customdata=list(rows),
            hovertemplate=f"%{{customdata}}, {name}: %{{y:g}}<extra></extra>",
            **sheet.key(name, color=color, kind=Provenance(kind)),
        )
        table += [{"row": row, "group": name, about.unit: value} for row, value in zip(rows, values, strict=False)]
    names = ["<br>".join(textwrap.wrap(row, 22)) for row in rows]
    sheet.plot.update_layout(barmode="group", bargap=0.35)
    sheet.plot.update_xaxes(tickvals=list(range(len(rows))), ticktext=names, tickangle=0)
    sheet.narrow["xaxis"] = {"ticktext": ["<br>".join(textwrap.wrap(row, 10)) for row in rows]}
    sheet.lines_below(max((name.count("<br>") for name in sheet.narrow["xaxis"]["ticktext"]), default=0))
    most = max((value for values in groups.values() for value in values), default=0)
    sheet.plot.update_yaxes(range=[0, most * 1.15 or 1])
    return sheet.done(
        "Bars side by side", title, table, [f"{r['row']}, {r['group']}: {r[about.unit]:g}" for r in table]
    )
