"""Values or effects with their intervals, one row each: what differs, by how much, and how well that is known."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from flylab.errors import UsageError
from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, kind_of, kinds_of, maybe, numeral, records, title_of, verified
from flylab.kit.figures.palette import INK, Provenance, fade
from flylab.kit.figures.sheet import Figure, Sheet, dot
from flylab.measure.stats import Effect, Floor

UNVERIFIED = "†: nobody could check it in its source."


def comparison(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "value",
    x: str = "",
    zero: bool = False,
    floor: float | None = None,
    log: bool = False,
) -> Figure:
    """A point with its interval for each record. Columns: ``name``, ``value``; ``low`` and ``high``, ``n``,
    ``provenance``, ``verified`` and ``text`` (what is said on pointing at it) may be missing.

    ``zero`` draws the line of no difference; ``floor`` the band of what two equal variants would show (A/A).
    """
    rows = records(data, "name", value)
    least = 0.0 if log else None
    for place, row in enumerate(rows):
        shown = numeral(row, place, value, above=least)
        low, high = maybe(row, place, "low"), maybe(row, place, "high")
        if not (shown if low is None else low) <= shown <= (shown if high is None else high):
            raise UsageError(f"record {place}: {shown:g} lies outside of its interval, {low} to {high}")
        if log and low is not None and low <= 0:
            raise UsageError(f"record {place}: low is {low:g}, and a logarithmic axis begins above 0")
    doubtful = any(not verified(row) for row in rows)
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds), note=UNVERIFIED if doubtful else "")
    sheet = Sheet(about, area=0, x=x or f"{value if value != 'value' else 'value'} in {about.unit}", mark="dot")
    names = [str(row["name"]) + ("" if verified(row) else " †") for row in rows]
    sheet.named_rows(names, pitch=28)
    if floor is not None:
        sheet.plot.add_vrect(x0=-floor, x1=floor, fillcolor=fade("#848b96", 0.22), line_width=0, layer="below")
    if zero:
        sheet.plot.add_vline(x=0, line={"color": "#848b96", "width": 1.5})
    _points(sheet, rows, names, value)
    if log and rows:
        ends = [float(row[name]) for row in rows for name in (value, "low", "high") if row.get(name) is not None]
        sheet.marks_across(*formats.decades(min(ends), max(ends), about.unit))
    if not rows:
        sheet.say("Nothing to compare.")
    columns = ("name", value, "low", "high", "n", "provenance", "source", "date", "status")
    table = [{name: row[name] for name in columns if name in row} for row in rows]
    says = [_sentence(row, name, value, about.unit) for row, name in zip(rows, names, strict=True)]
    return sheet.done(
        "Values with intervals",
        title_of(title, table, lambda _: _finding(rows, value, about.unit, zero=zero, floor=floor)),
        table,
        says,
    )


def effects(
    found: Mapping[str, Effect],
    about: Basis,
    *,
    title: Finding = None,
    floor: Floor | None = None,
    scale: float = 1000,
    x: str = "",
) -> Figure:
    """What ``flylab.measure.stats.compare`` and its kin found, by name, beside the noise; seconds times ``scale``."""
    rows: list[Row] = [
        {
            "name": name,
            "value": scale * each.difference,
            "n": each.n_a + each.n_b,
            "text": each.text(),
            "low": None if each.interval is None else scale * each.interval.low,
            "high": None if each.interval is None else scale * each.interval.high,
        }
        for name, each in found.items()
    ]
    noise = "" if floor is None else f"Grey band: what two equal variants show here ({floor.n} rounds)."
    about = about.of(n=sum(row["n"] for row in rows), note=noise)
    band = None if floor is None else scale * floor.effect
    return comparison(
        rows, about, title=title, x=x or f"difference in {about.unit}, 95 % interval", zero=True, floor=band
    )


def _points(sheet: Sheet, rows: Sequence[Row], names: Sequence[str], value: str) -> None:
    kinds = [kind_of(row, place, sheet.about.kinds[0]) for place, row in enumerate(rows)]
    # Points without an interval go by themselves: plotly draws the ends of an interval of no length as a line.
    alike: dict[tuple[Provenance, bool, bool], list[int]] = {}
    for place, row in enumerate(rows):
        between = row.get("low") is not None or row.get("high") is not None
        alike.setdefault((kinds[place], verified(row), between), []).append(place)
    for (kind, sure, between), mine in alike.items():
        marker = dot(kind, sure=sure, size=10)
        sheet.plot.add_scatter(
            x=[float(rows[place][value]) for place in mine],
            y=mine,
            mode="markers",
            marker=marker,
            error_x=_error([rows[place] for place in mine], value, kind) if between else None,
            customdata=[_hint(rows[place], names[place], value, sheet.about.unit) for place in mine],
            hovertemplate="%{customdata}<extra></extra>",
            **sheet.key(
                INK[kind].meaning + ("" if sure else ", not verified †"),
                color=INK[kind].color,
                kind=kind,
                mark="dot",
                symbol=marker["symbol"],
            ),
        )


def _error(rows: Sequence[Row], value: str, kind: Provenance) -> dict[str, Any]:
    plus = [0.0 if row.get("high") is None else float(row["high"]) - float(row[value]) for row in rows]
    minus = [0.0 if row.get("low") is None else float(row[value]) - float(row["low"]) for row in rows]
    look = {"color": INK[kind].color, "thickness": 2, "width": 6}
    return {"type": "data", "symmetric": False, "array": plus, "arrayminus": minus, **look}


def _hint(row: Row, name: str, value: str, unit: str) -> str:
    return str(row.get("text") or _sentence(row, name, value, unit)).replace("; ", "<br>")


def _sentence(row: Row, name: str, value: str, unit: str) -> str:
    between = ""
    if row.get("low") is not None or row.get("high") is not None:
        ends = (row.get("low", row[value]), row.get("high", row[value]))
        low, high = (formats.quantity(float(row[value] if end is None else end), unit) for end in ends)
        between = f" ({low} to {high})"
    return f"{name}: {formats.quantity(float(row[value]), unit)}{between}"


def _finding(rows: Sequence[Row], value: str, unit: str, *, zero: bool, floor: float | None) -> str:
    if not rows:
        return "Nothing was compared"
    if not zero:
        ordered = sorted(rows, key=lambda row: float(row[value]))
        names = [textwrap.shorten(str(row["name"]), 44, placeholder=" …") for row in (ordered[0], ordered[-1])]
        values = [formats.quantity(float(row[value]), unit) for row in (ordered[0], ordered[-1])]
        ends = [f"{shown} ({name})" for shown, name in zip(values, names, strict=True)]
        return f"From {ends[0]} to {ends[1]}" if len(rows) > 1 else ends[0]
    sure = [row for row in rows if _differs(row, value, floor)]
    if not sure:
        return "No difference stands out from the noise"
    most = max(sure, key=lambda row: abs(float(row[value])))
    many = f"{len(sure)} of {len(rows)} differ" if len(rows) > 1 else "There is a difference"
    sign = "+" if float(most[value]) > 0 else ""
    return f"{many}, {most['name']} the most: {sign}{formats.quantity(float(most[value]), unit)}"


def _differs(row: Row, value: str, floor: float | None) -> bool:
    if row.get("low") is None or row.get("high") is None:
        return False
    outside = not float(row["low"]) <= 0 <= float(row["high"])
    return outside and (floor is None or abs(float(row[value])) > floor)
