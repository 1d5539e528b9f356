"""The world map: our own land outline, regions, edges, machines and arcs; it makes no request to anywhere."""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

from flylab.errors import UsageError
from flylab.kit import geo
from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, kinds_of, maybe, records, title_of
from flylab.kit.figures.palette import COAST, INK, LAND, SERIES, Provenance
from flylab.kit.figures.sheet import Figure, Sheet, stroke
from flylab.kit.figures.theme import CLEAR, SIZE
from flylab.published.network import Region, regions

_WIDE, _PHONE = 860, 340  # widths, in pixels, for which labels are placed
_NAMED = 9  # arcs that say how long they take; more would cover each other


def world_map(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    machines: Mapping[str, int] | None = None,
    edges: Sequence[str] = (),
    value: str = "ms",
    what: str = "arc",
) -> Figure:
    """Machines per region as filled circles, edges as open squares, and an arc for each record of ``from``, ``to``.

    ``value`` (may be missing) is what an arc says when it is pointed at; ``what`` names the arcs in the legend. A
    region that ``published/regions.csv`` does not know is refused.
    """
    rows = records(data, "from", "to")
    machines = machines or {}
    places = {region.code: region for region in regions()}
    for code in [*machines, *edges, *(str(row[end]) for row in rows for end in ("from", "to"))]:
        if code not in places:
            raise UsageError(f"there is no region {code!r}; there are {', '.join(places)}")
    about = about.of(n=len(rows) or sum(machines.values()) or len(edges), kinds=kinds_of(rows, about.kinds))
    sheet = Sheet(about, area=370, mark="line" if rows else "dot")
    sheet.narrow_area = 210
    _land(sheet)
    arcs = [row for row in rows if row["from"] != row["to"]]
    for place, row in enumerate(arcs):
        _arc(sheet, row, place, places, value, what, named=len(arcs) <= _NAMED)
    labelled = list(dict.fromkeys([*machines, *(str(row[end]) for row in rows for end in ("from", "to"))]))
    bare = [code for code in edges if code not in machines]
    if edges:
        _edges(sheet, edges, places, machines)
        labelled += [code for code in bare if code not in labelled]
    if machines:
        _machines(sheet, machines, places)
    _labels(sheet, labelled, places, set(edges) & set(machines))
    table: list[Row] = [
        {"from": row["from"], "to": row["to"]} | ({about.unit: row.get(value)} if value in row else {}) for row in rows
    ]
    table += [{"region": code, "city": places[code].city, "machines": count} for code, count in machines.items()]
    table += [{"region": code, "city": places[code].city, "machines": 0} for code in bare]
    says = [f"{count} machine{'' if count == 1 else 's'} in {places[code].city}" for code, count in machines.items()]
    says += [f"{row['from']} to {row['to']}" for row in arcs]
    return sheet.done(
        "World map", title_of(title, table, lambda _: _finding(machines, edges, arcs, value, about.unit)), table, says
    )


def _land(sheet: Sheet) -> None:
    longitudes, latitudes = geo.outline()
    # One filled outline per figure; a default map would fetch its own from outside and draw nothing offline.
    sheet.plot.add_scattergeo(
        lon=longitudes,
        lat=latitudes,
        mode="lines",
        fill="toself",
        fillcolor=LAND,
        line={"color": COAST, "width": 0.5},
        hoverinfo="skip",
        showlegend=False,
    )
    sheet.plot.update_geos(
        visible=False, projection_type="natural earth", lataxis_range=[-56, 76], lonaxis_range=[-170, 190]
    )


def _arc(
    sheet: Sheet, row: Row, place: int, places: Mapping[str, Region], value: str, what: str, *, named: bool
) -> None:
    ends = (places[str(row["from"])], places[str(row["to"])])
    took = maybe(row, place, value)
    kind = Provenance(row.get("provenance") or sheet.about.kinds[0])
    color = INK[kind].color if kind is not Provenance.MEASURED else SERIES[1]
    name = what if len(sheet.about.kinds) == 1 else f"{what} ({kind})"
    words = f"{ends[0].code} → {ends[1].code}"
    if took is not None:
        words += f": {formats.quantity(took, sheet.about.unit)}"
    sheet.plot.add_scattergeo(
        lon=[end.longitude for end in ends],
        lat=[end.latitude for end in ends],
        mode="lines",
        line=stroke(kind, color),
        text=words,
        hovertemplate=f"{words}<extra></extra>",
        **sheet.key(name, color=color, kind=kind, mark="line", symbol="-"),
    )


