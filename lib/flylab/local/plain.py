"""A head that asks nothing of the proxy, and what an edge knows of it when it comes again."""

from flylab.local.glance import Glance
from flylab.local.http1 import RequestHead, read_request
from flylab.local.targets import Target
from flylab.local.trace import quoted
from flylab.rules.straight import asks_nothing
from flylab.wire import headers

_TRACE = headers.TRACE.encode()


class Plain:
    """A request's head without a wish, and what is the same each time that it comes on its connection."""

    __slots__ = (
        "_head",
        "app",
        "asked",
        "data",
        "host",
        "kept",
        "length",
        "method",
        "request",
        "target",
        "targets",
        "traced",
        "version",
    )

    def __init__(self, data: bytes, method: bytes, target: bytes, host: bytes, *, traced: bool) -> None:
        self.data = data
        self.method = method
        self.target = target
        self.host = host
        self.length = 0  # of the body
        self.kept: bytes | None = None  # its lines, when all of them travel on as they are
        self._head: RequestHead | None = None
        self.app = ""
        self.asked: tuple[str, bytes, bytes]  # app, method and target, once it is known where it goes
        self.version = -1  # of the view with which ``targets`` were found
        self.targets: tuple[Target, ...] = ()
        self.request = b""  # for the machine, up to the request's id
        # What the trace says of it, when it is to have one.
        self.traced = quoted(method, target) if traced else None

    def renew(self, data: bytes, seen: Glance, *, traced: bool) -> None:
        """Be the next head of the connection, which was not read; where it goes is known if its host is the same."""
        self.method, self.target, host, self.kept, _ = seen
        self.data, self._head, self.request = data, None, b""
        if host != self.host:
            self.host, self.version = host, -1
        self.traced = quoted(self.method, self.target) if traced else None

    @property
    def head(self) -> RequestHead:
        """All of it, for a walk."""
        if self._head is None:
            found = read_request(self.data, limit=len(self.data))
            assert found is not None  # a glance sees whole heads alone
            self._head = found[0]
        return self._head


def glanced(seen: Glance, data: bytes, *, traced: bool) -> Plain:
    """A head that was not read; ``data`` are its bytes."""
    method, target, host, kept, _ = seen
    plain = Plain(data, method, target, host, traced=traced)
    plain.kept = kept
    return plain


def plain(head: RequestHead, data: bytes, *, traced: bool) -> Plain | None:
    """None when there is something about it; ``data`` are the bytes of the head."""
    fields = head.fields
    if head.method == b"HEAD" or not head.keep_alive or fields.chunked or not asks_nothing(fields.values):
        return None
    traced = traced or fields.values.get(_TRACE) == b"1"
    found = Plain(data, head.method, head.target, head.host, traced=traced)
    found.length, found._head = fields.length or 0, head
    return found
