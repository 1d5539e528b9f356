"""What ``http_options`` change of an answer on its way: lines of its head, and the coding of its body."""

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, Protocol

from flylab.local.http1 import RequestHead, ResponseHead
from flylab.wire.port_options import HttpOptions

# Written by the proxy, and left out with ``response.pristine`` (networking/request-headers).
_OURS = frozenset((b"server", b"via", b"fly-request-id", b"fly-cache-status"))
_LEAST = 256  # bytes; our choice: shorter bodies gain nothing
_TEXT = re.compile(rb"text/|application/(?:[a-z0-9.+-]*(?:json|xml|javascript)|wasm|manifest)|image/svg", re.IGNORECASE)
_WORD = re.compile(rb"\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*(?:;\s*q=([0-9.]+)\s*)?")


class Encoder(Protocol):
    """Takes a body in pieces; ``flush`` gives all that has come so far, ``finish`` ends it."""

    def feed(self, payload: bytes) -> bytes: ...

    def flush(self) -> bytes: ...

    def finish(self) -> bytes: ...


def shaped(head: bytes, answer: ResponseHead, options: HttpOptions) -> bytes:
    """The head as it would be sent, with the lines that the options add and without those that they remove."""
    first, *lines = head.split(b"\r\n")[:-2]
    removed = {name.encode() for name in options.removed}
    kept = [line for line in lines if _name(line) not in removed]
    if options.pristine:
        own = answer.fields.values.get(b"server")
        kept = [line for line in kept if _name(line) not in _OURS]
        kept += [b"server: " + own] if own and b"server" not in removed else []
    added = [f"{name}: {value}".encode("latin-1") for name, value in options.added]
    return b"\r\n".join((first, *kept, *added)) + b"\r\n\r\n"


def coded(answer: ResponseHead, request: RequestHead) -> tuple[ResponseHead, Encoder | None]:
    """The answer in the best coding that the client takes: zstd, br, gzip, deflate (reference/content-encoding).

    As it is when the app has chosen one itself, when it is short, no text, a part of something, or not to be changed.
    """
    fields = answer.fields
    values = fields.values
    if (
        not answer.has_body(request.method)
        or answer.status == 206
        or b"content-encoding" in values
        or b"no-transform" in values.get(b"cache-control", b"").lower()
        or not _TEXT.match(values.get(b"content-type", b"").strip())
        or (fields.length is not None and fields.length < _LEAST)
    ):
        return answer, None
    coding = chosen(request.fields.values.get(b"accept-encoding", b""))
    lines = [line for line in fields.kept.split(b"\r\n")[:-1] if coding is None or _name(line) not in _SIZED]
    lines.append(b"vary: accept-encoding")
    if coding is not None:
        lines.append(b"content-encoding: " + coding.encode())
    kept = b"".join(line + b"\r\n" for line in lines)
    if coding is None:
        return replace(answer, fields=replace(fields, kept=kept)), None
    return replace(answer, fields=replace(fields, kept=kept, length=None)), CODINGS[coding]()


_SIZED = frozenset((b"content-length", b"accept-ranges"))


def chosen(accepted: bytes) -> str | None:
    """The first of our codings that an ``Accept-Encoding`` lets through."""
    weights = {}
    for part in accepted.lower().split(b","):
        if found := _WORD.fullmatch(part):
            weights[found[1].decode()] = found[2] is None or any(digit in found[2] for digit in b"123456789")
    return next((coding for coding in CODINGS if weights.get(coding, weights.get("*", False))), None)


class _Zlib:
    def __init__(self, bits: int) -> None:
        self._coder = zlib.compressobj(wbits=bits)
        self._pending = False

    def feed(self, payload: bytes) -> bytes:
        self._pending = True
        return self._coder.compress(payload)

    def flush(self) -> bytes:
        if not self._pending:
            return b""
        self._pending = False
        return self._coder.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._coder.flush()


class _Brotli:
    def __init__(self, module: Any) -> None:
        self._coder = module.Compressor(quality=4)  # our choice: for bodies that are made as they are sent
        self._pending = False

    def feed(self, payload: bytes) -> bytes:
        self._pending = True
        piece: bytes = self._coder.process(payload)
        return piece

    def flush(self) -> bytes:
        if not self._pending:
            return b""
        self._pending = False
        piece: bytes = self._coder.flush()
        return piece

    def finish(self) -> bytes:
        piece: bytes = self._coder.finish()
        return piece


class _Zstd:
    def __init__(self, module: Any) -> None:
        self._coder = module.ZstdCompressor()
        self._pending = False

    def feed(self, payload: bytes) -> bytes:
        self._pending = True
        piece: bytes = self._coder.compress(payload)
        return piece

    def flush(self) -> bytes:
        if not self._pending:
            return b""
        self._pending = False
        piece: bytes = self._coder.flush(self._coder.FLUSH_BLOCK)
        return piece

    def finish(self) -> bytes:
        piece: bytes = self._coder.flush(self._coder.FLUSH_FRAME)
        return piece


def _codings() -> dict[str, Callable[[], Encoder]]:
    """In Fly's order; zstd comes with Python 3.14, and br with the package brotli where somebody has it."""
    found: dict[str, Callable[[], Encoder]] = {}
    for name, module, make in (("zstd", "compression.zstd", _Zstd), ("br", "brotli", _Brotli)):
        try:
            loaded = import_module(module)
        except ImportError:
            continue
        found[name] = lambda make=make, loaded=loaded: make(loaded)  # type: ignore[misc]  # bound now, not later
    found["gzip"] = lambda: _Zlib(16 + zlib.MAX_WBITS)
    found["deflate"] = lambda: _Zlib(zlib.MAX_WBITS)  # with zlib's header (RFC 9110, section 8.4.1.2)
    return found


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


CODINGS = _codings()
