"""A TLS connection to an edge between its handshake and its first request: what was agreed on decides who speaks."""

import asyncio
from collections.abc import Callable
from typing import cast

from flylab.local.tls import Contexts


class Secured(asyncio.Protocol):
    """Hands the connection to HTTP/2 or HTTP/1.1, as ALPN says; to nobody when the app does not take its version."""

    def __init__(
        self, contexts: Contexts, http1: Callable[[], asyncio.Protocol], http2: Callable[[], asyncio.Protocol]
    ) -> None:
        self._contexts = contexts
        self._http1 = http1
        self._http2 = http2

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = transport.get_extra_info("ssl_object")
        if not self._contexts.allows(connection):
            cast("asyncio.Transport", transport).abort()
            return
        chosen = self._http2() if connection.selected_alpn_protocol() == "h2" else self._http1()
        transport.set_protocol(chosen)
        chosen.connection_made(transport)
