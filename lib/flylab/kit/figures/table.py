"""The numbers of a figure as a table: for those who cannot see it, and for those who want to compute with it."""

import csv
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from flylab.kit.figures.formats import cell

MOST = 400  # rows that a notebook shows of one table; our choice
FEW = 60  # rows that the write-up shows of one figure, which are not read one by one; our choice


class Table:
    """Displays as HTML, and as lines of text where there is none."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], caption: str = "") -> None:
        self.rows = tuple(rows)
        self.caption = caption

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def html(self) -> str:
        return table_html(self.rows, self.caption)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        lines = [" | ".join(self.columns)]
        lines += [" | ".join(cell(row.get(name)) for name in self.columns) for row in self.rows]
        return {"text/html": self.html(), "text/plain": "\n".join(lines)}


def table_html(rows: Sequence[Mapping[str, Any]], caption: str = "") -> str:
    """At most ``MOST`` rows; numbers to the right, so that they can be compared."""
    if not rows:
        return "<p>Nothing to show.</p>"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    heads = "".join(f'<th scope="col">{html.escape(_words(name))}</th>' for name in columns)
    body = "".join("<tr>" + "".join(_td(row.get(name)) for name in columns) + "</tr>" for row in rows[:MOST])
    rest = f"<p>{len(rows) - MOST:,} more rows are in the data of the run.</p>" if len(rows) > MOST else ""
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f'<table class="plot-table">{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{rest}'


def thinned(rows: Sequence[Mapping[str, Any]], most: int = FEW) -> Sequence[Mapping[str, Any]]:
    """At most ``most`` of the rows, evenly spaced, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """All rows with all their digits, in the order of the table."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(row) for row in rows)
    return text.getvalue()


def _td(value: object) -> str:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    style = ' style="text-align:right;font-variant-numeric:tabular-nums"' if numeric else ""
    return f"<td{style}>{html.escape(cell(value))}</td>"


def _words(column: str) -> str:
    return column.replace("_", " ")
