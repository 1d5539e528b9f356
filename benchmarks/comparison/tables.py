"""The figures and ratios of a run as Markdown; pure."""

from typing import Any

from comparison.figures import FIGURES, FREE, OURS, RATIOS, Bound, Figure, Summary, counts, ratio, summary

NONE, LATE = "–", "?"


def cell(found: Summary, *, scale: float = 1.0, digits: int = 0) -> str:
    """``12 (11–14)``: the median, and the least and the most where they differ."""
    if not found.known:
        return LATE if found.late else NONE

    def written(number: float) -> str:
        return f"{number * scale + 0.0:,.{digits}f}"

    median, least, most = written(found.median), written(found.least), written(found.most)
    spread = "" if least == most else f" ({least}–{most})"
    return ("≥ " if found.at_least else "") + median + spread


def table(run: dict[str, Any]) -> str:
    """A row for each figure of the loads of this run, a column for each server."""
    results, titles = run["results"], run["titles"]
    lines = [f"| | promised | {' | '.join(titles.values())} |", "|---|---|" + "---:|" * len(titles)]
    for figure in _shown(run):
        cells = [
            cell(summary(results[figure.load].get(name, []), figure.name), scale=figure.scale, digits=figure.digits)
            for name in titles
        ]
        if any(one != NONE for one in cells):
            lines.append(f"| {figure.heading} | {figure.promise} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(run: dict[str, Any]) -> str:
    """Ours to another's; empty if nothing can be compared."""
    lines = []
    for asked in RATIOS:
        found = ratio(run["results"], asked)
        if found.known:
            lines.append(f"| {asked.heading} | {asked.promise} | {cell(found, digits=2)} |")
    return (
        "\n".join(["| ours divided by theirs, in the same round | promised | |", "|---|---|---:|", *lines])
        if lines
        else ""
    )


def unkept(run: dict[str, Any]) -> list[str]:
    """The promises that were not kept in this run, or that it could not tell."""
    found = []
    above = ""
    for figure in _shown(run):
        above, heading = _whole(above, figure.heading)
        ours = summary(run["results"][figure.load].get(OURS, []), figure.name)
        found += _unkept(heading, figure.promise, ours, figure.scale, figure.digits)
    for asked in RATIOS:
        above, heading = _whole(above, asked.heading)
        if asked.load in run["results"] and (not asked.to or asked.to in run["titles"]) and len(run["titles"]) > 1:
            found += _unkept(heading, asked.promise, ratio(run["results"], asked), 1.0, 2)
    return found


def aside(run: dict[str, Any]) -> list[str]:
    """The single runs that do not count, and why."""
    return [
        f"{load}, {run['titles'][name]}, round {place + 1}: {result.get('failed', 'the generator was late')}"
        for load, servers in run["results"].items()
        for name, results in servers.items()
        for place, result in enumerate(results)
        if not counts(result)
    ]


def _shown(run: dict[str, Any]) -> list[Figure]:
    return [figure for figure in FIGURES if figure.load in run["results"]]


def _unkept(heading: str, promise: Bound, found: Summary, scale: float, digits: int) -> list[str]:
    if promise == FREE:
        return []
    if not found.known:
        return [f"{heading}: promised {promise}, not known from this run"]
    if promise.holds(found.median * scale):
        return []
    return [f"{heading}: promised {promise}, found {cell(found, scale=scale, digits=digits)}"]


def _whole(above: str, heading: str) -> tuple[str, str]:
    """A heading that begins with … goes on from the one above."""
    if heading.startswith("… "):
        return above, f"{above}, {heading[2:]}"
    above = heading.split(":", maxsplit=1)[0]
    return above, heading
