"""uvicorn in the test's own loop, whoever connects to it, and members that can send any bytes."""

import asyncio
import base64
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from app.opening import Opening
from app.transport import attend
from app.wire import Wire

DEADLINE = 10.0
MOST = 4_000

# Detached by our protocol, and by plain ASGI on a server that does not offer that.
WAYS: dict[str, Any] = {"detached": Opening, "plain": "websockets-sansio"}


class Ear:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.wire: Wire = None  # type: ignore[assignment]
        self.heard: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.drains = asyncio.Event()
        self.losses = 0

    def begin(self, wire: Wire) -> None:
        self.wire = wire

    def received(self, frame: bytes, binary: bool) -> None:
        assert type(frame) is bytes
        self.heard.put_nowait((frame, binary))

    def drained(self) -> None:
        self.drains.set()

    def lost(self) -> None:
        self.losses += 1
        self.ended.set()

    async def next(self) -> tuple[bytes, bool]:
        async with asyncio.timeout(DEADLINE):
            return await self.heard.get()


class Server:
    """uvicorn with the protocol of `WAYS`, and the ears of whoever came."""

    def __init__(self, way: str, **config: Any) -> None:
        self.ears: asyncio.Queue[Ear] = asyncio.Queue()
        self.make: Callable[[], Ear] = Ear
        self.app: Callable[..., Awaitable[None]] = self.attending
        self.uvicorn = uvicorn.Server(
            uvicorn.Config(
                self._serve, ws=WAYS[way], interface="asgi3", port=0, lifespan="off", ws_max_size=MOST, log_config=None,
                ws_per_message_deflate=False, proxy_headers=False, **{"timeout_graceful_shutdown": 5, **config},
            )
        )  # fmt: skip
        self.uvicorn.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        self.listening, self.ending = asyncio.Event(), asyncio.Event()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    async def attending(self, scope: Any, receive: Any, send: Any) -> None:
        ear = self.make()
        self.ears.put_nowait(ear)
        await attend(scope, receive, send, ear)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.uvicorn.serve())
        started = self.uvicorn.startup

        async def startup(sockets: Any = None) -> None:
            await started(sockets)
            self.listening.set()

        async def main_loop() -> None:
            await self.uvicorn.on_tick(0)
            await self.ending.wait()  # uvicorn itself looks ten times a second whether it should end

        self.uvicorn.startup = startup  # type: ignore[method-assign]
        self.uvicorn.main_loop = main_loop  # type: ignore[method-assign]
        async with asyncio.timeout(DEADLINE):
            await self.listening.wait()
        self.port = self.uvicorn.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End as uvicorn ends, with whoever is still connected."""
        self.uvicorn.should_exit = True
        self.ending.set()
        async with asyncio.timeout(DEADLINE):
            await self.task

    async def leave(self) -> None:
        """End after a test: at once when everybody has gone, for which uvicorn would take a tenth of a second."""
        state = self.uvicorn.server_state
        for _ in range(100):
            if not (state.connections or state.tasks):
                break
            await asyncio.sleep(0)
        if self.task.done() or state.connections or state.tasks:
            await self.stop()
            return
        self.task.cancel()
        await asyncio.wait([self.task])
        for server in self.uvicorn.servers:
            server.close()
            await server.wait_closed()

    async def ear(self) -> Ear:
        async with asyncio.timeout(DEADLINE):
            return await self.ears.get()

    def connect(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/", compression=None, close_timeout=2, **options)


Start = Callable[..., Awaitable[Server]]


@pytest.fixture
def way() -> str:
    """Which of `WAYS`; a test may be parametrized by it."""
    return "detached"


@pytest.fixture
async def start(way: str) -> AsyncIterator[Start]:
    running: list[Server] = []

    async def begin(**config: Any) -> Server:
        server = Server(way, **config)
        await server.start()
        running.append(server)
        return server

    yield begin
    for server in running:
        await server.leave()


@pytest.fixture
async def server(start: Start) -> Server:
    return await start()


class Raw:
    """A member that can send any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def enter(cls, server: Server) -> "Raw":
        member = await cls.ask(server)
        await member.entered()
        return member

    @classmethod
    async def ask(cls, server: Server) -> "Raw":
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        return cls(reader, writer)

    async def entered(self) -> None:
        async with asyncio.timeout(DEADLINE):
            head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        async with asyncio.timeout(DEADLINE):
            try:
                return await self.reader.read()
            finally:
                self.writer.close()


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A member's frame; the mask is always the same, since frames name cases and every process must name them alike."""
    plain = Frame(Opcode(opcode), payload, fin).serialize(mask=False)
    head, mask = bytearray(plain[: len(plain) - len(payload)]), b"\x11\x22\x33\x44"
    head[1] |= 0x80
    return bytes(head) + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
