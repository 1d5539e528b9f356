"""One region's edge: accepts connections and gives each request what it needs to be walked; the rules decide.

client ──► Downstream ──► Walk ◄──► rules.Exchange
               │            │
               └─ Straight ─┴──► Upstream ──► machine
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from flylab.clock import Clock
from flylab.ids import RequestIds
from flylab.local.dials import Dials
from flylab.local.distant import new_upstream
from flylab.local.downstream import Downstream
from flylab.local.edge_settings import EdgeSettings
from flylab.local.front import Front
from flylab.local.h2_backend import Backend
from flylab.local.heads import HeadWriter
from flylab.local.heap import keep_freed
from flylab.local.hearing import Hearing
from flylab.local.latency import Latency
from flylab.local.open_files import files, room
from flylab.local.pool import Pool
from flylab.local.targets import Targets
from flylab.local.upstream import Upstream
from flylab.local.waiting_line import WaitingLine
from flylab.local.websockets import WebSockets
from flylab.rules.exchange import Exchange
from flylab.rules.hops import Hop
from flylab.rules.https import forces_https, https_location
from flylab.rules.onward import Onward, onward
from flylab.rules.proximity import RoundTrip
from flylab.rules.replay_cache import ReplayCache
from flylab.rules.routing import PUBLIC_PORTS, Loads, Row, View
from flylab.rules.shortlist import Shortlist
from flylab.rules.straight import allows
from flylab.rules.tallies import Tallies
from flylab.rules.wishes import Asked
from flylab.wire.proxy_lines import reachable

__all__ = ["Client", "Edge", "EdgeSettings", "Waker"]

log = logging.getLogger("flylab.edge")

_SWEEP = 1.0  # seconds; our choice


class Waker(Protocol):
    """The platform as an edge sees it."""

    view: View
    loads: Loads

    async def wake(self, machine_id: str) -> None:
        """Return when the machine is ``started``; many callers are one start; raises RuleError when it cannot."""

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        """Where the machine's process listens; None when it is not started."""


