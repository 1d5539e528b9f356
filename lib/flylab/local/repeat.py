"""The head of an answer that came whole, and what is known of it; machines repeat themselves, so it is kept.

What they repeat with another date or length is compared with what their answers have had in common.
"""

import re
from typing import TYPE_CHECKING

from flylab.local.glance import GAP, one_of
from flylab.local.heads import HeadWriter
from flylab.local.http1 import (
    HOP_BY_HOP,
    MOST_LINES,
    ONCE,
    PROXY_REPLACES,
    BadMessage,
    ResponseHead,
    read_response,
    response_fields,
)
from flylab.local.stencil import Stencil, widened
from flylab.rules.onward import split
from flylab.rules.straight import says_nothing, words_of
from flylab.wire import headers

if TYPE_CHECKING:
    from flylab.local.targets import Second

_SHORT = 4 * MOST_LINES  # bytes of a head that each connection may remember; our choice, and no more than so many lines
HEAD_LIMIT = 131_072  # bytes of a response's head; our choice, twice what a request may have
_MEANS = re.compile(rb"\r\n" + one_of({*HOP_BY_HOP, *PROXY_REPLACES, *ONCE}) + rb":")
_LENGTH = re.compile(rb"\r\ncontent-length:[\t ]*+([0-9]{1,15}+)[\t ]*+\r\n")
_REPLAY = b"\r\n" + headers.REPLAY.encode()
_REPLAY_JSON = headers.REPLAY_JSON.encode()


def _begun(head: ResponseHead, lines: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\n%b" % (head.status, head.reason, lines)


class Repeat:
    """``said`` is the replay that it asks for in its ``head``; both are None when it asks nothing of the proxy.

    ``lines`` are its lines for clients up to the request's id, as ``writer`` wrote them last.
    """

    __slots__ = ("alike", "begun", "head", "length", "lines", "said", "second", "size", "start", "status", "writer")

    def __init__(self, start: bytes, size: int, status: int, begun: bytes) -> None:
        self.start = start
        self.length = len(start)
        self.size = size  # of head and body
        self.status = status
        self.begun = begun  # status and lines, as far as they travel on
        self.head: ResponseHead | None = None
        self.said: tuple[str, str | None] | None = None  # without its state, and that
        self.second: Second | None = None  # where that led last
        self.writer: HeadWriter | None = None
        self.lines = b""
        self.alike: Likeness | None = None  # what it has in common with those before


NOTHING_KNOWN = Repeat(b"", -1, 0, b"")


def repeated(data: bytes, method: bytes, known: Repeat) -> tuple[Repeat | None, tuple[ResponseHead, int] | None]:
    """What to remember of an answer that came whole on a connection that can be kept, and its head with its size.

    None instead of the one when there is something else about it, and of both when it is not even a whole head. The
    head is none either when it need not be read; ``known`` is the last one of the connection.
    """
    alike = known.alike
    if alike is not None and (found := alike.repeat(data)) is not None and method != b"HEAD":
        return found, None
    try:
        read = read_response(data, limit=HEAD_LIMIT)
    except BadMessage:
        return None, None
    if read is None:
        return None, None
    head, start = read
    values, length = head.fields.values, head.fields.length
    if (
        not head.has_body(method)
        or length is None
        or len(data) != start + length
        or start > _SHORT
        or not head.keep_alive
    ):
        return None, read
    words = None
    if not says_nothing(head.status, values) and (words := words_of(head.status, values)) is None:
        return None, read
    found = Repeat(data[:start], len(data), head.status, _begun(head, head.travelling))
    if words is not None:
        found.head, found.said = head, split(words)
    found.alike = alike if words is not None else likeness(known, found.start, head)
    return found, read


class Likeness(Stencil):
    """What answers that ask nothing of the proxy have in common, with their status."""

    __slots__ = ("_kept_after", "_kept_before", "_length", "_status")

    def __init__(self, before: bytes, after: bytes, head: ResponseHead) -> None:
        super().__init__(before, after)
        some, others = response_fields(before[before.index(b"\n") + 1 :]), response_fields(after[:-2])
        self._status = head.status
        self._kept_before, self._kept_after = _begun(head, some.kept), others.kept
        self._length = some.length if others.length is None else others.length  # None: it is another each time

    def repeat(self, data: bytes) -> Repeat | None:
        """What ``repeated`` finds, None when only that can tell."""
        start = data.find(b"\r\n\r\n", 0, _SHORT) + 4
        gap = self.gap(data, 0, start)
        if gap is None:
            return None
        length = self._length
        if len(gap) > 2:
            lower = gap.lower()
            if GAP.fullmatch(gap) is None or _REPLAY in lower or _REPLAY_JSON in lower:
                return None
            means = _MEANS.search(lower)
            if means is not None:
                found = _LENGTH.match(lower, means.start()) if length is None else None
                if found is None or _MEANS.search(lower, found.end() - 2) is not None:
                    return None
                length = int(found[1])
        if length is None or len(data) != start + length:
            return None
        repeat = Repeat(data[:start], len(data), self._status, self._kept_before + gap[2:] + self._kept_after)
        repeat.alike = self
        return repeat


NOT_ALIKE = Likeness(b"\0\n", b"\r\n", ResponseHead(0, b"", 1, response_fields(b"")))  # fits none


def likeness(known: Repeat, start: bytes, head: ResponseHead) -> Likeness | None:
    """What is known of a connection's answers when one was read that has a length and asks nothing of the proxy."""
    alike, former = known.alike, known.start
    if alike is NOT_ALIKE or head.fields.connection - {b"keep-alive"}:  # it may name lines that do not travel on
        return alike
    if alike is not None:
        before, after = widened(alike.before, alike.after, start)
    elif known.size < 0 or known.said is not None:
        return None
    else:
        before, after = widened(former, former, start)
    if not before:  # another status; most are the same
        return alike
    same = alike is not None and (before, after) == (alike.before, alike.after)
    return NOT_ALIKE if same else Likeness(before, after, head)
