"""Samples as one Parquet file: times as columns of doubles, what else was seen as JSON text in a column of its own."""

import json
from collections.abc import Sequence
from io import BytesIO

from flylab.errors import ParseError, UsageError
from flylab.measure.sample import Sample

SUFFIX = ".parquet"
_MAGIC = b"PAR1"  # at both ends of every such file
_TEXTS = ("what", "where", "outcome", "detail")
_TIMES = ("scheduled", "sent", "finished")
_BATCH = 65_536  # rows read at a time; our choice


def pack(samples: Sequence[Sample]) -> bytes:
    """The file's content: columns, texts by dictionary, packed by zstd."""
    try:
        from arro3.core import Array, DataType, Table
        from arro3.io import write_parquet
    except ModuleNotFoundError as exc:
        raise _missing(exc) from exc

    text, number = DataType.string(), DataType.float64()
    table = Table.from_pydict({
        "what": Array([sample.what for sample in samples], type=text),
        "where": Array([sample.where for sample in samples], type=text),
        "scheduled": Array([sample.scheduled for sample in samples], type=number),
        "sent": Array([sample.sent for sample in samples], type=number),
        "finished": Array([sample.finished for sample in samples], type=number),
        "outcome": Array([sample.outcome for sample in samples], type=text),
        "detail": Array([_text(sample) for sample in samples], type=text),
    })  # fmt: skip
    content = BytesIO()
    write_parquet(table, content, compression="zstd(3)")
    return content.getvalue()


def unpack(content: bytes) -> list[Sample]:
    """Read what ``pack`` made; raises ParseError."""
    try:
        from arro3.io import read_parquet
    except ModuleNotFoundError as exc:
        raise _missing(exc) from exc

    # The library's reader panics where the ends are not those of a Parquet file, so they are looked at first.
    if len(content) < 2 * len(_MAGIC) or not content.startswith(_MAGIC) or not content.endswith(_MAGIC):
        raise ParseError("samples", content[:16], "this is no Parquet file")
    try:
        table = read_parquet(content, batch_size=_BATCH).read_all()
        missing = [name for name in (*_TEXTS, *_TIMES) if name not in table.column_names]
        if missing:
            raise ParseError("samples", list(table.column_names), f"there is no column {missing[0]}")
        columns = {name: table[name].to_pylist() for name in (*_TEXTS, *_TIMES)}
        return [
            Sample(
                what=what,
                where=where,
                scheduled=scheduled,
                sent=sent,
                finished=finished,
                outcome=outcome,
                detail=json.loads(detail) if detail else {},
            )
            for what, where, outcome, detail, scheduled, sent, finished in zip(*columns.values(), strict=True)
        ]
    except (ValueError, TypeError, OSError) as exc:
        raise ParseError("samples", content[:16], str(exc)) from exc


def _text(sample: Sample) -> str | None:
    return json.dumps(dict(sample.detail), separators=(",", ":")) if sample.detail else None


def _missing(exc: ModuleNotFoundError) -> UsageError:
    return UsageError(f"stored samples need the package arro3-io ({exc.name} is missing); install flylab[lab]")
