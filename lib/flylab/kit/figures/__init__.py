"""The figures of notebooks and write-up: one look, two themes, four kinds of number, and what each figure rests on.

Cells pass data and a ``basis``; size, colours, legend, footer, the text for those who do not see it and the table of
its numbers are made here. Nothing is drawn that would make a browser fetch anything. See docs/figures.md.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from flylab.kit.figures.basis import Basis, basis
from flylab.kit.figures.comparison import comparison, effects
from flylab.kit.figures.costcurves import cost_curves
from flylab.kit.figures.ecdf import ecdf
from flylab.kit.figures.heatmap import heat_map
from flylab.kit.figures.histogram import histogram
from flylab.kit.figures.overtime import over_time
from flylab.kit.figures.palette import INK, SERIES, Ink, Provenance
from flylab.kit.figures.phasebars import phase_bars
from flylab.kit.figures.sheet import Figure, Sheet, area
from flylab.kit.figures.table import Table
from flylab.kit.figures.theme import use
from flylab.kit.figures.worldmap import world_map
from flylab.measure.summary import quantile

__all__ = [
    "INK",
    "SERIES",
    "Basis",
    "Figure",
    "Ink",
    "Provenance",
    "Sheet",
    "Table",
    "area",
    "basis",
    "comparison",
    "cost_curves",
    "ecdf",
    "effects",
    "figure",
    "heat_map",
    "histogram",
    "ink",
    "median",
    "over_time",
    "phase_bars",
    "use",
    "world_map",
]


def figure(title: str, about: Basis, *, height: int = 300, x: str = "", y: str = "") -> go.Figure:
    """An empty figure in our look, for what no type draws; better is a new type, with its table and its text."""
    return Sheet(about.of(n=1), area=height, x=x, y=y).done("Figure", title, []).plot


def ink(kind: str, **changes: Any) -> dict[str, Any]:
    """The marker of a bar of this kind."""
    return {**area(Provenance(kind), changes.pop("color", "")), **changes}


def median(values: Sequence[float]) -> float:
    """The median as ``measure.summary`` defines it, so that a figure and a sentence cannot disagree."""
    return quantile(sorted(values), 0.5)
