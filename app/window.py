"""The last entries of a room's log as they were sent, for members who come back or fell behind; pure."""

from collections.abc import Iterator


class Window:
    """Encoded entries with their numbers, without gap, the oldest dropped beyond ``most_bytes``."""

    __slots__ = ("_bytes", "_first", "_lines", "_most_bytes", "_start")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lines: list[bytes] = []
        self._start = 0  # those before are dropped; removing them one by one would move all the others each time
        self._first = 1  # the number of `_lines[_start]`
        self._bytes = 0

    @property
    def next(self) -> int:
        """The number after the last entry."""
        return self._first + len(self._lines) - self._start

    @property
    def held_bytes(self) -> int:
        return self._bytes

    def start(self, seq: int) -> None:
        """The next entry has the number after ``seq``; what is here stays if it leads up to that."""
        if self.next != seq + 1:
            self._lines.clear()
            self._start = self._bytes = 0
            self._first = seq + 1

    def append(self, seq: int, line: bytes) -> None:
        """Keep an entry; one that does not follow the last begins afresh."""
        self.start(seq - 1)
        self._lines.append(line)
        self._bytes += len(line)
        while self._bytes > self._most_bytes and len(self._lines) - self._start > 1:
            self._bytes -= len(self._lines[self._start])
            self._lines[self._start] = b""
            self._start += 1
            self._first += 1
        if self._start > 256 and 2 * self._start > len(self._lines):
            del self._lines[: self._start]
            self._start = 0

    def covers(self, since: int) -> bool:
        """Whether everything after entry ``since`` is here."""
        return self._first <= since + 1 <= self.next

    def after(self, since: int, *, upto: int, most_bytes: int) -> list[bytes]:
        """The entries after ``since`` up to number ``upto``: as many as fit into ``most_bytes``, but at least one."""
        return list(self._take(since, upto, most_bytes))

    def _take(self, since: int, upto: int, most_bytes: int) -> Iterator[bytes]:
        offset = self._start - self._first
        size = 0
        for seq in range(since + 1, upto + 1):
            line = self._lines[seq + offset]
            size += len(line) + 1
            if size > most_bytes and seq > since + 1:
                return
            yield line
