"""A figure as a piece of a web page: title, legend and footer as text that wraps, the plot as data, and a table.

The write-up's ``figures.js`` draws the data in the reader's theme and at the width that there is.
"""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flylab.kit import geo
from flylab.kit.figures.palette import INK, Provenance
from flylab.kit.figures.table import table_html, thinned

_OURS = ("template", "title", "meta", "height", "showlegend", "legend")
_TOP, _SIDE = 10, 10  # margins of the plot alone, in pixels
_DIGITS = 6  # of numbers that are drawn: no screen shows more (our choice)
_WHOLE = 1e6  # numbers from here on, such as times, keep all their digits


def fragment(plot: Mapping[str, Any], download: str = "") -> str:
    """HTML of a figure in plotly's JSON; one that another library made is shown with what it says of itself.

    ``download`` is the address of a file with all rows of its table, which itself may show some of them only.
    """
    given = plot["layout"]
    meta = given.get("meta") or {}
    kinds, keys = meta.get("kinds") or [], meta.get("keys") or []
    title = str(meta.get("title") or (given.get("title") or {}).get("text") or "")
    caption, alt = str(meta.get("caption", "")), str(meta.get("alt", ""))
    # What the legend explains need not be said twice.
    footer = str(meta.get("footer", caption)) if keys and len(kinds) > 1 else caption
    narrow = meta.get("narrow") or {}
    space = _TOP + meta.get("above", 0) + meta.get("below", 56)
    area = meta.get("area", 300)
    layout = {name: value for name, value in given.items() if name not in _OURS}
    layout["annotations"] = _without_caption(layout)
    layout["margin"] = {"l": _SIDE, "r": _SIDE, "t": _TOP + meta.get("above", 0), "b": meta.get("below", 56)}
    layout["showlegend"] = False
    small = dict(narrow.get("layout") or {})
    if small.get("annotations"):
        small["annotations"] = [*layout["annotations"], *small["annotations"]]
    spec = {
        "data": [_without_land(trace) for trace in plot["data"]],
        "layout": layout,
        "narrow": {"traces": narrow.get("traces") or {}, "layout": small},
    }
    # "</" would end the script element in the middle of a label.
    data = json.dumps(_short(spec), separators=(",", ":")).replace("</", "<\\/")
    label = html.escape(alt or f"{title} ({caption})", quote=True)
    details = _numbers(meta.get("table") or [], title, download)
    heights = f"--wide:{area + space}px;--narrow:{narrow.get('area', area) + space}px"
    return (
        f'<figure class="plot-figure"><figcaption class="plot-title">{html.escape(title)}</figcaption>'
        f'<div class="plot" role="img" aria-label="{label}" style="{heights}">'
        f'<script type="application/json">{data}</script></div>'
        f"{legend(keys, kinds)}"
        f'<p class="plot-caption">{html.escape(footer)}</p>{details}</figure>'
    )


def _numbers(rows: Sequence[Mapping[str, Any]], title: str, download: str) -> str:
    """The table of a figure, folded away; a long one is thinned, says so, and says where the rest is."""
    if not rows:
        return ""
    shown = thinned(rows)
    count = f"{len(rows):,} row" + ("" if len(rows) == 1 else "s")
    file = f'<a href="{html.escape(download, quote=True)}" download>{{}} as CSV</a>' if download else ""
    note = file.format("This table")
    if len(shown) < len(rows):
        rest = file.format(f"All {len(rows):,} rows") if file else "All of them are in the data of the run"
        note = f"Shown are {len(shown)} of {len(rows):,} rows, evenly spaced. {rest}."
    # A region that scrolls can be reached by keys, and says what it is.
    name = html.escape(f"The numbers of: {title}", quote=True)
    table = f'<div class="plot-rows" tabindex="0" role="region" aria-label="{name}">{table_html(shown)}</div>'
    return f"<details><summary>The numbers ({count})</summary>{f'<p>{note}</p>' if note else ''}{table}</details>"


def _short(value: Any) -> Any:
    """The same with as many digits as can be seen: measured times come with seventeen."""
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) and abs(value) < _WHOLE else value


def _without_land(trace: Mapping[str, Any]) -> dict[str, Any]:
    """A trace as it is; the outline of all land, which each map would repeat, by its name: ``land.js`` has it."""
    longitudes, latitudes = geo.outline()
    if trace.get("lon") != longitudes or trace.get("lat") != latitudes:
        return dict(trace)
    return {name: value for name, value in trace.items() if name not in ("lon", "lat")} | {"land": True}


