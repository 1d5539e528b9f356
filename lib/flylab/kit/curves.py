"""What holds until it changes, over the hours of a day: how many machines run, what they cost each hour."""

from collections.abc import Mapping, Sequence

from flylab.kit.figures import Basis, Figure, Sheet
from flylab.kit.figures.data import Row
from flylab.kit.figures.formats import number
from flylab.kit.figures.palette import series
from flylab.kit.figures.sheet import dot, stroke

Points = Sequence[tuple[float, float]]
_MARKS = 8  # on each line, so that lines are told apart without colour


def steps(title: str, lines: Mapping[str, Points], about: Basis, *, x: str, y: str) -> Figure:
    """One stepped line for each name, from its points (x, y) in order; a value holds until the next point."""
    sheet = Sheet(about.of(n=sum(map(len, lines.values()))), area=240, x=x, y=y, mark="line")
    table: list[Row] = []
    kind = about.kinds[0]
    for place, (name, points) in enumerate(lines.items()):
        color, symbol = series(place)
        sheet.plot.add_scatter(
            x=[at for at, _ in points],
            y=[value for _, value in points],
            mode="lines+markers",
            line={**stroke(kind, color), "shape": "hv"},
            marker={**dot(kind, color, symbol, 7), "maxdisplayed": _MARKS},
            hovertemplate=f"{name}: %{{y:.4~g}} {about.unit} at %{{x:.4~g}}<extra></extra>",
            **sheet.key(name, color=color, kind=kind, mark="line", symbol=symbol),
        )
        values = [value for _, value in points]
        if values:
            mean = sum(values) / len(values)
            table.append({"name": name, "least": min(values), "mean": mean, "most": max(values), "n": len(values)})
    if not table:
        sheet.say("Nothing to show.")
    sheet.plot.update_yaxes(rangemode="tozero")
    says = [f"{row['name']}: {number(row['mean'])} on average, at most {number(row['most'])}" for row in table]
    return sheet.done("Lines over time", title, table, says)
