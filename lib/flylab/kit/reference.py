"""The published figures as a chart, and the configured distances between regions: inputs, and drawn as such."""

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from flylab.kit.figures import INK, Provenance, basis, figure
from flylab.published import claims
from flylab.published.claims import Claim
from flylab.published.network import rtt

ROUND_TRIPS = "Round trips: medians of public tables of 2020 and 2026 (WonderNetwork, Microsoft Azure, IBM Cloud)."


def times(*topics: str) -> list[Claim]:
    """The claims about how long something takes on these topics, shortest first; limits are left out."""
    found = [
        claim
        for topic in topics
        for claim in claims.about(topic)
        if claim.unit in ("ms", "s") and claim.value is not None and claim.statistic != "limit"
    ]
    return sorted(found, key=lambda claim: claim.seconds)


def chart(title: str, shown: Sequence[Claim]) -> go.Figure:
    """Each claim as an open diamond, its range as a line, on a logarithmic scale of seconds."""
    dates = sorted(claim.source_date[:4] for claim in shown if claim.source_date[:4].isdigit())
    about = basis("published", n=len(shown), unit="s, logarithmic", date=f"{dates[0]} to {dates[-1]}")
    fig = figure(title, about, height=190 + 22 * len(shown), x="seconds")
    color = INK[Provenance.PUBLISHED].color
    names = [_short(claim) for claim in shown]
    for row, claim in enumerate(shown):
        if claim.seconds_high is not None:
            span = [claim.seconds, claim.seconds_high]
            line = {"color": color, "width": 2}
            fig.add_scatter(x=span, y=[row, row], mode="lines", line=line, hoverinfo="skip", showlegend=False)
    words = [
        f"{html.escape(claim.claim)}: {claim.text}<br>{html.escape(claim.source)}<br>{claim.kind}" for claim in shown
    ]
    fig.add_scatter(
        x=[claim.seconds for claim in shown],
        y=list(range(len(shown))),
        mode="markers",
        marker={"symbol": INK[Provenance.PUBLISHED].symbol, "size": 10, "color": color, "line": {"width": 2}},
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    ticks = [0.001, 0.01, 0.1, 1, 10, 60]
    labels = ["1 ms", "10 ms", "0.1 s", "1 s", "10 s", "1 min"]
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=labels)
    fig.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5])
    return fig


def distances(home: str, regions: Sequence[str]) -> dict[str, float]:
    """The round trip from one region to each other one, in milliseconds."""
    table = rtt()
    return {region: table(home, region) for region in regions if region != home}


def _short(claim: Claim) -> str:
    text = claim.claim if len(claim.claim) <= 48 else f"{claim.claim[:47].rstrip(' ,')}…"
    return f"{text} ({claim.mark})" if claim.mark else text
