"""A matrix of round trips between regions, from west to east; or how far they lie from what was configured."""

from collections.abc import Mapping, Sequence
from typing import Any

from flylab.errors import UsageError
from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, kinds_of, maybe, numeral, records, title_of
from flylab.kit.figures.palette import LESS_OR_MORE, SCALE, legible, on
from flylab.kit.figures.sheet import Figure, Sheet
from flylab.kit.figures.theme import SIZE
from flylab.published.network import regions

# From west to east, so that neighbours on the map are neighbours in the matrix.
_ORDER = ("north_america", "south_america", "europe", "africa", "asia_pacific")


def heat_map(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "ms",
    mode: str = "value",
    configured: str = "configured_ms",
) -> Figure:
    """One cell for each pair of regions. Columns: ``from``, ``to``, ``value``, and ``configured`` for the other mode.

    ``mode="difference"`` shows observed minus configured: blue is faster than configured, orange slower.
    """
    if mode not in ("value", "difference"):
        raise UsageError(f"a heat map has no mode {mode!r}; there are 'value' and 'difference'")
    rows = records(data, "from", "to", value, *([configured] if mode == "difference" else []))
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds))
    cells: dict[tuple[str, str], float] = {}
    for place, row in enumerate(rows):
        pair = (str(row["from"]), str(row["to"]))
        if pair in cells:
            raise UsageError(f"record {place}: there is a value from {pair[0]} to {pair[1]} already")
        shown = numeral(row, place, value)
        cells[pair] = shown - (maybe(row, place, configured) or 0.0) if mode == "difference" else shown
    names = by_geography({name for pair in cells for name in pair})
    sheet = Sheet(about, area=max(180, 34 * len(names) + 20), mark="cell")
    sheet.narrow_area = max(150, min(340, 40 * len(names)))
    table = [
        {"from": row["from"], "to": row["to"], value: row[value]}
        | (
            {configured: row[configured], "difference": cells[str(row["from"]), str(row["to"])]}
            if mode == "difference"
            else {}
        )
        | ({"provenance": row["provenance"]} if "provenance" in row else {})
        for row in rows
    ]
    if names:
        _draw(sheet, names, cells, mode)
    else:
        sheet.say("No pair of regions to show.")
    low, high = formats.span(list(cells.values()))
    says = [f"from {formats.quantity(low, about.unit)} to {formats.quantity(high, about.unit)}"] if cells else []
    return sheet.done(
        "Matrix of regions", title_of(title, table, lambda _: _finding(cells, about.unit, mode)), table, says
    )


def by_geography(codes: set[str]) -> list[str]:
    """Continent by continent and from west to east within each; codes that no table knows come last."""
    known = {region.code: region for region in regions()}

    def place(code: str) -> tuple[int, float, str]:
        region = known.get(code)
        if region is None:
            return (len(_ORDER) + 1, 0.0, code)
        area = _ORDER.index(region.geo_region) if region.geo_region in _ORDER else len(_ORDER)
        return (area, region.longitude, code)

    return sorted(codes, key=place)


def _draw(sheet: Sheet, names: Sequence[str], cells: Mapping[tuple[str, str], float], mode: str) -> None:
    unit = sheet.about.unit
    scale = SCALE if mode == "value" else LESS_OR_MORE
    low, high = formats.span(list(cells.values()))
    if mode == "difference":
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    elif low == high:
        low, high = min(low, 0.0), high or 1.0
    else:
        low = min(low, 0.0) if low < 0 else 0.0
    places = list(range(len(names)))
    sheet.plot.add_heatmap(
        x=places,
        y=places,
        z=[[cells.get((a, b)) for b in names] for a in names],
        zmin=low,
        zmax=high,
        colorscale=[[i / (len(scale) - 1), color] for i, color in enumerate(scale)],
        xgap=1,
        ygap=1,
        customdata=[[_words(a, b, cells.get((a, b)), unit, mode) for b in names] for a in names],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        colorbar={"thickness": 12, "outlinewidth": 0, "ticksuffix": f" {unit}", "len": 1.0, "nticks": 6},
        showscale=True,
    )
    sheet.on_narrow(showscale=False)
    known = [(i, j, cells[a, b]) for i, a in enumerate(names) for j, b in enumerate(names) if (a, b) in cells]
    sheet.plot.add_scatter(
        x=[j for _, j, _ in known],
        y=[i for i, _, _ in known],
        text=[_short(each, mode) for _, _, each in known],
        mode="text",
        textfont={"size": SIZE - 1, "color": [legible(on(scale, (each - low) / (high - low))) for _, _, each in known]},
        hoverinfo="skip",
        showlegend=False,
    )
    # Eighteen columns on a phone leave a cell 17 pixels: no number fits, the colour and the table remain.
    if len(names) > 8:
        sheet.on_narrow(visible=False)
    axis: dict[str, Any] = {"tickvals": places, "ticktext": list(names), "showgrid": False, "ticklabelstandoff": 4}
    ends = [-0.5, len(names) - 0.5]
    sheet.plot.update_xaxes(**axis, range=ends, side="bottom", tickangle=-90 if len(names) > 12 else 0)
    sheet.plot.update_yaxes(**axis, range=ends[::-1])
    sheet.lines_below(1 if len(names) > 8 else 0)
    small = {"tickfont": {"size": SIZE - 1}}
    sheet.narrow.update({"xaxis": {**small, "tickangle": -90 if len(names) > 8 else 0}, "yaxis": small})


def _short(value: float, mode: str) -> str:
    text = f"{value:.0f}" if abs(value) >= 9.95 or value == round(value) else f"{value:.1f}"
    return f"+{text}" if mode == "difference" and value > 0 else text


def _words(a: str, b: str, value: float | None, unit: str, mode: str) -> str:
    if value is None:
        return f"{a} → {b}: not known"
    if mode == "value":
        return f"{a} → {b}: {formats.quantity(value, unit)}"
    side = "more" if value > 0 else "less"
    return f"{a} → {b}: {formats.quantity(abs(value), unit)} {side} than configured"


def _finding(cells: Mapping[tuple[str, str], float], unit: str, mode: str) -> str:
    apart = {pair: each for pair, each in cells.items() if pair[0] != pair[1]} or dict(cells)
    if not apart:
        return "No pair of regions is known"
    (a, b), most = max(apart.items(), key=lambda item: abs(item[1]))
    if mode == "difference":
        sign = "above" if most > 0 else "below"
        far = formats.quantity(abs(most), unit)
        return f"No round trip is farther from its configured value than {a} → {b}: {far} {sign} it"
    least = min(apart.values())
    return f"Round trips go from {formats.quantity(least, unit)} to {formats.quantity(most, unit)} ({a} → {b})"
