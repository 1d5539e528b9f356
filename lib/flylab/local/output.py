"""What a machine prints: two pipes that the supervisor reads, and a log of bounded size that it writes.

    machine ──stdout──► pipe ──┐
            ──stderr──► pipe ──┴► supervisor ──► log, and when that is full ──rename──► log.1

A pipe, because a file that a process keeps open can only be cut by copying it and then truncating it, which loses what
is written in between; with a pipe the writer of the file is ours and rotates between two lines. The process waits only
while the supervisor is slower than it, 64 KB at a time. Each line has its time and stream in front:
``2026-10-05T07:00:00.123Z o hello``. It imports the standard library alone, because the supervisor does.
"""

import contextlib
import os
import selectors
import time

MOST = 4 << 20  # bytes of one file, of which there are two; our choice
LONGEST = 1 << 16  # bytes of a line, a longer one is cut; our choice
_CHUNK = 1 << 16  # bytes read at once: one machine that floods must not hold up the others
PREVIOUS = ".1"


class LogFile:
    """The file: appends whole lines, rotates, and outlives a disk that is full."""

    def __init__(self, path: str, most: int) -> None:
        self._path, self._most = path, most
        self._lost = 0
        self._fd = self._open()

    def _open(self) -> int:
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(fd).st_size
        return fd

    def write(self, mark: bytes, lines: bytes) -> None:
        """``lines`` end with a line feed."""
        prefix = b"%b %b " % (stamp(time.time()), mark)
        note = b"" if not self._lost else prefix + b"[flylab: %d bytes could not be written here]\n" % self._lost
        data = memoryview(note + prefix + lines[:-1].replace(b"\n", b"\n" + prefix) + b"\n")
        try:
            while data:
                done = os.write(self._fd, data)
                data, self._size = data[done:], self._size + done
            self._lost = 0
        except OSError:  # the disk is full; the machine goes on, and the log says what is missing once it can
            self._lost += len(lines)
        if self._size >= self._most:
            self._rotate()

    def _rotate(self) -> None:
        with contextlib.suppress(OSError):  # its folder may be gone; what is open can still be written
            os.rename(self._path, self._path + PREVIOUS)
            full, self._fd = self._fd, self._open()
            os.close(full)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._fd)


class Stream:
    """Our end of one pipe, and the beginning of a line that has not ended yet."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark
        read, self.theirs = os.pipe()
        os.set_blocking(read, False)
        self.ours: int | None = read
        self.partial = b""

    def lines(self, data: bytes) -> bytes:
        """The whole lines there are now; the rest is kept."""
        data = self.partial + data
        end = data.rfind(b"\n") + 1
        whole, self.partial = data[:end], data[end:]
        return whole + self.rest() if len(self.partial) >= LONGEST else whole

    def rest(self) -> bytes:
        """What is left when nothing more comes, or the line is too long."""
        left, self.partial = self.partial, b""
        return left + b"\n" if left else b""


class Output:
    """Everything that one process prints, from before it runs until after it has ended."""

    def __init__(self, path: str, most: int, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._streams: list[Stream] = []
        self._log = LogFile(path, most)
        try:
            for mark in (b"o", b"e"):
                self._streams.append(Stream(mark))
        except OSError:
            self.begin()
            self.finish()
            raise

    @property
    def theirs(self) -> tuple[int, int]:
        """Where the process writes: its standard output and error."""
        out, err = self._streams
        return out.theirs, err.theirs

    def begin(self) -> None:
        """The process has its ends: close them here and listen to ours."""
        for stream in self._streams:
            os.close(stream.theirs)
            if stream.ours is not None:
                self._selector.register(stream.ours, selectors.EVENT_READ, lambda stream=stream: self._read(stream))

    def _read(self, stream: Stream) -> bool:
        """Take what is there, a chunk at most; false when there is no more for now."""
        if stream.ours is None:  # it was closed by what came before it in the same round
            return False
        try:
            data = os.read(stream.ours, _CHUNK)
        except OSError:  # BlockingIOError in the main
            return False
        lines = stream.lines(data) if data else stream.rest()
        if lines:
            self._log.write(stream.mark, lines)
        if not data:
            self._close(stream)
        return bool(data)

    def _close(self, stream: Stream) -> None:
        if stream.ours is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(stream.ours)
            os.close(stream.ours)
            stream.ours = None

    def note(self, text: str) -> None:
        """A line of our own among the machine's."""
        self._log.write(b"e", f"[flylab: {text}]\n".encode())

    def finish(self) -> None:
        """The process is dead: write what is still in its pipes, so that its log is whole before its end is told."""
        for stream in self._streams:
            # What is in a pipe is bounded; somebody who escaped and goes on writing must not keep us here.
            for _ in range(64):
                if not self._read(stream):
                    break
            if rest := stream.rest():
                self._log.write(stream.mark, rest)
            self._close(stream)
        self._log.close()


def stamp(wall: float) -> bytes:
    """``2026-10-05T07:00:00.123Z``; all are equally long, so they sort as texts."""
    whole = int(wall)
    return b"%b.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)).encode(), int((wall - whole) * 1000))
