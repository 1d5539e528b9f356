"""The world map: our own land outline, regions, machines and hops; it makes no request to anywhere."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from flylab.kit import geo
from flylab.kit.figures import GRID, SERIES, TEXT, Basis, figure
from flylab.published.network import regions

LAND = "rgba(125,135,150,0.22)"


def world(
    title: str,
    about: Basis,
    *,
    machines: Mapping[str, int] | None = None,
    edges: Sequence[str] = (),
    hops: Sequence[tuple[str, str]] = (),
) -> go.Figure:
    """Machines per region as filled circles, edges as rings, hops as great circles."""
    places = {region.code: region for region in regions()}
    fig = figure(title, about, height=430)
    longitudes, latitudes = geo.outline()
    outline = {"color": GRID, "width": 0.5}
    # One filled outline per figure; a default map would fetch its own from outside and draw nothing offline.
    fig.add_scattergeo(
        lon=longitudes,
        lat=latitudes,
        mode="lines",
        fill="toself",
        fillcolor=LAND,
        line=outline,
        hoverinfo="skip",
        showlegend=False,
    )
    for origin, target in hops:
        ends = (places[origin], places[target])
        fig.add_scattergeo(
            lon=[end.longitude for end in ends],
            lat=[end.latitude for end in ends],
            mode="lines",
            line={"color": SERIES[1], "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    if edges:
        ring = {"symbol": "circle-open", "size": 13, "color": TEXT, "line": {"width": 1.5}}
        fig.add_scattergeo(
            lon=[places[code].longitude for code in edges],
            lat=[places[code].latitude for code in edges],
            mode="markers",
            marker=ring,
            name="edge",
            text=[f"{code} · {places[code].city}: an edge" for code in edges],
            hovertemplate="%{text}<extra></extra>",
        )
    if machines:
        codes = list(machines)
        words = [f"{code} · {places[code].city}: {machines[code]} machine(s)" for code in codes]
        fig.add_scattergeo(
            lon=[places[code].longitude for code in codes],
            lat=[places[code].latitude for code in codes],
            mode="markers+text",
            marker={"size": [9 + 2 * min(machines[code], 6) for code in codes], "color": SERIES[0]},
            text=codes,
            textposition="top center",
            textfont={"size": 12},
            customdata=words,
            name="machines",
            hovertemplate="%{customdata}<extra></extra>",
        )
    fig.update_geos(visible=False, projection_type="natural earth", bgcolor="rgba(0,0,0,0)", lataxis_range=[-58, 80])
    fig.update_layout(margin={"l": 0, "r": 0, "t": 56, "b": 64}, legend={"y": 0.02, "yanchor": "bottom"})
    fig.update_annotations(selector={"name": "caption"}, yshift=-12)
    return fig
