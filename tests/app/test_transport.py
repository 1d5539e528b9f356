"""Detached connections, attached ones and the plain fallback, over real sockets through uvicorn."""

import asyncio
import base64
import gc
import os
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from app.framing import frame
from app.link import Link
from app.transport import EXTENSION, AsgiWire, Member, MemberProtocol, attend
from app.wire import Wire

DEADLINE = 10.0
MOST = 4_000


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
    """uvicorn with `MemberProtocol`, and the ears of whoever came."""

    def __init__(self, **config: Any) -> None:
        self.ears: asyncio.Queue[Ear] = asyncio.Queue()
        self.make: Callable[[], Ear] = Ear
        self.app: Callable[..., Awaitable[None]] = self.detaching
        self.uvicorn = uvicorn.Server(
            uvicorn.Config(
                self._serve, port=0, lifespan="off", ws=MemberProtocol, ws_max_size=MOST, ws_per_message_deflate=False,
                log_config=None, timeout_graceful_shutdown=5, interface="asgi3", **config,
            )
        )  # fmt: skip
        self.uvicorn.capture_signals = __import__("contextlib").nullcontext  # type: ignore[method-assign]
        self.listening = asyncio.Event()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    async def detaching(self, scope: Any, receive: Any, send: Any) -> None:
        ear = self.make()
        self.ears.put_nowait(ear)
        await attend(scope, receive, send, ear)

    async def plain(self, scope: Any, receive: Any, send: Any) -> None:
        del scope["extensions"][EXTENSION]
        await self.detaching(scope, receive, send)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.uvicorn.serve())
        started = self.uvicorn.startup

        async def startup(sockets: Any = None) -> None:
            await started(sockets)
            self.listening.set()

        self.uvicorn.startup = startup  # type: ignore[method-assign]
        async with asyncio.timeout(DEADLINE):
            await self.listening.wait()
        self.port = self.uvicorn.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.uvicorn.should_exit = True
        async with asyncio.timeout(DEADLINE):
            await self.task

    async def ear(self) -> Ear:
        async with asyncio.timeout(DEADLINE):
            return await self.ears.get()

    def connect(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/", compression=None, close_timeout=2, **options)


Start = Callable[..., Awaitable[Server]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    running: list[Server] = []

    async def begin(**config: Any) -> Server:
        server = Server(**config)
        await server.start()
        running.append(server)
        return server

    yield begin
    for server in running:
        await server.stop()


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


@pytest.mark.parametrize("way", ["detaching", "plain"])
async def test_messages_go_both_ways_and_the_end_is_told_once(server: Server, way: str) -> None:
    server.app = getattr(server, way)
    async with server.connect() as member:
        ear = await server.ear()
        await member.send("hällo")
        assert await ear.next() == ("hällo".encode(), False)
        await member.send(b"\x00\xff")
        assert await ear.next() == (b"\x00\xff", True)
        await member.send("x" * MOST)
        assert await ear.next() == (b"x" * MOST, False)
        await member.send("")
        assert await ear.next() == (b"", False)
        assert isinstance(ear.wire, Link if way == "detaching" else AsgiWire)
        ear.wire.write(frame(b"one") + frame(b"\x02", binary=True))
        ear.wire.write(frame(b"three"))
        assert [await member.recv() for _ in range(3)] == ["one", b"\x02", "three"]
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    ear.wire.write(frame(b"too late"))
    ear.wire.close(1000)
    ear.wire.drop(1000)
    ear.wire.pause()
    ear.wire.resume()
    assert ear.losses == 1
    assert not server.uvicorn.server_state.connections


@pytest.mark.parametrize("way", ["detaching", "plain"])
@pytest.mark.parametrize("end", ["close", "drop"])
async def test_the_room_ends_a_connection_after_what_it_wrote(server: Server, way: str, end: str) -> None:
    server.app = getattr(server, way)
    async with server.connect() as member:
        ear = await server.ear()
        if end == "close":
            ear.wire.write(frame(b"a last word"))
        getattr(ear.wire, end)(4001, "the room has moved " + "far " * 100)
        ear.wire.write(frame(b"too late"))
        if end == "close":
            assert await member.recv() == "a last word"
        with pytest.raises(ConnectionClosed) as closed:
            await member.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    assert closed.value.rcvd.reason.startswith("the room has moved far")
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    assert ear.losses == 1


async def test_the_members_close_is_answered_with_its_code(server: Server) -> None:
    member = await Raw.enter(server)
    ear = await server.ear()
    member.writer.write(masked(1, b"a") + masked(8, b"\x0f\xa5bye") + masked(1, b"b"))
    assert await member.rest() == b"\x88\x05\x0f\xa5bye"
    assert await ear.next() == (b"a", False)
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    assert ear.heard.empty()


async def test_frames_may_arrive_in_any_pieces(server: Server) -> None:
    member = await Raw.enter(server)
    ear = await server.ear()
    stream = (
        masked(1, b"a" * 5) + masked(2, b"b" * 200) + masked(9, b"ping") + masked(1, b"frag", fin=False)
        + masked(10, b"") + masked(9, b"inside") + masked(0, b"ment", fin=False) + masked(0, b"ed") + masked(1, b"c")
    )  # fmt: skip
    expected = [(b"a" * 5, False), (b"b" * 200, True), (b"fragmented", False), (b"c", False)]
    for step in (1, 2, 3, 7, 50, len(stream)):
        for at in range(0, len(stream), step):
            member.writer.write(stream[at : at + step])
            await member.writer.drain()
            await asyncio.sleep(0)
        assert [await ear.next() for _ in expected] == expected
        async with asyncio.timeout(DEADLINE):
            assert await member.reader.readexactly(14) == b"\x8a\x04ping\x8a\x06inside"
    member.writer.close()
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    assert ear.heard.empty()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x05hello", 1002),  # no mask
        (b"\xc1\x80\x00\x00\x00\x00", 1002),  # a reserved bit
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # an unknown kind
        (masked(0, b"x"), 1002),  # a continuation of nothing
        (masked(1, b"x", fin=False) + masked(1, b"y"), 1002),  # two messages at once
        (b"\x89\xfe\x00\x80\x00\x00\x00\x00" + b"x" * 128, 1002),  # a long ping
        (masked(1, b"\xff\xfe"), 1007),
        (masked(1, b"\xc3", fin=False) + masked(0, b"\x28"), 1007),
        (masked(1, b"x" * (MOST + 1)), 1009),
        (b"\x82\xff\x00\x00\x00\xff\x00\x00\x00\x00mask" + b"x" * 100, 1009),  # said to be huge
        (masked(1, b"x" * MOST, fin=False) + masked(0, b"x"), 1009),
        (masked(8, b"\x03"), 1002),
        (masked(8, b"\x03\xee"), 1002),  # 1006 may not be sent
    ],
)
async def test_what_breaks_the_protocol_ends_the_connection_with_the_right_code(
    server: Server, sent: bytes, code: int
) -> None:
    member = await Raw.enter(server)
    ear = await server.ear()
    member.writer.write(masked(1, b"before") + sent + masked(1, b"after"))
    answer = await member.rest()
    assert answer[:1] == b"\x88"
    assert int.from_bytes(answer[2:4]) == code
    assert await ear.next() == (b"before", False)
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    assert ear.heard.empty()
    assert ear.losses == 1


