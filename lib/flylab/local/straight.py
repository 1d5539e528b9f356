"""The straight way of a request that needs nothing special: to a machine on a kept connection, and its answer back.

Most are like that, so nothing is made for them but their bytes. Whatever else happens, a full ``Walk`` is made as it
would stand by then, and hears of it instead:

head ──► Straight ──► kept connection ──► whole answer ──► client
             └─ an answer in parts, a replay, an upgrade, a loss, a client that leaves or does not read ──► Walk
"""

from typing import TYPE_CHECKING

from flylab.local.http1 import RequestHead, ResponseHead
from flylab.local.trace import Record
from flylab.local.upstream import Upstream
from flylab.local.walk import Walk
from flylab.rules.answering import http_options
from flylab.rules.routing import Choice, Wanted
from flylab.rules.straight import asks_nothing, visited

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge

Json = dict[str, object]


class Plain:
    """A request's head without a wish, and what is the same each time that it comes on its connection."""

    __slots__ = ("app", "data", "head", "host", "request", "wanted")

    def __init__(self, data: bytes, head: RequestHead) -> None:
        self.data = data
        self.head = head
        self.host = head.host.decode("latin-1")
        self.app = ""
        self.wanted: Wanted | None = None
        self.request = b""  # for the machine, up to the request's id


def plain(head: RequestHead, data: bytes) -> Plain | None:
    """None when there is something about it; the request has no body, and all of its bytes are ``data``."""
    if head.method == b"HEAD" or not head.keep_alive or not asks_nothing(head.fields.values):
        return None
    return Plain(data, head)


class Straight:
    """The straight ways of one client's connection, one after the other; implements ``upstream.Straight``."""

    __slots__ = ("_began", "_choice", "_client", "_edge", "_key", "_plain", "_request_id", "_started_at", "_upstream")

    def __init__(self, edge: "Edge", client: "Downstream") -> None:
        self._edge = edge
        self._client = client
        self._choice: Choice | None = None
        self._upstream: Upstream | None = None
        self._key: tuple[str, tuple[str, int], bool] | None = None

    def start(self, plain: Plain) -> bool:
        """Send it, if all is as it mostly is; else nothing has happened."""
        edge, client = self._edge, self._client
        front = client.front
        if not edge.straight:
            return False
        app = front.app or edge.view.app_of_host(plain.host)
        if app is None or edge.moved(front, app, plain.head):
            return False
        if app != plain.app or plain.wanted is None:
            plain.app, plain.wanted = app, Wanted(app=app, port=front.wanted)
            plain.request = front.heads.begun(plain.head, client.address)
        choice = edge.shortlisted(plain.wanted)
        if choice is None:
            return False
        address = edge.platform.address(choice.row.id, choice.service.internal_port)
        if choice is not self._choice or self._key is None or self._key[1] != address:
            self._key = None if address is None else self._key_of(choice, address)
            self._choice = choice
        if self._key is None or (upstream := edge.pool.take(self._key)) is None:
            return False
        edge.loads.reserve(choice.row.id)
        self._upstream, self._plain = upstream, plain
        self._began, self._started_at = edge.clock.now(), edge.clock.wall()
        self._request_id = edge.request_id(self._started_at).encode()
        upstream.ask(self, plain.head.method, b"%b%b\r\n\r\n" % (plain.request, self._request_id))
        return True

    def _key_of(self, choice: Choice, address: tuple[str, int]) -> tuple[str, tuple[str, int], bool] | None:
        """What the pool knows the machine's connections by, when they are kept and its answers travel as they are."""
        client = self._client
        options = http_options(choice.service, client.front.wanted)
        concurrency = choice.service.concurrency
        keep = self._edge.settings.always_reuse or (concurrency is not None and concurrency.type == "requests")
        changed = options.compress or options.shapes or options.h2_backend or options.idle_timeout is not None
        return None if not keep or changed or options is not client.options else (choice.row.id, address, False)

    # ── from the machine ────────────────────────────────────────────────────────────────────────────────────────

    def on_whole(self, head: ResponseHead, payload: bytes) -> None:
        edge, client, plain, choice = self._edge, self._client, self._plain, self._choice
        assert choice is not None  # it was sent to a machine
        machine, status = choice.row.id, head.status
        self._upstream = None
        client.write(client.front.heads.whole(head, self._request_id, payload))
        edge.loads.release(machine)
        ended = edge.clock.now()
        edge.tallies.straight(plain.app, machine, status, ended - self._began, client.moved())
        edge.report(Told(edge, plain, choice, self._request_id, (self._started_at, self._began, ended), status))
        client.next(keep_alive=True)

    def on_head(self, head: ResponseHead) -> None:
        self._walk().on_head(head)

    def on_lost(self) -> None:
        self._walk().on_lost()

    def on_blocked(self, blocked: bool) -> None:
        self._walk().on_blocked(blocked)

    def on_flush(self) -> None:
        """Nothing has come yet that could be sent."""

    def on_body(self, payload: bytes) -> None:
        """Never: a head comes first, and then it is a walk that hears."""

    def on_end(self) -> None:
        """Never, as above."""

    # ── from the client ─────────────────────────────────────────────────────────────────────────────────────────

    def on_payload(self, payload: bytes, *, complete: bool, trailers: bytes = b"") -> None:
        """Never: it has no body."""

    def on_bad_body(self) -> bool:
        return self._walk().on_bad_body()

    def on_client_gone(self) -> None:
        self._walk().on_client_gone()

    def on_client_blocked(self, blocked: bool) -> None:
        self._walk().on_client_blocked(blocked)

    def _walk(self) -> Walk:
        """The walk that this would be if it had not gone the straight way."""
        upstream, plain, choice = self._upstream, self._plain, self._choice
        assert upstream is not None
        assert choice is not None
        self._upstream = None
        known = self._began, self._started_at, self._request_id
        walk = Walk(self._edge, self._client, plain.head, known)
        upstream.tell(walk)
        self._client.walks(walk)
        walk.stand(plain.app, choice, upstream)
        return walk


class Told:
    """What is remembered of one that is over; called, it becomes JSON (trace.Record)."""

    __slots__ = ("_choice", "_edge", "_plain", "_request_id", "_status", "_times")

    def __init__(
        self,
        edge: "Edge",
        plain: Plain,
        choice: Choice,
        request_id: bytes,
        times: tuple[float, float, float],
        status: int,
    ) -> None:
        self._edge = edge
        self._plain = plain
        self._choice = choice
        self._request_id = request_id
        self._times = times
        self._status = status

    def __call__(self) -> Json:
        edge, plain = self._edge, self._plain
        started_at, began, ended = self._times
        return Record(
            self._request_id.decode(),
            edge.region,
            plain.app,
            plain.head.method,
            plain.head.target,
            self._status,
            started_at,
            began,
            ended,
            [visited(self._choice, began, ended, self._status)],
            edge.latency,
            None,
            {},  # with faults armed nothing goes straight
        )()
