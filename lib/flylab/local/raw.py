"""One connection to a public port without an ``http`` handler: finds a machine as for a request, then pipes bytes.

client ──► (kept until there is a machine) ──► Pipe ◄──► machine
"""

import asyncio
import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING, cast

from flylab.local.flow import Gate, Hold
from flylab.local.splice import Pipe
from flylab.local.steps import Steps
from flylab.local.trace import exchange_json
from flylab.local.upstream import Upstream
from flylab.rules.effects import Forward, Refuse
from flylab.rules.entrances import Entrance
from flylab.rules.phases import Phase
from flylab.rules.services import port_of
from flylab.rules.wishes import Asked
from flylab.wire.proxy_protocol import format_proxy

if TYPE_CHECKING:
    from flylab.local.edge import Edge

_AHEAD = 65_536  # bytes that may come before there is a machine; our choice


class RawConnection(Steps, asyncio.Protocol):
    """What a client sends goes to one machine and back, until both have ended."""

    def __init__(self, edge: "Edge", entrance: Entrance) -> None:
        self._edge = edge
        self._entrance = entrance
        self._exchange = self._asking = edge.exchange(Asked(app=entrance.app, port=entrance.port, raw=True))
        self._early = b""
        self._ended = False
        self._pipe: Pipe | None = None
        self._code: str | None = None
        self._step = 0
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self._began = edge.clock.now()
        self._started_at = edge.clock.wall()
        self.deadline: float | None = None

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gate = Gate(self._transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = transport.get_extra_info("peername")[:2]
        self._edge.connected(self)
        self._perform(self._asking.begin(self._began))

    def data_received(self, data: bytes) -> None:
        if self._pipe is not None:
            self._pipe.on_client_data(data)
            return
        self._early += data
        if len(self._early) >= _AHEAD:
            self._gate.set(Hold.TURN, on=True)

    def eof_received(self) -> bool:
        self._ended = True
        if self._pipe is not None:
            self._pipe.on_client_end()
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._edge.disconnected(self)
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.on_client_lost()
        elif not self._over:
            if self._asking.phase is not Phase.DONE:
                self._asking.abandoned(self._edge.clock.now())
            self._report()

    def pause_writing(self) -> None:
        if self._pipe is not None:
            self._pipe.on_client_blocked(True)

    def resume_writing(self) -> None:
        if self._pipe is not None:
            self._pipe.on_client_blocked(False)

    # ── for the pipe and the edge ───────────────────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def write_eof(self) -> None:
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # TLS has no half of a connection
            self._transport.close()

    def hold(self, *, on: bool) -> None:
        self._gate.set(Hold.PEER, on=on)

    def finish(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def time_out(self) -> None:
        """It never has a deadline: how long a connection may be silent is the app's to say."""

    # ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, effect: Forward) -> None:
        code = self._edge.hearing.refusal(effect.row)
        address = self._edge.platform.address(effect.row.id, effect.service.internal_port)
        if code is not None or address is None:
            self._refused(code or "PC01")
        else:
            self._edge.spawn(self._connect(effect, address, None, self._step, h2=False))

    def _refuse(self, effect: Refuse) -> None:
        # There is no way to say why: the connection closes, and the log has the code.
        self._code = effect.code
        hops = self._asking.hops
        self._edge.refused(self._entrance.app, effect.code, effect.text, hops[-1].machine if hops else "")
        self._report()
        self._transport.close()

    def _reached(self, upstream: Upstream, effect: Forward) -> None:
        now = self._edge.clock.now()
        self._asking.connected(now)
        if self._asking.hops[-1].woke is not None:
            self._edge.reached(self._asking.hops[-1])
        self._asking.joined(now)
        port = port_of(effect.service, self._entrance.port)
        if port is not None and "proxy_proto" in port.handlers:
            here = (self._peer[0], self._entrance.port)
            upstream.write(format_proxy(port.options.proxy_proto, self._peer, here))
        self._pipe = pipe = Pipe(self, upstream, self._finished, half_open=self._edge.settings.half_open)
        upstream.pipe(pipe)
        early, self._early = self._early, b""
        if early:
            pipe.on_client_data(early)
        self._gate.set(Hold.TURN, on=False)
        if self._ended:
            pipe.on_client_end()

    def _finished(self) -> None:
        self._asking.finished(self._edge.clock.now())
        self._report()

    def _report(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._edge.line.leave(self)
        self._edge.report(
            partial(
                exchange_json,
                request_id=self._edge.request_id(self._started_at),
                edge=self._edge.region,
                app=self._entrance.app,
                method=str(self._entrance.kind).upper(),
                path=f":{self._entrance.port}",
                status=None,
                started_at=self._started_at,
                began=self._began,
                now=self._edge.clock.now(),
                hops=self._asking.hops,
                latency=self._edge.latency,
                code=self._code,
                notes=self._edge.notes,
            )
        )


_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL's documentation, 54.7: message formats
_GSS_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x30"


class PostgresStart(asyncio.Protocol):
    """The first bytes of a Postgres client: with ``SSLRequest`` TLS begins, anything else goes on as it is."""

    def __init__(self, edge: "Edge", entrance: Entrance, context: ssl.SSLContext) -> None:
        self._edge = edge
        self._entrance = entrance
        self._context = context
        self._buffer = b""
        self.deadline: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._edge.connected(self)
        self.deadline = self._edge.loop.time() + self._edge.settings.head_timeout

    def connection_lost(self, exc: Exception | None) -> None:
        self._edge.disconnected(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer == _GSS_REQUEST:
            self._buffer = b""
            self._transport.write(b"N")
        elif self._buffer == _SSL_REQUEST:
            self._transport.write(b"S")
            self._edge.spawn(self._secure())
        elif len(self._buffer) >= len(_SSL_REQUEST):
            connection = RawConnection(self._edge, self._entrance)
            self._transport.set_protocol(connection)
            self._edge.disconnected(self)
            connection.connection_made(self._transport)
            connection.data_received(self._buffer)

    def time_out(self) -> None:
        """Too long without a word."""
        self.abort()

    def abort(self) -> None:
        self._transport.abort()

    async def _secure(self) -> None:
        connection = RawConnection(self._edge, self._entrance)
        timeout = self._edge.settings.head_timeout
        try:
            secure = await self._edge.loop.start_tls(
                self._transport, connection, self._context, server_side=True, ssl_handshake_timeout=timeout
            )
        except OSError:  # the handshake failed, and the connection with it
            return
        finally:
            self._edge.disconnected(self)
        if secure is not None:
            connection.connection_made(secure)
