"""HTTP/2 at an edge, over plain sockets: requests, windows, resets both ways, and clients that mean harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from h2.errors import ErrorCodes

from flylab.local.edge import EdgeSettings
from flylab.local.front import Front
from flylab.local.h2_front import Http2, Http2Settings
from flylab.local.heads import HeadWriter
from tests.local.h2_client import Client, connected
from tests.local.world import Door, Machine, Request, World, answer, open_door, until

MEGABYTE = 1_000_000


def says(machine: Machine, request: Request) -> bytes:
    return answer(200, f"{request.method} {request.target} {len(request.body)}", X_Machine=machine.id)


@asynccontextmanager
async def edge(world: World, *, settings: EdgeSettings | None = None, **http2: Any) -> AsyncIterator[tuple[Door, int]]:
    """An edge and the port where it speaks HTTP/2."""
    settings = replace(settings or EdgeSettings(), http2=Http2Settings(**http2))
    async with open_door(world, settings=settings) as door:
        front = Front(443, HeadWriter("ams", public_port=443, secure=True, version=b"2"), wanted=443)
        listener = await asyncio.get_running_loop().create_server(lambda: Http2(door.edge, front), "127.0.0.1", 0)
        try:
            yield door, listener.sockets[0].getsockname()[1]
        finally:
            listener.close()


@asynccontextmanager
async def talking(world: World, **more: Any) -> AsyncIterator[tuple[Client, Door]]:
    async with edge(world, **more) as (door, port), connected(port) as client:
        yield client, door


async def test_requests_share_a_connection():
    world = World()
    machine = await world.add("m1", says)
    async with talking(world) as (client, _):
        numbers = [client.ask(path=b"/%d" % i) for i in range(20)]
        bodies = [bytes((await client.answer(number)).body) for number in numbers]
        assert bodies == [b"GET /%d 0" % i for i in range(20)]
        got = client.got[numbers[0]]
        assert got.status == 200
        assert got.heads[0][b"x-machine"] == b"m1"
        assert got.heads[0][b"via"] == b"2 fly.io"
        assert not {b"connection", b"transfer-encoding", b"keep-alive"} & set(got.heads[0])
    seen = machine.requests[0].headers
    assert (seen["host"], seen["via"], seen["x-forwarded-proto"]) == ("rooms.fly.dev", "2 fly.io", "https")


async def test_cookies_in_pieces_are_one_again_and_a_body_needs_no_length():
    world = World()
    machine = await world.add("m1", says)
    async with talking(world) as (client, _):
        number = client.ask([(b"cookie", b"a=1"), (b"cookie", b"b=2")], method=b"POST", end=False)
        await client.send(number, b"x" * MEGABYTE)
        assert bytes((await client.answer(number)).body) == b"POST / %d" % MEGABYTE
        number = client.ask([(b"content-length", b"3")], method=b"PUT", end=False)
        await client.send(number, b"abc")
        assert bytes((await client.answer(number)).body) == b"PUT / 3"
    assert machine.requests[0].headers["cookie"] == "a=1; b=2"
    assert machine.requests[0].headers["transfer-encoding"] == "chunked"
    assert machine.requests[1].headers["content-length"] == "3"


@pytest.mark.parametrize(
    ("method", "said", "status", "body"),
    [
        (b"HEAD", answer(200, b"hidden")[: -len(b"hidden")], 200, b""),
        (b"GET", b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
        (b"GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, b"abc"),
        (b"GET", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + answer(200, b"late"), 200, b"late"),
        (b"GET", answer(500, b""), 500, b""),
    ],
)
async def test_answers_keep_their_form(method, said, status, body):
    world = World()
    await world.add("m1", lambda *_: said)
    async with talking(world) as (client, _):
        got = await client.answer(client.ask(method=method))
        assert (got.status, bytes(got.body), got.ended) == (status, body, True)
        if b"103" in said:
            assert got.heads[0] == {b":status": b"103", b"link": b"</a>"}


async def test_an_answer_without_a_body_is_one_frame():
    """gRPC's clients read the status of a call that failed at once from a head that ends its stream."""
    world = World()
    await world.add("m1", lambda *_: answer(200, grpc_status="5"))
    async with talking(world) as (client, _):
        frames = []
        send = client.h2.receive_data
        client.h2.receive_data = lambda data: frames.append(data) or send(data)  # type: ignore[method-assign]
        got = await client.answer(client.ask())
        assert (got.heads[0][b"grpc-status"], got.ended, bytes(got.body)) == (b"5", True, b"")
        kinds = [kind for data in frames for kind in frame_types(data)]
        assert kinds.count(1) == 1  # HEADERS
        assert 0 not in kinds  # DATA


