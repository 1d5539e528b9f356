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
    if method != b"CONNECT" and not target.startswith((b"/", b"*")):
        raise BadMessage(400, "the request's path does not begin with a slash")  # a URL would name another host
    if ended and length is not None and length.strip(b"0"):
        raise BadMessage(400, "the request ends before its content-length")
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
    status = int(head[9:12])
    return status, [(b":status", b"%d" % status), *_lines(head)]


def request_headers(head: bytes) -> Headers:
    """The headers of a request that this proxy wrote for a machine; trailers are welcome in the answer."""
    method, target, _ = head.partition(b"\r\n")[0].split(b" ")
    lines = _lines(head)
    host = next((value for name, value in lines if name == b"host"), b"")
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":authority", host), (b":path", target)]
    return [*pseudo, *(line for line in lines if line[0] not in (b"host", b"te", b"expect")), (b"te", b"trailers")]


def response_head(headers: Headers, method: bytes, *, ended: bool) -> tuple[bytes, bool]:
    """A machine's head as HTTP/1.1, and whether its body is to follow in chunks; raises BadMessage."""
    status = dict(headers).get(b":status", b"")
    if len(status) != 3 or not status.isdigit() or status < b"100" or status == b"101":
        raise BadMessage(502, "the answer has no status that HTTP/2 can have")
    lines = [line for line in headers if not line[0].startswith(b":")]
    for name, value in lines:
        if not _fits(name, value) or name in _OF_CONNECTION:
            raise BadMessage(502, "the answer has a header that no line can hold")
    sized = any(name == b"content-length" for name, _ in lines)
    bodyless = method == b"HEAD" or status in (b"204", b"304") or status < b"200"
    chunked = not (sized or bodyless or ended)
    if chunked:
        lines.append((b"transfer-encoding", b"chunked"))
    elif ended and not sized and not bodyless:
        lines.append((b"content-length", b"0"))
    return b"HTTP/1.1 %b \r\n" % status + b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n", chunked


def fields_of(head: bytes) -> Headers:
    """The lines of a head that this proxy wrote, names in small letters."""
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:-2])
    return [(name.lower(), value.strip(b" \t")) for name, _, value in lines]


def _lines(head: bytes) -> Headers:
    return [(name, value) for name, value in fields_of(head) if name not in _OF_CONNECTION]


def framed(payload: bytes, *, chunked: bool) -> bytes:
    """A piece of a body as it stands in HTTP/1.1."""
    return chunk(payload) if chunked and payload else payload


def _fits(name: bytes, value: bytes) -> bool:
    return not name.startswith(b":") and bool(_NAME.fullmatch(name)) and bool(_VALUE.fullmatch(value))
