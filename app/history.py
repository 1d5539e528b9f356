"""How a stored log is read and shortened: which objects to read, what they say together, which may be deleted; pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from app.entries import AnyEntry, Epoch, Released, parse_entry
from app.layout import parse_key, segment_key
from app.segments import Began, Checkpoint, Segment
from flylab.errors import ParseError

# All of these are our choice.
EPOCHS_KEPT = 86_400.0  # segments that begin an epoch outlive the snapshot that covers them by this
EPOCHS_KEPT_LEAST = 100  # and so many in any case: a machine's clock may be wrong after a resume
SNAPSHOTS_KEPT = 2  # a listing that overlaps with a compaction then misses one at most


class Load(Struct, frozen=True):
    """What to read of a room: the newest snapshot, and the segments with numbers after it."""

    snapshot: int | None
    segments: tuple[int, ...]


class Log(Struct, frozen=True):
    """A room's stored log: a snapshot, the entries after it, and what follows from both.

    ``next`` is the number of the entry that comes next, ``epoch`` the newest, ``released`` the last entry if that gave
    the room up, ``began`` the epochs that are remembered.
    """

    snapshot: tuple[int, bytes] | None
    entries: list[AnyEntry]
    next: int
    epoch: Epoch | None
    released: Released | None
    began: tuple[Began, ...]
    segments: int  # how many had to be read

    @property
    def starts(self) -> list[tuple[int, int]]:
        """The newest epochs, each with the number of the entry it began with."""
        return [(began.epoch, began.seq) for began in self.began[-EPOCHS_KEPT_LEAST:]]


class HoleError(ParseError):
    """A segment between others is missing: deleted meanwhile by whoever wrote a newer snapshot, or gone for good."""


def plan_load(keys: Iterable[str]) -> Load:
    """What to read, of all keys under ``rooms/<room>/``."""
    segments, snapshots = _numbers(keys)
    snapshot = max(snapshots, default=None)
    return Load(snapshot, tuple(sorted(first for first in segments if first > (snapshot or 0))))


def assemble(room: str, checkpoint: Checkpoint | None, segments: Sequence[Segment]) -> Log:
    """The log that these make, in order; raises `HoleError` where one is missing, `ParseError` where they disagree."""
    seq = 0 if checkpoint is None else checkpoint.seq
    epoch = None if checkpoint is None else checkpoint.epoch
    began = [] if checkpoint is None else list(checkpoint.began)
    entries: list[AnyEntry] = []
    expected = 1 if checkpoint is None else checkpoint.reads
    for segment in segments:
        key = segment_key(room, segment.first)
        if segment.first != expected:
            missing = segment_key(room, expected)
            raise HoleError(f"log of room {room!r}", missing, f"entries {expected} to {segment.first - 1} are missing")
        expected = segment.last + 1
        for number, line in enumerate(segment.lines, segment.first):
            entry = _parse_line(line, number, key)
            if number <= seq:
                continue
            if isinstance(entry, Epoch):
                if number != segment.first or entry.epoch != (epoch.epoch if epoch else 0) + 1:
                    raise ParseError(f"segment {key}", line, f"epoch {entry.epoch} cannot begin here")
                epoch = entry
                began.append(Began(entry.epoch, number, entry.at))
            entries.append(entry)
        if epoch is None or (segment.epoch, segment.writer) != (epoch.epoch, epoch.writer):
            raise ParseError(f"segment {key}", segment.writer, f"not by the writer of {epoch}")
    last = entries[-1] if entries else None
    return Log(
        snapshot=None if checkpoint is None else (checkpoint.seq, checkpoint.body),
        entries=entries,
        next=max(expected, seq + 1),
        epoch=epoch,
        released=last if isinstance(last, Released) else None,
        began=tuple(began),
        segments=len(segments),
    )


def keep_epochs(began: Sequence[Began], now: float, *, least: int = EPOCHS_KEPT_LEAST) -> tuple[Began, ...]:
    """The epochs whose segments may not be deleted yet, oldest first: the young ones, and ``least`` in any case."""
    sure = len(began) - least
    return tuple(epoch for index, epoch in enumerate(began) if index >= sure or now - epoch.at < EPOCHS_KEPT)


def plan_compaction(keys: Iterable[str], *, reads: int, kept: Iterable[Began]) -> list[str]:
    """The keys to delete once a snapshot that needs segments from number ``reads`` on was stored and read back.

    ``kept`` are the epochs whose segments stay (`keep_epochs`). Snapshots go but for the newest few.
    """
    segments, snapshots = _numbers(keys)
    stay = {epoch.seq for epoch in kept}
    old = [key for first, key in segments.items() if first < reads and first not in stay]
    return old + [key for _, key in sorted(snapshots.items())[:-SNAPSHOTS_KEPT]]


def _numbers(keys: Iterable[str]) -> tuple[Mapping[int, str], Mapping[int, str]]:
    segments, snapshots = {}, {}
    for key in keys:
        match parse_key(key):
            case "log", number:
                segments[number] = key
            case "snap", number:
                snapshots[number] = key
    return segments, snapshots


def _parse_line(line: bytes, number: int, key: str) -> AnyEntry:
    try:
        entry = parse_entry(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise ParseError(f"entry {number} of segment {key}", line, str(exc)) from exc
    if entry.seq != number:
        raise ParseError(f"entry {number} of segment {key}", line, f"it says that it is entry {entry.seq}")
    return entry
