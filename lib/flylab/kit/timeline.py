"""Folds the state changes of machines into spans and draws them: one row per machine, one bar per state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from flylab.client import Client
from flylab.kit.figures import SERIES, Basis, Figure, Provenance, Sheet
from flylab.kit.figures.formats import quantity
from flylab.kit.figures.palette import GREY
from flylab.kit.figures.sheet import area


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


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn: work is thick, rest is thin, so that the figure reads without colour."""

    color: str
    thick: float


# Solid all of them, because they were measured: a pattern says that a number is no measurement.
LOOKS: Mapping[str, Look] = {
    "created": Look(SERIES[5], 0.24),
    "starting": Look(SERIES[1], 0.58),
    "started": Look(SERIES[0], 0.44),
    "stopping": Look(SERIES[3], 0.58),
    "stopped": Look(GREY, 0.14),
    "suspending": Look(SERIES[3], 0.34),
    "suspended": Look(SERIES[2], 0.24),
    "restarting": Look(SERIES[4], 0.58),
    "replacing": Look(SERIES[2], 0.58),
    "updating": Look(SERIES[2], 0.34),
    "destroying": Look(SERIES[3], 0.14),
}
OTHER = Look(SERIES[5], 0.34)


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


def timeline(
    title: str, rows: Sequence[Span], about: Basis, *, kind: str = "measured", kinds: Mapping[str, str] | None = None
) -> Figure:
    """The life of each machine from left to right; hover for the exact times.

    ``kinds`` names the machines whose states are of another kind than the others'.
    """
    machines = list(dict.fromkeys(span.machine for span in rows))
    of = {machine: Provenance((kinds or {}).get(machine, kind)) for machine in machines}
    sheet = Sheet(about.of(n=len(rows)), area=0, x="seconds since the first change")
    sheet.named_rows(machines, pitch=34)
    for state in [each for each in [*LOOKS, *_others(rows)] if any(span.state == each for span in rows)]:
        look = LOOKS.get(state, OTHER)
        for its in dict.fromkeys(of.values()):
            mine = [span for span in rows if span.state == state and of[span.machine] is its]
            if not mine:
                continue
            sheet.plot.add_bar(
                y=[machines.index(span.machine) for span in mine],
                x=[span.seconds for span in mine],
                base=[span.start for span in mine],
                width=look.thick,
                customdata=[f"{span.machine}<br>{state} for {quantity(span.seconds, 's')}" for span in mine],
                orientation="h",
                marker=area(its, look.color),
                hovertemplate="%{customdata}, from %{base:.2f} s on<extra></extra>",
                **sheet.key(state, color=look.color, kind=its, thick=look.thick),
            )
    if not rows:
        sheet.say("Nothing changed.")
    sheet.plot.update_layout(barmode="overlay").update_xaxes(rangemode="tozero")
    table = [asdict(span) for span in rows]
    counts = {each: sum(span.machine == each for span in rows) for each in machines}
    return sheet.done("States over time", title, table, [f"{each}: {count} states" for each, count in counts.items()])


def _others(rows: Sequence[Span]) -> list[str]:
    return list(dict.fromkeys(span.state for span in rows if span.state not in LOOKS))
