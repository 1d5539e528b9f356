"""The kinds of chart that chapters draw; how they look is decided in ``figures``."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from flylab.kit.figures import INK, SERIES, Basis, Provenance, figure, ink, median


def dots(
    title: str, groups: Mapping[str, Sequence[float]], about: Basis, *, x: str, kind: str = "measured"
) -> go.Figure:
    """Every sample as a dot, one row per group, with a bar at the median: what small n deserves instead of a box."""
    fig = figure(title, about, height=190 + 44 * len(groups), x=x)
    look = INK[Provenance(kind)]
    for row, (name, values) in enumerate(groups.items()):
        # A fixed fan of offsets keeps dots of equal value apart without chance, so the figure can be made again.
        spread = [row + ((i * 7) % 11 - 5) / 24 for i in range(len(values))]
        marker = {"color": look.color, "size": 7, "opacity": 0.7, "symbol": look.symbol}
        hover = f"{name}: %{{x:.1f}} {about.unit}<extra></extra>"
        fig.add_scatter(x=list(values), y=spread, mode="markers", marker=marker, name=name, hovertemplate=hover)
        middle = median(values)
        fig.add_scatter(
            x=[middle, middle],
            y=[row - 0.36, row + 0.36],
            mode="lines",
            line={"color": look.color, "width": 3},
            hovertemplate=f"{name}: median %{{x:.1f}} {about.unit}<extra></extra>",
        )
    fig.update_layout(showlegend=False)
    fig.update_yaxes(tickvals=list(range(len(groups))), ticktext=list(groups), range=[len(groups) - 0.5, -0.5])
    fig.update_xaxes(rangemode="tozero")
    return fig


def stacked(
    title: str, rows: Sequence[str], parts: Mapping[str, tuple[str, Sequence[float]]], about: Basis, *, x: str
) -> go.Figure:
    """Horizontal bars made of parts; ``parts`` maps a part's name to its kind and to one value per row."""
    fig = figure(title, about, height=210 + 40 * len(rows), x=x)
    colors = iter(SERIES)
    for name, (kind, values) in parts.items():
        marker = ink(kind, color=next(colors)) if kind == "measured" else ink(kind)
        hover = f"%{{y}}, {name}: %{{x:.1f}} {about.unit}<extra></extra>"
        fig.add_bar(y=list(rows), x=list(values), name=name, orientation="h", marker=marker, hovertemplate=hover)
    fig.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    fig.update_yaxes(autorange="reversed", type="category")
    fig.update_xaxes(rangemode="tozero")
    return fig


def bars(title: str, values: Mapping[str, float], about: Basis, *, x: str, kind: str = "measured") -> go.Figure:
    """One horizontal bar per name, the longest first."""
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))
    return stacked(title, list(ordered), {kind: (kind, list(ordered.values()))}, about, x=x).update_layout(
        showlegend=False
    )


def grouped(
    title: str, rows: Sequence[str], groups: Mapping[str, Sequence[float]], about: Basis, *, y: str
) -> go.Figure:
    """Bars side by side: one group of them for each row, the number written on each."""
    fig = figure(title, about, y=y)
    for (name, values), color, pattern in zip(groups.items(), SERIES, ("", "/", "x", "."), strict=False):
        shape = {"shape": pattern, "fgcolor": color, "bgcolor": "rgba(0,0,0,0)", "size": 7} if pattern else {}
        fig.add_bar(
            x=list(rows),
            y=list(values),
            name=name,
            text=[f"{value:g}" for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={"color": color, "line": {"color": color, "width": 1}, "pattern": shape},
            hovertemplate=f"%{{x}}, {name}: %{{y:g}}<extra></extra>",
        )
    fig.update_layout(barmode="group", bargap=0.35)
    fig.update_xaxes(type="category")
    fig.update_yaxes(rangemode="tozero")
    return fig
