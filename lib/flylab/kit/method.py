"""The method box of a chapter: what was done how often, on what, by which clock, and where the samples are."""

import html
from collections.abc import Sequence
from typing import Any

from flylab.kit.record import Record

WHERE = {"local": "the local platform, on this computer", "fly": "Fly, seen from this computer"}
MOST_KINDS = 8  # kinds of samples that are listed one by one; our choice


class Method:
    """A saved record's circumstances, as the result of a cell; nothing in it is typed by hand."""

    def __init__(self, record: Record) -> None:
        run = record.run
        changed = {True: ", with changes that are not committed", False: "", None: ""}[run.dirty]
        load = "unknown" if run.load_before is None else f"{run.load_before:.1f}"
        self.rows: list[tuple[str, str]] = [
            ("where", WHERE.get(run.target, run.target)),
            ("begun", f"{run.started_at.replace('T', ' ').replace('+00:00', '')} UTC"),
            ("samples", "; ".join(counts(record)) or "none"),
            ("parameters", ", ".join(f"{name} = {value}" for name, value in run.settings.items()) or "none"),
            ("order", f"drawn with seed {run.seed}, where it is chance's" if run.seed else "as in the cells above"),
            ("clock", run.clock or "unknown"),
            ("computer", f"{run.cpu or 'unknown'}, {run.cores} cores, {run.kernel}; load {load} at the begin"),
            ("code", f"commit {run.commit[:12] or 'unknown'}{changed}; Python {run.python}"),
            ("packages", ", ".join(f"{name} {version}" for name, version in run.packages.items())),
            ("stored in", f"build/data/{run.id}.json"),
        ]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        lines = "".join(_line(name, value) for name, value in self.rows)
        table = f"<table><tbody>{lines}</tbody></table>"
        # Open without a click: what a reader may doubt is not hidden.
        shown = f'<details class="method" open><summary>How this was measured</summary>{table}</details>'
        return {"text/html": shown, "text/plain": "\n".join(f"{name}: {value}" for name, value in self.rows)}


def counts(record: Record) -> Sequence[str]:
    """How many samples there are of each kind, and how many failed: ``woken 9, 0 failed``."""
    kinds: dict[str, list[bool]] = {}
    for sample in record.samples:
        kinds.setdefault(sample.what, []).append(sample.ok)
    listed = [f"{kind} {len(ok):,}, {ok.count(False):,} failed" for kind, ok in kinds.items()]
    rest = [ok for kind, ok in [*kinds.items()][MOST_KINDS:]]
    if rest:
        many, failed = sum(map(len, rest)), sum(ok.count(False) for ok in rest)
        listed = [*listed[:MOST_KINDS], f"{len(rest)} more kinds {many:,}, {failed:,} failed"]
    return listed


def _line(name: str, value: str) -> str:
    style = "text-align:left;vertical-align:top;font-weight:normal;padding:.1em .8em .1em 0"
    return (
        f'<tr><th scope="row" style="{style};white-space:nowrap">{html.escape(name)}</th>'
        f'<td style="text-align:left;overflow-wrap:anywhere">{html.escape(value)}</td></tr>'
    )
