"""The straight way of a request that needs nothing special: to a machine on a kept connection, and its answer back.

Most are like that, so nothing is made for them but their bytes. Whatever else happens, a full ``Walk`` is made as it
would stand by then, and hears of it instead:

head ──► Straight ──► kept connection ──► whole answer ──► client
             └─ an answer in parts, a replay, an upgrade, a loss, a client that leaves or does not read ──► Walk
"""

from functools import partial
from typing import TYPE_CHECKING

from flylab.local.dials import Dial
from flylab.local.http1 import ResponseHead
from flylab.local.plain import Plain
from flylab.local.repeat import Repeat
from flylab.local.targets import Second, Target, free
from flylab.local.told import Hops, told, told_on
from flylab.local.trace import Lines, line
from flylab.local.upstream import Upstream
from flylab.local.walk import Walk
from flylab.rules.onward import moment
from flylab.rules.routing import Wanted
from flylab.rules.tallies import straight as count

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge


_NONE: list[bytes | memoryview] = []


class Straight:
    """The straight ways of one client's connection, one after the other; implements ``upstream.Straight``."""

    __slots__ = (
        "_asked",
        "_began",
        "_body",
        "_client",
        "_complete",
        "_dial",
        "_edge",
        "_looked",
        "_moment",
        "_origin",
        "_plain",
        "_request_id",
        "_said",
        "_second",
        "_started_at",
        "_state",
        "_tail",
        "_target",
        "_upstream",
        "_went_on",
        "_writer",
    )

    _plain: Plain
    _body: list[bytes | memoryview]  # as far as it has come, until it cannot be needed again
    _complete: bool
    _target: Target
    _upstream: Upstream | None
    _asked: bytes  # the head for a connection that is not made yet
    _second: Second | None  # of one that was replayed, by the machine ``_origin`` with the status ``_said``
    _origin: Target
    _said: int
    _state: str | None
    _went_on: float  # when, by both clocks
    _moment: float

    def __init__(self, edge: "Edge", client: "Downstream") -> None:
        self._edge = edge
        self._client = client
        self._writer = client.front.heads
        self._tail = self._writer.tail(client.address)
        self._dial: Dial | None = None
        self._upstream = None
        self._looked: Plain | None = None  # the last head whose host was looked up

    def start(self, plain: Plain, body: memoryview | None = None) -> bool:
        """Send it, if all is as it mostly is, with as much of its body as there is; else nothing has happened."""
        edge = self._edge
        version = edge.view.version
        if (plain.version != version or edge.notes or edge.remembered) and not self._look(plain):
            return False
        target = free(plain.targets, edge)
        if target is None or not target.take(edge, self._client.options):
            return False
        self._plain, self._target, self._second = plain, target, None
        now, wall = edge.now, edge.wall  # called as methods they would be looked for in the class first
        self._began, self._started_at = now(), (moment := wall())
        self._request_id = request_id = edge.ids.make(moment)
        if body is None:
            self._body, self._complete = _NONE, True
        else:
            self._body, self._complete = [body], len(body) == plain.length
        self._send(target, b"%b%b\r\n\r\n" % (plain.request or self._write(plain), request_id))
        return True

    def _send(self, target: Target, head: bytes) -> None:
        self._upstream = upstream = target.line.pop() if target.line else target.kept(self._edge)
        if upstream is None:
            self._asked = head
            self._dial = target.dial(self._edge, self)
        elif self._body:
            upstream.ask_with(self, head, self._body, whole=self._complete)
        else:
            upstream.ask(self, head)

    def on_connected(self, upstream: Upstream) -> None:
        edge, self._dial, self._upstream = self._edge, None, upstream
        target = self._target
        edge.tallies.connected(target.machine, edge.now() - (self._went_on if self._second else self._began))
        if target.version != edge.view.version and not target.is_up(edge):
            upstream.close()  # it is being stopped since: what has not been sent goes elsewhere
            self._upstream = None
            self.on_refused("PC01")
            return
        if self._body:
            upstream.ask_with(self, self._asked, self._body, whole=self._complete)
        else:
            upstream.ask(self, self._asked)

    def on_refused(self, code: str) -> None:
        self._dial = None
        self._walk().on_refused(code)

    def _look(self, plain: Plain) -> bool:
        """Find out what holds until something changes; False when it goes no straight way."""
        edge, known, version = self._edge, self._looked, self._edge.view.version
        plain.version = -1
        if not edge.straight:
            return False
        if known is None or known.host != plain.host or known.version != version:
            front = self._client.front
            app = front.app or edge.view.app_of_host(plain.host.decode("latin-1"))
            if app is None or edge.moved(front, app, plain.host, plain.target):
                return False
            plain.app, plain.targets = app, edge.targets.of(Wanted(app=app, port=front.wanted))
            self._looked = plain
        else:
            plain.app, plain.targets = known.app, known.targets
        plain.version, plain.request = version, b""
        return True

    def _write(self, plain: Plain) -> bytes:
        """The request for machines, up to its id."""
        if plain.kept is None:
            plain.request = self._writer.begun(plain.head, self._client.address)
        else:
            plain.request = b"%b %b HTTP/1.1\r\n%b%b" % (plain.method, plain.target, plain.kept, self._tail)
        plain.asked = plain.app, plain.method, plain.target
        return plain.request

    # ── from the machine ────────────────────────────────────────────────────────────────────────────────────────

    def on_whole(self, known: Repeat, payload: bytes) -> None:
        edge, target, writer = self._edge, self._target, self._writer
        if known.head is not None and known.said is not None:
            if not self._goes_on(known, *known.said):
                self._upstream = None  # it waits again already
                self._walk().on_head(known.head)
            return
        if known.writer is not writer:
            known.writer, known.lines = writer, known.begun + writer.ending
        began, request_id, status = self._began, self._request_id, known.status
        now = edge.now
        ended = now()
        self._body = _NONE
        trace = b"" if self._plain.traced is None else self._trace(self._plain.traced, status, ended)
        second = self._second
        moved = target.moved if second is None else self._origin.moved
        self._client.answer(b"%b%b\r\n%b\r\n%b" % (known.lines, request_id, trace, payload), moved)
        edge.loads.release(target.machine)
        if target.key is None:
            target.known = known
        if second is not None:
            self._report(second, status, ended)
            return
        if target.status != status:
            target.count(edge, status)
        count(target.answers, target.visits, ended - began)
        tell = edge.tell
        if tell is not None:
            asked = self._plain.asked
            tell(partial(told, edge, asked, target.hops, request_id, status, self._started_at, began, ended))

    def _trace(self, about: tuple[bytes, bytes], status: int, ended: float) -> bytes:
        """The line that tells the client of it."""
        target = self._target
        known = self._request_id, status, self._started_at, self._began, ended
        if self._second is not None:
            return line(told(self._edge, self._plain.asked, self._hops(self._second), *known))
        if target.status != status:
            target.count(self._edge, status)
        if target.traces is None:
            target.traces = Lines(told(self._edge, self._plain.asked, target.hops, *known))
        return target.traces.of(self._request_id, about, self._started_at, self._began, ended)

    def _hops(self, second: Second) -> Hops:
        return partial(told_on, self._origin, self._said, self._went_on, second, self._target)

    def _goes_on(self, known: Repeat, words: str, state: str | None) -> bool:
        """Send it to where a replay leads, if that is as it mostly is; else nothing has happened."""
        edge, client, plain, origin = self._edge, self._client, self._plain, self._target
        if self._second is not None or edge.notes:
            return False
        if plain.length and plain.length > edge.settings.exchange.replay_limit:
            return False
        second, port = known.second, client.front.wanted
        if second is None or second.version != edge.view.version or second.port != port:
            second = known.second = edge.targets.after(words, origin, port)
        then = second.onward
        if then is None:
            return False
        target = free(second.targets, edge)
        if target is None or not target.take(edge, client.options):
            return False
        edge.loads.release(origin.machine)
        now, wall = edge.now, edge.wall
        self._went_on, self._moment = now(), (said_at := wall())
        self._target = target
        self._second, self._origin, self._said = second, origin, known.status
        self._state = state
        said = b"" if state is None else b";state=%b" % state.encode()
        lines = plain.request, self._request_id, then.before, moment(said_at), said, then.after
        self._send(target, b"%b%b\r\n%b%d%b%b\r\n" % lines)
        return True

    def _report(self, second: Second, status: int, ended: float) -> None:
        """Count and tell of one that was replayed."""
        edge, plain, origin, target, said = self._edge, self._plain, self._origin, self._target, self._said
        began, went_on = self._began, self._went_on
        if second.status != status or second.said != said or len(second.targets) != 1:
            second.count(edge, plain.app, (origin.machine, target.machine), (said, status))
        second.answers.add(ended - began)
        second.first.add(went_on - began)
        second.visits.add(ended - went_on)
        tell = edge.tell
        if tell is not None:
            hops = self._hops(second)
            tell(partial(told, edge, plain.asked, hops, self._request_id, status, self._started_at, began, ended))

    def on_head(self, head: ResponseHead) -> None:
        self._walk().on_head(head)

    def on_lost(self) -> None:
        self._walk().on_lost()

    def on_blocked(self, blocked: bool) -> None:
        self._client.hold(on=blocked)

    def on_flush(self) -> None:
        """Nothing has come yet that could be sent."""

    def on_body(self, payload: bytes) -> None:
        """Never: a head comes first, and then it is a walk that hears."""

    def on_end(self) -> None:
        """Never, as above."""

    # ── from the client ─────────────────────────────────────────────────────────────────────────────────────────

    def on_payload(self, payload: bytes, *, complete: bool, trailers: bytes = b"") -> None:
        self._body.append(payload)
        self._complete = complete
        if self._upstream is not None:
            self._upstream.go_on(self, payload, whole=complete)

    def on_bad_body(self) -> bool:
        return self._walk().on_bad_body()

    def on_client_gone(self) -> None:
        self._walk().on_client_gone()

    def on_client_blocked(self, blocked: bool) -> None:
        """A whole answer can be written all the same; a walk is told when there is one."""

    def _walk(self) -> Walk:
        """The walk that this would be if it had not gone the straight way."""
        plain, target, upstream = self._plain, self._target, self._upstream
        if self._dial is not None:  # the client leaves
            self._dial.dialler = None
            self._dial = None
        walk = Walk(self._edge, self._client, plain.head, (self._began, self._started_at, self._request_id))
        if upstream is not None:
            upstream.tell(walk, plain.method, whole=self._complete)
        self._client.walks(walk)
        if self._client.blocked:
            walk.on_client_blocked(True)
        walk.resume([bytes(piece) for piece in self._body], complete=self._complete)
        second = self._second
        if second is None or second.onward is None:
            walk.stand(plain.app, target.choice, upstream)
        else:
            exchange = walk.stand(plain.app, self._origin.choice, upstream)
            exchange.took_on(second.onward, target.choice, self._said, self._went_on, self._moment, self._state)
        return walk
