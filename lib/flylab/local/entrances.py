"""Every way into the edges beside their own port for HTTP: TLS on request; what comes in is dealt with elsewhere."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from flylab.local.authority import Authority
from flylab.local.downstream import Downstream
from flylab.local.edge import Edge
from flylab.local.front import Front
from flylab.local.h2_front import Http2
from flylab.local.heads import HeadWriter
from flylab.local.options import Options
from flylab.local.secured import Secured
from flylab.local.sockets import listen_edges, port_of, url
from flylab.local.tls import Contexts
from flylab.rules.rows import APP_DOMAINS, View
from flylab.wire.fields import Json
from flylab.wire.port_options import TlsOptions

SECURE_PORT = 443  # the public port that an edge's TLS listener stands for


class Entrances:
    """What one `flylab up` opens at its edges; everything is closed with ``stack`` and with the edges."""

    def __init__(
        self,
        options: Options,
        regions: Sequence[str],
        *,
        folder: Path,
        view: View,
        wall: Callable[[], float],
        stack: contextlib.ExitStack,
    ) -> None:
        self._view = view
        self._authority: Authority | None = None
        self.contexts: Contexts | None = None
        self._secure = {}
        if options.tls:
            self._secure = listen_edges(options.tls_port, "TLS at the edge", "--tls-port", regions)
            for listener in self._secure.values():
                stack.callback(listener.close)
            self._authority = Authority(folder, wall)
            self.contexts = Contexts(self._authority, self._answers_to, self._tls_options)

    async def open(self, edge: Edge) -> None:
        """Serve the ways into one edge."""
        if self.contexts is None:
            return
        contexts, listener = self.contexts, self._secure[edge.region]
        heads = HeadWriter(edge.region, public_port=SECURE_PORT, secure=True)
        front = Front(SECURE_PORT, heads, wanted=SECURE_PORT)
        edge.secure_port = port_of(listener)

        second = replace(front, heads=HeadWriter(edge.region, public_port=SECURE_PORT, secure=True, version=b"2"))

        def secured() -> Secured:
            return Secured(contexts, lambda: Downstream(edge, front), lambda: Http2(edge, second))

        await edge.serve(listener, secured, contexts.http)

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
