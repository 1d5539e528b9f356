"""Two strict readers of HTTP/1.1 that others wrote, h11 and llhttp, to compare ours with."""

from collections.abc import Callable
from typing import Any

import h11
import httptools

LIMIT = 65_536
Message = tuple[bytes, bytes, bytes]  # method or status, body, trailers
KNOWN = frozenset(
    b"GET HEAD POST PUT OPTIONS DELETE PATCH M-SEARCH".split()
)  # llhttp refuses methods it never heard of


def by_h11(data: bytes, role: Any = h11.SERVER) -> tuple[list[Message], bool]:
    """What h11 reads, with the names of trailers alone, and whether it refuses the rest."""
    found: list[Message] = []
    connection = h11.Connection(role, max_incomplete_event_size=LIMIT)
    if role is h11.CLIENT:
        connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    try:
        start, body = b"", b""
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                start, body = event.method, b""
            elif isinstance(event, h11.Response):
                start, body = b"%d" % event.status_code, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((start, body, b",".join(name for name, _ in event.headers)))
                if role is h11.CLIENT:
                    return found, False
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return found, False
                connection.start_next_cycle()
            elif not isinstance(event, h11.InformationalResponse):
                return found, False
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found, True


def names(trailers: bytes) -> bytes:
    """Those of trailer lines, as ``by_h11`` gives them."""
    return b",".join(line.partition(b":")[0].lower() for line in trailers.split(b"\r\n")[:-1])


class _Heard:
    def __init__(self) -> None:
        self.found: list[Message] = []
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        self._body = b""

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        parser = self.parser
        if isinstance(parser, httptools.HttpRequestParser):
            start = parser.get_method()
        else:
            assert parser is not None
            start = b"%d" % parser.get_status_code()
        self.found.append((start, self._body, b""))


def by_llhttp(
    data: bytes, make: Callable[[object], object] = httptools.HttpRequestParser
) -> tuple[list[Message], bool]:
    """What llhttp reads, and whether it refuses the rest."""
    heard = _Heard()
    heard.parser = parser = make(heard)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return heard.found, False
    except httptools.HttpParserError:
        return heard.found, True
    return heard.found, False
