"""Bodies on their way: where each ends, and the copy of a request's body that a replay needs."""

import re
from typing import Protocol

from flylab.local.http1 import HOP_BY_HOP, PROXY_REPLACES, PROXY_WRITES, BadMessage, read_line
from flylab.wire import headers

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_LONGEST_LINE = 1024  # bytes, of a chunk's size line; our choice
_LONGEST_TRAILER = 16_384  # bytes, all lines together; our choice


# Lines that may not come behind a body: what frames, routes or authenticates a message (RFC 9110, section 6.5.1), what
# concerns one connection, and what only the proxy says or hears.
_NEVER_BEHIND = (
    HOP_BY_HOP
    | PROXY_WRITES
    | PROXY_REPLACES
    | frozenset(b"authorization content-encoding content-length content-range content-type cookie host".split())
    | frozenset(b"proxy-authenticate proxy-authorization set-cookie trailer www-authenticate".split())
)
_PROXY_EARS = headers.REPLAY.encode()


class Reader(Protocol):
    """Takes a body apart as it comes in."""

    @property
    def trailers(self) -> bytes:
        """The lines behind the last chunk that travel on."""

    done: bool
    rest: bytes  # what came after the end

    def feed(self, data: bytes) -> bytes:
        """The payload in the data; raises BadMessage."""

    def end(self) -> bool:
        """Whether the body is complete when the connection ends here."""


class LengthReader:
    """A body whose length was announced."""

    trailers = b""
    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if len(data) > self._left:
            data, self.rest = data[: self._left], data[self._left :]
        self._left -= len(data)
        self.done = self._left == 0
        return data

    def end(self) -> bool:
        return self.done


class UntilCloseReader:
    """A body that ends with its connection."""

    trailers = b""
    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bool:
        self.done = True
        return True


class ChunkedReader:
    """A body in chunks; extensions are checked and dropped, trailers checked and kept as far as they may travel on."""

    __slots__ = ("_in_trailer", "_left", "_tail", "_trailer", "done", "rest", "trailers")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._left = 0  # bytes of the present chunk with the line end behind it
        self._tail = b""  # the beginning of a line
        self._in_trailer = False
        self._trailer = 0
        self.trailers = b""

    def feed(self, data: bytes) -> bytes:
        if self._tail:
            data, self._tail = self._tail + data, b""
        parts: list[bytes] = []
        at = 0
        while not self.done and at < len(data):
            at = self._chunk(data, at, parts) if self._left else self._line(data, at)
        if self.done:
            self.rest = data[at:]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def end(self) -> bool:
        return self.done

    def _chunk(self, data: bytes, at: int, parts: list[bytes]) -> int:
        if self._left > 2:
            payload = data[at : at + self._left - 2]
            parts.append(payload)
            self._left -= len(payload)
            return at + len(payload)
        ending = data[at : at + self._left]
        if ending != b"\r\n"[2 - self._left :][: len(ending)]:
            raise BadMessage(400, "a chunk is longer than it says")
        self._left -= len(ending)
        return at + len(ending)

    def _line(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n", at)
        line = data[at:] if end < 0 else data[at:end]
        if len(line) > _LONGEST_LINE + (_LONGEST_TRAILER if self._in_trailer else 0):
            raise BadMessage(400, "a line between chunks is too long")
        if end < 0:
            if b"\n" in line:
                raise BadMessage(400, "a line between chunks ends without a carriage return")
            self._tail = line
            return len(data)
        if self._in_trailer:
            self._read_trailer(line)
        else:
            found = _SIZE.fullmatch(line)
            if found is None:
                raise BadMessage(400, "the size of a chunk is not a number")
            size = int(found.group(1), 16)
            self._left, self._in_trailer = (size + 2, False) if size else (0, True)
        return end + 2

    def _read_trailer(self, line: bytes) -> None:
        self._trailer += len(line) + 2
        if not line:
            self.done = True
            return
        found = read_line(line)
        if self._trailer > _LONGEST_TRAILER or found is None:
            raise BadMessage(400, "the lines after the last chunk are not valid")
        name = found[0]
        if name not in _NEVER_BEHIND and not name.startswith(_PROXY_EARS):
            self.trailers += line + b"\r\n"


def chunk(payload: bytes) -> bytes:
    """One chunk as it is sent; never the empty one, which ends a body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def last_chunk(trailers: bytes) -> bytes:
    """The end of a body in chunks."""
    return b"0\r\n%b\r\n" % trailers


class KeptBody:
    """A request's body: handed on as it comes, kept from the start while it is within the limit."""

    __slots__ = ("_chunks", "_limit", "_sent", "complete", "kept", "size", "trailers")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._sent = 0
        self.size = 0
        self.complete = False
        self.kept = limit >= 0
        self.trailers = b""

    def add(self, payload: bytes) -> None:
        self.size += len(payload)
        self._chunks.append(payload)
        if self.kept and self.size > self._limit:
            self.forget()

    def resume(self, chunks: list[bytes]) -> None:
        """Begin with what somebody else has handed on already."""
        for piece in chunks:
            self.add(piece)
        self.take()

    def forget(self) -> None:
        """Keep no more than what has not been sent yet; from now on it cannot be sent again."""
        self.kept = False
        del self._chunks[: self._sent]
        self._sent = 0

    def rewind(self) -> None:
        """Hand everything on from the beginning; the rules ask whether it is ``kept`` before they send again."""
        self._sent = 0

    def take(self) -> bytes:
        """What has not been handed on yet."""
        chunks = self._chunks
        fresh = chunks[self._sent :] if self._sent else chunks
        payload = fresh[0] if len(fresh) == 1 else b"".join(fresh)
        if self.kept:
            self._sent = len(chunks)
        else:
            chunks.clear()
        return payload

    @property
    def waiting(self) -> int:
        """Bytes that have not been handed on yet."""
        return sum(map(len, self._chunks[self._sent :]))
