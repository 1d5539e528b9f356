"""What each offer costs over a load, where two cost the same, and how far a bill moves with what was assumed."""

import textwrap
from collections.abc import Mapping, Sequence

from flylab.errors import UsageError
from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.comparison import UNVERIFIED
from flylab.kit.figures.data import Finding, Row, by, kind_of, kinds_of, maybe, numeral, records, title_of, verified
from flylab.kit.figures.palette import series
from flylab.kit.figures.sheet import Figure, Sheet, dot, shade, stroke


def cost_curves(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    load: str = "load",
    value: str = "usd",
    offer: str = "offer",
    x: str = "",
    y: str = "",
    break_evens: Sequence[Mapping[str, object]] = (),
    log: bool = True,
) -> Figure:
    """One line for each offer, over a load. Columns: ``offer``, ``load``, ``value``; ``low`` and ``high`` (the band
    when what was assumed is varied), ``verified`` and ``provenance`` may be missing.

    ``break_evens`` have ``load``, ``value`` and ``between``, the names of two offers. Both axes are logarithmic
    unless a value is 0, which such an axis has no place for: then the axis in question is linear.
    """
    rows = records(data, offer, load, value)
    for place, row in enumerate(rows):
        numeral(row, place, load, least=0.0)
        shown = numeral(row, place, value, least=0.0)
        low, high = maybe(row, place, "low", least=0.0), maybe(row, place, "high", least=0.0)
        if not (shown if low is None else low) <= shown <= (shown if high is None else high):
            raise UsageError(f"record {place}: {shown:g} lies outside of its band, {low} to {high}")
    doubtful = any(not verified(row) for row in rows)
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds), note=UNVERIFIED if doubtful else "")
    sheet = Sheet(about, area=380, x=x or load, y=y or f"{about.unit} a month", mark="line")
    table: list[Row] = []
    for number, (name, group) in enumerate(by(rows, offer).items()):
        _line(sheet, number, str(name), sorted(group, key=lambda row: float(row[load])), load, value)
        columns = (offer, load, value, "low", "high", "provenance")
        table += [{column: row[column] for column in columns if column in row} for row in group]
    _break_evens(sheet, records(list(break_evens), load, value, "between"), load, value)
    for axis, name in ((sheet.plot.update_xaxes, load), (sheet.plot.update_yaxes, value)):
        ends = [
            float(row[column])
            for row in rows
            for column in ((name, "low", "high") if name == value else (name,))
            if row.get(column) is not None
        ]
        if log and ends and min(ends) > 0 and min(ends) < max(ends):
            marks, texts = formats.decades(min(ends), max(ends), "USD" if name == value else "")
            texts = [text.removesuffix(" USD").removesuffix(".00") for text in texts]
            if name == load:
                sheet.marks_across(marks, texts)
            else:
                axis(type="log", tickvals=marks, ticktext=texts)
        else:
            axis(rangemode="tozero")
    if not rows:
        sheet.say("No bill to show.")
    says = [
        f"{name}: {formats.quantity(float(group[-1][value]), about.unit)} at {formats.number(float(group[-1][load]))}"
        for name, group in by(rows, offer).items()
    ]
    return sheet.done(
        "Costs over load", title_of(title, table, lambda _: _finding(rows, load, value, offer, about.unit)), table, says
    )


def _line(sheet: Sheet, number: int, name: str, group: Sequence[Row], load: str, value: str) -> None:
    color, symbol = series(number)
    kind = kind_of(group[0], 0, sheet.about.kinds[0])
    label = name if all(verified(row) for row in group) else f"{name} †"
    look = sheet.key(label, color=color, kind=kind, mark="line", symbol=symbol)
    at = [float(row[load]) for row in group]
    banded = [row for row in group if row.get("low") is not None and row.get("high") is not None]
    if len(banded) > 1:
        across = [float(row[load]) for row in banded]
        sheet.plot.add_scatter(
            x=[*across, *reversed(across)],
            y=[*(float(row["low"]) for row in banded), *(float(row["high"]) for row in reversed(banded))],
            mode="lines",
            **shade(color, 0.11),
            **{**look, "showlegend": False},
        )
    sheet.plot.add_scatter(
        x=at,
        y=[float(row[value]) for row in group],
        mode="lines+markers",
        line=stroke(kind, color),
        marker={**dot(kind, color, symbol, 7), "maxdisplayed": 7},
        customdata=[formats.quantity(float(row[value]), sheet.about.unit) for row in group],
        hovertemplate=f"{label}<br>%{{x:.4~g}}: %{{customdata}}<extra></extra>",
        **look,
    )


def _break_evens(sheet: Sheet, rows: Sequence[Row], load: str, value: str) -> None:
    if not rows:
        return
    rows = sorted(rows, key=lambda row: float(numeral(row, 0, load)))
    words = [
        f"{' and '.join(map(str, row['between']))}<br>cost the same at {formats.number(float(row[load]))}: "
        f"{formats.quantity(float(row[value]), sheet.about.unit)}"
        for row in rows
    ]
    sheet.plot.add_scatter(
        x=[numeral(row, place, load) for place, row in enumerate(rows)],
        y=[numeral(row, place, value) for place, row in enumerate(rows)],
        mode="markers+text",
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        text=[f"at {formats.number(float(row[load]))}" for row in rows],
        # In turn below and above, for two that are near each other.
        textposition=["top left" if place % 2 else "bottom right" for place in range(len(rows))],
        marker={"symbol": "circle-open", "size": 15, "color": "#848b96", "line": {"width": 3}},
        **sheet.key("break-even", color="#848b96", kind=sheet.about.kinds[0], mark="dot", symbol="circle-open"),
    )


def _finding(rows: Sequence[Row], load: str, value: str, offer: str, unit: str) -> str:
    if not rows:
        return "Nothing was reckoned"
    most = max(float(row[load]) for row in rows)
    there = sorted((float(row[value]), str(row[offer])) for row in rows if float(row[load]) == most)
    (least, cheap), (dear, last) = there[0], there[-1]
    at = f"At {formats.number(most)} of {load}" if load == "load" else f"At {formats.number(most)} {load}"
    if cheap == last:
        return f"{at}, {_short(cheap)} costs {formats.quantity(least, unit)} a month"
    ends = [f"{formats.quantity(usd, unit)} ({_short(name)})" for usd, name in ((least, cheap), (dear, last))]
    return f"{at}, a month costs from {ends[0]} to {ends[1]}"


def _short(name: str) -> str:
    return textwrap.shorten(name, 44, placeholder=" …")
