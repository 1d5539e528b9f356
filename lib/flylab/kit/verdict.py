"""Claims put to the test: what is claimed and by whom, what we predicted, what came out, and whether it holds.

A prediction is written down, and shown, before the run; a result without a prediction is refused, and so is a table
with a prediction that nobody looked at again.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flylab.errors import UsageError
from flylab.published.claims import Claim
from flylab.published.claims import claim as published_claim

MIME = "application/vnd.flylab.verdicts+json"
DOCS_READ = "2026-08-07"  # the copy of Fly's documentation that the chapters were written against
# A rule that we typed into the local platform is not found there; a reader has to know which of the two was asked.
LOCAL_NOTE = (
    "Asked of the local platform, which is built from Fly's documentation: that a rule holds here says that it can be"
    " relied on here, not that Fly keeps it."
)
HEADLINE_MIME = "application/vnd.flylab.headline+json"


class Outcome(StrEnum):
    HOLDS = "holds"
    FAILS = "fails"
    CANNOT = "cannot be tested here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A claim in words, for what is a rule and not a figure."""

    claim: str
    source: str
    address: str = ""
    date: str = ""


def documented(page: str, claim: str) -> Stated:
    """A rule that Fly's documentation states on ``page``, in our words."""
    return Stated(claim=claim, source=f"Fly docs: {page}", address=f"https://fly.io/docs/{page}/", date=DOCS_READ)


