"""HTTP/1.1 heads as bytes: one strict check, then facts and the lines that travel on; it opens no sockets.

Whatever two programs could read differently is refused with 400 and never forwarded: two lengths, a length and chunks,
folded lines, a line feed without its carriage return, a space before the colon (RFC 9112, sections 2.2, 5 and 6).
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product

from flylab.errors import LocalError
from flylab.wire import headers

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD = re.compile(rb"(" + TOKEN + rb"):[\t ]*+([\t\x20-\x7e\x80-\xff]*)")
_REQUEST = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#@]+)([/?].*)?")
HOST = re.compile(rb"[A-Za-z0-9.\-_]+(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
MOST_LINES = 1000  # of one head; our choice, ten times what others allow
_SHORT = 512  # bytes of a line that is remembered; our choice
_REMEMBERED = 1024  # lines; our choice, half a megabyte at most
_HOST_LINE = re.compile(rb"^host:[^\r]*\r\n", re.IGNORECASE | re.MULTILINE)
_LENGTH_LINE = re.compile(rb"^content-length:[^\r]*\r\n", re.IGNORECASE | re.MULTILINE)
_METHOD = re.compile(TOKEN)
_H2C = re.compile(rb"(?:^|,)[\t ]*(?:h2c|h2|HTTP/2(?:\.0)?)[\t ]*(?:,|$)", re.IGNORECASE)
_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")

# Lines that concern one connection only (RFC 9110, section 7.6.1), and those whose work this proxy does itself.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection te transfer-encoding upgrade expect http2-settings".split()
)
# Lines of a request that only the proxy may write: it sets them anew, or not at all. A server that hands headers on as
# variables (CGI, WSGI) reads a '-' and a '_' as one, so all spellings go.
PROXY_WRITES = frozenset(
    "".join(spelling).encode()
    for name in headers.PROXY_WRITES
    for spelling in product(*("-_" if letter == "-" else letter for letter in name))
)
# Lines of a response that are replaced by the proxy's own (networking/request-headers), and what is meant for it alone.
PROXY_REPLACES = frozenset((b"server", b"via", headers.REQUEST_ID.encode(), headers.TRACE.encode()))
_PROXY_EARS = headers.REPLAY.encode()
_NEVER_NOMINATED = frozenset((b"host", b"content-length"))
ONCE = frozenset((b"content-length", b"transfer-encoding", b"host"))


class BadMessage(LocalError):
    """A peer sent something that is not HTTP/1.1 as we read it; ``status`` is the answer for a client."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(slots=True)
