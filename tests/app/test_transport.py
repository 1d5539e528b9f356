"""Detached connections and the plain fallback, over real sockets through uvicorn."""

import asyncio
import gc
import sys
import weakref
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from app.framing import frame
from app.link import Link
from app.transport import AsgiWire
from app.wire import BACKLOG, RATE
from tests.app.connecting import DEADLINE, MOST, Ear, Raw, Server, Start, masked, server, start, way

__all__ = ["server", "start", "way"]

BOTH = pytest.mark.parametrize("way", ["detached", "plain"])


@BOTH
async def test_messages_go_both_ways_and_the_end_is_told_once(server: Server, way: str) -> None:
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
        assert isinstance(ear.wire, Link if way == "detached" else AsgiWire)
        ear.wire.write(frame(b"one") + frame(b"\x02", binary=True))
        ear.wire.write(frame(b"three"))
        assert [await member.recv() for _ in range(3)] == ["one", b"\x02", "three"]
    async with asyncio.timeout(DEADLINE):
        await ear.ended.wait()
    ear.wire.write(frame(b"too late"))
    ear.wire.close(1000)
    ear.wire.drop(1000)
    ear.wire.pause(RATE)
    ear.wire.resume(RATE)
    assert ear.losses == 1
    assert not server.uvicorn.server_state.connections


@BOTH
@pytest.mark.parametrize("end", ["close", "drop"])
async def test_the_room_ends_a_connection_after_what_it_wrote(server: Server, way: str, end: str) -> None:
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


@BOTH
async def test_a_paused_member_is_read_again_from_where_it_was(server: Server, way: str) -> None:
    class Pausing(Ear):
        def received(self, frame: bytes, binary: bool) -> None:
            super().received(frame, binary)
            if frame == b"wait":
                self.wire.pause(RATE)
                self.wire.pause(BACKLOG)

    server.make = Pausing
    member = await Raw.enter(server)
    ear = await server.ear()
    member.writer.write(masked(1, b"wait") + masked(1, b"x" * 3000) + masked(1, b"y") * 50)
    assert await ear.next() == (b"wait", False)
    ear.wire.resume(BACKLOG)  # there is another reason left
    # What was written is answered only if somebody reads on.
    member.writer.write(masked(9, b""))
    await member.writer.drain()
    if way == "detached":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await member.reader.readexactly(1)
    assert ear.heard.empty()
    ear.wire.resume(RATE)
    assert await ear.next() == (b"x" * 3000, False)
    assert [await ear.next() for _ in range(50)] == [(b"y", False)] * 50
    async with asyncio.timeout(DEADLINE):
        assert await member.reader.readexactly(2) == b"\x8a\x00"
    member.writer.close()


async def test_a_plain_connection_that_is_paused_for_two_reasons_is_read_when_both_are_gone() -> None:
    async def send(message: Any) -> None: ...

    wire = AsgiWire(send)
    wire.pause(RATE)
    wire.pause(BACKLOG)
    wire.resume(RATE)
    assert not wire._readable.is_set()
    wire.resume(BACKLOG)
    assert wire._readable.is_set()


@BOTH
async def test_a_member_who_does_not_read_shows_in_the_buffer_and_drains(server: Server, way: str) -> None:
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
    assert ear.heard.qsize() <= (0 if way == "detached" else 1)  # plain ASGI was waiting for one already
    async with asyncio.timeout(DEADLINE):
        assert len(await member.reader.readexactly(written)) == written
        await ear.drains.wait()
    assert ear.wire.buffered() == 0
    assert await ear.next() == (b"ask", False)
    member.writer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what waits in the kernel")
async def test_what_a_member_has_not_taken_shows_also_while_it_is_in_the_kernel(server: Server) -> None:
    member = await Raw.enter(server)
    ear = await server.ear()
    assert ear.wire.untaken() == 0
    piece, written = frame(b"x" * 60_000), 0
    while ear.wire.untaken() == 0:
        assert ear.wire.buffered() == 0
        ear.wire.write(piece)
        written += len(piece)
        await asyncio.sleep(0)
    while ear.wire.buffered() == 0:
        ear.wire.write(piece)
        written += len(piece)
        await asyncio.sleep(0)
    stuck = ear.wire.untaken()
    assert stuck > ear.wire.buffered()
    async with asyncio.timeout(DEADLINE):
        await member.reader.readexactly(written)
        while ear.wire.untaken():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0)
    member.writer.close()
    await ear.ended.wait()
    assert ear.wire.untaken() == 0


@BOTH
async def test_a_member_who_never_reads_can_be_dropped(server: Server, way: str) -> None:
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


async def test_what_was_sent_before_the_accept_is_not_lost(server: Server) -> None:
    asked, may = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may.wait()
        await server.attending(scope, receive, send)

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
        await server.attending(scope, receive, send)

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
        left.extend([weakref.ref(body), weakref.ref(receive.__self__)])
        await server.attending(scope, receive, send)

    server.app = app
    gc.collect()
    gc.disable()
    try:
        async with server.connect() as member:
            ear = await server.ear()
            await member.send("x")
            await ear.next()
            assert [one() for one in left] == [None] * 2
            assert server.uvicorn.server_state.connections == {ear.wire}
    finally:
        gc.enable()