def frame_types(data: bytes) -> list[int]:
    kinds, at = [], 0
    while at < len(data):  # each read holds whole frames here, for they are small
        kinds.append(data[at + 3])
        at += 9 + int.from_bytes(data[at : at + 3], "big")
    return kinds


async def test_a_client_that_takes_nothing_holds_the_machine_and_no_memory():
    world = World()
    await world.add("m1", lambda *_: answer(200, b"x" * 5 * MEGABYTE))
    async with talking(world) as (client, door):
        client.acknowledge = False
        number = client.ask()
        got = client.got[number]
        await client.until(lambda: len(got.body) == 65_535)  # the window that a client has without saying more
        (connection,) = [one for one in door.edge._clients if isinstance(one, Http2)]
        (stream,) = connection._streams.values()
        # Head and body of one read are the most that come after the machine was told to wait.
        await until(lambda: stream._blocked)
        assert stream._waiting < 600_000
        other = client.ask(method=b"HEAD")
        assert (await client.answer(other)).status == 200
        client.h2.acknowledge_received_data(65_535, number)
        client.acknowledge = True
        client.flush()
        assert len((await client.answer(number)).body) == 5 * MEGABYTE


async def test_a_machine_that_takes_nothing_closes_the_window():
    world = World()
    machine = await world.add("m1", says)
    go_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        while b"0\r\n\r\n" not in await reader.read(65_536):
            pass
        writer.write(answer(200, b"taken"))

    machine.script = slow
    async with talking(world, connection_window=131_072, stream_window=65_535) as (client, _):
        number = client.ask(method=b"POST", end=False)
        sending = asyncio.create_task(client.send(number, b"x" * 20 * MEGABYTE))
        done, _ = await asyncio.wait({sending}, timeout=0.3)
        assert not done  # all of it would fit nowhere: the window is closed
        go_on.set()
        await sending
        assert bytes((await client.answer(number)).body) == b"taken"


async def test_a_request_that_is_taken_back_ends_at_the_machine():
    world = World()
    machine = await world.add("m1", says)
    asked = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    machine.script = never
    async with talking(world) as (client, _):
        number = client.ask()
        await asyncio.wait_for(asked.wait(), 10)
        assert world.total_load() == 1
        client.h2.reset_stream(number, ErrorCodes.CANCEL)
        client.flush()
        await asyncio.wait_for(machine.lost.wait(), 10)
        await until(lambda: world.total_load() == 0)
        machine.script = None
        assert (await client.answer(client.ask())).status == 200


async def test_an_answer_that_breaks_off_is_reset():
    world = World()
    machine = await world.add("m1", says)

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")

    machine.script = breaks
    async with talking(world) as (client, _):
        got = await client.answer(client.ask())
        assert (got.status, got.ended, got.reset) == (200, False, ErrorCodes.INTERNAL_ERROR)


async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(413, b"no"))
    await reader.read()


async def test_an_answer_before_the_end_of_the_request_stops_the_rest_of_it():
    world = World()
    (await world.add("m1", says)).script = hasty
    async with talking(world, linger=0.1) as (client, _):
        number = client.ask(method=b"POST", end=False)
        got = client.got[number]
        await client.until(lambda: got.reset is not None)
        assert (got.status, bytes(got.body), got.ended, got.reset) == (413, b"no", True, ErrorCodes.NO_ERROR)


