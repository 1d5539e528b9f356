"""Latencies over the time of a run, with what failed: a stall, a step or a drift is seen here and nowhere else."""

from collections.abc import Sequence

from flylab.kit.figures import formats
from flylab.kit.figures.basis import Basis
from flylab.kit.figures.data import Finding, Row, by, kind_of, kinds_of, numeral, records, title_of
from flylab.kit.figures.palette import SERIES, series
from flylab.kit.figures.sheet import Figure, Sheet, dot
from flylab.measure.summary import quantile

MOST = 2_000  # points that are drawn; what is left out lies between two that are
_WINDOWS = 24  # of the line of medians; our choice


def over_time(
    data: object,
    about: Basis,
    *,
    title: Finding = None,
    value: str = "ms",
    at: str = "at",
    variant: str = "variant",
    log: bool = False,
) -> Figure:
    """Columns: ``at`` (seconds since the run began), ``value``, ``outcome`` (``ok`` or what went wrong), ``variant``.

    Failures are crosses on a line of their own at the top, by what went wrong, since most have no meaningful latency.
    """
    rows = [{variant: "", **row} for row in records(data, at)]
    good, bad = _parted(rows)
    for place, row in enumerate(good):
        numeral({value: None, **row}, place, value, above=0.0 if log else None)
    for place, row in enumerate(rows):
        numeral(row, place, at)
    drawn = _thinned(good, value, at)
    note = (
        f"{len(drawn):,} of {len(good):,} points are drawn, the extremes among them." if len(drawn) < len(good) else ""
    )
    about = about.of(n=len(rows), kinds=kinds_of(rows, about.kinds), note=note)
    sheet = Sheet(
        about, area=300, x="seconds since the run began", y=f"{about.unit}{', logarithmic' if log else ''}", mark="dot"
    )
    table: list[Row] = []
    for number, (name, group) in enumerate(by(good, variant).items()):
        color, symbol = series(number)
        kind = kind_of(group[0], 0, about.kinds[0])
        mine = [row for row in drawn if row[variant] == name]
        look = sheet.key(
            f"{name or 'answered'} (n = {len(group):,})", color=color, kind=kind, mark="dot", symbol=symbol
        )
        sheet.plot.add_scatter(
            x=[row[at] for row in mine],
            y=[row[value] for row in mine],
            mode="markers",
            marker={**dot(kind, color, symbol, 5), "opacity": 0.8},
            hovertemplate=f"%{{x:.2f}} s: %{{y:.4~g}} {about.unit}<extra></extra>",
            **look,
        )
        middles = _medians(group, value, at)
        if len(middles) > 2:
            sheet.plot.add_scatter(
                x=[when for when, _ in middles],
                y=[each for _, each in middles],
                mode="lines",
                line={"color": color, "width": 2.5},
                hovertemplate=f"median around %{{x:.1f}} s: %{{y:.4~g}} {about.unit}<extra></extra>",
                **{**look, "showlegend": False},
            )
        values = sorted(float(row[value]) for row in group)
        table.append(
            {variant: name or "all", "outcome": "ok", "n": len(group), "p50": quantile(values, 0.5), "most": values[-1]}
        )
    for outcome, group in by(bad, "outcome").items():
        sheet.plot.add_scatter(
            x=[row[at] for row in group],
            y=[1.0] * len(group),
            yaxis="y2",
            mode="markers",
            marker={"symbol": "x-thin-open", "size": 9, "color": SERIES[3], "line": {"width": 2}},
            hovertemplate=f"%{{x:.2f}} s: {outcome}<extra></extra>",
            **sheet.key(
                f"failed: {outcome} ({len(group):,})", color=SERIES[3], kind=about.kinds[0], mark="dot", symbol="x-thin"
            ),
        )
        table.append({variant: "all", "outcome": outcome, "n": len(group), "p50": None, "most": None})
    if bad:
        # A strip of its own above the plot: a failure has a time and no place on the scale of latencies.
        sheet.plot.update_layout(
            yaxis={"domain": [0, 0.9]},
            yaxis2={"domain": [0.93, 1], "range": [0.5, 1.5], "visible": False, "fixedrange": True},
        )
    if not rows:
        sheet.say("No observation to show.")
    if log and good:
        low, high = formats.span([float(row[value]) for row in good])
        marks, texts = formats.decades(low, high, about.unit)
        sheet.plot.update_yaxes(type="log", tickvals=marks, ticktext=texts, selector={"visible": None})
    else:
        sheet.plot.update_yaxes(rangemode="tozero")
    says = [f"{row[variant]}, {row['outcome']}: n {row['n']}" for row in table]
    return sheet.done(
        "Latency over time", title_of(title, table, lambda _: _finding(good, bad, value, at, about.unit)), table, says
    )


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    good = [row for row in rows if row.get("outcome", "ok") == "ok"]
    return good, [row for row in rows if row.get("outcome", "ok") != "ok"]


def _thinned(rows: Sequence[Row], value: str, at: str) -> list[Row]:
    """At most ``MOST`` of them: of each stretch of time the least and the greatest, and two between."""
    if len(rows) <= MOST:
        return list(rows)
    ordered = sorted(rows, key=lambda row: float(row[at]))
    size = -(-len(ordered) // (MOST // 4))
    kept: list[Row] = []
    for first in range(0, len(ordered), size):
        part = sorted(ordered[first : first + size], key=lambda row: float(row[value]))
        chosen = dict.fromkeys((0, len(part) // 3, 2 * len(part) // 3, len(part) - 1))
        kept += [part[place] for place in chosen]
    return kept


def _medians(rows: Sequence[Row], value: str, at: str) -> list[tuple[float, float]]:
    """The median of each of equally long stretches that hold at least five observations, at its middle."""
    low, high = formats.span([float(row[at]) for row in rows])
    width = (high - low) / _WINDOWS
    if not width:
        return []
    parts: dict[int, list[float]] = {}
    for row in rows:
        parts.setdefault(min(int((float(row[at]) - low) / width), _WINDOWS - 1), []).append(float(row[value]))
    return [
        (low + (place + 0.5) * width, quantile(sorted(values), 0.5))
        for place, values in sorted(parts.items())
        if len(values) >= 5
    ]


def _finding(good: Sequence[Row], bad: Sequence[Row], value: str, at: str, unit: str) -> str:
    failed = f"{len(bad):,} of {len(good) + len(bad):,} failed" if bad else ""
    if not good:
        return failed or "Nothing was observed"
    worst = max(good, key=lambda row: float(row[value]))
    took, when = formats.quantity(float(worst[value]), unit), formats.quantity(float(worst[at]), "s")
    slow = f"the slowest took {took}, {when} into the run"
    return f"{failed}; {slow}" if failed else slow[0].upper() + slow[1:]
