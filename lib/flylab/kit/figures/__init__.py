"""The one look of every figure, and the rule that a figure says what it is: measured, configured, simulated, published.

Cells pass data; size, colours, caption and the difference between the four kinds are decided here. Nothing is drawn
that would make a browser fetch anything, and nothing offers to upload the figure.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from flylab.measure.summary import quantile

# Plotly 7 offers to upload every figure to a cloud service unless told otherwise. The JSON renderer alone is used: the
# HTML ones put all of plotly.js (4.8 MB) into the notebook.
pio.renderers.default = "plotly_mimetype"
pio.renderers["plotly_mimetype"].config.update(showSendToCloud=False, displaylogo=False)


class Provenance(StrEnum):
    """Where the numbers of a figure come from; each kind is drawn differently everywhere."""

    MEASURED = "measured"
    CONFIGURED = "configured"
    SIMULATED = "simulated"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Ink:
    """How one kind of number is drawn; told apart by fill and shape as well as by colour."""

    color: str
    pattern: str
    symbol: str
    dash: str
    says: str


INK: Mapping[Provenance, Ink] = {
    Provenance.MEASURED: Ink("#2079b8", "", "circle", "solid", "solid: measured here"),
    Provenance.CONFIGURED: Ink("#848b96", "/", "square-open", "dash", "hatched: configured, an input"),
    Provenance.SIMULATED: Ink("#b25597", "x", "triangle-up-open", "dot", "crossed: simulated"),
    Provenance.PUBLISHED: Ink("#c2701c", ".", "diamond-open", "dashdot", "open diamonds: published by others"),
}

# Chosen after Okabe and Ito's palette, darkened until each has a contrast of 3 : 1 on white and on near-black.
SERIES = ("#2079b8", "#c2701c", "#00917a", "#b25597", "#8d7a10", "#4f8fd6", "#d1495b")
TEXT = "#727a85"  # the grey that reads alike on white and on near-black; the site replaces it by the theme's own
GRID = "rgba(125,135,150,0.28)"
MARGIN = {"l": 64, "r": 20, "t": 92, "b": 96}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What every figure says below itself: the kinds of number in it, how many, in which unit, from where and when."""

    kinds: tuple[Provenance, ...]
    n: int
    unit: str
    target: str = "local"
    date: str = ""
    note: str = ""

    def caption(self) -> str:
        place = "Fly" if self.target == "fly" else "the local platform"
        ran = any(kind in (Provenance.MEASURED, Provenance.SIMULATED) for kind in self.kinds)
        parts = [INK[kind].says for kind in self.kinds]
        parts += [f"n = {self.n}", f"unit: {self.unit}"]
        parts += [f"{place}, {self.date}" if ran else self.date]
        return " · ".join(parts) + (f". {self.note}" if self.note else "")


def basis(*kinds: str, n: int, unit: str, target: str = "local", date: str | None = None, note: str = "") -> Basis:
    """Say what a figure rests on: ``basis("measured", n=20, unit="ms")``; dated today (UTC) unless told otherwise."""
    if not kinds or n < 1 or not unit:
        raise ValueError("a figure states its kinds, a positive n and a unit")
    today = datetime.now(UTC).date().isoformat()
    return Basis(kinds=tuple(map(Provenance, kinds)), n=n, unit=unit, target=target, date=date or today, note=note)


def figure(title: str, about: Basis, *, height: int = 360, x: str = "", y: str = "") -> go.Figure:
    """An empty figure in our look. The title states the finding; ``x`` and ``y`` name the axes with their units."""
    caption = about.caption()
    below = "<br>".join(textwrap.wrap(caption, 112))
    fig = go.Figure(
        layout={
            "template": "none",
            "title": {
                "text": "<br>".join(textwrap.wrap(title, 78)),
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 14, "l": 8},
            },
            "title_font": {"size": 17},
            "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": TEXT},
            "colorway": list(SERIES),
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "height": height,
            "margin": dict(MARGIN),
            "hoverlabel": {"font": {"size": 12}},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "xanchor": "left"},
            "meta": {
                "title": title,
                "caption": caption,
                "kinds": [kind.value for kind in about.kinds],
                "n": about.n,
                "unit": about.unit,
                "date": about.date,
                "target": about.target,
            },
        }
    )
    for axes, name in ((fig.update_xaxes, x), (fig.update_yaxes, y)):
        axes(
            title={"text": name, "standoff": 12},
            gridcolor=GRID,
            zeroline=False,
            automargin=True,
            ticks="",
            linecolor=GRID,
        )
    fig.add_annotation(
        name="caption",
        text=below,
        xref="paper",
        yref="paper",
        x=0,
        y=0,
        xanchor="left",
        yanchor="top",
        align="left",
        showarrow=False,
        yshift=-52,
        font={"size": 11},
    )
    return fig


def ink(kind: str, **changes: Any) -> dict[str, Any]:
    """The marker of a bar of this kind."""
    look = INK[Provenance(kind)]
    color = changes.pop("color", look.color)
    pattern = {"shape": look.pattern, "fgcolor": color, "bgcolor": "rgba(0,0,0,0)", "size": 7} if look.pattern else {}
    return {"color": color, "line": {"color": color, "width": 1}, "pattern": pattern, **changes}


def median(values: Sequence[float]) -> float:
    """The median as ``measure.summary`` defines it, so that a figure and a sentence cannot disagree."""
    return quantile(sorted(values), 0.5)
