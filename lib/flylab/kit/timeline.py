"""Folds the state changes of machines into spans and draws them: one row per machine, one bar per state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from flylab.client import Client
from flylab.kit.figures import SERIES, Basis, figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A machine reached a state; ``at`` is seconds since the epoch."""

    machine: str
    state: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A machine was in a state for a while; seconds since the first change of all."""

    machine: str
    state: str
    start: float
    seconds: float


# Transient states are bright, rest states calm; each also has its own pattern, so the figure reads without colour.
LOOKS: Mapping[str, tuple[str, str]] = {
    "created": ("#848b96", "."),
    "starting": (SERIES[1], "/"),
    "started": (SERIES[0], ""),
    "stopping": (SERIES[3], "\\"),
    "stopped": ("#848b96", "x"),
    "restarting": (SERIES[4], "/"),
    "replacing": (SERIES[4], "-"),
    "updating": (SERIES[4], "|"),
    "destroying": (SERIES[6], "+"),
}
OTHER = ("#848b96", "|")


def spans(changes: Iterable[Change], *, until: float) -> list[Span]:
    """How long each machine was in each state; the last state lasts ``until``, a destroyed machine is over at once."""
    ordered = sorted(changes, key=lambda change: change.at)
    if not ordered:
        return []
    zero = ordered[0].at
    found = []
    for machine in dict.fromkeys(change.machine for change in ordered):
        mine = [change for change in ordered if change.machine == machine]
        ends = [change.at for change in mine[1:]] + [max(until, mine[-1].at)]
        for change, end in zip(mine, ends, strict=True):
            if change.state != "destroyed":
                found.append(Span(machine=machine, state=change.state, start=change.at - zero, seconds=end - change.at))
    return found


async def from_events(api: Client, app: str) -> list[Change]:
    """The changes that the API remembers of each machine of an app: what Fly offers instead of a stream."""
    found = []
    for machine in await api.machines(app):
        for event in await api.events(app, machine.id, limit=50):
            found.append(Change(machine=machine.name, state=event.status, at=event.timestamp / 1000))
    return found


def timeline(title: str, rows: Sequence[Span], about: Basis) -> go.Figure:
    """The life of each machine from left to right; hover for the exact times."""
    machines = list(dict.fromkeys(span.machine for span in rows))
    fig = figure(title, about, height=220 + 34 * len(machines), x="seconds since the first change")
    for state in dict.fromkeys(span.state for span in rows):
        mine = [span for span in rows if span.state == state]
        color, pattern = LOOKS.get(state, OTHER)
        shape = {"shape": pattern, "fgcolor": color, "bgcolor": "rgba(0,0,0,0)", "size": 6} if pattern else {}
        fig.add_bar(
            y=[span.machine for span in mine],
            x=[span.seconds for span in mine],
            base=[span.start for span in mine],
            customdata=[1000 * span.seconds for span in mine],
            orientation="h",
            name=state,
            marker={"color": color, "line": {"color": color, "width": 1}, "pattern": shape},
            hovertemplate=f"%{{y}}<br>{state}: from %{{base:.2f}} s, %{{customdata:.0f}} ms<extra></extra>",
        )
    fig.update_layout(barmode="overlay", bargap=0.3)
    fig.update_yaxes(categoryorder="array", categoryarray=machines[::-1], type="category")
    return fig
