"""One member's bare socket: opens, cuts frames out of the stream, hands each payload on without copying it."""

import asyncio
from collections.abc import Callable

from flylab.measure.frames import pong, upgrade

# data, where the payload begins and ends, when it came
Heard = Callable[[bytes, int, int, float], None]


class Connection(asyncio.Protocol):
    """Calls ``heard`` for each message; ``opened`` is done when the server has switched protocols."""

    def __init__(self, path: str, port: int, heard: Heard, *, clock: Callable[[], float], host: str = "") -> None:
        self.heard = heard
        self._request = upgrade(path, port=port, host=host)
        self._clock = clock
        self._rest = b""
        self._open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()  # the close frame's payload
        self._close = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.write = self.transport.write
        self.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = self._clock()
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        if not self._open:
            at = data.find(b"\r\n\r\n") + 4
            if at == 3:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                line = data[:at].partition(b"\r\n")[0].decode(errors="replace")
                self.opened.set_exception(ConnectionError(f"asked for a WebSocket, answered {line!r}"))
                self.transport.close()
                return
            self._open = True
            self.opened.set_result(None)
        while at + 2 <= end:
            first, size, head = data[at], data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4]), 4
            elif size == 127:
                size, head = int.from_bytes(data[at + 2 : at + 10]), 10
            after = at + head + size
            if after > end:
                break
            if first in (0x81, 0x82):
                self.heard(data, at + head, after, now)
            elif first == 0x89:
                self.write(pong(data[at + head : after]))
            elif first == 0x88:
                self._close = data[at + head : after]
            at = after
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))
        if not self.ended.done():
            self.ended.set_result(self._close)
