"""Reads what figures are drawn from: lists of records, dataclasses, Arrow tables; whatever is wrong is said by name."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from flylab.errors import UsageError
from flylab.kit.figures.palette import Provenance

Row = dict[str, Any]
Finding = str | Callable[[Sequence[Mapping[str, Any]]], str] | None  # a title, or what makes one of the table


def records(data: object, *needed: str) -> list[Row]:
    """The rows of ``data``, each of which has the columns ``needed``; raises UsageError naming what is missing."""
    if hasattr(data, "column_names"):
        return _columns(data, needed)
    if isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Iterable):
        raise UsageError(f"a figure is drawn from a list of records or an Arrow table, not from {_kind(data)}")
    rows: list[Row] = []
    for place, each in enumerate(data):
        if is_dataclass(each) and not isinstance(each, type):
            row: Row = asdict(each)
        elif isinstance(each, Mapping):
            row = dict(each)
        else:
            raise UsageError(f"record {place} is {_kind(each)}, and not a mapping of columns to values")
        missing = [name for name in needed if name not in row]
        if missing:
            raise UsageError(f"record {place} has no column {missing[0]!r}; it has {_list(row)}")
        rows.append(row)
    return rows


def numeral(row: Row, place: int, name: str, *, least: float | None = None, above: float | None = None) -> float:
    """A finite number out of a row; ``least`` may be reached, ``above`` may not. Raises UsageError naming the row."""
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UsageError(f"record {place}: {name} is {value!r}, and not a finite number")
    if least is not None and value < least:
        raise UsageError(f"record {place}: {name} is {value!r}, which is below {least:g}")
    if above is not None and value <= above:
        raise UsageError(f"record {place}: {name} is {value!r}, and a logarithmic axis begins above {above:g}")
    return float(value)


def maybe(row: Row, place: int, name: str, *, least: float | None = None) -> float | None:
    """As ``numeral``, and None where the row has nothing there."""
    return None if row.get(name) is None else numeral(row, place, name, least=least)


def kind_of(row: Row, place: int, default: Provenance) -> Provenance:
    """The provenance that the row states in ``provenance``; the figure's own where it states none."""
    value = row.get("provenance") or default
    try:
        return Provenance(value)
    except ValueError:
        raise UsageError(f"record {place}: provenance is {value!r}; there are {', '.join(Provenance)}") from None


def kinds_of(rows: Sequence[Row], default: tuple[Provenance, ...]) -> tuple[Provenance, ...]:
    """The kinds in the rows, in the order of the class; without rows those that were announced."""
    found = {kind_of(row, place, default[0]) for place, row in enumerate(rows)}
    return tuple(kind for kind in Provenance if kind in found) or default


def by(rows: Iterable[Row], *names: str) -> dict[Any, list[Row]]:
    """The rows with equal values in these columns, in the order in which they were first seen."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        found.setdefault(key[0] if len(names) == 1 else key, []).append(row)
    return found


def verified(row: Row) -> bool:
    """False for a published figure that nobody could check in its source."""
    status = str(row.get("status") or "")
    return row.get("verified") is not False and "unverified" not in status and status != "not found"


def title_of(finding: Finding, rows: Sequence[Row], default: Callable[[Sequence[Row]], str]) -> str:
    """The title: as given, or what the given function or the kind of figure makes of its table."""
    if isinstance(finding, str):
        return finding
    return finding(rows) if finding is not None else default(rows)


def _columns(data: Any, needed: Sequence[str]) -> list[Row]:
    names = list(data.column_names)
    missing = [name for name in needed if name not in names]
    if missing:
        raise UsageError(f"the table has no column {missing[0]!r}; it has {_list(names)}")
    columns = [data[name].to_pylist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _list(names: Iterable[str]) -> str:
    found = [repr(name) for name in names]
    return ", ".join(found[:12]) + (" …" if len(found) > 12 else "") if found else "none"


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
