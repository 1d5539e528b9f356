"""A replay's transform in the head of a request, and the answers that replay in unusual ways."""

import asyncio

from flylab.local.edge import EdgeSettings
from flylab.local.http1 import read_request
from flylab.local.transforming import transformed
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_settings import ReplaySettings
from flylab.wire.transform import Transform
from tests.local.world import Machine, Request, World, answer, open_door

JSON = "application/vnd.fly.replay+json"


def who(machine: Machine, request: Request) -> bytes:
    return answer(200, machine.id, fly_replay_cache="/x/*")


async def two(words: bytes) -> World:
    world = World()
    await world.add("a", lambda machine, request: words, region="ams")
    await world.add("b", who, region="nrt")
    await world.add("c", who, region="nrt")
    return world


def test_lines_go_and_come():
    found = read_request(b"POST /a HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n", limit=1000)
    assert found is not None
    transform = Transform(path="/b?c", delete_headers=("x-b",), set_headers=(("x-a", "h\xe9"), ("host", "y")))
    head = transformed(found[0], transform)
    assert (head.target, head.fields.kept) == (b"/b?c", b"Content-Length: 3\r\nx-a: h\xe9\r\nhost: y\r\n")
    assert transformed(found[0], Transform()).fields.kept == found[0].fields.kept


async def test_json_wins_over_the_header_of_the_same_answer():
    """ASSUMED: [replay] json_wins."""
    world = await two(answer(200, '{"instance":"b"}', content_type=JSON, fly_replay="instance=c"))
    for wins, machine in ((True, b"b"), (False, b"c")):
        settings = EdgeSettings(exchange=ExchangeSettings(replay=ReplaySettings(json_wins=wins)))
        async with open_door(world, settings=settings) as door:
            assert (await (await door.client()).ask())[2] == machine
        for each in world.machines.values():
            await each.listen()
    for each in world.machines.values():
        await each.shut()


async def test_the_json_type_without_a_body_leaves_the_header():
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nfly-replay: instance=b\r\nContent-Length: 16\r\n\r\n"
    world = await two(head.encode())
    async with open_door(world) as door:
        client = await door.client()
        await client.send("HEAD / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        assert (await client.response(head_only=True))[0] == 200
        assert len(world.machines["b"].requests) == 1


async def test_a_101_of_the_json_type_does_not_hang():
    words = f"HTTP/1.1 101 Yes\r\nContent-Type: {JSON}\r\nfly-replay: instance=b\r\n\r\n"
    world = await two(words.encode())
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask(connection="upgrade", upgrade="websocket"))[2] == b"b"


async def test_an_endless_json_body_is_refused_before_it_ends():
    world = await two(b"")

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\n\r\n".encode())
        while True:
            writer.write(b" " * 10_000)
            await writer.drain()

    world.machines["a"].script = endless
    async with open_door(world) as door:
        status, _, body = await (await door.client()).ask()
        assert status == 502
        assert body.startswith(b"PA03")
        assert b"longer than 65536 bytes" in body


async def test_what_is_said_to_the_proxy_reaches_the_client_only_by_setting():
    """REPORTED 2023 of fly-replay, ASSUMED of its family: [replay] hide_from_clients."""
    world = World()
    await world.add("a", who, region="ams")
    for hides in (False, True):
        settings = EdgeSettings(exchange=ExchangeSettings(replay=ReplaySettings(hide_from_clients=hides)))
        async with open_door(world, settings=settings) as door:
            _, headers, _ = await (await door.client()).ask()
            assert headers.get("fly-replay-cache") == (None if hides else "/x/*")
        await world.machines["a"].listen()
    await world.machines["a"].shut()
