"""Messages in HTTP/1.1, as this proxy itself writes them, taken apart for a stream of HTTP/2; it opens no sockets.

bytes of a Downstream ──► AnswerReader  ──► Head, Data, End       towards a client
bytes of an Upstream  ──► RequestReader ──► Head, Data, End       towards a machine
"""

from dataclasses import dataclass

from flylab.local.body import ChunkedReader, LengthReader, Reader
from flylab.local.h2_heads import Headers, fields_of, request_headers, response_headers

_CHUNKED = b"chunked"


@dataclass(frozen=True, slots=True)
class Head:
    """Of the message, or of an answer before the answer (1xx)."""

    headers: Headers


@dataclass(frozen=True, slots=True)
class Data:
    payload: bytes


@dataclass(frozen=True, slots=True)
class End:
    trailers: Headers


class MessageReader:
    """One message; what follows it is not read."""

    def __init__(self) -> None:
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
            headers, self._reader = self._begin(head)
            found.append(Head(headers))
        if self.done:
            return found
        if data and (payload := self._reader.feed(data)):
            found.append(Data(payload))
        if self._reader.done:
            self.done = True
            # Trailers are those lines of a chunked body that may travel on.
            block: bytes = getattr(self._reader, "trailers", b"")
            found.append(End(fields_of(b"\r\n" + block + b"\r\n") if block else []))
        return found

    def _begin(self, head: bytes) -> tuple[Headers, Reader | None]:
        """Its headers, and how its body ends; no reader when another head follows."""
        raise NotImplementedError


class AnswerReader(MessageReader):
    """The answer to a request of that method."""

    def __init__(self, method: bytes) -> None:
        super().__init__()
        self._method = method

    def _begin(self, head: bytes) -> tuple[Headers, Reader | None]:
        status, headers = response_headers(head)
        if status < 200:
            return headers, None
        if self._method == b"HEAD" or status in (204, 304):
            return headers, LengthReader(0)
        return headers, _reader_of(head)


class RequestReader(MessageReader):
    """A request to a machine."""

    def _begin(self, head: bytes) -> tuple[Headers, Reader | None]:
        return request_headers(head), _reader_of(head)


def _reader_of(head: bytes) -> Reader:
    fields = dict(fields_of(head))
    if fields.get(b"transfer-encoding") == _CHUNKED:
        return ChunkedReader()
    return LengthReader(int(fields.get(b"content-length", b"0")))
