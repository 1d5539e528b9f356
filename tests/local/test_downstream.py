"""A client's connection, to the letter: keep-alive, pipelines, framing, early ends, and what is refused."""

import asyncio
import socket

import pytest

from flylab.local.edge import EdgeSettings
from tests.local.world import Machine, Request, World, answer, open_door, until


def echo(machine: Machine, request: Request) -> bytes:
    return answer(200, f"{request.method} {request.target} {len(request.body)}")


async def test_pipelined_requests_are_answered_in_order():
    world = World()
    m = await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        one = "GET /{0} HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n"
        two = "POST /{0} HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 3\r\n\r\nabc"
        three = "POST /{0} HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        await client.send("".join(kind.format(n) for n, kind in enumerate([one, two, three, one, two])))
        bodies = [(await client.response())[2] for _ in range(5)]
        assert bodies == [b"GET /0 0", b"POST /1 3", b"POST /2 2", b"GET /3 0", b"POST /4 3"]
        assert m.connections == 1


async def test_many_pipelined_requests_wait_their_turn_without_being_read():
    world = World()
    await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        filler = "x" * 1000
        one = f"GET / HTTP/1.1\r\nHost: rooms.localhost\r\nA: {filler}\r\n\r\n"
        sending = asyncio.create_task(client.send(one * 300))
        for _ in range(300):
            assert (await client.response())[2] == b"GET / 0"
        await sending


async def test_a_request_may_come_byte_by_byte():
    world = World()
    await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        for byte in (
            b"\r\nPOST /a HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ):
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await client.response())[2] == b"POST /a 3"


async def test_connection_close_is_honoured_both_ways():
    world = World()
    await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        _, headers, body = await client.ask(connection="close")
        assert (headers["connection"], body) == ("close", b"GET / 0")
        assert await client.ended() == b""

        def closing(machine: Machine, request: Request) -> bytes:
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

        world.machines["m1"].handler = closing
        client = await door.client()
        for _ in range(2):
            _, headers, body = await client.ask()
            assert "connection" not in headers
            assert body == b"ok"


async def test_an_old_client_gets_an_answer_that_ends_with_the_connection():
    def chunks(machine: Machine, request: Request) -> bytes:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    world = World()
    await world.add("m1", chunks)
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.0\r\nHost: rooms.localhost\r\n\r\n")
        raw = await client.ended()
        assert raw.startswith(b"HTTP/1.1 200")
        assert b"transfer-encoding" not in raw.lower()
        assert b"connection: close" in raw
        assert raw.endswith(b"\r\n\r\nabcde")
        client = await door.client()
        _, headers, body = await client.ask()
        assert headers["transfer-encoding"] == "chunked"
        assert body == b"abcde"


async def test_an_answer_without_length_ends_with_its_connection_and_comes_as_chunks():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of ")
        await writer.drain()
        writer.write(b"it")

    world = World()
    (await world.add("m1", echo)).script = script
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            assert (await client.ask())[2] == b"all of it"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_body_are_followed_by_the_next(status):
    def bare(machine: Machine, request: Request) -> bytes:
        return f"HTTP/1.1 {status} X\r\nETag: 1\r\n\r\n".encode()

    world = World()
    await world.add("m1", bare)
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(3):
            got, headers, _ = await client.ask()
            assert (got, headers["etag"]) == (status, "1")