class Fields:
    """What one block of header lines says; ``kept`` are the lines that travel on, the rest is looked up by name.

    ``written`` is for whoever writes heads: what is the same each time the block comes is put together once.
    """

    kept: bytes
    values: dict[bytes, bytes]  # of every line, by lower-case name; repeated ones joined with a comma
    length: int | None
    chunked: bool
    connection: frozenset[bytes]
    written: dict[object, bytes] = field(init=False, default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class RequestHead:
    """One request up to its body."""

    method: bytes
    target: bytes
    minor: int
    host: bytes
    fields: Fields

    @property
    def keep_alive(self) -> bool:
        return self.minor == 1 and b"close" not in self.fields.connection

    @property
    def upgrade(self) -> bytes | None:
        """The protocol asked for, when the request may become a pipe: never with a body, never HTTP/2."""
        fields = self.fields
        wanted = fields.values.get(b"upgrade")
        if not wanted or self.minor == 0 or b"upgrade" not in fields.connection:
            return None
        # HTTP/2 is not among them, in a list neither: through a pipe a client could say what only the proxy may.
        return None if fields.length or fields.chunked or _H2C.search(wanted) else wanted

    @property
    def expects(self) -> bool:
        """Whether the client waits for a 100 before it sends its body; HTTP/1.0 knows no such thing."""
        fields = self.fields
        waits = self.minor == 1 and fields.values.get(b"expect", b"").lower() == b"100-continue"
        return waits and (fields.chunked or bool(fields.length))


@dataclass(slots=True)
class ResponseHead:
    """One response up to its body."""

    status: int
    reason: bytes
    minor: int
    fields: Fields

    @property
    def keep_alive(self) -> bool:
        return self.minor == 1 and b"close" not in self.fields.connection

    @property
    def travelling(self) -> bytes:
        """The lines that travel on; a length is none where there can be no body (RFC 9110, section 8.6)."""
        kept = self.fields.kept
        if (self.status < 200 or self.status == 204) and b"content-length" in self.fields.values:
            return _LENGTH_LINE.sub(b"", kept)
        return kept

    def has_body(self, method: bytes) -> bool:
        """Whether anything follows the head (RFC 9112, section 6.3)."""
        return method != b"HEAD" and self.status >= 200 and self.status not in (204, 304)


def read_request(buffer: bytes, *, limit: int, seen: int = 0) -> tuple[RequestHead, int] | None:
    """The head at the start of the buffer and its size, or None while it is incomplete; raises BadMessage.

    ``seen`` is how much of the buffer was there when it was last incomplete.
    """
    size = _head_size(buffer, limit, "request", seen)
    if size is None:
        if buffer and not _METHOD.match(buffer):
            # At once, for this head never ends: a client that begins with TLS waits for an answer to its first bytes.
            raise BadMessage(400, "the request is not HTTP/1.1; this port speaks http://, not https://")
        return None
    end = buffer.find(b"\r\n")
    line = buffer[:end]
    method, target, minor, host = _request_line(line) if end > _SHORT else _known_request_line(line)
    fields = request_fields(buffer[end + 2 : size - 2])
    if fields.chunked and not minor:
        raise BadMessage(400, "an HTTP/1.0 request has no chunks")
    if minor and b"host" not in fields.values:
        raise BadMessage(400, "the request does not name exactly one host")
    if host is None:
        host = fields.values.get(b"host", b"")
    else:
        # The target's host counts, not the Host line (RFC 9112, section 3.2.2).
        fields = replace(fields, kept=b"host: " + host + b"\r\n" + _HOST_LINE.sub(b"", fields.kept))
    return RequestHead(method, target, minor, host, fields), size


def read_response(buffer: bytes, *, limit: int, seen: int = 0) -> tuple[ResponseHead, int] | None:
    """The head at the start of the buffer and its size, or None while it is incomplete; raises BadMessage."""
    size = _head_size(buffer, limit, "answer", seen)
    if size is None:
        return None
    end = buffer.find(b"\r\n")
    line = buffer[:end]
    status, reason, minor = _status_line(line) if end > _SHORT else _known_status_line(line)
    fields = response_fields(buffer[end + 2 : size - 2])
    if fields.chunked and not minor:
        raise BadMessage(502, "an HTTP/1.0 answer has no chunks")
    return ResponseHead(status, reason, minor, fields), size


@lru_cache(maxsize=64)
def request_fields(block: bytes) -> Fields:
    """The facts of a request's header lines; a browser repeats the same block for every request of a page."""
    fields = _fields(block, _NOT_OF_REQUESTS, b"", "request")
    host = fields.values.get(b"host")
    if host and not HOST.fullmatch(host):
        raise BadMessage(400, "the request does not name exactly one host")
    expected = fields.values.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise BadMessage(417, "the only expectation that can be met is 100-continue")
    return fields


@lru_cache(maxsize=64)
def response_fields(block: bytes) -> Fields:
    """The facts of a response's header lines."""
    return _fields(block, _NOT_OF_RESPONSES, _PROXY_EARS, "answer")


def read_line(line: bytes) -> tuple[bytes, bytes] | None:
    """One header or trailer line as lower-case name and value, None when it is not one."""
    found = FIELD.fullmatch(line)
    return None if found is None else (found.group(1).lower(), found.group(2).rstrip(b" \t"))


def _request_line(line: bytes) -> tuple[bytes, bytes, int, bytes | None]:
    """Method, target, minor version, and the host of a target that names one."""
    found = _REQUEST.fullmatch(line)
    if found is None:
        raise BadMessage(400, "the request is not valid HTTP/1.1")
    method, target, minor = found.groups()
    if not target.isascii():  # curl sends what was typed, which is UTF-8; anything else would be guessed at
        try:
            target.decode()
        except UnicodeDecodeError as exc:
            raise BadMessage(400, "the request's target is neither ASCII nor UTF-8") from exc
    host: bytes | None = None
    if found := _ABSOLUTE.fullmatch(target):
        host, target = found.group(1), found.group(2) or (b"*" if method == b"OPTIONS" else b"/")
        if not HOST.fullmatch(host):
            raise BadMessage(400, "the request does not name exactly one host")
        target = b"/" + target if target.startswith(b"?") else target
    elif method == b"CONNECT":
        raise BadMessage(405, "this is not a forward proxy")
    elif not (target.startswith(b"/") or (target == b"*" and method == b"OPTIONS")):
        raise BadMessage(400, "the request's target is neither a path nor a URL")
    return method, target, int(minor), host


def _status_line(line: bytes) -> tuple[int, bytes, int]:
    found = _RESPONSE.fullmatch(line)
    if found is None:
        raise BadMessage(502, "the answer is not valid HTTP/1.1")
    minor, status, reason = found.groups()
    return int(status), reason or b"", int(minor)


_known_request_line = lru_cache(maxsize=256)(_request_line)
_known_status_line = lru_cache(maxsize=64)(_status_line)


def _head_size(buffer: bytes, limit: int, what: str, seen: int) -> int | None:
    end = buffer.find(b"\r\n\r\n", max(0, seen - 3), limit)
    if end >= 0:
        return end + 4
    if len(buffer) >= limit:
        raise BadMessage(431, f"the {what}'s head is over {limit} bytes")
    if _LONE_LINE_FEED.search(buffer, max(0, seen - 1)):
        raise BadMessage(400, f"the {what} has a line feed without a carriage return")
    return None


_NOT_OF_REQUESTS = HOP_BY_HOP | PROXY_WRITES
_NOT_OF_RESPONSES = HOP_BY_HOP | PROXY_REPLACES
# Most lines of a head are those of the last one, even where the whole block is not: a cookie or a date differs.
_lines: dict[bytes, tuple[bytes, bytes]] = {}


def _line(line: bytes, what: str) -> tuple[bytes, bytes]:
    found = read_line(line)
    if found is None:
        raise BadMessage(400, f"the {what} is not valid HTTP/1.1")
    if len(line) <= _SHORT:
        if len(_lines) >= _REMEMBERED:
            _lines.clear()
        _lines[line] = found
    return found


def _fields(block: bytes, dropped: frozenset[bytes], dropped_prefix: bytes, what: str) -> Fields:
    values: dict[bytes, bytes] = {}
    lines = block.split(b"\r\n")
    lines.pop()
    if len(lines) > MOST_LINES:
        raise BadMessage(431, f"the {what}'s head has more than {MOST_LINES} lines")
    known = _lines
    names: list[bytes] = []
    for line in lines:
        name, value = known.get(line) or _line(line, what)
        if name in values:
            if name in ONCE:
                raise BadMessage(400, f"there are two {name.decode()} lines")
            value = values[name] + b", " + value
        values[name] = value
        names.append(name)
    said = values.get(b"connection")
    if said is None:
        connection, skipped = _NOTHING, dropped
    else:
        connection = frozenset([word.strip(b" \t").lower() for word in said.split(b",")])
        skipped = dropped | (connection - _NEVER_NOMINATED)
    if skipped.isdisjoint(values) and not dropped_prefix:
        kept = block
    else:
        travelling = [
            line
            for name, line in zip(names, lines, strict=True)
            if name not in skipped and not (dropped_prefix and name.startswith(dropped_prefix))
        ]
        travelling.append(b"")
        kept = b"\r\n".join(travelling)
    length, chunked = _framing(values)
    return Fields(kept, values, length, chunked, connection)


_NOTHING: frozenset[bytes] = frozenset()


def _framing(values: dict[bytes, bytes]) -> tuple[int | None, bool]:
    length, coding = values.get(b"content-length"), values.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise BadMessage(400, "there are both a content-length and a transfer-encoding")
        if coding.lower() != b"chunked":
            raise BadMessage(501, "the only transfer-encoding understood is chunked")
        return None, True
    if length is None:
        return None, False
    if not (length.isdigit() and len(length) <= 15):
        raise BadMessage(400, "the content-length is not one number")
    return int(length), False
