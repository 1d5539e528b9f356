"""A head that asks nothing of the proxy, and what an edge knows of it when it comes again."""

from flylab.local.http1 import RequestHead
from flylab.local.targets import Target
from flylab.local.trace import quoted
from flylab.rules.straight import asks_nothing
from flylab.wire import headers

_TRACE = headers.TRACE.encode()


class Plain:
    """A request's head without a wish, and what is the same each time that it comes on its connection."""

    __slots__ = ("app", "data", "head", "host", "length", "method", "request", "targets", "traced", "version")

    def __init__(self, data: bytes, head: RequestHead, *, traced: bool) -> None:
        self.data = data
        self.head = head
        self.method = head.method
        self.length = head.fields.length or 0  # of the body
        self.host = head.host.decode("latin-1")
        self.app = ""
        self.version = -1  # of the view with which ``targets`` were found
        self.targets: tuple[Target, ...] = ()
        self.request = b""  # for the machine, up to the request's id
        # What the trace says of it, when it is to have one.
        self.traced = quoted(head.method, head.target) if traced or head.fields.values.get(_TRACE) == b"1" else None


def plain(head: RequestHead, data: bytes, *, traced: bool) -> Plain | None:
    """None when there is something about it; ``data`` are the bytes of the head."""
    fields = head.fields
    if head.method == b"HEAD" or not head.keep_alive or fields.chunked or not asks_nothing(fields.values):
        return None
    return Plain(data, head, traced=traced)
