"""An answer in HTTP/1.1, as a ``Downstream`` writes it, taken apart for a stream of HTTP/2; it opens no sockets.

bytes ──► AnswerReader ──► Head, Data, End
"""

from dataclasses import dataclass

from flylab.local.body import ChunkedReader, LengthReader, Reader
from flylab.local.h2_heads import Headers, response_headers

_CHUNKED = b"chunked"


@dataclass(frozen=True, slots=True)
class Head:
    """Of the answer, or of one before it (1xx)."""

    headers: Headers


@dataclass(frozen=True, slots=True)
class Data:
    payload: bytes


@dataclass(frozen=True, slots=True)
class End:
    trailers: Headers


class AnswerReader:
    """One answer to a request of that method; what follows it is not read."""

    def __init__(self, method: bytes) -> None:
        self._method = method
        self._buffer = b""
        self._reader: Reader | None = None
        self.done = False

    def feed(self, data: bytes) -> list[Head | Data | End]:
        """What the data say."""
        found: list[Head | Data | End] = []
        while self._reader is None:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n") + 4
            if end < 4:
                return found
            head, data, self._buffer = self._buffer[:end], self._buffer[end:], b""
            status, headers = response_headers(head)
            found.append(Head(headers))
            if status >= 200:
                self._reader = self._reader_of(status, head)
        if self.done:
            return found
        if data and (payload := self._reader.feed(data)):
            found.append(Data(payload))
        if self._reader.done:
            self.done = True
            found.append(End(_trailers(self._reader)))
        return found

    def _reader_of(self, status: int, head: bytes) -> Reader:
        fields = dict(_fields(head))
        if self._method == b"HEAD" or status in (204, 304):
            return LengthReader(0)
        if fields.get(b"transfer-encoding") == _CHUNKED:
            return ChunkedReader()
        return LengthReader(int(fields.get(b"content-length", b"0")))


def _fields(head: bytes) -> Headers:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:-2])
    return [(name.lower(), value.strip(b" \t")) for name, _, value in lines]


def _trailers(reader: Reader) -> Headers:
    block: bytes = getattr(reader, "trailers", b"")
    return _fields(b"\r\n" + block + b"\r\n") if block else []
