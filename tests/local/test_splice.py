"""Byte pipes after a 101: upgrades that are replayed first, early bytes, half-close, backpressure, both ends."""

import asyncio
from contextlib import suppress

import pytest

from flylab.local.edge import EdgeSettings
from flylab.local.latency import Latency
from tests.local.world import Machine, Request, World, answer, open_door, until

UPGRADE = "GET /room HTTP/1.1\r\nHost: rooms.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
)


def room(machine: Machine, request: Request) -> bytes:
    return ACCEPT + b"hi"


def origin(machine: Machine, request: Request) -> bytes:
    return answer(307, fly_replay="instance=b;state=blue")


@pytest.mark.parametrize("latency", [Latency(None), Latency(lambda a, b: 2.0)])
async def test_an_upgrade_is_replayed_before_it_is_accepted_and_then_carries_bytes_both_ways(latency):
    world = World()
    await world.add("a", origin)
    b = await world.add("b", room, region="nrt")
    async with open_door(world, latency=latency) as door:
        client = await door.client()
        await client.send(UPGRADE + "early")
        status, headers, _ = await client.response()
        assert (status, headers["upgrade"], headers["connection"]) == (101, "websocket", "upgrade")
        assert headers["sec-websocket-accept"] == "x"
        assert b.requests[0].headers["upgrade"] == "websocket"
        assert b.requests[0].headers["connection"] == "upgrade"
        assert b.requests[0].headers["fly-replay-src"].endswith("state=blue")
        assert await client.reader.readexactly(7) == b"hiearly"
        (opened,) = world.opened  # it is known at its 101, long before it is over
        assert (opened["open"], opened["status"], world.exchanges) == (True, 101, [])
        assert [hop["machine"] for hop in opened["hops"]] == ["a", "b"]
        await client.send(b"x" * 300_000)
        assert await client.reader.readexactly(300_000) == b"x" * 300_000
        assert world.loads.of("b") == 1
        client.writer.write_eof()
        assert await client.ended() == b""
        await until(lambda: world.loads.of("b") == 0)
    assert world.exchanges[-1]["hops"][-1]["outcome"] == "upgrade"
    assert world.exchanges[-1]["status"] == 101
    assert world.exchanges[-1]["id"] == opened["id"]
    assert "open" not in world.exchanges[-1]


async def test_a_101_that_asks_for_a_replay_is_discarded():
    def old_style(machine: Machine, request: Request) -> bytes:
        return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nfly-replay: instance=b\r\n\r\n"

    world = World()
    await world.add("a", old_style)
    await world.add("b", room, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        assert (await client.response())[0] == 101
        assert await client.reader.readexactly(2) == b"hi"


async def test_a_refused_upgrade_is_an_ordinary_answer():
    def no(machine: Machine, request: Request) -> bytes:
        return answer(403, "no")

    world = World()
    await world.add("a", no)
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            await client.send(UPGRADE)
            assert (await client.response())[::2] == (403, b"no")


async def test_a_101_that_nobody_asked_for_is_an_error():
    world = World()
    await world.add("a", room)
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert (status, body[:4]) == (502, b"PU02")
        assert b"a protocol that nobody asked for" in body


async def piped(world: World, script) -> Machine:
    async def accepting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ACCEPT)
        await script(reader, writer)

    machine = await world.add("a", room)
    machine.script = accepting
    return machine


async def test_each_direction_ends_by_itself():
    async def answers_after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        writer.write(said[::-1])

    world = World()
    await piped(world, answers_after_the_end)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        await client.send("abc")
        client.writer.write_eof()
        assert await client.ended() == b"cba"

    async def says_goodbye_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        heard.append(await reader.read())

    heard: list[bytes] = []
    world = World()
    machine = await piped(world, says_goodbye_first)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        assert await client.ended() == b""
        await client.send("still here")
        client.writer.write_eof()
        await asyncio.wait_for(machine.lost.wait(), 5)
        assert heard == [b"still here"]