def goal(claim: str) -> Stated:
    """What this project promises itself."""
    return Stated(claim=claim, source="flylab, design goal", date="2026-11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One claim on its way from prediction to result."""

    key: str
    claim: str
    source: str
    address: str
    source_date: str
    prediction: str
    predicted_at: str
    result: str = ""
    outcome: Outcome | None = None
    predicted: bool | None = None  # whether the prediction came true; None: it cannot be said


class Verdicts:
    """The claims of one chapter; displays as a table of predictions, and after the run as a table of verdicts."""

    def __init__(self, chapter: str, *, target: str = "local") -> None:
        self.chapter = chapter
        self.target = target
        self.rows: dict[str, Row] = {}

    def predict(self, key: str, prediction: str, stated: Stated | None = None) -> None:
        """Write a prediction down. ``key`` is a row of claims.csv (``c016``), or our name for what ``stated`` says."""
        claim = stated or from_published(published_claim(key))
        self.rows[key] = Row(
            key=key,
            claim=claim.claim,
            source=claim.source,
            address=claim.address,
            source_date=claim.date,
            prediction=prediction,
            predicted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def result(self, key: str, result: str, *, holds: bool | None, predicted: bool | None = None) -> None:
        """Note what came out; ``holds=None`` means that it cannot be tested here.

        A prediction may say more than the claim, and be wrong where the claim holds: ``predicted`` says whether it was.
        """
        if key not in self.rows:
            raise UsageError(f"no prediction was written for {key!r} before the run")
        outcome = Outcome.CANNOT if holds is None else Outcome.HOLDS if holds else Outcome.FAILS
        self.rows[key] = replace(self.rows[key], result=result, outcome=outcome, predicted=predicted)

    def table(self) -> "Table":
        """The verdict table; UsageError when a prediction has no result."""
        waiting = [key for key, row in self.rows.items() if row.outcome is None]
        if waiting:
            raise UsageError(f"no result was noted for {', '.join(waiting)}")
        return Table(self.chapter, list(self.rows.values()), self.target)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        head = ("claim", "prediction, written before the run")
        cells = [(_claim_cell(row), html.escape(row.prediction)) for row in self.rows.values()]
        text = "\n".join(f"- {row.claim}\n  we predict: {row.prediction}" for row in self.rows.values())
        return {"text/html": _table("Predictions", head, cells), "text/plain": text}


@dataclass(frozen=True, slots=True)
class Table:
    """A finished verdict table; carries its rows as JSON for the suite and the site."""

    chapter: str
    rows: list[Row]
    target: str = "local"

    def counts(self) -> dict[str, int]:
        return {outcome.value: sum(row.outcome is outcome for row in self.rows) for outcome in Outcome}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        head = ("claim", "prediction", "result", "verdict")
        cells = [
            (_claim_cell(row), _prediction_cell(row), html.escape(row.result), _mark(row.outcome)) for row in self.rows
        ]
        text = "\n".join(f"{row.outcome}: {row.claim} -> {row.result}{_came_true(row, ' ({})')}" for row in self.rows)
        data = {"chapter": self.chapter, "target": self.target, "rows": [_json(row) for row in self.rows]}
        if self.target != "local":
            return {"text/html": _table("Verdicts", head, cells), "text/plain": text, MIME: data}
        shown = _table("Verdicts", head, cells) + f"<p><small>{LOCAL_NOTE}</small></p>"
        return {"text/html": shown, "text/plain": f"{text}\n{LOCAL_NOTE}", MIME: data}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one sentence a chapter ends with; the site and ``flylab site`` repeat it word for word."""

    text: str
    kind: str
    n: int
    target: str = "local"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        data = {"text": self.text, "kind": self.kind, "n": self.n, "target": self.target}
        place = "on Fly" if self.target == "fly" else "on the local platform"
        note = f"{self.kind} {place}, n = {self.n}"
        words = f"<strong>{html.escape(self.text)}</strong><br><small>{html.escape(note)}</small>"
        shown = f'<p class="headline">{words}</p>'
        return {"text/html": shown, "text/plain": f"{self.text} ({note})", HEADLINE_MIME: data}


def tally(counts: Mapping[str, int]) -> str:
    """Verdicts counted in words: ``9 hold, 1 fails, 5 cannot be tested here``; empty without any."""
    many = {Outcome.HOLDS: "hold", Outcome.FAILS: "fail", Outcome.CANNOT: Outcome.CANNOT}
    found = [(counts[outcome], outcome) for outcome in Outcome if counts.get(outcome)]
    return ", ".join(f"{count} {outcome if count == 1 else many[outcome]}" for count, outcome in found)


def from_published(row: Claim) -> Stated:
    """A row of claims.csv as words: ``Extra delay of a fly-replay hop: 10 ms (upper bound; router near the user)``."""
    limits = "; ".join(part for part in (row.statistic, row.conditions) if part)
    text = f"{row.claim}: {row.text}" + (f" ({limits})" if limits else "")
    return Stated(claim=text, source=row.source_title or "no source", address=row.source_address, date=row.source_date)


def _json(row: Row) -> dict[str, str]:
    return {
        "key": row.key,
        "claim": row.claim,
        "source": row.source,
        "prediction": row.prediction,
        "result": row.result,
        "outcome": str(row.outcome),
        "predicted": _came_true(row),
    }


def _claim_cell(row: Row) -> str:
    name = html.escape(row.source)
    link = f'<a href="{html.escape(row.address, quote=True)}">{name}</a>' if row.address else name
    dated = f", {html.escape(row.source_date)}" if row.source_date else ""
    return f"{html.escape(row.claim)}<br><small>{link}{dated}</small>"


def _came_true(row: Row, shape: str = "{}") -> str:
    """``as predicted``, ``not as predicted``, or nothing where it cannot be said."""
    return "" if row.predicted is None else shape.format("as predicted" if row.predicted else "not as predicted")


def _prediction_cell(row: Row) -> str:
    return html.escape(row.prediction) + _came_true(row, "<br><small>{}</small>")


def _mark(outcome: Outcome | None) -> str:
    # The word carries the meaning; the sign before it is decoration and hidden from screen readers.
    sign = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗"}.get(outcome or Outcome.CANNOT, "○")
    return f'<span aria-hidden="true">{sign}</span> <strong>{outcome}</strong>'


def _table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    # Every row begins with a header cell, so that a screen reader names the claim with each of its cells.
    heads = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal;vertical-align:top">{first}</th>'
        + "".join(f'<td style="text-align:left;vertical-align:top;overflow-wrap:anywhere">{cell}</td>' for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    title = f'<caption style="text-align:left;font-weight:bold">{caption}</caption>'
    return f'<table class="verdicts">{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