def _edges(sheet: Sheet, codes: Sequence[str], places: Mapping[str, Region], machines: Mapping[str, int]) -> None:
    color = INK[Provenance.CONFIGURED].color
    sheet.plot.add_scattergeo(
        lon=[places[code].longitude for code in codes],
        lat=[places[code].latitude for code in codes],
        mode="markers",
        marker={
            "symbol": "square-open",
            "size": [19 if code in machines else 10 for code in codes],
            "color": color,
            "line": {"width": 2},
        },
        text=[f"{code} · {places[code].city}: an edge" for code in codes],
        hovertemplate="%{text}<extra></extra>",
        **sheet.key("edge", color=color, kind=Provenance.CONFIGURED, mark="dot", symbol="square-open"),
    )
    sheet.on_narrow(marker={"size": [14 if code in machines else 7 for code in codes], "line": {"width": 1.5}})


def _machines(sheet: Sheet, machines: Mapping[str, int], places: Mapping[str, Region]) -> None:
    words = [f"{code} · {places[code].city}: {count} machine(s)" for code, count in machines.items()]
    sheet.plot.add_scattergeo(
        lon=[places[code].longitude for code in machines],
        lat=[places[code].latitude for code in machines],
        mode="markers",
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        marker={
            "size": [9 + 2 * min(count, 6) for count in machines.values()],
            "color": SERIES[0],
            "line": {"width": 0},
            "opacity": 1,
        },
        **sheet.key("machines", color=SERIES[0], kind=Provenance.MEASURED, mark="dot", symbol="circle"),
    )


_SIDES = {
    "top center": (0, -1),
    "bottom center": (0, 1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (0.9, -0.8),
    "bottom right": (0.9, 0.8),
    "top left": (-0.9, -0.8),
    "bottom left": (-0.9, 0.8),
}


def _labels(sheet: Sheet, codes: Sequence[str], places: Mapping[str, Region], framed: set[str]) -> None:
    """The codes beside their places, each where it covers no other; what finds no room is told on pointing at it."""
    if not codes:
        return
    wide, small = (_placed(codes, places, width) for width in (_WIDE, _PHONE))
    sheet.plot.add_scattergeo(
        lon=[places[code].longitude for code in codes],
        lat=[places[code].latitude for code in codes],
        mode="markers+text",
        # Keeps the text off the mark of its place, which is an edge with a machine in it at the largest.
        marker={"size": [24 if code in framed else 17 for code in codes], "color": CLEAR, "line": {"width": 0}},
        text=[code if code in wide else "" for code in codes],
        textposition=[wide.get(code, "top center") for code in codes],
        textfont={"size": SIZE - 1},
        hoverinfo="skip",
        showlegend=False,
    )
    sheet.on_narrow(
        text=[code if code in small else "" for code in codes],
        textposition=[small.get(code, "top center") for code in codes],
        textfont={"size": SIZE - 1},
    )


def _placed(codes: Sequence[str], places: Mapping[str, Region], width: int) -> dict[str, str]:
    points = {code: _pixel(places[code], width) for code in codes}
    taken: list[tuple[float, float]] = []
    found: dict[str, str] = {}
    for code in codes:
        x, y = points[code]
        for side, (right, down) in _SIDES.items():
            middle = (x + right * 22, y + down * 14)
            # A label is some 22 × 12 pixels; a dot has a radius of 6.
            clear = all(abs(middle[0] - ox) >= 25 or abs(middle[1] - oy) >= 13 for ox, oy in taken)
            free = all(
                hypot((middle[0] - ox) / 1.7, middle[1] - oy) >= 11
                for other, (ox, oy) in points.items()
                if other != code
            )
            if clear and free:
                taken.append(middle)
                found[code] = side
                break
    return found


def _pixel(region: Region, width: int) -> tuple[float, float]:
    # Plate carrée is near enough to tell whether two labels would meet.
    return region.longitude / 360 * width, -region.latitude / 360 * width * 1.15


def _finding(
    machines: Mapping[str, int], edges: Sequence[str], arcs: Sequence[Mapping[str, Any]], value: str, unit: str
) -> str:
    known = [row for row in arcs if row.get(value) is not None]
    if known:
        far = max(known, key=lambda row: float(row[value]))
        return f"The longest way is {far['from']} → {far['to']}: {formats.quantity(float(far[value]), unit)}"
    if machines:
        return f"{sum(machines.values())} machines in {len(machines)} regions"
    return f"{len(edges)} edges" if edges else f"{len(arcs)} ways between regions"