def legend(keys: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> str:
    """Each name as a button that hides and shows what it stands for, and then what each way of drawing means."""
    if not keys:
        return ""
    items = [
        f'<li><button type="button" aria-pressed="true" data-group="{html.escape(key["name"], quote=True)}">'
        f"{_swatch(key)}{html.escape(key['name'])}</button></li>"
        for key in keys
    ]
    if len(kinds) > 1:
        mark = keys[0]["mark"]
        for kind in map(Provenance, kinds):
            if any(key["name"].startswith(INK[kind].meaning) for key in keys):
                continue  # the names are those of the kinds already
            key = {"color": "currentColor", "kind": kind, "mark": mark, "symbol": INK[kind].symbol}
            items.append(f'<li class="plot-kind">{_swatch(key)}{html.escape(INK[kind].says(mark))}</li>')
    return f'<ul class="plot-legend">{"".join(items)}</ul>'


def _without_caption(layout: Mapping[str, Any]) -> list[Any]:
    return [each for each in layout.get("annotations") or [] if each.get("name") != "caption"]


_DASHES = {"solid": "", "dash": "5 3", "dot": "1.5 2.5", "dashdot": "6 2 1.5 2"}
# Two strokes of each pattern, drawn inside the swatch: an id of an SVG pattern would have to be unique on the page.
_PATTERNS = {
    "/": "M2 13 9 3M7 13 14 3M12 13 19 3",
    "x": "M3 3 11 13M11 3 3 13M11 3 19 13M19 3 11 13",
    ".": "M5 6h1.6M10 6h1.6M15 6h1.6M5 10h1.6M10 10h1.6M15 10h1.6",
}
_SHAPES = {
    "circle": '<circle cx="11" cy="8" r="4.5"/>',
    "square": '<rect x="7" y="4" width="8" height="8"/>',
    "diamond": '<path d="M11 2.5 16 8 11 13.5 6 8Z"/>',
    "triangle-up": '<path d="M11 3 16 12.5H6Z"/>',
    "triangle-down": '<path d="M11 13 16 3.5H6Z"/>',
    "hexagon": '<path d="M8.3 3.5h5.4L16.4 8l-2.7 4.5H8.3L5.6 8Z"/>',
    "star": '<path d="M11 2.2l1.7 3.9 4.1.4-3.1 2.8.9 4.1L11 11.3l-3.6 2.1.9-4.1-3.1-2.8 4.1-.4Z"/>',
    "diamond-x": '<path d="M11 2.5 16 8 11 13.5 6 8ZM8.5 5.3l5 5.4M13.5 5.3l-5 5.4"/>',
    "x-thin": '<path d="M7 4l8 8M15 4l-8 8"/>',
}


def _swatch(key: Mapping[str, Any]) -> str:
    """A small picture of how a key is drawn; decoration, since its name stands beside it."""
    look, color = INK[Provenance(key["kind"])], str(key["color"])
    symbol = str(key.get("symbol", look.symbol)).removesuffix("-open")
    fill = "none" if look.open else color
    match key["mark"]:
        case "line":
            inner = f'<path d="M1 8h20" fill="none" stroke="{color}" stroke-width="2"'
            inner += f' stroke-dasharray="{_DASHES[look.dash]}"/>'
            if symbol in _SHAPES and key.get("symbol"):
                inner += (
                    f'<g fill="{fill}" stroke="{color}" transform="translate(3.3 2.4) scale(.7)">{_SHAPES[symbol]}</g>'
                )
        case "dot":
            inner = f'<g fill="{fill}" stroke="{color}" stroke-width="1.6">{_SHAPES.get(symbol, _SHAPES["circle"])}</g>'
        case _:
            full = color if not look.pattern else "none"
            tall = 10 * min(1.0, float(key.get("thick", 0.6)) / 0.58)
            inner = (
                f'<rect x="2" y="{8 - tall / 2:.1f}" width="18" height="{tall:.1f}" fill="{full}" stroke="{color}"/>'
            )
            inner += f'<path d="{_PATTERNS.get(look.pattern, "")}" stroke="{color}" stroke-width="1.3" fill="none"/>'
    return f'<svg width="22" height="16" viewBox="0 0 22 16" aria-hidden="true">{inner}</svg>'
