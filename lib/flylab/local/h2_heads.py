"""Heads of HTTP/2 as heads of HTTP/1.1 and back (RFC 9113, section 8); it opens no sockets.

A stream's request goes through the same reader as any other, so that what is refused there is refused here.
"""

import re
from collections.abc import Iterable

from flylab.local.body import chunk
from flylab.local.http1 import TOKEN, BadMessage

Headers = list[tuple[bytes, bytes]]

_NAME = re.compile(TOKEN)
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_PATH = re.compile(rb"[\x21-\x7e\x80-\xff]+")
# Lines about one connection, which HTTP/2 does not know (RFC 9113, section 8.2.2).
_OF_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings")
)


def request_head(headers: Iterable[tuple[bytes, bytes]], *, ended: bool) -> tuple[bytes, bool]:
    """A request's head as HTTP/1.1, and whether its body is to follow in chunks; raises BadMessage."""
    pseudo: dict[bytes, bytes] = {}
    lines: Headers = []
    cookies: list[bytes] = []
    host = length = None
    for name, value in headers:
        if not _VALUE.fullmatch(value):
            raise BadMessage(400, "a header has a value that no line can hold")
        if name.startswith(b":"):
            pseudo[name] = value
        elif not _NAME.fullmatch(name):
            raise BadMessage(400, "a header's name is not a name")
        elif name == b"host":
            host = value
        elif name == b"cookie":
            cookies.append(value)  # browsers send it in pieces (RFC 9113, section 8.2.3)
        elif name in _OF_CONNECTION:
            raise BadMessage(400, f"HTTP/2 has no {name.decode()}")
        else:
            length = value if name == b"content-length" else length
            lines.append((name, value))
    if b":protocol" in pseudo:
        raise BadMessage(501, "this connection takes no extended CONNECT")
    method, authority = pseudo.get(b":method", b""), pseudo.get(b":authority")
    target = authority if method == b"CONNECT" else pseudo.get(b":path")
    if not _NAME.fullmatch(method) or not target or not _PATH.fullmatch(target):
        raise BadMessage(400, "the request has no method or no path")
    if host is not None and authority is not None and host.lower() != authority.lower():
        raise BadMessage(400, "the request names two hosts")
    if cookies:
        lines.append((b"cookie", b"; ".join(cookies)))
    chunked = not ended and length is None
    if chunked:
        lines.append((b"transfer-encoding", b"chunked"))
    first = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method, target, authority or host or b"")
    return first + b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n", chunked


def last_chunk(trailers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The end of a body in chunks, with its trailers."""
    lines = [b"%b: %b\r\n" % (name, value) for name, value in trailers if _fits(name, value)]
    return b"0\r\n" + b"".join(lines) + b"\r\n"


def response_headers(head: bytes) -> tuple[int, Headers]:
    """Status and headers of a head that this proxy wrote itself, without its first line's reason."""
    first, *lines = head.split(b"\r\n")[:-2]
    status = int(first[9:12])
    headers = [(b":status", b"%d" % status)]
    for line in lines:
        name, _, value = line.partition(b":")
        if (name := name.lower()) not in _OF_CONNECTION:
            headers.append((name, value.strip(b" \t")))
    return status, headers


def framed(payload: bytes, *, chunked: bool) -> bytes:
    """A piece of a body as it stands in HTTP/1.1."""
    return chunk(payload) if chunked and payload else payload


def _fits(name: bytes, value: bytes) -> bool:
    return not name.startswith(b":") and bool(_NAME.fullmatch(name)) and bool(_VALUE.fullmatch(value))
