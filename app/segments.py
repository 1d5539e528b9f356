"""What the objects of a room's log hold: segments of entries, and checkpoints that stand for all before them; pure.

Both begin with one line of JSON. In a segment one line per entry follows, the very bytes that were sent to the members;
in a checkpoint, the room's snapshot as `app.room` encoded it.
"""

import zlib

import msgspec
from msgspec import Struct

from app.entries import Epoch
from flylab.errors import ParseError


class Segment(Struct, frozen=True, kw_only=True):
    """The entries ``first`` to ``last``, one line each, as one writer stored them in one put.

    ``hold`` is drawn anew each time a room is taken: two holds never store the same bytes, so whoever finds its own
    bytes under a key knows that it put them there.
    """

    epoch: int
    writer: str
    first: int
    last: int
    lines: tuple[bytes, ...]
    hold: str = ""


class Began(Struct, frozen=True, array_like=True):
    """An epoch, the entry it began with, and when."""

    epoch: int
    seq: int
    at: float


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The room as of entry ``seq``, and what the log must remember beyond the room's own contents.

    ``reads`` is the number of the first segment that is still to be read: ``seq + 1``, or less when the segment that
    holds ``seq`` goes on after it. ``epoch`` is the newest up to ``seq``; ``began`` are those whose segments are kept.
    """

    seq: int
    reads: int
    epoch: Epoch
    began: tuple[Began, ...]
    body: bytes


class _SegmentHead(Struct, omit_defaults=True):
    epoch: int
    writer: str
    first: int
    last: int
    hold: str = ""


class _CheckpointHead(Struct):
    seq: int
    reads: int
    epoch: Epoch
    began: tuple[Began, ...]
    crc: int


_encode = msgspec.json.Encoder().encode
_segment_head = msgspec.json.Decoder(_SegmentHead)
_checkpoint_head = msgspec.json.Decoder(_CheckpointHead)


def format_segment(segment: Segment) -> bytes:
    head = _SegmentHead(segment.epoch, segment.writer, segment.first, segment.last, segment.hold)
    return b"\n".join((_encode(head), *segment.lines))


def parse_segment(body: bytes, *, key: str) -> Segment:
    """Read what `format_segment` wrote; raises `ParseError` with the key for anything else."""
    first_line, *lines = body.split(b"\n")
    try:
        head = _segment_head.decode(first_line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise ParseError(f"segment {key}", body, str(exc)) from exc
    if not 1 <= head.first <= head.last or not key.endswith(f"/{head.first:012d}"):
        raise ParseError(f"segment {key}", body, f"it says that it holds entries {head.first} to {head.last}")
    if len(lines) != head.last - head.first + 1:
        raise ParseError(f"segment {key}", body, f"it has {len(lines)} lines for entries {head.first} to {head.last}")
    return Segment(
        epoch=head.epoch, writer=head.writer, first=head.first, last=head.last, lines=tuple(lines), hold=head.hold
    )


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    head = _CheckpointHead(
        checkpoint.seq, checkpoint.reads, checkpoint.epoch, checkpoint.began, zlib.crc32(checkpoint.body)
    )
    return b"\n".join((_encode(head), checkpoint.body))


def parse_checkpoint(body: bytes, *, key: str) -> Checkpoint:
    """Read what `format_checkpoint` wrote; raises `ParseError` with the key for anything else."""
    first_line, _, snapshot = body.partition(b"\n")
    try:
        head = _checkpoint_head.decode(first_line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise ParseError(f"snapshot {key}", body, str(exc)) from exc
    if not key.endswith(f"/{head.seq:012d}") or not 1 <= head.reads <= head.seq + 1:
        raise ParseError(f"snapshot {key}", body, f"it says that it stands for entries up to {head.seq}")
    if zlib.crc32(snapshot) != head.crc:
        raise ParseError(f"snapshot {key}", body, "its bytes are not those that were stored")
    return Checkpoint(seq=head.seq, reads=head.reads, epoch=head.epoch, began=head.began, body=snapshot)
