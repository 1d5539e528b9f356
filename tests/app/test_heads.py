"""Heads of requests: none is unlimited, none may take for ever, and every good one is answered as before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.heads import HEAD_BYTES, HEAD_SECONDS, HeadProtocol
from tests.app.stores import run_virtually

REQUEST = b"GET /blue HTTP/1.1\r\nhost: rooms.example\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


class Pipe(asyncio.Transport):
    """A socket on which a test is the client."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed_at: float | None = None
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def close(self) -> None:
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()

    abort = close

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Door:
    """Connections to one server in virtual time."""

    def __init__(self) -> None:
        self.config = Config(hello, log_config=None, access_log=False, http=HeadProtocol)
        self.state = ServerState()
        self.began = asyncio.get_running_loop().time()

    def connect(self) -> tuple[HeadProtocol, Pipe]:
        protocol, pipe = HeadProtocol(self.config, self.state, {}, asyncio.get_running_loop()), Pipe()
        protocol.connection_made(pipe)
        return protocol, pipe

    def closed_after(self, pipe: Pipe) -> float:
        assert pipe.closed_at is not None
        return pipe.closed_at - self.began


def virtually(test: Callable[[Door], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Door())

    run_virtually(main())


def test_a_request_is_answered() -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        client.data_received(REQUEST)
        await asyncio.sleep(1)
        assert pipe.sent.startswith(b"HTTP/1.1 200 OK")
        assert not pipe.is_closing()

    virtually(course)


def test_who_sends_nothing_is_closed_and_one_timer_sees_to_all() -> None:
    async def course(door: Door) -> None:
        early, late = door.connect(), None
        await asyncio.sleep(4)
        late = door.connect()
        await asyncio.sleep(HEAD_SECONDS + 5)
        assert (door.closed_after(early[1]), door.closed_after(late[1])) == (HEAD_SECONDS, HEAD_SECONDS + 4)

    virtually(course)


def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for() -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        for byte in REQUEST[:30]:
            if not pipe.is_closing():
                client.data_received(bytes([byte]))
            await asyncio.sleep(1)
        assert door.closed_after(pipe) == HEAD_SECONDS

    virtually(course)


@pytest.mark.parametrize("piece", [b"\r\n", b"G"])
def test_neither_is_the_next_one_of_a_connection(piece: bytes) -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        client.data_received(REQUEST)
        await asyncio.sleep(2)
        client.data_received(piece)  # ends uvicorn's wait for the next request
        await asyncio.sleep(HEAD_SECONDS - 1)
        assert not pipe.is_closing()
        await asyncio.sleep(2)
        assert door.closed_after(pipe) == HEAD_SECONDS + 2

    virtually(course)


def test_nor_a_body_after_the_answer() -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        client.data_received(b"POST /blue HTTP/1.1\r\nhost: rooms.example\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(1)
            if not pipe.is_closing():
                client.data_received(b"x")
        assert pipe.sent.startswith(b"HTTP/1.1 200 OK")
        assert door.closed_after(pipe) == HEAD_SECONDS + 1

    virtually(course)


def test_a_connection_that_is_gone_is_not_waited_for() -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        row = HeadProtocol._of_server[door.state]
        assert len(row) == 1
        client.connection_lost(None)
        assert len(row) == 0
        client, pipe = door.connect()
        client.data_received(REQUEST)
        assert len(row) == 0
        await asyncio.sleep(1)
        assert not pipe.is_closing()

    virtually(course)


def head(size: int, *, fields: int = 1) -> bytes:
    """A request whose head is about so many bytes."""
    each = size // fields - 20
    return REQUEST[:-2] + b"".join(b"x-%08d: %b\r\n" % (n, b"y" * each) for n in range(fields)) + b"\r\n"


@pytest.mark.parametrize("chunk", [1_000, 16_384, 1_000_000])
@pytest.mark.parametrize("fields", [1, 2_000])
@pytest.mark.parametrize("upgrade", [False, True])
def test_a_head_that_is_too_large_is_refused_however_it_comes(chunk: int, fields: int, upgrade: bool) -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        sent = head(2 * HEAD_BYTES, fields=fields)
        if upgrade:
            sent = sent[:-2] + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
        for at in range(0, len(sent), chunk):
            if not pipe.is_closing():
                client.data_received(sent[at : at + chunk])
        assert pipe.is_closing()
        assert pipe.sent.startswith(b"HTTP/1.1 431 ")
        assert pipe.sent.endswith(b"a request's head may have 65536 bytes\n")
        assert pipe.protocol is None

    virtually(course)


def test_nothing_else_that_a_parser_keeps_is_unlimited() -> None:
    async def course(door: Door) -> None:
        for opening, more in (
            (b"GET /", b"a" * 10_000),
            (REQUEST[:-2] + b"x", b"x" * 10_000),
            (REQUEST[:-2] + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b"y" * 10_000),  # after the body
            (REQUEST[:-2] + b"transfer-encoding: chunked\r\n\r\n1;x=", b"y" * 10_000),  # beside its length
        ):
            client, pipe = door.connect()
            client.data_received(opening)
            await asyncio.sleep(0)
            for _ in range(10):
                if not pipe.is_closing():
                    client.data_received(more)
            assert pipe.is_closing(), opening

    virtually(course)


@pytest.mark.parametrize("chunk", [10_000, 10_000_000])
def test_large_heads_within_the_limit_and_bodies_of_any_size_pass(chunk: int) -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        length = b"content-length: %d\r\n\r\n" % (4 * HEAD_BYTES)
        sent = head(HEAD_BYTES - 2_000).removesuffix(b"\r\n") + length + b"z" * (4 * HEAD_BYTES)
        for at in range(0, len(sent), chunk):
            client.data_received(sent[at : at + chunk])
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert pipe.sent.startswith(b"HTTP/1.1 200 OK")
        assert not pipe.is_closing()

    virtually(course)


def test_what_is_no_request_is_refused_as_before() -> None:
    async def course(door: Door) -> None:
        client, pipe = door.connect()
        client.data_received(b"\x16\x03\x01 hello\r\n\r\n")
        assert pipe.sent.startswith(b"HTTP/1.1 400 Bad Request")

    virtually(course)
