"""A figure that is being drawn, and the finished one that a notebook and the write-up show alike.

The rule for widths is made here and nowhere else. A figure is drawn for a wide page (JupyterLab, a desktop); what a
narrow one (less than ``NARROW`` pixels) needs instead is written beside it, as changes to its traces and its layout
that the write-up's script applies: names of rows stand above their rows, long titles of axes wrap, numbers in cells
that are too small for them go, and the legend is below.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import plotly.graph_objects as go

from flylab.kit.figures import theme
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Row
from flylab.kit.figures.palette import INK, Ink, Provenance, fade
from flylab.kit.figures.table import Table
from flylab.kit.figures.words import legend_height, plain, two_lines

NARROW = 560  # pixels; below it the changes for a narrow page apply
_WIDE = 740  # what legend and footer of a notebook's figure are reckoned for
_SMALL_LINE = 15  # the height of a line of the footer
_AXIS, _AXIS_TITLE = 26, 28  # below the axes: their numbers, and their title
_SHORT = 10  # letters of a row's name that fit beside it on a phone
_MARKS = 5  # of a logarithmic axis that a phone has room for
_PHONE_TITLE = 36  # letters of an axis' title that fit on one line of a phone
_ABOVE = 44  # letters of a name that fit above its row on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of the legend: what it is called and how it is drawn."""

    name: str
    color: str
    kind: Provenance
    mark: str = "area"  # or line, dot
    symbol: str = "circle"
    thick: float = 0.6  # of an area, as a share of its row


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a notebook shows and the write-up carries; the same numbers as a picture, as a text and as a table."""

    plot: go.Figure
    title: str
    alt: str
    rows: tuple[Mapping[str, Any], ...]
    provenance: tuple[Provenance, ...]
    n: int
    unit: str
    date: str
    caption: str

    def table(self) -> Table:
        """The numbers of the figure as the result of a cell."""
        return Table(self.rows, self.title)

    def to_json(self) -> str:
        """The figure as plotly stores it; what the write-up needs besides is in ``layout.meta``."""
        return str(self.plot.to_json())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict[str, Any]:
        bundle = dict(self.plot._repr_mimebundle_(include, exclude, **options) or {})
        bundle["text/plain"] = self.alt
        return bundle


class Sheet:
    """Takes traces and notes what the legend, a narrow page and a reader without eyes for it need to know."""

    def __init__(self, about: Basis, *, area: int, x: str = "", y: str = "", mark: str = "area") -> None:
        self.about, self.mark = about, mark
        self.area = self.narrow_area = area
        self.keys: list[Key] = []
        self.narrow_traces: dict[int, dict[str, Any]] = {}
        self.narrow: dict[str, Any] = {}
        self.plot = go.Figure(layout={"template": theme.of_current(), "showlegend": False})
        self._x, self._y = x, y
        self._below = _AXIS + (_AXIS_TITLE if x else 0)
        self._above, self._left = 0, 66  # room for the numbers of an axis
        if x:
            self.plot.update_xaxes(title_text="<br>".join(textwrap.wrap(x, 84)))
            if len(lines := textwrap.wrap(x, _PHONE_TITLE)) > 1:
                self.narrow["xaxis"] = {"title": {"text": "<br>".join(lines)}}
        if y:
            self._above = 24
            # Across, not along the axis: nobody has to turn their head, and a phone has room for it.
            self.plot.add_annotation(
                text=y, xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", yshift=6, align="left"
            )

    def key(
        self, name: str, *, color: str, kind: Provenance, mark: str = "", symbol: str = "", thick: float = 0.6
    ) -> dict[str, Any]:
        """Put a name into the legend, and give what a trace says of itself: its name, its group."""
        known = {key.name for key in self.keys}
        if name not in known:
            look = symbol or INK[kind].symbol
            self.keys.append(Key(name=name, color=color, kind=kind, mark=mark or self.mark, symbol=look, thick=thick))
        return {"name": plain(name), "legendgroup": name, "showlegend": name not in known}

    def named_rows(self, names: Sequence[str], *, pitch: int = 32) -> None:
        """A row for each name from the top down, at the places 0, 1, 2 …; marks of a row stay within 0.3 of it."""
        lines = [two_lines(plain(name)) for name in names]
        most = max((line.count("<br>") + 1 for line in lines), default=1)
        self.area = max(len(names), 1) * max(pitch, 16 * most + 6)
        self.plot.update_yaxes(
            tickvals=list(range(len(names))),
            ticktext=lines,
            range=[max(len(names), 1) - 0.5, -0.5],
            showgrid=False,
            ticklabelstandoff=8,
        )
        # Plotly would make the room itself, but then nobody knew where the left edge of the figure is.
        self._left = 24 + round(7.3 * max((len(part) for line in lines for part in line.split("<br>")), default=0))
        self.narrow_area = self.area
        if max(map(len, names), default=0) <= _SHORT:
            return
        self.narrow_area = len(names) * max(pitch, 54)
        above = [
            {
                "text": plain(textwrap.shorten(name, _ABOVE, placeholder=" …")),
                "xref": "paper",
                "x": 0,
                "xanchor": "left",
                "y": row - 0.5,
                "yanchor": "middle",
                "showarrow": False,
                "align": "left",
                "font": {"size": theme.SIZE - 1},
            }
            for row, name in enumerate(names)
        ]
        self.narrow["annotations"] = above
        self.narrow["yaxis"] = {"showticklabels": False, "range": [len(names) - 0.5, -0.72]}

    def marks_across(self, marks: Sequence[float], texts: Sequence[str]) -> None:
        """A logarithmic axis below with these marks; on a narrow page with as many as lie beside each other."""
        self.plot.update_xaxes(type="log", tickvals=list(marks), ticktext=list(texts))
        if len(marks) > _MARKS:
            pairs = list(zip(marks, texts, strict=True))
            tens = [pair for pair in pairs if math.isclose(math.log10(pair[0]), round(math.log10(pair[0])))]
            few = tens if 1 < len(tens) <= _MARKS else pairs[:: -(-len(pairs) // _MARKS)]
            shown = {"tickvals": [mark for mark, _ in few], "ticktext": [text for _, text in few]}
            self.narrow.setdefault("xaxis", {}).update(shown)

    def on_narrow(self, **changes: Any) -> None:
        """Change the trace that was added last where the page is narrow."""
        self.narrow_traces.setdefault(len(self.plot.data) - 1, {}).update(changes)

    def lines_below(self, more: int) -> None:
        """Make room for numbers or names at the axis below that take more than one line."""
        self._below += _SMALL_LINE * more

    def say(self, text: str) -> None:
        """A word in the middle of a figure that has nothing to draw."""
        self.plot.add_annotation(text=text, xref="paper", yref="paper", x=0.5, y=0.5, font={"size": theme.SIZE})
        self.plot.update_xaxes(visible=False).update_yaxes(visible=False)

    def done(self, what: str, title: str, rows: Sequence[Row], says: Sequence[str] = ()) -> Figure:
        """Add title, legend and footer, and what a page needs to know; ``says`` are the sentences of the alt text."""
        caption = self.about.caption(self.mark)
        more = f" And {len(says) - 12} more." if len(says) > 12 else ""
        sentences = "; ".join(says[:12])
        alt = f"{what}. {title.rstrip('.')}. {sentences + '. ' if sentences else ''}{more.lstrip()} {caption}"
        geo = any(trace.type == "scattergeo" for trace in self.plot.data)
        self._frame(title, caption, geo=geo)
        self.plot.update_layout(
            meta={
                "title": title,
                "caption": caption,
                "footer": self.about.footer(),
                "alt": " ".join(alt.split()),
                "kinds": [kind.value for kind in self.about.kinds],
                "n": self.about.n or 0,
                "unit": self.about.unit,
                "date": self.about.date,
                "target": self.about.target,
                "keys": [asdict(key) for key in self._shown()],
                "table": [dict(row) for row in rows],
                "below": 0 if geo else self._below,
                "above": self._above,
                "area": self.area,
                "narrow": {
                    "traces": {str(place): changes for place, changes in self.narrow_traces.items()},
                    "layout": self.narrow,
                    "area": self.narrow_area,
                },
            }
        )
        return Figure(
            plot=self.plot,
            title=title,
            alt=" ".join(alt.split()),
            rows=tuple(rows),
            provenance=self.about.kinds,
            n=self.about.n or 0,
            unit=self.about.unit,
            date=self.about.date,
            caption=caption,
        )

    def _shown(self) -> list[Key]:
        # One name alone is what the title is about, unless it tells of a second kind of number.
        return self.keys if len(self.keys) > 1 or len(self.about.kinds) > 1 else []

    def _frame(self, title: str, caption: str, *, geo: bool) -> None:
        lines = textwrap.wrap(title, 70) or [""]
        footer = textwrap.wrap(caption, 104)
        shown = self._shown()
        below, left = (6, 12) if geo else (self._below, self._left)
        top = 16 + 22 * len(lines) + self._above + legend_height([key.name for key in shown], _WIDE - left - 24)
        bottom = below + _SMALL_LINE * len(footer) + 10
        self.plot.update_layout(
            title={
                "text": "<br>".join(map(plain, lines)),
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                # A second line goes half above the first, which plotly does not reckon with.
                "pad": {"t": 14 + 11 * (len(lines) - 1), "l": 8},
            },
            height=top + self.area + bottom,
            margin={"l": left, "r": 24, "t": top, "b": bottom},
            showlegend=bool(shown),
            legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        )
        if self._above and shown:
            self.plot.update_layout(legend={"y": 1 + self._above / max(self.area, 1)})
        self.plot.add_annotation(
            name="caption",
            text="<br>".join(map(plain, footer)),
            xref="paper",
            yref="paper",
            x=0,
            y=0,
            xanchor="left",
            yanchor="top",
            align="left",
            xshift=8 - left,
            yshift=-below,
            font={"size": theme.SMALL},
        )


def area(kind: Provenance, color: str = "") -> dict[str, Any]:
    """The marker of a bar: full when measured, else an outline with the pattern of its kind."""
    look: Ink = INK[kind]
    color = color or look.color
    pattern: dict[str, Any] = {}
    if look.pattern:
        pattern = {"shape": look.pattern, "fgcolor": color, "bgcolor": theme.CLEAR, "size": 7, "solidity": 0.35}
    return {"color": color, "line": {"color": color, "width": 1}, "pattern": pattern}


def dot(kind: Provenance, color: str = "", symbol: str = "", size: int = 9, *, sure: bool = True) -> dict[str, Any]:
    """The marker of a point: filled when measured, else open; a cross in it when nobody could check it."""
    look = INK[kind]
    color = color or look.color
    shape = (symbol or look.symbol).removesuffix("-open")
    name = f"{shape}-open" if look.open else shape
    if not sure:
        name = f"{shape}-x-open" if shape in ("circle", "square", "diamond") else "x-thin-open"
    return {"symbol": name, "size": size, "color": color, "line": {"color": color, "width": 2 if look.open else 0}}


def stroke(kind: Provenance, color: str = "", width: float = 2) -> dict[str, Any]:
    """A line: whole when measured, else broken in the way of its kind."""
    look = INK[kind]
    return {"color": color or look.color, "width": width, "dash": look.dash}


def shade(color: str, alpha: float = 0.18) -> dict[str, Any]:
    """The area of a band of uncertainty."""
    return {"fill": "toself", "fillcolor": fade(color, alpha), "line": {"width": 0}, "hoverinfo": "skip"}
