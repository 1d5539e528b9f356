"""An HTTP/2 client for tests, of the h2 library: it sends what it is told, also what no client should send."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h2.events as ev
from h2.config import H2Configuration
from h2.connection import H2Connection

Headers = list[tuple[bytes, bytes]]


@dataclass
class Got:
    """What has come on one stream."""

    heads: list[dict[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    trailers: dict[bytes, bytes] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.heads[-1][b":status"])


class Client:
    """One connection; ``acknowledge`` False leaves every window as it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        config = H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = H2Connection(config)
        self.acknowledge = True
        self.got: dict[int, Got] = {}
        self.goodbye: int | None = None
        self.closed = False
        self._changed = asyncio.Event()
        self.h2.initiate_connection()
        self.flush()
        self._task = asyncio.create_task(self._read())

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def ask(self, headers: Headers | None = None, *, end: bool = True, **pseudo: bytes) -> int:
        """Begin a request; its number."""
        said = {b"method": b"GET", b"scheme": b"https", b"authority": b"rooms.fly.dev", b"path": b"/"}
        said |= {name.encode(): value for name, value in pseudo.items()}
        number: int = self.h2.get_next_available_stream_id()
        self.got[number] = Got()
        lines = [(b":" + name, value) for name, value in said.items() if value]
        self.h2.send_headers(number, lines + (headers or []), end_stream=end)
        self.flush()
        return number

    async def send(self, number: int, data: bytes, *, end: bool = True) -> None:
        """A body, as the windows allow."""
        while data:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if not room:
                await self.until(lambda: self.closed or self.h2.local_flow_control_window(number))
                assert not self.closed
                continue
            piece, data = data[:room], data[room:]
            self.h2.send_data(number, piece)
            self.flush()
        if end:
            self.h2.end_stream(number)
            self.flush()

    async def answer(self, number: int) -> Got:
        """What came, when it is complete or was reset."""
        got = self.got[number]
        await self.until(lambda: got.ended or got.reset is not None or self.closed)
        return got

    async def until(self, true: Any, seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await self._next()

    async def _next(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65_536):
                for event in self.h2.receive_data(data):
                    self._handle(event)
                self.flush()
                self._changed.set()
        except ConnectionError:
            pass
        finally:
            self.closed = True
            self._changed.set()

    def _handle(self, event: ev.Event) -> None:
        number = getattr(event, "stream_id", None)
        got = self.got.get(number) if number else None
        match event:
            case ev.ConnectionTerminated(error_code=code):
                self.goodbye = int(code or 0)
            case ev.ResponseReceived(headers=headers) | ev.InformationalResponseReceived(headers=headers) if got:
                got.heads.append(dict(headers or []))
            case ev.DataReceived(data=data) if got:
                got.body += data or b""
                if self.acknowledge:
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, number or 0)
            case ev.TrailersReceived(headers=headers) if got:
                got.trailers = dict(headers or [])
            case ev.StreamEnded() if got:
                got.ended = True
            case ev.StreamReset(error_code=code) if got:
                got.reset = int(code or 0)

    async def close(self) -> None:
        self.writer.transport.abort()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def connected(port: int, context: ssl.SSLContext | None = None, name: str = "") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or None)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        await client.close()
