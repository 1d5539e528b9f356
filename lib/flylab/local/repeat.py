"""The head of an answer that came whole, and what is known of it; machines repeat themselves, so it is kept."""

from flylab.local.heads import HeadWriter
from flylab.local.http1 import BadMessage, Fields, ResponseHead, read_response
from flylab.rules.straight import says_nothing, words_of

_SHORT = 4096  # bytes of a head that each connection may remember; our choice
HEAD_LIMIT = 131_072  # bytes of a response's head; our choice, twice what a request may have


class Repeat:
    """``said`` is the replay that it asks for, None when it asks nothing of the proxy.

    ``lines`` are its lines for clients up to the request's id, as ``writer`` wrote them last.
    """

    __slots__ = ("head", "length", "lines", "said", "size", "start", "status", "writer")

    def __init__(self, start: bytes, size: int, head: ResponseHead, said: str | None = None) -> None:
        self.start = start
        self.length = len(start)
        self.size = size  # of head and body
        self.head = head
        self.status = head.status
        self.said = said
        self.writer: HeadWriter | None = None
        self.lines = b""


NOTHING_KNOWN = Repeat(b"", -1, ResponseHead(0, b"", 1, Fields(b"", {}, None, False, frozenset())))


def repeated(data: bytes, method: bytes) -> tuple[Repeat | None, tuple[ResponseHead, int] | None]:
    """What to remember of an answer that came whole on a connection that can be kept, and its head with its size.

    None instead of the one when there is something else about it, and of both when it is not even a whole head.
    """
    try:
        found = read_response(data, limit=HEAD_LIMIT)
    except BadMessage:
        return None, None
    if found is None:
        return None, None
    head, start = found
    values, length = head.fields.values, head.fields.length
    if (
        not head.has_body(method)
        or length is None
        or len(data) != start + length
        or start > _SHORT
        or not head.keep_alive
    ):
        return None, found
    words = None
    if not says_nothing(head.status, values) and (words := words_of(head.status, values)) is None:
        return None, found
    return Repeat(data[:start], len(data), head, words), found
