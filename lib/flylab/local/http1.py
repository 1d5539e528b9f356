"""HTTP/1.1 heads as bytes: one strict check, then facts and the lines that travel on; it opens no sockets.

Whatever two programs could read differently is refused with 400 and never forwarded: two lengths, a length and chunks,
folded lines, a line feed without its carriage return, a space before the colon (RFC 9112, sections 2.2, 5 and 6).
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from flylab.errors import LocalError
from flylab.wire import headers

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_FIELD = TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n"
_REQUEST = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])\r\n((?:" + _FIELD + rb")*)\r\n")
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n((?:" + _FIELD + rb")*)\r\n")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#@]+)([/?].*)?")
_HOST = re.compile(rb"[A-Za-z0-9.\-_]+(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_HOST_LINE = re.compile(rb"^host:[^\r]*\r\n", re.IGNORECASE | re.MULTILINE)
_METHOD = re.compile(TOKEN)
_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")

# Lines that concern one connection only (RFC 9110, section 7.6.1), and those whose work this proxy does itself.
HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")
)
# Lines of a request that only the proxy may write: it sets them anew, or not at all.
PROXY_WRITES = frozenset(
    name.encode()
    for name in (
        *headers.PROXY_ONLY,
        headers.TRACE,
        headers.CLIENT_IP,
        headers.FORWARDED_PORT,
        headers.REGION,
        headers.REQUEST_ID,
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-ssl",
        "via",
    )
)
# Lines of a response that are replaced by the proxy's own (networking/request-headers), and what is meant for it alone.
PROXY_REPLACES = frozenset((b"server", b"via", headers.REQUEST_ID.encode(), headers.TRACE.encode()))
_PROXY_EARS = headers.REPLAY.encode()
_NEVER_NOMINATED = frozenset((b"host", b"content-length"))


class BadMessage(LocalError):
    """A peer sent something that is not HTTP/1.1 as we read it; ``status`` is the answer for a client."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Fields:
    """What one block of header lines says; ``kept`` are the lines that travel on, the rest is looked up by name."""

    kept: bytes
    values: dict[bytes, bytes]  # of every line, by lower-case name; repeated ones joined with a comma
    length: int | None
    chunked: bool
    connection: frozenset[bytes]


@dataclass(frozen=True, slots=True)
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
        return None if fields.length or fields.chunked or wanted.lower() == b"h2c" else wanted


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """One response up to its body."""

    status: int
    reason: bytes
    minor: int
    fields: Fields

    @property
    def keep_alive(self) -> bool:
        return self.minor == 1 and b"close" not in self.fields.connection

    def has_body(self, method: bytes) -> bool:
        """Whether anything follows the head (RFC 9112, section 6.3)."""
        return method != b"HEAD" and self.status >= 200 and self.status not in (204, 304)


def read_request(buffer: bytes | bytearray, *, limit: int) -> tuple[RequestHead, int] | None:
    """The head at the start of the buffer and its size, or None while it is incomplete; raises BadMessage."""
    size = _head_size(buffer, limit, "request")
    if size is None:
        if buffer and not _METHOD.match(buffer):
            # At once, for this head never ends: a client that begins with TLS waits for an answer to its first bytes.
            raise BadMessage(400, "the request is not HTTP/1.1; this port speaks http://, not https://")
        return None
    found = _REQUEST.fullmatch(buffer, 0, size)
    if found is None:
        raise BadMessage(400, "the request is not valid HTTP/1.1")
    method, target, minor, block = found.groups()
    if not target.isascii():  # curl sends what was typed, which is UTF-8; anything else would be guessed at
        try:
            target.decode()
        except UnicodeDecodeError as exc:
            raise BadMessage(400, "the request's target is neither ASCII nor UTF-8") from exc
    fields = request_fields(bytes(block))
    if fields.chunked and minor == b"0":
        raise BadMessage(400, "an HTTP/1.0 request has no chunks")
    host = fields.values.get(b"host", b"")
    if found := _ABSOLUTE.fullmatch(target):
        host, target = found.group(1), found.group(2) or b"/"
        target = target if target.startswith(b"/") else b"/" + target
        # The target's host counts, not the Host line (RFC 9112, section 3.2.2).
        fields = replace(fields, kept=b"host: " + host + b"\r\n" + _HOST_LINE.sub(b"", fields.kept))
    elif method == b"CONNECT":
        raise BadMessage(405, "this is not a forward proxy")
    elif not (target.startswith(b"/") or (target == b"*" and method == b"OPTIONS")):
        raise BadMessage(400, "the request's target is neither a path nor a URL")
    if (b"host" not in fields.values and minor == b"1") or (host and not _HOST.fullmatch(host)):
        raise BadMessage(400, "the request does not name exactly one host")
    return RequestHead(bytes(method), bytes(target), int(minor), bytes(host), fields), size


def read_response(buffer: bytes | bytearray, *, limit: int) -> tuple[ResponseHead, int] | None:
    """The head at the start of the buffer and its size, or None while it is incomplete; raises BadMessage."""
    size = _head_size(buffer, limit, "response")
    if size is None:
        return None
    found = _RESPONSE.fullmatch(buffer, 0, size)
    if found is None:
        raise BadMessage(502, "the answer is not valid HTTP/1.1")
    minor, status, reason, block = found.groups()
    fields = response_fields(bytes(block))
    return ResponseHead(int(status), bytes(reason or b""), int(minor), fields), size


@lru_cache(maxsize=64)
def request_fields(block: bytes) -> Fields:
    """The facts of a request's header lines; a browser repeats the same block for every request of a page."""
    return _fields(block, PROXY_WRITES, b"")


@lru_cache(maxsize=64)
def response_fields(block: bytes) -> Fields:
    """The facts of a response's header lines."""
    return _fields(block, PROXY_REPLACES, _PROXY_EARS)


def _head_size(buffer: bytes | bytearray, limit: int, what: str) -> int | None:
    end = buffer.find(b"\r\n\r\n", 0, limit)
    if end >= 0:
        return end + 4
    if len(buffer) >= limit:
        raise BadMessage(431, f"the {what}'s head is over {limit} bytes")
    if _LONE_LINE_FEED.search(buffer):
        raise BadMessage(400, f"the {what} has a line feed without a carriage return")
    return None


def _fields(block: bytes, dropped: frozenset[bytes], dropped_prefix: bytes) -> Fields:
    values: dict[bytes, bytes] = {}
    lines: list[tuple[bytes, bytes]] = []
    for line in block.split(b"\r\n")[:-1]:
        raw, _, value = line.partition(b":")
        name, value = raw.lower(), value.strip(b" \t")
        if name in values:
            if name in (b"content-length", b"transfer-encoding", b"host"):
                raise BadMessage(400, f"there are two {name.decode()} lines")
            value = values[name] + b", " + value
        values[name] = value
        lines.append((name, line))
    connection = frozenset(word.strip(b" \t").lower() for word in values.get(b"connection", b"").split(b","))
    skipped = HOP_BY_HOP | dropped | (connection - _NEVER_NOMINATED)
    kept = b"".join(
        line + b"\r\n"
        for name, line in lines
        if name not in skipped and not (dropped_prefix and name.startswith(dropped_prefix))
    )
    length, chunked = _framing(values)
    return Fields(kept, values, length, chunked, connection)


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
