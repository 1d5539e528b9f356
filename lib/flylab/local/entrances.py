"""Every way into the edges beside their own port for HTTP: TLS on request, ports of services, private addresses."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flylab.errors import RuleError
from flylab.local.authority import Authority
from flylab.local.downstream import Downstream
from flylab.local.edge import Edge
from flylab.local.front import Front
from flylab.local.h2_front import Http2
from flylab.local.heads import HeadWriter
from flylab.local.options import Options
from flylab.local.platform import Platform
from flylab.local.portbook import PortBook
from flylab.local.secured import Secured
from flylab.local.sockets import listen_edges, port_of, url
from flylab.local.tls import Contexts
from flylab.rules import addresses
from flylab.rules.names import Asker, Flycast
from flylab.rules.rows import APP_DOMAINS
from flylab.wire.fields import Json
from flylab.wire.port_options import TlsOptions

SECURE_PORT = 443  # the public port that an edge's TLS listener stands for
_LONG = 3600.0  # seconds; whoever waits is told when something happens


class Entrances:
    """What one `flylab up` opens at its edges; everything is closed with ``stack`` and with the edges."""

    def __init__(
        self,
        options: Options,
        regions: Sequence[str],
        *,
        folder: Path,
        platform: Platform,
        stack: contextlib.ExitStack,
    ) -> None:
        self._platform = platform
        self._view = platform.view
        self._authority: Authority | None = None
        self._contexts: Contexts | None = None
        self._secure = {}
        if options.tls:
            self._secure = listen_edges(options.tls_port, "TLS at the edge", "--tls-port", regions)
            for listener in self._secure.values():
                stack.callback(listener.close)
            self._authority = Authority(folder, platform.clock.wall)
            self._contexts = Contexts(self._authority, self._answers_to, self._tls_options)
        self.book = PortBook(regions, self._contexts, self._networks, self._tell)
        stack.callback(self.book.close)
        platform.watchers.append(self.book.look)

    async def serve(self, edges: Sequence[Edge]) -> None:
        """Serve the ways into the edges."""
        for edge in edges:
            await self._serve_tls(edge)
        self.book.settle_all()
        self.book.serve(edges)
        edges[0].spawn(self._follow())

    async def _serve_tls(self, edge: Edge) -> None:
        if self._contexts is None:
            return
        contexts, listener = self._contexts, self._secure[edge.region]
        heads = HeadWriter(edge.region, public_port=SECURE_PORT, secure=True)
        front = Front(SECURE_PORT, heads, wanted=SECURE_PORT)
        second = replace(front, heads=HeadWriter(edge.region, public_port=SECURE_PORT, secure=True, version=b"2"))
        edge.secure_port = port_of(listener)

        def secured() -> Secured:
            return Secured(contexts, lambda: Downstream(edge, front), lambda: Http2(edge, second))

        await edge.serve(listener, secured, contexts.http)

    async def _follow(self) -> None:
        with contextlib.suppress(RuleError):  # the platform stops
            while True:
                await self._platform.kept.wait(addresses.KIND, _LONG)
                self.book.settle_all()

    def flycast(self, app: str, asker: Asker) -> Flycast:
        """The private addresses of an app that the asker's network has, and their ports at the edge of its region."""
        found = tuple(row.ip for row in self._private(app) if self._network(app, row) == asker.network)
        return Flycast(found, self.book.private(app, asker.network, asker.region))

    def _networks(self, app: str) -> set[str]:
        return {self._network(app, row) for row in self._private(app)}

    def _private(self, app: str) -> list[addresses.Address]:
        return [row for row in self._platform.fleet.belongings.addresses.of(app) if row.type == "private_v6"]

    def _network(self, app: str, row: addresses.Address) -> str:
        # An address that was allocated for another network leads there and not from the app's own (networking/flycast).
        known = self._view.app(app)
        return row.network or (known.network if known else "")

    def _tell(self, port: Json) -> None:
        named: Json = {"machine": "", "name": "", "app": port["app"], "region": "", "state": ""}
        self._platform.events.publish({"type": "port", **named, "at": self._platform.clock.wall(), **port})

    def described(self) -> Json:
        """What the platform says of them, nothing without TLS."""
        if self._authority is None:
            return {}
        edges = {region: url(listener, "https") for region, listener in self._secure.items()}
        return {"tls_edges": edges, "ca": str(self._authority.path)}

    def _answers_to(self, name: str) -> bool:
        # A name below the domains of all apps has a certificate before its app exists: a 404 says more than an alert.
        return name.endswith(APP_DOMAINS) or self._view.app_of_host(name) is not None

    def _tls_options(self, name: str) -> TlsOptions:
        app = self._view.app_of_host(name)
        for row in () if app is None else self._view.rows(app):
            for service in row.services:
                for port in service.ports:
                    if port.port == SECURE_PORT:
                        return port.options.tls
        return TlsOptions()
