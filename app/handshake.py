"""The opening handshake of a WebSocket (RFC 6455, section 4.2), and plain answers in its place; pure.

head ──► read ──► judge ──► the key that accepts it ──► accepted
                     └────► Refusal (status, why, headers) ──► response
"""

import base64
import binascii
import email.utils
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

Fields = Iterable[tuple[bytes, bytes]]

# As much of a head as the websockets library takes.
_MOST_FIELDS = 128
_LONGEST = 8_192

_VERSION = b"13"
_KEY_BYTES = 16
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_BREAKS = (b"\r", b"\n", b"\0")

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head; names of fields are in lower case, in the order in which they came."""

    method: str
    target: bytes
    version: str
    fields: list[tuple[bytes, bytes]]

    def tokens(self, name: bytes) -> list[bytes]:
        """The elements of the lists that all fields of this name hold."""
        said = [part.strip() for key, value in self.fields if key == name for part in value.split(b",")]
        return [token for token in said if token]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request does not open a WebSocket."""

    status: int
    why: str
    fields: tuple[tuple[bytes, bytes], ...] = ()


def read(data: bytes) -> Head:
    """The head of a request as an HTTP parser has passed it on: whole, valid, a field per line as ``name: value``."""
    first, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, _, rest = first.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    fields = []
    for line in lines:
        name, _, value = line.partition(b":")
        fields.append((name.lower(), value.strip(b" \t")))
    return Head(method.decode("ascii"), target, version.decode("ascii").removeprefix("HTTP/"), fields)


def judge(head: Head) -> str | Refusal:
    """The value of ``Sec-WebSocket-Accept``, or what is wrong with the request."""
    if head.method != "GET":
        return Refusal(405, f"a WebSocket is opened by GET, not by {head.method}", ((b"allow", b"GET"),))
    if head.version != "1.1":
        return Refusal(505, f"a WebSocket is opened by HTTP/1.1, not by HTTP/{head.version}")
    if not head.target.isascii():
        return Refusal(400, "an address is written in ASCII")
    if len(head.target) > _LONGEST:
        return Refusal(414, f"an address has at most {_LONGEST} bytes here")
    if len(head.fields) > _MOST_FIELDS or max(map(len, (value for _, value in head.fields)), default=0) > _LONGEST:
        return Refusal(431, f"a request has at most {_MOST_FIELDS} header fields of {_LONGEST} bytes here")
    single: dict[bytes, bytes] = {}
    keys = 0
    for name, value in head.fields:
        if name in single:
            single[name] += b"," + value
        else:
            single[name] = value
        keys += name == b"sec-websocket-key"
    upgrade = single.get(b"upgrade", b"")
    if upgrade.lower() != b"websocket" or not _names_upgrade(single.get(b"connection", b"")):
        return Refusal(426, "a WebSocket is expected here", ((b"upgrade", b"websocket"),))
    if single.get(b"sec-websocket-version") != _VERSION:
        return Refusal(
            426,
            "this server speaks version 13 of the WebSocket protocol",
            ((b"upgrade", b"websocket"), (b"sec-websocket-version", _VERSION)),
        )
    key = single.get(b"sec-websocket-key", b"")
    try:
        proper = keys == 1 and len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        proper = False
    if not proper:
        return Refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64, once")
    return base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode("ascii")


def accepted(key: str, fields: Fields, subprotocol: str | None = None) -> bytes:
    """The answer that opens the WebSocket."""
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        f"{key}\r\n"
    ).encode()
    if subprotocol:
        fields = [*fields, (b"sec-websocket-protocol", subprotocol.encode("latin-1"))]
    return answer + _lines(fields) + b"\r\n"


def response(status: int, fields: Fields, body: bytes, defaults: Fields = ()) -> bytes:
    """A plain answer, after which the connection is closed; ``defaults`` are added where nothing else was said."""
    said = list(fields)
    known = {name.lower() for name, _ in said}
    for name, value in (
        *defaults,
        (b"connection", b"close"),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"text/plain; charset=utf-8"),
    ):
        if name.lower() not in known:
            known.add(name.lower())
            said.append((name, value))
    if b"date" not in known:
        said.append((b"date", email.utils.formatdate(usegmt=True).encode("ascii")))
    line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode("ascii")
    return line + _lines(said) + b"\r\n" + body


def _names_upgrade(connection: bytes) -> bool:
    connection = connection.lower()
    return connection == b"upgrade" or b"upgrade" in [token.strip() for token in connection.split(b",")]


def _lines(fields: Fields) -> bytes:
    """Fields as they are written; raises ValueError for one that would be read as more than one."""
    lines = b""
    for name, value in fields:
        if any(end in name or end in value for end in _BREAKS):
            raise ValueError(f"a header may not hold a line break: {name!r}")
        lines += name + b": " + value + b"\r\n"
    return lines
