"""Most heads at a glance: one expression checks all of it, another finds what would mean anything to the proxy.

Nothing is taken apart, so a head that differs each time costs little more than one that repeats. Whatever has a line
that means something, and all that is not valid, is left to ``http1.read_request``, which this never contradicts.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from flylab.local.http1 import HOP_BY_HOP, HOST, MOST_LINES, PROXY_WRITES, TOKEN
from flylab.wire import headers

_HEAD = re.compile(
    rb"(" + TOKEN + rb") (/[\x21-\x7e]*+) HTTP/1\.1\r\n((?:" + TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
)
_SHORT = 4 * MOST_LINES  # bytes; what is longer is rare, and what is not has no more lines
_KEPT_OPEN = b"connection: keep-alive\r\n"  # as browsers have it, and means nothing here


def _one_of(names: set[bytes]) -> bytes:
    """An expression for any of these names, of which none is looked at unless its first letters are there."""
    if len(names) < 2:
        return re.escape(next(iter(names), b""))
    heads = {name[:1] for name in names}
    branches = []
    for head in sorted(heads):
        rest = {name[1:] for name in names if name[:1] == head}
        branches.append(re.escape(head) + _one_of(rest) if head else b"")
    return branches[0] if len(branches) == 1 else b"(?:%b)" % b"|".join(branches)


_NAMES = {
    *HOP_BY_HOP, *PROXY_WRITES, *(name.encode() for name in headers.CHOOSING), b"content-length", b"host",
}  # fmt: skip
_MEANS = re.compile(rb"\r\n" + _one_of(_NAMES) + rb":")
_IN_A_COOKIE = headers.FORCE_INSTANCE.encode()


class Glance(NamedTuple):
    """A request without a body that asks nothing of the proxy; ``kept`` are its lines, which all travel on."""

    method: bytes
    target: bytes
    host: bytes
    kept: bytes
    size: int


def glance(buffer: bytes) -> Glance | None:
    """The head at the start of the buffer; None when it must be read, or is not complete."""
    if len(buffer) > _SHORT or not buffer.endswith(b"\r\n\r\n") or (found := _HEAD.match(buffer)) is None:
        return None
    method, target, kept = found.groups()
    size = found.end()
    begin = size - len(kept) - 4  # where the line end before the first line is
    lower = buffer.lower()
    host: bytes | None = None
    means = _MEANS.search(lower, begin, size)
    while means is not None:
        at = means.start() + 2
        end = buffer.find(b"\r\n", at)
        if host is None and lower.startswith(b"host:", at):
            host = buffer[at + 5 : end].strip(b" \t")
        elif lower.startswith(_KEPT_OPEN, at) and len(kept) == size - begin - 4:
            kept = buffer[begin + 2 : at] + buffer[end + 2 : size - 2]
        else:
            return None
        means = _MEANS.search(lower, end, size)
    if host is None or not _is_host(host) or _IN_A_COOKIE in lower or method == b"HEAD" or method == b"CONNECT":
        return None
    return Glance(method, target, host, kept, size)


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return HOST.fullmatch(value) is not None
