"""The straight way of a request that needs nothing special: to a machine on a kept connection, and its answer back.

Most are like that, so nothing is made for them but their bytes. Whatever else happens, a full ``Walk`` is made as it
would stand by then, and hears of it instead:

head ──► Straight ──► kept connection ──► whole answer ──► client
             └─ an answer in parts, a replay, an upgrade, a loss, a client that leaves or does not read ──► Walk
"""

from functools import partial
from typing import TYPE_CHECKING

from flylab.local.http1 import RequestHead, ResponseHead
from flylab.local.repeat import Repeat
from flylab.local.targets import Target
from flylab.local.trace import Record
from flylab.local.upstream import Upstream
from flylab.local.walk import Walk
from flylab.rules.routing import Wanted
from flylab.rules.straight import asks_nothing, visited
from flylab.rules.tallies import straight as count

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge

Json = dict[str, object]


class Plain:
    """A request's head without a wish, and what is the same each time that it comes on its connection."""

    __slots__ = ("app", "data", "head", "host", "method", "request", "targets", "version")

    def __init__(self, data: bytes, head: RequestHead) -> None:
        self.data = data
        self.head = head
        self.method = head.method
        self.host = head.host.decode("latin-1")
        self.app = ""
        self.version = -1  # of the view with which ``targets`` were found
        self.targets: tuple[Target, ...] = ()
        self.request = b""  # for the machine, up to the request's id


def plain(head: RequestHead, data: bytes) -> Plain | None:
    """None when there is something about it; the request has no body, and all of its bytes are ``data``."""
    if head.method == b"HEAD" or not head.keep_alive or not asks_nothing(head.fields.values):
        return None
    return Plain(data, head)


class Straight:
    """The straight ways of one client's connection, one after the other; implements ``upstream.Straight``."""

    __slots__ = (
        "_began",
        "_client",
        "_edge",
        "_plain",
        "_request_id",
        "_started_at",
        "_target",
        "_upstream",
        "_writer",
    )

    _plain: Plain
    _target: Target
    _upstream: Upstream

    def __init__(self, edge: "Edge", client: "Downstream") -> None:
        self._edge = edge
        self._client = client
        self._writer = client.front.heads

    def start(self, plain: Plain) -> bool:
        """Send it, if all is as it mostly is; else nothing has happened."""
        edge = self._edge
        version = edge.view.version
        if (plain.version != version or edge.notes or edge.remembered) and not self._look(plain):
            return False
        targets = plain.targets
        if len(targets) == 1:
            target = targets[0]
        else:
            of = edge.loads.of
            equal = [one for one in targets if of(one.machine) < one.below]
            if not equal:
                return False
            target = equal[0] if len(equal) == 1 else edge.rng.choice(equal)
        if target.version != version:
            target.aim(edge)
        line = target.line
        if not line:
            target.version = -1  # it may be another one by the next time
            return False
        if target.options is not self._client.options or not edge.loads.enter(target.machine, target.below):
            return False
        upstream = line.pop()
        upstream.reused = True
        self._upstream, self._plain, self._target = upstream, plain, target
        self._began = edge.now()
        self._started_at = wall = edge.wall()
        self._request_id = request_id = edge.ids.make(wall)
        upstream.ask(self, plain.method, b"%b%b\r\n\r\n" % (plain.request, request_id))
        return True

    def _look(self, plain: Plain) -> bool:
        """Find out what holds until something changes; False when it goes no straight way."""
        edge, front = self._edge, self._client.front
        plain.version = -1
        if not edge.straight:
            return False
        app = front.app or edge.view.app_of_host(plain.host)
        if app is None or edge.moved(front, app, plain.head):
            return False
        if app != plain.app:
            plain.app = app
            plain.request = self._writer.begun(plain.head, self._client.address)
        plain.targets = edge.targets.of(Wanted(app=app, port=front.wanted))
        plain.version = edge.view.version
        return True

    # ── from the machine ────────────────────────────────────────────────────────────────────────────────────────

    def on_whole(self, known: Repeat, payload: bytes) -> None:
        edge, target, writer = self._edge, self._target, self._writer
        if known.said is not None:
            self._walk(None).on_head(known.head)  # its connection waits again already
            return
        if known.writer is not writer:
            known.writer, known.lines = writer, writer.answered(known.head)
        began, request_id, status = self._began, self._request_id, known.status
        received, sent = self._client.answer(b"%b%b\r\n\r\n%b" % (known.lines, request_id, payload))
        edge.loads.release(target.machine)
        ended = edge.now()
        if target.status != status:
            target.count(edge, status)
        count(target.answers, target.visits, target.moved, ended - began, received, sent)
        edge.report(partial(told, edge, self._plain, target, request_id, status, self._started_at, began, ended))

    def on_head(self, head: ResponseHead) -> None:
        self._walk(self._upstream).on_head(head)

    def on_lost(self) -> None:
        self._walk(self._upstream).on_lost()

    def on_blocked(self, blocked: bool) -> None:
        self._walk(self._upstream).on_blocked(blocked)

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
        return self._walk(self._upstream).on_bad_body()

    def on_client_gone(self) -> None:
        self._walk(self._upstream).on_client_gone()

    def on_client_blocked(self, blocked: bool) -> None:
        self._walk(self._upstream).on_client_blocked(blocked)

    def _walk(self, upstream: Upstream | None) -> Walk:
        """The walk that this would be if it had not gone the straight way."""
        plain, target = self._plain, self._target
        walk = Walk(self._edge, self._client, plain.head, (self._began, self._started_at, self._request_id))
        if upstream is not None:
            upstream.tell(walk)
        self._client.walks(walk)
        walk.stand(plain.app, target.choice, upstream)
        return walk


def told(
    edge: "Edge",
    plain: Plain,
    target: Target,
    request_id: bytes,
    status: int,
    started_at: float,
    began: float,
    ended: float,
) -> Json:
    """What is remembered of one that is over, as JSON."""
    return Record(
        request_id.decode(),
        edge.region,
        plain.app,
        plain.method,
        plain.head.target,
        status,
        started_at,
        began,
        ended,
        [visited(target.choice, began, ended, status)],
        edge.latency,
        None,
        {},  # with faults armed nothing goes straight
    )()