class Client(Protocol):
    """A connection as its edge keeps it; ``deadline`` is when it is to be told that its time is out."""

    deadline: float | None

    def time_out(self) -> None: ...

    def abort(self) -> None: ...


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
        on_exchange: Callable[[Callable[[], dict[str, object]]], None] | None = None,
        on_opened: Callable[[Callable[[], dict[str, object]]], None] | None = None,
        on_refusal: Callable[..., None] | None = None,
        on_news: Callable[..., None] | None = None,
        cache: ReplayCache | None = None,
    ) -> None:
        self.region = region
        self.platform = platform
        self.latency = latency
        self.clock = clock
        self.settings = settings or EdgeSettings()
        self.hearing = Hearing(platform.view, platform.loads, self.settings.propagation, rng)
        self.view, self.loads = self.hearing.view, self.hearing.loads
        self.line = WaitingLine(self.loads)
        self.websockets = WebSockets()
        self.pool = Pool(idle=self.settings.pool_idle)
        self.notes: dict[str, object] = {}  # what is added to every trace: the faults that are armed
        self.tallies = Tallies(region)
        self.replay_cache = ReplayCache(self.settings.exchange.cache) if cache is None else cache
        self._rtt = rtt
        self._straight = allows(self.settings.exchange)
        self.shortlist = Shortlist(region, rtt)
        self.targets = Targets(self)
        self.dials = Dials(self)
        self.rng = rng
        self.ids = RequestIds(rng, region)
        self.now, self.wall = clock.now, clock.wall
        self.remembered = self.replay_cache.all  # empty for all who do not use it
        self._on_exchange = on_exchange
        self.on_opened = on_opened  # hears of each that became a pipe, long before it is over
        self.tell = self._teller()
        self._on_news = on_news  # hears app and text, and region and machine by name
        self._on_refusal = on_refusal  # hears app, code and text, and region and machine by name
        self._clients: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self.front = Front(PUBLIC_PORTS[0], HeadWriter(region, public_port=PUBLIC_PORTS[0]))
        self.secure_port: int | None = None  # where this edge speaks TLS for public port 443
        self.room = room(self.settings.connections, files())

    async def serve(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> asyncio.Server:
        """Accept connections on a bound socket from now on; as HTTP on the edge's own port unless told otherwise."""
        self.loop = asyncio.get_running_loop()
        keep_freed()
        # What is accepted inherits it; asyncio leaves Nagle's algorithm on for sockets that name no protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = await self.loop.create_server(
            protocol or (lambda: Downstream(self, self.front)),
            sock=listener,
            ssl=context,
            ssl_handshake_timeout=self.settings.head_timeout if context else None,
        )
        self._servers.append(server)
        if self._sweeper is None:
            self._sweep()
        self.hearing.start(self.loop)
        return server

    def unserve(self, server: asyncio.Server) -> None:
        """Stop accepting on it; connections that are open stay."""
        server.close()
        self._servers.remove(server)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.hearing.close()
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.abort()
        self.pool.close()
        await self.dials.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._clients or self.pool.open:  # noqa: ASYNC110 -- no event tells it, and it is never long
            await asyncio.sleep(0)  # an aborted connection is gone one turn of the loop later
        for server in self._servers:
            # It may wait for a TLS handshake that never ends.
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1.0)

    # ── for connections and walks ───────────────────────────────────────────────────────────────────────────────

    def connected(self, client: Client, *, tcp: bool = True) -> bool:
        """Somebody is there: a connection, or a stream of one that was told of already. Whether there is room."""
        room = self.has_room()
        self._clients.add(client)
        self.tallies.opened += tcp
        return room

    def has_room(self) -> bool:
        return len(self._clients) < self.room

    def disconnected(self, client: Client, *, tcp: bool = True) -> None:
        self._clients.discard(client)
        self.tallies.closed += tcp

    def exchange(self, asked: Asked) -> Exchange:
        return Exchange(
            asked,
            view=self.view,
            loads=self.loads,
            settings=self.settings.exchange,
            edge_region=self.region,
            rtt=self._rtt,
            rng=self.rng,
            cache=self.replay_cache,
            shortlist=self.shortlist,
        )

    def onward(self, words: str, origin: Row, port: int | None) -> Onward | None:
        """Where a replay leads that a machine asks for in these words (rules/onward.py)."""
        return onward(
            words,
            origin,
            port,
            view=self.view,
            settings=self.settings.exchange,
            region=self.region,
            rtt=self._rtt,
        )

    @property
    def straight(self) -> bool:
        """Whether requests that ask for nothing may go straight: nothing is remembered, late or broken."""
        return self._straight and not (self.notes or self.remembered or self.hearing.late)

    def moved(self, front: Front, app: str, host: bytes, target: bytes) -> bytes:
        """Where ``force_https`` sends a request instead of a machine; nowhere without TLS."""
        if self.secure_port is None or front is not self.front or not forces_https(self.view.rows(app)):
            return b""
        return https_location(host, self.secure_port, target)

    def request_id(self, wall: float) -> str:
        return self.ids.make(wall).decode()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a step of a walk that has to wait; it ends with the edge at the latest."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def connect(
        self, address: tuple[str, int], key: object, region: str, *, h2: bool = False
    ) -> tuple[Upstream | None, str]:
        """A new connection to a machine, or the code that says why there is none (monitoring/error-codes)."""
        upstream = new_upstream(key, delay=self.latency.one_way(self.region, region), pool=self.pool)
        connected = False
        try:
            async with asyncio.timeout(self.settings.connect_timeout):
                backend = Backend(upstream) if h2 else None
                await self.loop.create_connection(lambda: backend or upstream, *address)
            connected = backend is None or await self._shake(backend)
        except ConnectionRefusedError:
            return None, "PC01"
        except TimeoutError:
            return None, "PC05"
        except OSError:
            return None, "PC06"
        finally:
            if not connected:
                # Given up between its making and our hearing of it, it would not be told of its end (uvloop).
                self.pool.closed(upstream)
        return (upstream, "") if connected else (None, "PU01")

    async def _shake(self, backend: Backend) -> bool:
        """Whether the machine speaks HTTP/2; its upstream has the connection then."""
        ready = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.h2_timeout):
                    ready = await backend.ready
        finally:
            if not ready:  # also when the edge closes meanwhile
                backend.transport.abort()
        if ready:
            backend.join()
        return ready

    def report(self, record: Callable[[], dict[str, object]]) -> None:
        """Tell who wants to know that an exchange is over."""
        if self.tell is not None:
            self.tell(record)

    def _teller(self) -> Callable[[Callable[[], dict[str, object]]], None] | None:
        """Who is told of exchanges: nobody, whoever was given, or the log as well, once it is switched on."""
        return self._log if log.isEnabledFor(logging.INFO) else self._on_exchange

    def _log(self, record: Callable[[], dict[str, object]]) -> None:
        if self._on_exchange is not None:
            self._on_exchange(record)
        log.info("%s", record())

    def count(self, app: str | None, status: int | None, seconds: float, hops: list[Hop], client: Downstream) -> None:
        """An exchange is over."""
        if app is not None:
            self.tallies.exchange(app, status, seconds, hops, *client.moved())

    def refused(self, app: str | None, code: str, text: str, machine: str = "") -> None:
        """An exchange ends by our own doing."""
        if app is not None and self._on_refusal is not None:
            self._on_refusal(app, code, text, region=self.region, machine=machine)

    def reached(self, hop: Hop) -> None:
        """A machine that was woken takes connections."""
        woke = hop.woke
        if self._on_news is not None and woke is not None and woke.started is not None and woke.reachable is not None:
            text = reachable(woke.reachable - woke.started)
            self._on_news(hop.app, text, region=hop.region, machine=hop.machine)

    def _sweep(self) -> None:
        now = self.loop.time()
        self.pool.sweep(now, _SWEEP)
        self.dials.sweep(now)
        if self.tallies.large:
            view = self.view
            self.tallies.keep(lambda app: view.app(app) is not None, lambda machine: view.row(machine) is not None)
        for client in list(self._clients):
            if client.deadline is not None and client.deadline <= now:
                client.time_out()
        self.tell = self._teller()
        self._sweeper = self.loop.call_later(_SWEEP, self._sweep)
