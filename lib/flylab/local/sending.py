"""A request on its way to the machine that it goes to next: its head and as much of its body as has come.

What may have to be sent again is kept (``KeptBody``). A client that holds its body back is asked for it once
the machine asks, or when nothing is heard.
"""

from typing import TYPE_CHECKING

from flylab.local.answers import Answers
from flylab.local.body import KeptBody, chunk, last_chunk
from flylab.local.http1 import RequestHead, ResponseHead
from flylab.local.reply import Reply
from flylab.local.steps import Steps
from flylab.local.transforming import transformed
from flylab.local.upstream import Upstream
from flylab.rules.answering import http_options
from flylab.rules.attempts import Body
from flylab.rules.effects import Forward
from flylab.rules.phases import Phase
from flylab.rules.wishes import Asked
from flylab.wire import headers
from flylab.wire.port_options import HttpOptions

if TYPE_CHECKING:
    from flylab.local.downstream import Downstream

_HIGH = 65_536  # bytes of a body that may wait for a machine before the client is held; our choice
_CHOOSING = tuple((name, name.encode()) for name in headers.CHOOSING)
_CHOICES = frozenset(raw for _, raw in _CHOOSING)


class Sending(Steps, Answers):
    """Half of a walk: from the client to its machine."""

    __slots__ = (
        "_answer",
        "_body",
        "_client",
        "_client_blocked",
        "_continued",
        "_head",
        "_json",
        "_options",
        "_reply",
        "_request_id",
        "_upstream",
    )

    _client: "Downstream"
    _head: RequestHead
    _request_id: bytes
    _body: KeptBody
    _upstream: Upstream | None
    _answer: ResponseHead | None
    _json: bytearray | None  # a replay that comes as a body
    _continued: bool
    _options: HttpOptions  # of the port at the machine that the request goes to
    _client_blocked: bool
    _reply: Reply

    def _asked(self, app: str) -> Asked:
        fields = self._head.fields
        return Asked(
            app=app,
            choosing={}
            if _CHOICES.isdisjoint(fields.values)
            else {name: fields.values[raw].decode("latin-1") for name, raw in _CHOOSING if raw in fields.values},
            length=None if fields.chunked else fields.length or 0,
            port=self._client.front.wanted,
            host=self._head.host,
            target=self._head.target,
            values=fields.values,
            upgrade=b"upgrade" in fields.values and self._head.upgrade is not None,
        )

    def on_payload(self, payload: bytes, *, complete: bool, trailers: bytes = b"") -> None:
        body = self._body
        if payload:
            body.add(payload)
        body.complete, body.trailers = complete, trailers
        if self._upstream is not None and self._json is None:
            self._send_body(self._upstream)
        elif self._exchange is not None and self._exchange.phase is Phase.COLLECTING:
            if complete or body.size > self._edge.settings.exchange.replay_limit:
                self._perform(self._exchange.collected(self._body_now(), self._edge.clock.now()))
        elif body.waiting >= _HIGH:
            self._client.hold(on=True)

    def on_client_blocked(self, blocked: bool) -> None:
        self._client_blocked = blocked
        if self._upstream is not None:
            self._upstream.hold(on=blocked)

    def _forward(self, effect: Forward) -> None:
        edge = self._edge
        stale = edge.hearing.refusal(effect.row)
        if stale is not None:
            self._refused(stale)
            return
        address = edge.platform.address(effect.row.id, effect.service.internal_port)
        if address is None:
            self._refused("PC01")
            return
        concurrency = effect.service.concurrency
        keep = edge.settings.always_reuse or (concurrency is not None and concurrency.type == "requests")
        self._options = http_options(effect.service, self._client.front.wanted)
        h2 = self._options.h2_backend and self._head.upgrade is None
        key = (effect.row.id, address, h2) if keep else None
        upstream = None if effect.fresh or key is None else edge.pool.take(key)
        if upstream is not None:
            self._reached(upstream, effect)
            return
        if effect.deadline is not None:
            self._expire_at(effect.deadline)
        edge.spawn(self._connect(effect, address, key, self._step, h2=h2))

    def _reached(self, upstream: Upstream, effect: Forward) -> None:
        exchange, body, head = self._exchange, self._body, self._head
        assert exchange is not None
        self._upstream, self._answer = upstream, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        exchange.connected(self._edge.clock.now())
        if exchange.hops[-1].woke is not None:
            self._edge.reached(exchange.hops[-1])
        body.rewind()
        waits = head.expects and not self._continued and not body.complete and not body.size
        self._obey(self._options)
        if effect.transform is not None:
            head = transformed(head, effect.transform)
        upstream.begin(self, head.method)
        request = self._client.front.heads.request(
            head,
            address=self._client.address,
            request_id=self._request_id,
            added=effect.headers,
            expects=waits,
        )
        if waits:
            self._edge.loop.call_later(self._edge.settings.continue_after, self._continue, self._step)
        upstream.hold(on=self._client_blocked)
        self._client.hold(on=False)
        self._send_body(upstream, request)

    def _obey(self, options: HttpOptions) -> None:
        self._reply.options = options
        if options is not self._client.options:
            self._client.obey(options)

    def _send_body(self, upstream: Upstream, head: bytes = b"") -> None:
        chunked, complete = self._head.fields.chunked, self._body.complete
        payload = self._body.take()
        if chunked:
            payload = chunk(payload) if payload else b""
            payload += last_chunk(self._body.trailers) if complete else b""
        if head:
            payload = head + payload if payload else head
        if payload:
            upstream.write(payload)
        if complete:
            upstream.sent()

    def _collect(self) -> None:
        self._client.hold(on=False)
        if self._head.expects:
            self._continue(self._step)

    def _continue(self, step: int) -> None:
        """Ask the client for the body that it holds back, because the machine did, or says nothing."""
        if step == self._step and not self._over and not self._continued and not self._body.size:
            self._continued = True
            self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _body_now(self) -> Body:
        return Body(self._body.size, self._body.complete, self._body.kept)