async def test_a_client_may_send_the_rest_of_a_request_that_has_its_answer():
    """curl 7.88 and httpx lose the answer when their stream is reset meanwhile."""
    world = World()
    (await world.add("m1", says)).script = hasty
    async with talking(world, linger=60.0) as (client, _):
        number = client.ask(method=b"POST", end=False)
        got = await client.answer(number)
        await client.send(number, b"x" * MEGABYTE)  # four windows full
        later = await client.answer(client.ask(method=b"POST"))  # whatever was said of the first has come before this
        assert (got.status, bytes(got.body), got.ended, got.reset) == (413, b"no", True, None)
        assert later.status == 413


@pytest.mark.parametrize(
    ("pseudo", "headers"),
    [
        ({}, [(b"x-a", b"a\x00b")]),
        ({}, [(b"x a", b"b")]),
        ({}, [(b"host", b"other.fly.dev")]),
        ({"path": b"/a b"}, []),
        ({"method": b"GE T"}, []),
    ],
)
async def test_a_malformed_request_reaches_nobody(pseudo, headers):
    world = World()
    machine = await world.add("m1", says)
    async with talking(world) as (client, _):
        got = await client.answer(client.ask(headers, **pseudo))
        assert got.reset == ErrorCodes.PROTOCOL_ERROR or client.goodbye == ErrorCodes.PROTOCOL_ERROR
    assert machine.requests == []


async def test_a_tunnel_and_a_request_for_nobody_are_refused_like_any_other():
    async with talking(World()) as (client, _):
        assert (await client.answer(client.ask(authority=b"nobody.fly.dev"))).status == 404
        got = await client.answer(client.ask(method=b"CONNECT", path=b"", scheme=b""))
        assert got.status == 405


async def floods(client: Client, how: str) -> None:
    for _ in range(60):
        if how == "resets":
            number = client.ask()
            client.h2.reset_stream(number)
        elif how == "pings":
            client.h2.ping(b"12345678")
        elif how == "settings":
            client.h2.update_settings({1: 4096})
        else:
            client.h2.prioritize(99, weight=7)
    client.flush()
    await client.until(lambda: client.closed)


@pytest.mark.parametrize("how", ["resets", "pings", "settings", "priorities"])
async def test_a_flood_of_idle_frames_ends_the_connection(how):
    world = World()
    await world.add("m1", says)
    async with talking(world, idle_frames=50, idle_rate=0.0) as (client, _):
        await floods(client, how)
        assert client.goodbye == ErrorCodes.ENHANCE_YOUR_CALM


async def test_a_head_over_the_limit_and_too_many_streams_end_the_connection():
    async with edge(World(), head_limit=10_000, streams=5) as (_, port):
        async with connected(port) as client:
            client.ask([(b"x-%d" % i, b"v" * 100) for i in range(100)])
            await client.until(lambda: client.closed)
            assert client.goodbye == ErrorCodes.ENHANCE_YOUR_CALM
        async with connected(port) as client:
            await client.until(lambda: client.h2.remote_settings.max_concurrent_streams == 5)
            client.h2.remote_settings.acknowledge()
            client.h2.remote_settings[3] = 1000
            client.h2.remote_settings.acknowledge()
            for _ in range(7):
                client.ask(method=b"POST", authority=b"nobody.fly.dev", end=False)
            await client.until(lambda: client.closed)
            assert client.goodbye == ErrorCodes.PROTOCOL_ERROR


async def test_a_connection_without_requests_is_closed_with_a_goodbye():
    world = World()
    await world.add("m1", says)
    async with talking(world, settings=EdgeSettings(head_timeout=0.2, idle_timeout=0.2)) as (client, _):
        assert (await client.answer(client.ask())).status == 200
        await client.until(lambda: client.closed)
        assert client.goodbye == ErrorCodes.NO_ERROR


async def test_bytes_that_are_no_http2_end_the_connection():
    async with edge(World()) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
        assert b"HTTP/1.1" not in await asyncio.wait_for(reader.read(), 10)
        writer.close()


async def test_an_edge_that_closes_says_goodbye():
    world = World()
    await world.add("m1", says)
    async with talking(world) as (client, door):
        assert (await client.answer(client.ask())).status == 200
        await door.edge.close()
        await client.until(lambda: client.closed)
        assert client.goodbye == ErrorCodes.NO_ERROR
