"""What the page about methods says of the runs themselves: on what they were made, and how busy that was."""

from collections.abc import Mapping
from pathlib import Path

from flylab.kit.figures.palette import INK, Ink, Provenance
from flylab.kit.site.collecting import PLACES
from flylab.kit.site.markup import escape, raw, table
from flylab.measure import runs
from flylab.measure.stats import least_n
from flylab.published.network import regions


def page(records: Mapping[tuple[str, str], Path]) -> dict[str, str]:
    """What the template of the page is filled with."""
    return {
        "kinds": raw(kinds()),
        "runs": raw(machines(records)) or "No run is stored beside these pages.",
        "regions": str(len(regions())),
        "p95": f"{least_n(0.95):,}",
        "p99": f"{least_n(0.99):,}",
    }


def kinds() -> str:
    """The four kinds of numbers, and how each is drawn."""
    rows = [[f"<strong>{kind.value}</strong>", _look(INK[kind]), escape(_MEANS[kind])] for kind in Provenance]
    return table("kinds", ["kind", "how it is drawn", "what it is"], rows)


def _look(ink: Ink) -> str:
    return escape(f"areas {ink.area}; {ink.point}; {ink.line}")


_MEANS = {
    Provenance.MEASURED: "taken on the platform that the figure names, in the run that the page names",
    Provenance.CONFIGURED: "typed in, such as the round trip between two regions: no local run can find it",
    Provenance.SIMULATED: "follows from the platform's rules, or from arithmetic, and from what was assumed",
    Provenance.PUBLISHED: "said by others, with its source, date and how far it was checked",
}


def machines(records: Mapping[tuple[str, str], Path]) -> str:
    """The computers that the runs were made on, and one row for each run: where, when, how busy it was."""
    computers: dict[str, int] = {}
    rows = []
    for (chapter, target), path in records.items():
        run = runs.read(path)
        said = f"{run.cpu}, {run.cores} cores, {run.kernel}, Python {run.python}, clock: {run.clock or 'not recorded'}"
        number = computers.setdefault(said, len(computers) + 1)
        rows.append([
            f'<a href="data.html#{escape(run.id)}">{escape(chapter)}</a>',
            escape(PLACES[target]),
            escape(run.started_at[:16].replace("T", " ")),
            f"{run.n:,}",
            str(number),
            _load(run.load_before),
            _load(run.load_after),
        ])  # fmt: skip
    if not rows:
        return ""
    head = ["run", "on", "began (UTC)", "samples", "computer", "load before", "load after"]
    listed = "".join(f"<li>{escape(said)}</li>" for said in computers)
    return f"{table('runs', head, rows)}<p>Computers of the runs:</p><ol>{listed}</ol>"


def _load(value: float | None) -> str:
    return "not recorded" if value is None else f"{value:.1f}"
