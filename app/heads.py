"""uvicorn's HTTP protocol with two bounds that it lacks: the size of a request's head, and the time that one may take.

    connected ──► waiting for a head ──► head complete: pages answer, or the upgrade goes on ──► answered ──► next head
                        └── longer than `HEAD_SECONDS`, or more than `HEAD_BYTES`: closed

Those who wait are in a row, first come first, since all may wait equally long: one timer a server sees to it.
"""

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn.server import ServerState

# Our choice: several times what browsers and the proxy send; and what a slow phone needs for that many times over.
HEAD_BYTES = 65_536
HEAD_SECONDS = 10.0

_TOO_LARGE = f"a request's head may have {HEAD_BYTES} bytes\n".encode()
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
)


class TooLarge(Exception):
    """Raised inside the parser, which then gives up."""


class Row:
    """Connections that owe a head, and the one timer that closes those who owe it for too long."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, seconds: float = HEAD_SECONDS) -> None:
        self._loop = loop
        self._seconds = seconds
        self._until: dict[HeadProtocol, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._until)

    def join(self, protocol: "HeadProtocol") -> None:
        """Expect a head; who is expected already keeps its place."""
        if protocol not in self._until:
            until = self._until[protocol] = self._loop.time() + self._seconds
            if self._timer is None:
                self._timer = self._loop.call_at(until, self._ring)

    def leave(self, protocol: "HeadProtocol") -> None:
        self._until.pop(protocol, None)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        late = []
        for protocol, until in self._until.items():
            if until > now:
                self._timer = self._loop.call_at(until, self._ring)
                break
            late.append(protocol)
        for protocol in late:
            del self._until[protocol]
            protocol.transport.abort()


class HeadProtocol(HttpToolsProtocol):
    """Handed to uvicorn as its ``http`` class."""

    _of_server: ClassVar["WeakKeyDictionary[ServerState, Row]"] = WeakKeyDictionary()

    def __init__(self, config: Any, server_state: "ServerState", app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        row = self._of_server.get(server_state)
        if row is None:
            row = self._of_server[server_state] = Row(self.loop)
        self._row = row
        self._unread = 0  # bytes since something was last complete: a head, or a piece of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._row.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._row.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Also what is no head yet: anything at all stops uvicorn's timer for quiet connections.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._row.join(self)
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        # With the head came the beginning of a body, perhaps: only then it is worth counting.
        if self._unread > HEAD_BYTES and self._head_bytes() > HEAD_BYTES:
            raise TooLarge
        self._unread = 0
        self._row.leave(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """As in uvicorn, with a reason for a head that is too large."""
        if self._unread <= HEAD_BYTES:
            super().send_400_response(msg)
            return
        self.transport.write(_REFUSAL)
        self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