@pytest.mark.parametrize("way", ["detaching", "plain"])
async def test_a_paused_member_is_read_again_from_where_it_was(server: Server, way: str) -> None:
    class Pausing(Ear):
        def received(self, frame: bytes, binary: bool) -> None:
            super().received(frame, binary)
            if frame == b"wait":
                self.wire.pause()

    server.make = Pausing
    server.app = getattr(server, way)
    member = await Raw.enter(server)
    ear = await server.ear()
    member.writer.write(masked(1, b"wait") + masked(1, b"x" * 3000) + masked(1, b"y") * 50)
    assert await ear.next() == (b"wait", False)
    # What was written is answered only if somebody reads on.
    member.writer.write(masked(9, b""))
    await member.writer.drain()
    if way == "detaching":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await member.reader.readexactly(1)
    assert ear.heard.empty()
    ear.wire.resume()
    assert await ear.next() == (b"x" * 3000, False)
    assert [await ear.next() for _ in range(50)] == [(b"y", False)] * 50
    async with asyncio.timeout(DEADLINE):
        assert await member.reader.readexactly(2) == b"\x8a\x00"
    member.writer.close()


@pytest.mark.parametrize("way", ["detaching", "plain"])
async def test_a_member_who_does_not_read_shows_in_the_buffer_and_drains(server: Server, way: str) -> None:
    server.app = getattr(server, way)
    member = await Raw.enter(server)
    ear = await server.ear()
    piece = frame(b"x" * 60_000)
    written = 0
    while ear.wire.buffered() < 300_000:
        ear.wire.write(piece)
        written += len(piece)
        await asyncio.sleep(0)
    # It asks for more answers than it takes: not read any further.
    member.writer.write(masked(1, b"ask") * 20)
    await member.writer.drain()
    for _ in range(50):
        await asyncio.sleep(0)
    assert ear.heard.qsize() <= (0 if way == "detaching" else 1)  # plain ASGI was waiting for one already
    async with asyncio.timeout(DEADLINE):
        assert len(await member.reader.readexactly(written)) == written
        await ear.drains.wait()
    assert ear.wire.buffered() == 0
    assert await ear.next() == (b"ask", False)
    member.writer.close()


@pytest.mark.parametrize("way", ["detaching", "plain"])
async def test_a_member_who_never_reads_can_be_dropped(server: Server, way: str) -> None:
    server.app = getattr(server, way)
    member = await Raw.enter(server)
    ear = await server.ear()
    while ear.wire.buffered() < 300_000:
        ear.wire.write(frame(b"x" * 60_000))
        await asyncio.sleep(0)
    ear.wire.drop(4002, "too far behind")
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    member.writer.close()


