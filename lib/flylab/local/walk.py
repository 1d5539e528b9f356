"""Walks one request through its exchange: performs what the rules return and reports what came of it."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from flylab.local.advice import unknown_host, where_to_look
from flylab.local.body import KeptBody
from flylab.local.http1 import RequestHead, ResponseHead
from flylab.local.reply import Reply
from flylab.local.sending import Sending
from flylab.local.splice import Pipe
from flylab.local.spliced import Spliced
from flylab.local.trace import Record, line
from flylab.local.transforming import replay_lines
from flylab.local.upstream import Upstream
from flylab.rules.effects import Refuse
from flylab.rules.exchange import Exchange
from flylab.rules.phases import Phase
from flylab.rules.routing import Choice
from flylab.wire import headers
from flylab.wire.replay_json import LONGEST as LONGEST_JSON

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream
    from flylab.local.edge import Edge

_INTERIMS = 20  # answers before the answer, such as 103, that one machine may give; our choice
_REPLAY = headers.REPLAY.encode()
_REPLAY_JSON = headers.REPLAY_JSON.encode()
_TRACE = headers.TRACE.encode()
_UNREACHABLE = frozenset({"PC01", "PC05", "PC06", "PC07", "PM05", "PM08"})  # of a hop whose machine never listened


class Walk(Sending):
    """One request between a client's connection and the machines it visits; it is the upstreams' listener."""

    __slots__ = ("_app", "_began", "_code", "_interims", "_started_at")

    def __init__(
        self, edge: "Edge", client: "Downstream", head: RequestHead, known: tuple[float, float, bytes] | None = None
    ) -> None:
        """``known`` are the moments by both clocks and the id of a request that began by the straight way."""
        self._edge = edge
        self._client = client
        self._head = head
        limit = edge.settings.exchange.retry_limit
        # A body that is known to be longer is not kept at all.
        self._body = KeptBody(limit if (head.fields.length or 0) <= limit else -1)
        self._exchange: Exchange | None = None
        self._app: str | None = None
        self._upstream: Upstream | None = None
        self._answer: ResponseHead | None = None
        self._json: bytearray | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._step = 0
        self._code: str | None = None
        self._continued = False
        self._interims = 0
        self._options = client.options
        self._client_blocked = False
        self._over = False
        if known is None:
            self._began = edge.clock.now()
            self._started_at = edge.clock.wall()
            self._request_id = edge.request_id(self._started_at).encode()
        else:
            self._began, self._started_at, self._request_id = known
        self._reply = Reply(client, client.front.heads, head, self._request_id)

    def start(self, *, body_complete: bool) -> None:
        """Find the app and take the first step."""
        self._body.complete = body_complete
        edge, front = self._edge, self._client.front
        self._app = front.app or edge.view.app_of_host(self._head.host.decode("latin-1"))
        if self._app is None:
            self._refuse(Refuse(404, "PE01", unknown_host(self._head.host.decode("latin-1"), edge.region)))
            return
        if where := edge.moved(front, self._app, self._head.host, self._head.target):
            self._refuse(Refuse(301, "force_https", "this app is served over https alone"), b"location: %b\r\n" % where)
            return
        self._exchange = edge.exchange(self._asked(self._app))
        self._perform(self._exchange.begin(self._began))

    def on_refused(self, code: str) -> None:
        """There is no connection to the machine."""
        self._refused(code)

    def resume(self, chunks: list[bytes], *, complete: bool) -> None:
        """So much of the body has been sent."""
        self._body.resume(chunks)
        self._body.complete = complete

    def stand(self, app: str, choice: Choice, upstream: Upstream | None) -> Exchange:
        """Go on where the straight way has come to: the request is with a machine, and nothing has been heard."""
        self._app, self._upstream = app, upstream
        self._reply.options = self._client.options
        self._exchange = self._edge.exchange(self._asked(app))
        self._exchange.took(choice, self._began)
        self._step = 1  # that of the Forward
        return self._exchange

    # ── from the client ─────────────────────────────────────────────────────────────────────────────────────────

    def on_bad_body(self) -> bool:
        """The body's framing is broken; True when an answer can still be given."""
        unanswered = self._reply.status is None
        self._leave()
        return unanswered

    def on_client_gone(self) -> None:
        self._leave()

    # ── from the machine (upstream.Answers) ─────────────────────────────────────────────────────────────────────

    def on_head(self, head: ResponseHead) -> None:
        exchange = self._exchange
        assert exchange is not None  # a request was forwarded
        if head.status < 200 and head.status != 101:
            self._interim(head)
            return
        self._answer = head
        values = head.fields.values
        said = values.get(_REPLAY)
        if (
            head.status != 101  # which has no body
            and (kind := values.get(b"content-type"))
            and kind.partition(b";")[0].strip().lower() == _REPLAY_JSON
            and (said is None or self._edge.settings.exchange.replay.json_wins)
        ):
            self._json = bytearray()
            return
        if said is None and head.status == 101 and self._head.upgrade is None:
            self._no_answer("it switches to a protocol that nobody asked for")
            return
        self._responded(head, None if said is None else said.decode("latin-1"))

    def on_body(self, payload: bytes) -> None:
        if self._json is None:
            self._reply.body(payload)
        else:
            self._json += payload
            if len(self._json) > LONGEST_JSON and self._answer is not None:
                said, self._json = bytes(self._json), None
                self._responded(self._answer, said)  # too long, whatever follows

    def on_end(self) -> None:
        if self._json is not None and self._answer is not None:
            said, self._json, self._upstream = bytes(self._json), None, None
            line = None if said else self._answer.fields.values.get(_REPLAY)  # an answer to HEAD has no body
            self._responded(self._answer, said if line is None else line.decode("latin-1"))
            return
        upstream, self._upstream = self._upstream, None
        self._reply.end(b"" if upstream is None else upstream.trailers)
        self._finish(complete=True)
        self._client.next(keep_alive=not self._reply.close)

    def on_flush(self) -> None:
        self._reply.flush()

    def on_lost(self) -> None:
        upstream, self._upstream, self._json = self._upstream, None, None
        exchange = self._exchange
        assert exchange is not None
        if exchange.phase is Phase.FORWARDED:
            reused = reset = False
            why = ""
            if upstream is not None:
                why = upstream.trouble
                if not upstream.heard:
                    reused, reset = upstream.reused, upstream.reset
                upstream.close()
            now, body = self._edge.clock.now(), self._body_now()
            self._perform(exchange.lost(now, reused=reused, reset=reset, body=body, why=why))
        else:
            self._edge.refused(self._app, "PU02", "the machine broke off its answer", exchange.hops[-1].machine)
            self._finish(complete=False)
            self._client.abort()

    def _no_answer(self, why: str) -> None:
        if self._upstream is not None:
            self._upstream.trouble = why
        self.on_lost()

    def on_blocked(self, blocked: bool) -> None:
        self._client.hold(on=blocked)

    # ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _interim(self, head: ResponseHead) -> None:
        self._interims += 1
        if self._interims > _INTERIMS:
            self._no_answer(f"it gives more than {_INTERIMS} answers before the answer")
        elif head.status != 100:
            self._reply.hint(head)
        elif self._head.expects:
            self._continue(self._step)

    def _responded(self, head: ResponseHead, said: str | bytes | None) -> None:
        exchange, clock, upstream = self._exchange, self._edge.clock, self._upstream
        assert exchange is not None
        effect = exchange.responded(
            head.status, said, self._body_now(), clock.now(), wall=clock.wall(), answered=head.fields.values
        )
        if said is not None:
            self._upstream = None
            if upstream is not None:
                upstream.discard()
        self._perform(effect)

    def _relay(self) -> None:
        assert self._answer is not None
        self._body.forget()
        added = self._trace_line(self._answer.status)
        if not self._edge.settings.exchange.replay.hide_from_clients:
            added += replay_lines(self._answer)
        self._reply.begin(self._answer, added)

    def _splice(self) -> None:
        upstream, client = self._upstream, self._client
        assert upstream is not None
        self._upstream = None
        self._relay()
        self._reply.flush()
        assert self._exchange is not None
        piped = self._exchange.piped()
        # From here on the walk is no longer needed, and neither is the request.
        self._over = True
        known = self._began, self._started_at, self._request_id
        spliced = Spliced(self._edge, client, self._head, piped, self._app, known)
        if self._edge.on_opened is not None:
            self._edge.on_opened(spliced.opened)
        pipe = Pipe(client, upstream, spliced, half_open=self._edge.settings.half_open)
        if (self._head.upgrade or b"").lower() == b"websocket":
            self._edge.websockets.add(spliced.machine, spliced, pipe)
        upstream.pipe(pipe)
        client.pipe(pipe)

    def _refuse(self, effect: Refuse, added: bytes = b"") -> None:
        self._code = effect.code
        hops = self._exchange.hops if self._exchange is not None else []
        if hops and hops[-1].code in _UNREACHABLE:
            effect = replace(effect, text=f"{effect.text}; {where_to_look(hops[-1].app, hops[-1].machine)}")
        self._edge.refused(self._app, effect.code, effect.text, hops[-1].machine if hops else "")
        self._reply.refuse(effect, added + self._trace_line(effect.status))
        self._report()
        self._client.next(keep_alive=not self._reply.close)

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, *, complete: bool) -> None:
        assert self._exchange is not None
        self._exchange.finished(self._edge.clock.now(), complete=complete)
        self._report()

    def _leave(self) -> None:
        if self._over:
            return
        if self._exchange is not None and self._exchange.phase is not Phase.DONE:
            self._exchange.abandoned(self._edge.clock.now())
        if self._timer is not None:
            self._timer.cancel()
        self._edge.line.leave(self)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()
        self._report()

    def _report(self) -> None:
        if self._over:
            return
        self._over = True
        hops = [] if self._exchange is None else self._exchange.hops
        self._edge.count(self._app, self._reply.status, self._edge.clock.now() - self._began, hops, self._client)
        self._edge.report(self._record(self._reply.status))

    def _record(self, status: int | None) -> Record:
        exchange, edge, head = self._exchange, self._edge, self._head
        return Record(
            self._request_id.decode(),
            edge.region,
            self._app,
            head.method,
            head.target,
            status,
            self._started_at,
            self._began,
            edge.clock.now(),
            [] if exchange is None else exchange.hops,
            edge.latency,
            self._code,
            edge.notes,
        )

    def _trace_line(self, status: int) -> bytes:
        if not self._edge.settings.trace and self._head.fields.values.get(_TRACE) != b"1":
            return b""
        return line(self._record(status)())
