"""One run of one check against a machine's port: connects, or asks once over HTTP, and says what it found."""

import asyncio
import contextlib
import ssl
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from flylab.rules.checks import Check, CheckSettings, http_passes

_LONGEST_HEAD = 65_536  # bytes of an answer that are looked at for the end of its head; our choice
_SHOWN = 500  # bytes of the body that the output shows; our choice
_BODY = 0.25  # seconds that they are waited for: the status decides, and a body may never end; our choice


class Outcome(NamedTuple):
    passed: bool
    output: str


async def probe(check: Check, address: tuple[str, int], settings: CheckSettings) -> Outcome:
    """Never raises but for cancellation; takes no longer than the check's timeout."""
    patience = check.patience(settings)
    try:
        async with asyncio.timeout(patience):
            return await (_http(check, address, settings) if check.kind == "http" else _tcp(address))
    except TimeoutError:
        return Outcome(False, f"no answer from port {check.port} within {patience:g}s")
    except ConnectionRefusedError:
        return Outcome(False, f"connect: connection refused on port {check.port}")
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as exc:
        return Outcome(False, f"port {check.port}: {str(exc) or type(exc).__name__}")


async def _tcp(address: tuple[str, int]) -> Outcome:
    _, writer = await asyncio.open_connection(*address)
    writer.close()
    return Outcome(True, "Success")


async def _http(check: Check, address: tuple[str, int], settings: CheckSettings) -> Outcome:
    secure = check.protocol == "https"
    tls = _tls(check.tls_skip_verify) if secure else None
    name = check.tls_server_name or address[0]
    reader, writer = await asyncio.open_connection(*address, ssl=tls, server_hostname=name if secure else None)
    try:
        writer.write(_request(check, address))
        head, body = await _answer(reader)
    finally:
        writer.close()
        with contextlib.suppress(Exception):  # how the other side takes the end is not the subject
            writer.transport.abort()
    status = _status(head)
    if status is None:
        return Outcome(False, f"port {check.port} does not speak HTTP: {_text(head[:80])!r}")
    line = _text(head.partition(b"\r\n")[0]).partition(" ")[2]
    output = f"HTTP {check.method} {check.protocol}://{address[0]}:{check.port}{check.path}: {line}"
    shown = _text(body)
    return Outcome(http_passes(status, settings), f"{output} Output: {shown}" if shown else output)


def _request(check: Check, address: tuple[str, int]) -> bytes:
    given = {name.lower() for name, _ in check.headers}
    usual = [("Host", f"{address[0]}:{address[1]}"), ("User-Agent", "flylab check"), ("Accept", "*/*")]
    headers = [pair for pair in usual if pair[0].lower() not in given]
    headers += [
        *((name, text) for name, text in check.headers if name.lower() != "connection"),
        ("Connection", "close"),
    ]
    lines = [f"{check.method} {quote(check.path, safe='/%?=&;:@!$()*+,~#[]')} HTTP/1.1"]
    lines += [f"{name}: {text}" for name, text in headers]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and the beginning of the body."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _LONGEST_HEAD:
        more = await reader.read(_LONGEST_HEAD)
        if not more:
            break
        data += more
    if not data:
        raise ConnectionResetError("the connection was closed without an answer")
    head, _, body = data.partition(b"\r\n\r\n")
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(_BODY):
            while len(body) < _SHOWN and (more := await reader.read(_SHOWN)):
                body += more
    return head, body[:_SHOWN]


def _status(head: bytes) -> int | None:
    version, _, rest = head.partition(b" ")
    code = rest[:3]
    return int(code) if version.startswith(b"HTTP/1.") and len(code) == 3 and code.isdigit() else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@lru_cache(maxsize=2)
def _tls(skip_verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