async def test_a_head_request_keeps_the_length_and_has_no_body():
    def head(machine: Machine, request: Request) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

    world = World()
    await world.add("m1", head)
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            await client.send("HEAD / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
            status, headers, _ = await client.response(head_only=True)
            assert (status, headers["content-length"]) == (200, "1000")


WAITING = "POST / HTTP/1.1\r\nHost: rooms.localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"


async def test_a_client_that_waits_for_100_gets_that_of_the_machine():
    world = World()
    m = await world.add("m1", echo)
    may = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"expect: 100-continue\r\n" in await reader.readuntil(b"\r\n\r\n")
        await may.wait()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.write(answer(200, await reader.readexactly(3)))

    m.script = script
    async with open_door(world, settings=EdgeSettings(continue_after=60)) as door:
        client = await door.client()
        await client.send(WAITING)
        await until(lambda: m.connections == 1)
        may.set()
        assert (await client.head())[0] == 100
        await client.send("abc")
        assert (await client.response())[2] == b"abc"


async def test_a_client_that_waits_for_100_gets_it_in_the_end_from_a_machine_that_knows_of_none():
    world = World()
    await world.add("m1", echo)
    async with open_door(world, settings=EdgeSettings(continue_after=0.01)) as door:
        client = await door.client()
        await client.send(WAITING)
        assert (await client.head())[0] == 100
        await client.send("abc")
        assert (await client.response())[2] == b"POST / 3"


async def test_a_machine_may_refuse_a_body_before_it_is_sent():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(413, "too much"))

    world = World()
    (await world.add("m1", echo)).script = script
    async with open_door(world, settings=EdgeSettings(continue_after=60)) as door:
        client = await door.client()
        await client.send(WAITING)
        status, headers, body = await client.response()
        assert (status, headers["connection"], body) == (413, "close", b"too much")


async def test_early_hints_pass_and_the_real_answer_follows():
    def hints(machine: Machine, request: Request) -> bytes:
        hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        return b"HTTP/1.1 100 Continue\r\n\r\n" + hint + answer(200, "page")

    world = World()
    await world.add("m1", hints)
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        status, headers = await client.head()
        assert (status, headers["link"]) == (103, "</a.css>")
        assert (await client.response())[2] == b"page"


REFUSED = [
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nA: b\r\n folded\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: rooms.localhost\n\n", 400),
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nBad Name: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nA: " + "b" * 70_000, 431),
    ("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
]


@pytest.mark.parametrize(("text", "status"), REFUSED)
async def test_what_is_ambiguous_is_refused_and_never_forwarded(text, status):
    world = World()
    m = await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        await client.send(text)
        got, headers, body = await client.response()
        assert (got, headers["connection"]) == (status, "close")
        assert body.endswith(b"\n")
        assert await client.ended() == b""
        assert m.requests == []
        assert m.connections == 0


async def test_a_broken_chunk_ends_the_request_with_400_before_an_answer_and_by_a_cut_after_it_began():
    world = World()
    m = await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX")
        assert (await client.response())[0] == 400
        assert m.requests == []
        await until(lambda: world.loads.of("m1") == 0)

        async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            await reader.read()

        m.script = early
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.head())[0] == 200
        await client.send("zz\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(10)


async def test_an_answer_that_comes_before_the_body_is_read_in_full_and_closes_the_connection():
    world = World()
    async with open_door(world) as door:
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: nobody.localhost\r\nContent-Length: 3000000\r\n\r\n")
        await client.send(bytes(1_000_000))
        status, headers, _ = await client.response()
        assert (status, headers["connection"]) == (404, "close")
        assert await client.ended() == b""


async def test_a_head_that_does_not_come_is_given_up_and_an_idle_connection_closed():
    world = World()
    await world.add("m1", echo)
    async with open_door(world, settings=EdgeSettings(head_timeout=0.05, idle_timeout=0.05)) as door:
        slow, silent, idle = [await door.client() for _ in range(3)]
        await slow.send("GET / HTTP/1.1\r\n")
        assert (await idle.ask())[0] == 200
        assert (await slow.response())[0] == 408
        assert await silent.ended() == b""
        assert await idle.ended() == b""


async def test_connections_to_machines_that_nobody_needs_are_closed():
    world = World()
    m = await world.add("m1", echo)
    async with open_door(world, settings=EdgeSettings(pool_idle=0.01)) as door:
        client = await door.client()
        await client.ask()
        await asyncio.wait_for(m.lost.wait(), 5)
        assert (await client.ask())[0] == 200
        assert m.connections == 2


async def test_an_absolute_target_names_the_app():
    world = World()
    m = await world.add("m1", echo)
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET http://rooms.fly.dev/x HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
        assert (await client.response())[2] == b"GET /x 0"
        assert m.requests[0].headers["host"] == "rooms.fly.dev"


async def test_what_is_written_to_clients_leaves_at_once():
    world = World()
    async with open_door(world) as door:
        client = await door.client()
        await client.ask()
        (connection,) = door.edge._clients
        own = connection._transport.get_extra_info("socket")
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert door.edge.tallies.opened == 1