@pytest.mark.parametrize("latency", [Latency(None), Latency(lambda a, b: 2.0)])
async def test_when_one_side_is_gone_the_other_is_closed(latency):
    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()

    world = World()
    machine = await piped(world, listens)
    async with open_door(world, latency=latency) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        client.writer.transport.abort()
        await asyncio.wait_for(machine.lost.wait(), 5)
        await until(lambda: world.loads.of("a") == 0)

    async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.transport.abort()

    world = World()
    await piped(world, drops)
    async with open_door(world, latency=latency) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        await client.send("x")
        assert await client.ended() == b""
        await client.close()
        await until(lambda: world.loads.of("a") == 0)


async def test_a_pipe_with_one_end_left_is_closed_when_nothing_moves_any_more():
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        while heard.append(await reader.read(1)) or heard[-1]:
            pass

    heard: list[bytes] = []
    world = World()
    await piped(world, ends)
    async with open_door(world, settings=EdgeSettings(half_open=0.05)) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        assert await client.ended() == b""
        await client.send("x")
        await until(lambda: heard == [b"x"])
        await until(lambda: world.loads.of("a") == 0)


async def test_a_side_that_does_not_read_holds_the_other_back():
    go_on = asyncio.Event()
    size = 20_000_000

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await reader.readexactly(size)
        writer.write(bytes(size))
        await writer.drain()
        sent.set()
        await reader.read()

    sent = asyncio.Event()
    world = World()
    await piped(world, slow)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        sending = asyncio.create_task(client.send(bytes(size)))
        done, _ = await asyncio.wait([sending], timeout=0.3)
        assert not done
        go_on.set()
        await sending
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sent.wait(), 0.3)
        assert await client.reader.readexactly(size) == bytes(size)
        await asyncio.wait_for(sent.wait(), 5)


async def test_a_websocket_is_closed_with_1001_behind_the_frame_that_is_under_way() -> None:
    world = World()
    parts: asyncio.Queue[bytes] = asyncio.Queue()
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ACCEPT)
        while part := await parts.get():
            writer.write(part)
        heard.append(await reader.read(100))

    (await world.add("a", room)).script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        await parts.put(b"\x81\x04ha")
        assert await client.reader.readexactly(4) == b"\x81\x04ha"
        door.edge.websockets.close("b")
        door.edge.websockets.close("a")
        door.edge.websockets.close("a")
        await parts.put(b"lf")
        assert await client.reader.readexactly(6) == b"lf\x88\x02\x03\xe9"
        await parts.put(b"\x81\x04more")  # goes nowhere: nothing may follow a close frame
        await client.send(b"\x88\x82\x00\x00\x00\x00\x03\xe9")
        await parts.put(b"")
        await until(lambda: heard == [b"\x88\x82\x00\x00\x00\x00\x03\xe9"])
        assert await client.ended() == b""


@pytest.mark.parametrize("size", [10, 5000])
async def test_between_two_frames_a_websocket_is_closed_at_once(size: int) -> None:
    world = World()
    frame = b"\x82\x7e" + size.to_bytes(2, "big") + b"x" * size
    await world.add("a", lambda *_: ACCEPT + frame)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(UPGRADE)
        await client.response()
        assert await client.reader.readexactly(len(frame)) == frame
        door.edge.websockets.close("a")
        assert await client.reader.readexactly(4) == b"\x88\x02\x03\xe9"


async def test_another_protocol_is_left_alone_and_what_is_over_is_forgotten() -> None:
    world = World()
    await world.add("a", room)
    async with open_door(world) as door:
        other, gone, client = [await door.client() for _ in range(3)]
        await other.send(UPGRADE.replace("websocket", "tunnel"))
        for each in (gone, client):
            await each.send(UPGRADE)
            await each.response()
        await other.response()
        await gone.close()
        await until(lambda: world.loads.of("a") == 2)
        door.edge.websockets.close("a")
        assert await client.reader.readexactly(2) == b"hi"
        assert await other.reader.readexactly(2) == b"hi"
        await other.send(b"still here")
        assert await other.reader.readexactly(10) == b"still here"
