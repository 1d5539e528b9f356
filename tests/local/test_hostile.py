"""Clients and machines that mean harm or have lost their way: memory stays bounded and others are still served."""

import asyncio

import pytest

from flylab.local.edge import EdgeSettings
from flylab.rules.limits import ExchangeSettings
from tests.local.world import Client, Machine, Request, World, answer, open_door, until

GET = "GET / HTTP/1.1\r\nHost: rooms.localhost\r\n"


def who(machine: Machine, request: Request) -> bytes:
    return answer(200, machine.id)


async def served(client: Client) -> None:
    assert (await client.ask())[2] == b"m1"


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (GET + "A: ", "x" * 100_000),
        (GET, "a: b\r\n" * 200_000),
        (GET, "a:\r\n" * 1_000_000),
        ("GET /" + "x" * 100_000, ""),
    ],
    ids=["a long line", "many lines", "a million lines", "a long target"],
)
async def test_a_head_without_end_is_refused_at_the_limit(begun, more):
    world = World()
    m = await world.add("m1", who)
    async with open_door(world) as door:
        other, client = await door.client(), await door.client()
        sending = asyncio.create_task(client.send(begun + more))
        status, headers, _ = await client.response()
        assert (status, headers["connection"]) == (431, "close")
        await served(other)
        assert len(m.requests) == 1
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_head_of_many_short_lines_is_refused_though_it_is_short():
    world = World()
    await world.add("m1", who)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(GET + "a:\r\n" * 1000 + "\r\n")
        assert (await client.response())[0] == 431


async def test_heads_and_bodies_that_trickle_are_given_up_while_others_are_served():
    world = World()
    m = await world.add("m1", who)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()

    settings = EdgeSettings(head_timeout=0.05, body_timeout=0.05)
    async with open_door(world, settings=settings) as door:
        slow = [await door.client() for _ in range(20)]
        for client in slow:
            await client.send(GET)
        await served(await door.client())
        for client in slow:
            assert (await client.response())[0] == 408
        m.script = script
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 9\r\n\r\nhalf")
        assert (await client.response())[0] == 408
        await until(lambda: world.loads.of("m1") == 0)


async def test_a_client_that_is_not_read_from_is_not_blamed_for_sending_nothing():
    world = World()
    m = await world.add("m1", who)
    go_on = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        await reader.readexactly(20_000_000)
        writer.write(answer(200, "all"))

    m.script = script
    async with open_door(world, settings=EdgeSettings(body_timeout=0.05)) as door:
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 20000000\r\n\r\n")
        sending = asyncio.create_task(client.send(bytes(20_000_000)))
        done, _ = await asyncio.wait([sending], timeout=1.2)  # longer than the edge looks away
        assert not done
        go_on.set()
        await sending
        assert (await client.response())[2] == b"all"


async def test_more_connections_than_allowed_are_refused_and_the_others_go_on():
    world = World()
    await world.add("m1", who)
    async with open_door(world, settings=EdgeSettings(connections=3)) as door:
        inside = [await door.client() for _ in range(3)]
        for client in inside:
            await served(client)
        status, headers, body = await (await door.client()).response()
        assert (status, headers["connection"]) == (503, "close")
        assert b"as many connections as it may" in body
        for client in inside:
            await served(client)
        await inside[0].close()
        await until(door.edge.has_room)
        await served(await door.client())


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000,
        b"HTTP/1.1 103 Hints\r\n\r\n" * 1000,
        b"HTTP/1.1 200 " + b"x" * 300_000,
    ],
    ids=["lines", "hints", "a reason"],
)
async def test_a_machine_whose_head_never_ends_is_a_502(flood):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(flood)
        await reader.read()

    world = World()
    (await world.add("m1", who)).script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send(GET + "\r\n")
        status, _, body = await client.response()
        assert (status, body[:4]) == (502, b"PU02")


async def test_trailers_without_end_cut_the_answer():
    begun = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await begun.wait()
        writer.write(b"0\r\n" + b"A: b\r\n" * 10_000)
        await reader.read()

    world = World()
    (await world.add("m1", who)).script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send(GET + "\r\n")
        assert (await client.head())[0] == 200
        begun.set()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readuntil(b"0\r\n\r\n")


async def test_who_does_not_read_its_answers_gets_no_more_of_them():
    def much(machine: Machine, request: Request) -> bytes:
        return answer(200, bytes(1_000_000))

    world = World()
    m = await world.add("m1", much)
    async with open_door(world) as door:
        client = await door.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] -- asyncio's own transport
        await client.send((GET + "\r\n") * 100)
        before = -1
        while before != len(m.requests):
            before = len(m.requests)
            await asyncio.sleep(0.1)  # nothing moves any more, and nothing tells so
        assert before < 30
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(100):
            assert len((await client.response())[2]) == 1_000_000


@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 502)])
async def test_a_request_lost_on_a_kept_connection_is_sent_again_only_while_its_body_is_kept(size, status):
    world = World()
    m = await world.add("m1", who)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n" + bytes(size))
        writer.write(answer(200, "first"))
        await reader.readuntil(b"\r\n\r\n" + bytes(size))  # and then, without a word, the end

    m.script = script
    settings = EdgeSettings(exchange=ExchangeSettings(retry_limit=100))
    async with open_door(world, settings=settings) as door:
        client = await door.client()
        asked = f"POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size)
        await client.send(asked)
        assert (await client.response())[0] == 200
        await client.send(asked)
        assert (await client.response())[0] == status
        assert m.connections == (2 if status == 200 else 1)
