"""Where the time goes: for each variant the phases of a typical observation, one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from flylab.errors import UsageError
from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, by, kind_of, kinds_of, numeral, records, title_of
from flylab.kit.figures.palette import INK, Provenance, series
from flylab.kit.figures.sheet import Figure, Sheet, area
from flylab.measure.stats import least_n, stack
from flylab.measure.stats.phases import REST
from flylab.measure.summary import quantile


def phase_bars(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "ms",
    variant: str = "variant",
    observation: str = "wake",
    x: str = "",
) -> Figure:
    """One bar for each variant, made of its phases; a mark at the median of the whole, whiskers around it.

    Columns: ``variant``, ``phase``, ``value``, ``provenance``; ``observation`` says which records belong together and
    may be missing where there is one of each. The phases are those of the observations around the median, so that they
    add up; whiskers reach from p10 to p90 from 100 observations on, below that from the least to the most.
    """
    rows = records(data, variant, "phase", value)
    for place, row in enumerate(rows):
        numeral(row, place, value, least=0.0)
    groups = by(rows, variant)
    observed = {name: _observations(name, group, value, observation) for name, group in groups.items()}
    n = sum(len(each) for each in observed.values())
    enough = observed and all(len(each) >= least_n(0.9) for each in observed.values())
    whiskers = "p10 to p90" if enough else "least to most"
    mark = (
        f"Diamonds: medians of the whole; whiskers: {whiskers}." if any(len(e) > 1 for e in observed.values()) else ""
    )
    about = about.of(n=n, kinds=kinds_of(rows, about.kinds), note=mark)
    sheet = Sheet(about, area=0, x=x or f"{about.unit} since the beginning, phase after phase")
    stacks = {name: stack([sum(each.values()) for each in mine], mine) for name, mine in observed.items()}
    names = list(stacks)
    sheet.named_rows(names, pitch=40)
    colors = _colors(rows)
    table: list[Row] = []
    for phase, (color, kind) in colors.items():
        found = [stacks[name].phases.get(phase, 0.0) for name in names]
        label = phase if kind is Provenance.MEASURED or kind.value in phase else f"{phase} ({kind})"
        sheet.plot.add_bar(
            y=list(range(len(names))),
            x=found,
            width=0.6,
            orientation="h",
            marker=area(kind, color),
            customdata=names,
            hovertemplate=f"%{{customdata}}<br>{label}: %{{x:.4~g}} {about.unit}<extra></extra>",
            **sheet.key(label, color=color, kind=kind),
        )
        table += [
            {variant: name, "phase": phase, about.unit: ms, "provenance": kind.value}
            for name, ms in zip(names, found, strict=True)
        ]
    _whole(sheet, observed, enough=bool(enough))
    if not names:
        sheet.say("No observation to show.")
    sheet.plot.update_layout(barmode="stack").update_xaxes(rangemode="tozero")
    totals = {name: each.total for name, each in stacks.items()}
    says = [
        f"{name}: {formats.quantity(total, about.unit)} in all, n {len(observed[name])}"
        for name, total in totals.items()
    ]
    return sheet.done("Phases, stacked", title_of(title, table, lambda _: _finding(stacks, about.unit)), table, says)


def _observations(name: str, group: Sequence[Row], value: str, observation: str) -> list[Mapping[str, float]]:
    """The phases of each observation of one variant; UsageError where it cannot be told which belong together."""
    found: dict[Any, dict[str, float]] = {}
    for row in group:
        phases = found.setdefault(row.get(observation), {})
        if row["phase"] in phases:
            raise UsageError(
                f"{name!r} has the phase {row['phase']!r} twice for one observation: a column {observation!r} says "
                "which records belong together"
            )
        phases[str(row["phase"])] = float(row[value])
    return list(found.values())


def _colors(rows: Sequence[Row]) -> dict[str, tuple[str, Provenance]]:
    """A colour for each measured phase in the order of the data; what was configured is grey."""
    found: dict[str, tuple[str, Provenance]] = {}
    for place, row in enumerate(rows):
        phase, kind = str(row["phase"]), kind_of(row, place, Provenance.MEASURED)
        if phase == REST:
            raise UsageError(f"record {place}: a phase cannot be called {REST!r}")
        if phase not in found:
            measured = sum(each is not Provenance.CONFIGURED for _, each in found.values())
            found[phase] = (INK[kind].color if kind is Provenance.CONFIGURED else series(measured)[0], kind)
    return found


def _whole(sheet: Sheet, observed: Mapping[str, Sequence[Mapping[str, float]]], *, enough: bool) -> None:
    places, middles, minus, plus, words = [], [], [], [], []
    for place, (name, mine) in enumerate(observed.items()):
        if len(mine) < 2:
            continue
        totals = sorted(sum(each.values()) for each in mine)
        middle = quantile(totals, 0.5)
        low, high = (quantile(totals, 0.1), quantile(totals, 0.9)) if enough else (totals[0], totals[-1])
        places.append(place)
        middles.append(middle)
        minus.append(middle - low)
        plus.append(high - middle)
        ends = f"{formats.quantity(low, sheet.about.unit)} to {formats.quantity(high, sheet.about.unit)}"
        words.append(f"{name}<br>median {formats.quantity(middle, sheet.about.unit)}, {ends}, n {len(mine)}")
    if places:
        look = {"color": "#848b96", "thickness": 2, "width": 7}
        sheet.plot.add_scatter(
            x=middles,
            y=places,
            mode="markers",
            showlegend=False,
            customdata=words,
            marker={"symbol": "diamond", "size": 9, "color": "#ffffff", "line": {"color": "#24292f", "width": 2}},
            error_x={"type": "data", "symmetric": False, "array": plus, "arrayminus": minus, **look},
            hovertemplate="%{customdata}<extra></extra>",
        )


def _finding(stacks: Mapping[str, Any], unit: str) -> str:
    if not stacks:
        return "Nothing was observed"
    name, slowest = max(stacks.items(), key=lambda item: item[1].total)
    if not slowest.total:
        return "No phase takes any time"
    phase, most = max(slowest.phases.items(), key=lambda item: item[1])
    share = formats.quantity(most / slowest.total, "share")
    return f"{share} of the {formats.quantity(slowest.total, unit)} of {name} go into: {phase}"
