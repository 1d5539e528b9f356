"""One region's edge: accepts connections and gives each request what it needs to be walked; the rules decide.

client ──► Downstream ──► Walk ◄──► rules.Exchange
                            │
                            └──► Upstream ──► machine
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any, Protocol

from flylab import __version__, ids
from flylab.clock import Clock
from flylab.local.downstream import Downstream
from flylab.local.latency import Latency
from flylab.local.upstream import Pool, Upstream
from flylab.rules.exchange import Exchange
from flylab.rules.limits import ExchangeSettings
from flylab.rules.proximity import RoundTrip
from flylab.rules.routing import Loads, View
from flylab.rules.wishes import Asked

log = logging.getLogger("flylab.edge")


class Waker(Protocol):
    """The platform as an edge sees it."""

    view: View
    loads: Loads

    async def wake(self, machine_id: str) -> None:
        """Return when the machine is ``started``; many callers are one start; raises RuleError when it cannot."""

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        """Where the machine's process listens; None when it is not started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """An edge's own limits; those of one request are in ``exchange``."""

    head_limit: int = 65_536  # bytes of a request's head; our choice
    head_timeout: float = 15.0  # seconds for a complete head; Fly publishes no default, our choice
    idle_timeout: float = 60.0  # seconds between requests; older pages of Fly's name 60 s
    connect_timeout: float = 3.0  # seconds; our choice, on one computer it takes microseconds
    pool_idle: float = 4.0  # seconds; reference/load-balancing: connections to a machine are kept about 4 s
    trace: bool = False  # answer every request with x-flylab-trace
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)


class Edge:
    """The proxy of one region; ``on_exchange`` hears the trace of every exchange when it is over."""

    def __init__(
        self,
        region: str,
        platform: Waker,
        *,
        rtt: RoundTrip,
        latency: Latency,
        clock: Clock,
        rng: Random,
        settings: EdgeSettings | None = None,
        on_exchange: Callable[[dict[str, object]], None] | None = None,
    ) -> None:
        self.region = region
        self.platform = platform
        self.view = platform.view
        self.loads = platform.loads
        self.latency = latency
        self.clock = clock
        self.settings = settings or EdgeSettings()
        self.pool = Pool(idle=self.settings.pool_idle)
        self._rtt = rtt
        self._rng = rng
        self._on_exchange = on_exchange
        self._clients: set[Downstream] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self.public_port = b"80"
        # What Fly adds to requests and answers (networking/request-headers), as far as it is the same for all.
        self.request_lines = (
            b"fly-forwarded-port: %b\r\nfly-region: %b\r\nx-forwarded-proto: http\r\nx-forwarded-ssl: off\r\n"
            b"via: 1.1 fly.io\r\n" % (self.public_port, region.encode())
        )
        self.response_lines = b"server: Fly/flylab-%b\r\nvia: 1.1 fly.io\r\n" % __version__.encode()

    async def serve(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket from now on."""
        self.loop = asyncio.get_running_loop()
        self._servers.append(await self.loop.create_server(lambda: Downstream(self), sock=listener))
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(1.0, self._sweep)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.abort()
        self.pool.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    # ── for connections and walks ───────────────────────────────────────────────────────────────────────────────

    def connected(self, client: Downstream) -> None:
        self._clients.add(client)

    def disconnected(self, client: Downstream) -> None:
        self._clients.discard(client)

    def exchange(self, asked: Asked) -> Exchange:
        return Exchange(
            asked,
            view=self.view,
            loads=self.loads,
            settings=self.settings.exchange,
            edge_region=self.region,
            rtt=self._rtt,
            rng=self._rng,
        )

    def request_id(self, wall: float) -> str:
        return ids.request_id(self._rng, wall, self.region)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a step of a walk that has to wait; it ends with the edge at the latest."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def connect(self, key: tuple[str, tuple[str, int]], region: str) -> tuple[Upstream | None, str]:
        """A new connection to a machine, or the code that says why there is none (monitoring/error-codes)."""
        delay = self.latency.one_way(self.region, region)
        try:
            async with asyncio.timeout(self.settings.connect_timeout):
                _, upstream = await self.loop.create_connection(
                    lambda: Upstream(key, delay=delay, pool=self.pool), *key[1]
                )
        except ConnectionRefusedError:
            return None, "PC01"
        except TimeoutError:
            return None, "PC05"
        except OSError:
            return None, "PC06"
        return upstream, ""

    def plain_answer(self, status: int, text: str, *, close: bool, head_only: bool = False, more: bytes = b"") -> bytes:
        """An answer of the proxy's own: one sentence as plain text."""
        body = f"{text}\n".encode()
        return b"".join(
            (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode(),
                b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body),
                self.response_lines,
                more,
                b"connection: close\r\n\r\n" if close else b"\r\n",
                b"" if head_only else body,
            )
        )

    def report(self, record: Callable[[], dict[str, object]]) -> None:
        """Tell who wants to know that an exchange is over."""
        if self._on_exchange is not None:
            self._on_exchange(record())
        if log.isEnabledFor(logging.INFO):
            log.info("%s", record())

    def _sweep(self) -> None:
        now = self.loop.time()
        self.pool.sweep(now)
        for client in list(self._clients):
            if client.deadline is not None and client.deadline <= now:
                client.time_out()
        self._sweeper = self.loop.call_later(1.0, self._sweep)
