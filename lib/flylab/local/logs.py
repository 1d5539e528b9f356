"""Reads the logs that ``output.py`` writes: what is there, and then what is added, also across a rotation.

Readers look at the files themselves, whenever it suits them: a machine that floods costs the platform's loop and memory
nothing, and a follower that is slow falls behind in a file.
"""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flylab.errors import ParseError
from flylab.local.output import PREVIOUS
from flylab.wire.log import LogLine, parse_record

CHUNK = 1 << 16  # bytes taken from one log at a time; our choice
RECENT = 1 << 20  # bytes at the end of a log that are looked at when nobody says since when; our choice


@dataclass(slots=True)
class Tail:
    """A place in the log of one machine."""

    path: Path  # of the newest file
    machine: str = ""
    region: str = ""
    _fd: int | None = field(default=None, init=False)
    _inode: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)
    _partial: bytes = field(default=b"", init=False)

    def read(self) -> list[bytes]:
        """The records that follow, from ``CHUNK`` bytes or a little more; none at the end of the log."""
        while self._fd is not None or self._open_first():
            assert self._fd is not None
            data = os.read(self._fd, CHUNK)
            if data:
                *whole, self._partial = (self._partial + data).split(b"\n")
                if whole:
                    return whole
            elif not self._move_on():
                return []
        return []

    def skip(self, leave: int) -> None:
        """Begin with the last ``leave`` bytes, or what there is."""
        with contextlib.suppress(OSError):
            size = self.path.stat().st_size
            older = self.path.with_name(self.path.name + PREVIOUS)
            if size < leave and older.exists():
                self._open(older)
                leave -= size
                size = older.stat().st_size
            else:
                self._open(self.path)
            if self._fd is not None and size > leave:
                os.lseek(self._fd, size - leave, os.SEEK_SET)
                rest = os.read(self._fd, CHUNK * 2).partition(b"\n")[0]  # somewhere in the middle of a line
                os.lseek(self._fd, size - leave + len(rest) + 1, os.SEEK_SET)

    def lines(self) -> list[LogLine]:
        """``read``, and what it read as values; what is no record of ours is left out."""
        found: list[LogLine] = []
        while not found and (records := self.read()):
            for record in records:
                with contextlib.suppress(ParseError):
                    found.append(parse_record(record, self.machine, self.region))
        return found

    def size(self) -> int:
        """Bytes of the whole log, read or not."""
        paths = (self.path.with_name(self.path.name + PREVIOUS), self.path)
        return sum(path.stat().st_size for path in paths if path.exists())

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open_first(self) -> bool:
        if self._begun:
            return False
        return self._open(self.path.with_name(self.path.name + PREVIOUS)) or self._open(self.path)

    def _open(self, path: Path) -> bool:
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        self.close()
        self._fd, self._inode, self._begun = fd, os.fstat(fd).st_ino, True
        return True

    def _move_on(self) -> bool:
        """At the end of a file: go to the next one if there is one; it may have been read to its end before that."""
        assert self._fd is not None
        newest, older = _inode(self.path), _inode(self.path.with_name(self.path.name + PREVIOUS))
        if newest in (self._inode, 0):
            return False
        if more := os.read(self._fd, CHUNK):  # written between our last look and the rotation
            os.lseek(self._fd, -len(more), os.SEEK_CUR)
            return True
        # After two rotations since the last look, what stood between is lost and the older file is the next one.
        path = self.path if older in (self._inode, 0) else self.path.with_name(self.path.name + PREVIOUS)
        self._partial = b""
        return self._open(path)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def history(
    tails: Iterable[Tail], *, since: str, limit: int, wanted: Callable[[LogLine], bool] = lambda _: True
) -> list[LogLine]:
    """What there is by time: the first ``limit`` lines from ``since`` on, or without it the last ones of all.

    The tails are then at their ends, so that whoever follows misses nothing in between.
    """
    found: list[LogLine] = []
    for tail in tails:
        if not since:
            tail.skip(RECENT)
        lines = filter(wanted, _all(tail))
        found += _first(lines, since, limit) if since else deque(lines, maxlen=limit)
    found.sort(key=lambda line: line.at)
    return found[:limit] if since else found[-limit:]


def _all(tail: Tail) -> Iterator[LogLine]:
    with contextlib.suppress(OSError):
        # Whoever floods may write faster than we read: what comes after we began is for those who follow.
        for _ in range(tail.size() // CHUNK + 4):
            lines = tail.lines()
            if not lines:
                return
            yield from lines


def _first(lines: Iterable[LogLine], since: str, limit: int) -> list[LogLine]:
    found: list[LogLine] = []
    for line in lines:
        if line.at >= since and len(found) < limit:
            found.append(line)
    return found


def plain(path: Path, limit: int) -> bytes:
    """The last lines of one machine as it printed them."""
    tail = Tail(path)
    try:
        lines = history([tail], since="", limit=limit)
    finally:
        tail.close()
    return "".join(f"{line.text}\n" for line in lines).encode()
