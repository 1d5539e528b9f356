"""Machines that are asked over HTTP/2 without TLS, as ``h2_backend`` says, by clients of both versions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from flylab.local.edge import EdgeSettings
from flylab.wire.machine import Port
from tests.local.h2_server import Server
from tests.local.world import Client, Machine, World, answer, open_door, service, until

H2C = replace(
    service(), ports=(Port.from_json({"port": 80, "handlers": ["http"], "http_options": {"h2_backend": True}}),)
)


@asynccontextmanager
async def asking(world: World) -> AsyncIterator[tuple[Client, Server, Machine]]:
    machine = await world.add("m1", lambda *_: answer(200), service_of=H2C)
    server = Server()
    machine.script = server.serve
    async with open_door(world) as door:
        yield await door.client(), server, machine


async def test_a_machine_is_asked_in_http2():
    """DOCUMENTED networking/services: the app receives HTTP/1.1, or h2c with h2_backend."""
    async with asking(World()) as (client, server, _):
        for _ in range(3):
            status, headers, body = await client.ask("/a?b", Connection="keep-alive", X_Own="1")
            asked, size = json.loads(body)
            assert (status, headers["x-by"], size) == (200, "h2", 0)
            assert (asked[":path"], asked[":authority"], asked["x-own"]) == ("/a?b", "rooms.localhost", "1")
            assert (asked["te"], asked["fly-region"]) == ("trailers", "ams")
            assert not {"connection", "host", "transfer-encoding"} & set(asked)
        assert server.connections == 1  # a connection is used again, as those of HTTP/1.1 are


@pytest.mark.parametrize("length", [True, False])
async def test_bodies_go_up_whole(length):
    body = b"y" * 300_000
    async with asking(World()) as (client, _, _):
        if length:
            head = f"POST /up HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            await client.send(head + body)
        else:
            head = b"POST /up HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            await client.send(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert json.loads((await client.response())[2])[1] == len(body)


async def test_answers_without_a_body_and_large_ones():
    async with asking(World()) as (client, _, _):
        await client.send("HEAD / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        assert (await client.response(head_only=True))[0] == 200
        status, headers, body = await client.ask("/empty")
        assert (status, headers["grpc-status"], body) == (200, "5", b"")
        assert len((await client.ask("/big5000000"))[2]) == 5_000_000


async def test_a_slow_client_makes_the_machine_wait():
    async with asking(World()) as (client, server, machine):
        await client.send("GET /big50000000 HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        assert (await client.head())[0] == 200
        # Nobody reads on: the machine stops when buffers and windows are full, long before it has sent all of it.
        stopped = await asyncio.wait_for(server.waits.get(), 10)
        while True:
            try:
                stopped = await asyncio.wait_for(server.waits.get(), 0.5)
            except TimeoutError:
                break
        assert stopped > 30_000_000
        await client.close()
        await asyncio.wait_for(machine.lost.wait(), 10)


async def test_an_answer_that_breaks_off_breaks_off_and_the_next_request_is_served():
    world = World()
    async with asking(world) as (client, _, _):
        await client.send("GET /break HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        assert (await client.head())[0] == 200
        assert await client.ended() == b""
        await until(lambda: world.total_load() == 0)


async def test_an_answer_before_the_end_of_the_request():
    async with asking(World()) as (client, _, _):
        await client.send("POST /early HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 100\r\n\r\nabc")
        assert (await client.response())[0::2] == (413, b"no")


async def test_a_machine_without_http2_is_pu01():
    """DOCUMENTED monitoring/error-codes: PU01, the h2c handshake failed."""
    world = World()
    await world.add("m1", lambda *_: answer(200), service_of=H2C)
    async with open_door(world) as door:
        status, _, body = await (await door.client()).ask()
        assert status == 502
        assert body.startswith(b"PU01: machine m1 does not speak HTTP/2")
    assert [hop["code"] for hop in world.exchanges[0]["hops"]] == ["PU01"]


async def test_an_upgrade_is_asked_for_in_http1():
    world = World()
    machine = await world.add("m1", lambda *_: answer(200), service_of=H2C)

    async def upgrades(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET / HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
        await reader.read()

    machine.script = upgrades
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
        assert (await client.head())[0] == 101


async def test_a_machine_that_says_nothing_is_pu01_after_a_while():
    world = World()
    machine = await world.add("m1", lambda *_: answer(200), service_of=H2C)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    machine.script = silent
    async with open_door(world, settings=EdgeSettings(h2_timeout=0.1)) as door:
        assert (await (await door.client()).ask())[2].startswith(b"PU01")
    await asyncio.wait_for(machine.lost.wait(), 10)
