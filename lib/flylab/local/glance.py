"""Most heads at a glance: one expression checks all of it, another finds what would mean anything to the proxy.

Nothing is taken apart, and of a head like others on its connection only that is looked at in which they differ; so one
that differs each time costs little more than one that repeats. Whatever has a line that means something, and all that
is not valid, is left to ``http1.read_request``, which this never contradicts.
"""

import re
from functools import lru_cache

from flylab.local.http1 import HOP_BY_HOP, HOST, MOST_LINES, PROXY_WRITES, TOKEN
from flylab.local.stencil import Stencil, widened
from flylab.wire import headers

# A request without a body that asks nothing of the proxy: method, target, host, its lines, which all travel on, size.
Glance = tuple[bytes, bytes, bytes, bytes, int]

LINES = rb"(?:" + TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+"
_START = rb"(" + TOKEN + rb") (/[\x21-\x7e]*+) HTTP/1\.1\r\n"
_FIRST = re.compile(_START)
_HEAD = re.compile(_START + rb"(" + LINES + rb")\r\n")
GAP = re.compile(rb"\r\n" + LINES)
_SHORT = 4 * MOST_LINES  # bytes; what is longer is rare, and what is not has no more lines
_KEPT_OPEN = b"connection: keep-alive\r\n"  # as browsers have it, and means nothing here
_KEPT_OPEN_LINE = re.compile(rb"^" + _KEPT_OPEN, re.IGNORECASE | re.MULTILINE)
_HOST_LINE = re.compile(rb"^host:", re.IGNORECASE | re.MULTILINE)


def one_of(names: set[bytes]) -> bytes:
    """An expression for any of these names, of which none is looked at unless its first letters are there."""
    if len(names) < 2:
        return re.escape(next(iter(names), b""))
    heads = {name[:1] for name in names}
    branches = []
    for head in sorted(heads):
        rest = {name[1:] for name in names if name[:1] == head}
        branches.append(re.escape(head) + one_of(rest) if head else b"")
    return branches[0] if len(branches) == 1 else b"(?:%b)" % b"|".join(branches)


_NAMES = {
    *HOP_BY_HOP, *PROXY_WRITES, *(name.encode() for name in headers.CHOOSING), b"content-length", b"host",
}  # fmt: skip
_MEANS = re.compile(rb"\r\n" + one_of(_NAMES) + rb":")
_IN_A_COOKIE = headers.FORCE_INSTANCE.encode()


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
    return method, target, host, kept, size


class Likeness(Stencil):
    """What heads have in common of which each was seen at a glance."""

    __slots__ = ("_host", "_kept_after", "_kept_before")

    def __init__(self, before: bytes, after: bytes, host: bytes) -> None:
        super().__init__(before, after)
        self._host = host
        self._kept_before = _KEPT_OPEN_LINE.sub(b"", before)
        self._kept_after = _KEPT_OPEN_LINE.sub(b"", after[:-2])

    def glance(self, buffer: bytes) -> Glance | None:
        """What ``glance`` gives for it, None when only that can tell."""
        found = _FIRST.match(buffer)
        if found is None or len(buffer) > _SHORT:
            return None
        size = len(buffer)
        gap = self.gap(buffer, found.end(), size)
        if gap is None:
            return None
        kept = gap[2:]
        if kept:
            lower = gap.lower()
            if GAP.fullmatch(gap) is None or _MEANS.search(lower) is not None or _IN_A_COOKIE in lower:
                return None
        method, target = found.groups()
        if method == b"HEAD" or method == b"CONNECT":
            return None
        return method, target, self._host, b"%b%b%b" % (self._kept_before, kept, self._kept_after), size


NOT_ALIKE = Likeness(b"\0", b"", b"")  # fits none


def likeness(known: Likeness | None, former: bytes, head: bytes, host: bytes) -> Likeness:
    """What is known of a connection's heads when ``glance`` has seen another one, which did not fit."""
    head = head[head.index(b"\n") + 1 :]
    if known is None:
        former = former[former.index(b"\n") + 1 :]
        before, after = widened(former, former, head)
    else:
        before, after = widened(known.before, known.after, head)
        if (before, after) == (known.before, known.after):
            return NOT_ALIKE
    return Likeness(before, after, host) if _HOST_LINE.search(before + after) is not None else NOT_ALIKE


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return HOST.fullmatch(value) is not None