async def test_an_error_in_the_receiver_ends_that_connection_only(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Ear):
        def received(self, frame: bytes, binary: bool) -> None:
            raise ValueError("a bug")

        def lost(self) -> None:
            super().lost()
            raise ValueError("another")

    server.make = Broken
    async with server.connect() as member:
        ear = await server.ear()
        await member.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            await member.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        async with asyncio.timeout(DEADLINE):
            await ear.ended.wait()
    assert "a bug" in caplog.text
    assert "another" in caplog.text
    server.make = Ear
    async with server.connect() as member:
        await member.send("x")
        assert await (await server.ear()).next() == (b"x", False)


@pytest.mark.parametrize("way", ["detaching", "plain"])
async def test_what_was_sent_before_the_accept_is_not_lost(server: Server, way: str) -> None:
    asked, may = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may.wait()
        await getattr(server, way)(scope, receive, send)

    server.app = slow
    member = await Raw.ask(server)
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
        half = masked(1, b"half")
        member.writer.write(masked(1, b"early") + half[:3])
        await member.writer.drain()
        while not any(getattr(one, "_early", None) for one in server.uvicorn.server_state.connections):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
    may.set()
    await member.entered()
    ear = await server.ear()
    assert await ear.next() == (b"early", False)
    member.writer.write(half[3:])
    assert await ear.next() == (b"half", False)
    member.writer.close()


async def test_what_is_sent_before_the_accept_is_bounded(server: Server) -> None:
    asked, may = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may.wait()
        await server.detaching(scope, receive, send)

    server.app = slow
    member = await Raw.ask(server)
    count = 5_000
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
        member.writer.write(masked(1, b"x" * 1000) * count)
        (protocol,) = server.uvicorn.server_state.connections
        while protocol.transport.is_reading():  # noqa: ASYNC110 - a transport tells nobody
            await asyncio.sleep(0)
        assert len(protocol._early) < 65_536 + 262_144 + 1
    may.set()
    await member.entered()
    ear = await server.ear()
    for _ in range(count):
        await ear.next()
    member.writer.close()


async def test_a_silent_member_is_pinged_and_then_dropped_and_one_who_answers_stays(start: Start) -> None:
    server = await start(ws_ping_interval=0.3, ws_ping_timeout=0.3)
    silent = await Raw.enter(server)
    ear = await server.ear()
    async with server.connect(ping_interval=None) as alive:
        other = await server.ear()
        answer = await silent.rest()
        assert answer[:2] == b"\x89\x00"
        assert answer[2:3] == b"\x88"
        assert int.from_bytes(answer[4:6]) == 1011
        async with asyncio.timeout(DEADLINE):
            await ear.ended.wait()
        assert not other.ended.is_set()
        await alive.send("here")
        assert await other.next() == (b"here", False)


async def test_the_end_of_the_server_closes_every_connection(start: Start) -> None:
    server = await start()
    async with server.connect() as member:
        ear = await server.ear()
        await server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await member.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert ear.losses == 1


async def test_nothing_of_the_handshake_outlives_it(server: Server) -> None:
    left: list[weakref.ref[Any]] = []

    class Body:
        """Can be weakly referenced, unlike a dict."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = Body()
        scope["state"]["body"] = body
        left.extend([weakref.ref(body), weakref.ref(receive.__self__), weakref.ref(receive.__self__.conn)])
        await server.detaching(scope, receive, send)

    server.app = app
    gc.collect()
    gc.disable()
    try:
        async with server.connect() as member:
            ear = await server.ear()
            await member.send("x")
            await ear.next()
            assert len(left) == 3
            assert [one() for one in left] == [None] * 3
            assert server.uvicorn.server_state.connections == {ear.wire}
    finally:
        gc.enable()


async def test_detaching_has_one_moment(server: Server) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        member: Member = scope["extensions"][EXTENSION]
        for moment in ("before", "at", "again"):
            try:
                member.detach(Ear())
            except RuntimeError as exc:
                said.put_nowait(f"{moment}: {exc}")
            if moment == "before":
                await send({"type": "websocket.accept"})

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            scope["extensions"][EXTENSION].detach(Ear())
        except RuntimeError as exc:
            said.put_nowait(f"late: {exc}")

    for each in (app, late):
        server.app = each
        async with server.connect():
            pass
    assert [said.get_nowait() for _ in range(3)] == [
        "before: the connection must be accepted before it is detached",
        "again: the connection was detached already",
        "late: the connection must be detached right after it was accepted",
    ]


async def test_an_app_that_does_not_detach_gets_plain_asgi(server: Server) -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"] + "!"})

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 409, "headers": [(b"fly-replay", b"x")]})
        await send({"type": "websocket.http.response.body", "body": b"elsewhere"})

    server.app = echo
    async with server.connect() as member:
        await member.send("hello")
        assert await member.recv() == "hello!"
        await (await member.ping())
    server.app = refuse
    with pytest.raises(InvalidStatus) as refused:
        await server.connect()
    assert refused.value.response.status_code == 409
    assert refused.value.response.headers["fly-replay"] == "x"
    assert refused.value.response.body == b"elsewhere"
