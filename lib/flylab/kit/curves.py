"""Lines over a quantity: something over the hours of a day, money over load."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from flylab.kit.figures import INK, SERIES, Basis, Provenance, figure

Points = Sequence[tuple[float, float]]
_MARKS = ("circle", "diamond-open", "square", "triangle-up-open", "x", "star-open")


def curves(
    title: str,
    lines: Mapping[str, Points],
    about: Basis,
    *,
    x: str,
    y: str,
    kind: str = "measured",
    steps: bool = False,
    log: bool = False,
) -> go.Figure:
    """One line for each name; ``steps`` for what holds until it changes, ``log`` for an axis of powers.

    Lines are told apart by colour and dash, or by marks where there are few points; their names stand at their ends.
    """
    fig = figure(title, about, x=x, y=y)
    look = INK[Provenance(kind)]
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
    for place, (name, points) in enumerate(lines.items()):
        color, few = SERIES[place % len(SERIES)], len(points) <= 12
        fig.add_scatter(
            x=[at for at, _ in points],
            y=[value for _, value in points],
            mode="lines+markers" if few else "lines",
            name=name,
            line={
                "color": color,
                "width": 2,
                "dash": look.dash if few else dashes[place % len(dashes)],
                "shape": "hv" if steps else "linear",
            },
            marker={"symbol": _MARKS[place % len(_MARKS)], "size": 8, "color": color},
            hovertemplate=f"{name}: %{{y:.3~g}} {y} at %{{x:.3~g}}<extra></extra>",
        )
    if log:
        fig.update_xaxes(type="log", dtick="D2")
    fig.update_yaxes(rangemode="tozero")
    return fig
