"""A port of every edge for every entrance of an app: opened when a machine names it, closed when none does any more.

machines, private addresses ──► rules/entrances ──► listeners ──► RawConnection, Downstream, Secured
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from flylab.errors import LocalError
from flylab.local.downstream import Downstream
from flylab.local.edge import Edge
from flylab.local.front import Front
from flylab.local.h2_front import Http2
from flylab.local.heads import HeadWriter
from flylab.local.raw import PostgresStart, RawConnection
from flylab.local.secured import Secured
from flylab.local.sockets import LOOPBACK, listen, port_of
from flylab.local.tls import Contexts
from flylab.rules.entrances import SECURE, Entrance, Kind, entrances_of, private_entrances
from flylab.rules.life import Life
from flylab.wire.entrance import OpenPort
from flylab.wire.fields import Json
from flylab.wire.machine import MachineState as S

MOST = 2000  # our choice: listeners of all edges together, each is an open file

Way = tuple[Callable[[], asyncio.Protocol], bool]  # who speaks, and whether TLS begins before


@dataclass(slots=True)
class _Open:
    """One entrance; ``closed`` says why it has no ports."""

    listeners: dict[str, socket.socket] = field(default_factory=dict)
    servers: list[tuple[Edge, asyncio.Task[asyncio.Server]]] = field(default_factory=list)
    closed: str = ""


class PortBook:
    """``networks`` are those in which an app has a private address; ``tell`` hears of what is opened and closed."""

    def __init__(
        self,
        regions: Sequence[str],
        contexts: Contexts | None,
        networks: Callable[[str], Iterable[str]],
        tell: Callable[[Json], None],
    ) -> None:
        self._regions = regions
        self._contexts = contexts
        self._networks = networks
        self._tell = tell
        self._named: dict[str, tuple[object, frozenset[Entrance]]] = {}  # by machine, with the services it is from
        self._counts: dict[str, Counter[Entrance]] = {}
        self._open: dict[Entrance, _Open] = {}
        self._edges: list[Edge] = []

    def look(self, life: Life) -> None:
        """A machine has changed."""
        known, before = self._named.get(life.id, (None, frozenset[Entrance]()))
        gone = life.state is S.DESTROYED
        if not gone and known is life.config.services:
            return
        now = frozenset[Entrance]() if gone else entrances_of(life.app, life.config.services)
        if gone:
            self._named.pop(life.id, None)
        else:
            self._named[life.id] = (life.config.services, now)
        if now != before:
            counts = self._counts.setdefault(life.app, Counter())
            counts.update(now)
            counts.subtract(before)
            self.settle(life.app)

    def settle(self, app: str) -> None:
        """Open and close until the app has what its machines and its private addresses ask for."""
        counts = self._counts.get(app, Counter())
        named = {entrance for entrance, count in counts.items() if count > 0}
        if not named:
            self._counts.pop(app, None)
        wanted = {each for each in named if each.own} | private_entrances(named, self._networks(app))
        for entrance in [each for each in self._open if each.app == app and each not in wanted]:
            self._shut(entrance)
        for entrance in sorted(wanted - self._open.keys()):
            self._make(entrance)

    def settle_all(self) -> None:
        """Some app's private addresses have changed."""
        for app in {*self._counts, *(entrance.app for entrance in self._open)}:
            self.settle(app)

    def serve(self, edges: Sequence[Edge]) -> None:
        """From now on what is open is served."""
        self._edges += edges
        for entrance, opened in self._open.items():
            for edge in edges:
                self._start(entrance, opened, edge)

    def close(self) -> None:
        """Close what the edges do not serve; the rest is theirs."""
        for opened in self._open.values():
            for listener in opened.listeners.values():
                listener.close()

    def to_json(self, app: str = "") -> list[Json]:
        """What is open, where, and why not."""
        return [self._shown(each) for each in sorted(self._open) if app in ("", each.app)]

    def private(self, app: str, network: str, region: str) -> dict[int, int]:
        """Public port to the port of loopback, for those of a network, at the edge of a region."""
        return {
            entrance.port: port_of(opened.listeners[region])
            for entrance, opened in self._open.items()
            if entrance.app == app
            and entrance.kind is Kind.FLYCAST
            and entrance.network == network
            and region in opened.listeners
        }

    def _make(self, entrance: Entrance) -> None:
        self._open[entrance] = opened = _Open()
        if entrance.kind is Kind.UDP:
            opened.closed = "UDP services are not emulated"
        elif entrance.kind in SECURE and self._contexts is None:
            opened.closed = "it ends TLS, which needs flylab up --tls"
        elif sum(len(each.listeners) for each in self._open.values()) + len(self._regions) > MOST:
            opened.closed = f"the edges have {MOST} ports open, and no more are opened"
        else:
            try:
                for region in self._regions:
                    what = f"port {entrance.port} of app {entrance.app} at the edge {region}"
                    opened.listeners[region] = listen(0, what, "nothing")
            except LocalError as exc:
                for listener in opened.listeners.values():
                    listener.close()
                opened.listeners.clear()
                opened.closed = str(exc)
        for edge in self._edges:
            self._start(entrance, opened, edge)
        self._tell(self._shown(entrance))

    def _start(self, entrance: Entrance, opened: _Open, edge: Edge) -> None:
        listener = opened.listeners.get(edge.region)
        if listener is not None:
            protocol, secure = self._way(entrance, edge)
            context = None
            if secure and self._contexts is not None:
                context = self._contexts.http if entrance.kind is Kind.HTTPS else self._contexts.raw
            # What connects before it is served waits in the socket.
            task = asyncio.get_running_loop().create_task(edge.serve(listener, protocol, context))
            opened.servers.append((edge, task))

    def _way(self, entrance: Entrance, edge: Edge) -> Way:
        contexts, port = self._contexts, entrance.port
        if entrance.kind in (Kind.HTTP, Kind.FLYCAST):
            front = Front(port, HeadWriter(edge.region, public_port=port), wanted=port, app=entrance.app)
            return (lambda: Downstream(edge, front)), False
        if contexts is not None and entrance.kind is Kind.HTTPS:
            first, second = (
                Front(port, HeadWriter(edge.region, public_port=port, secure=True, version=version), port, entrance.app)
                for version in (b"1.1", b"2")
            )
            return (lambda: Secured(contexts, lambda: Downstream(edge, first), lambda: Http2(edge, second))), True
        if contexts is not None and entrance.kind is Kind.PG_TLS:
            return (lambda: PostgresStart(edge, entrance, contexts.raw)), False
        return (lambda: RawConnection(edge, entrance)), entrance.kind is Kind.TLS

    def _shut(self, entrance: Entrance) -> None:
        opened = self._open.pop(entrance)
        for edge, task in opened.servers:
            if task.done() and not task.cancelled() and task.exception() is None:
                edge.unserve(task.result())
            else:
                task.cancel()
        for listener in opened.listeners.values():
            listener.close()
        self._tell(_described(entrance, {}, "no machine has it any more"))

    def _shown(self, entrance: Entrance) -> Json:
        opened = self._open[entrance]
        edges = {region: f"{LOOPBACK}:{port_of(listener)}" for region, listener in opened.listeners.items()}
        return _described(entrance, edges, opened.closed)


def _described(entrance: Entrance, edges: dict[str, str], closed: str) -> Json:
    network = entrance.network if entrance.kind is Kind.FLYCAST else None
    listed = OpenPort(
        app=entrance.app, port=entrance.port, kind=str(entrance.kind), edges=edges, network=network, closed=closed
    )
    return listed.to_json()
