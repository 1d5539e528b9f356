"""The edge over real sockets: routing by host, replays, limits, waking, and what clients and machines see of it."""

import json

from flylab.wire.machine import MachineState
from tests.local.world import Machine, Request, World, answer, open_door, until


def who(machine: Machine, request: Request) -> bytes:
    return answer(200, machine.id)


def replay_to(value: str):
    def handler(machine: Machine, request: Request) -> bytes:
        return answer(409, "not me", fly_replay=value)

    return handler


async def test_a_request_reaches_the_app_of_its_host_and_gets_the_proxys_headers():
    world = World()
    m = await world.add("m1", who)
    async with open_door(world) as door:
        client = await door.client()
        status, headers, body = await client.ask(
            "/a?b=1", X_Forwarded_For="1.2.3.4", Fly_Replay_Src="instance=evil", Via="x"
        )
        assert (status, body) == (200, b"m1")
        assert headers["server"].startswith("Fly/")
        assert headers["via"] == "1.1 fly.io"
        request = m.requests[0]
        assert request.target == "/a?b=1"
        assert request.headers["fly-client-ip"] == "127.0.0.1"
        assert request.headers["fly-region"] == "ams"
        assert request.headers["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
        assert request.headers["x-forwarded-proto"] == "http"
        assert request.headers["fly-request-id"].endswith("-ams")
        assert "fly-replay-src" not in request.headers
        # the same connection serves the next request
        assert (await client.ask())[2] == b"m1"
        assert m.connections == 1


async def test_a_replayed_request_reaches_the_named_machine_and_its_first_answer_is_never_seen():
    world = World()
    a = await world.add("a", replay_to("instance=b;state=blue"), region="ams")
    b = await world.add("b", who, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        await client.send(
            "POST /x HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 5\r\nx-flylab-trace: 1\r\n\r\nhello"
        )
        status, headers, body = await client.response()
        assert (status, body) == (200, b"b")
        assert not [name for name in headers if name.startswith("fly-replay")]
        assert a.requests[0].body == b.requests[0].body == b"hello"
        source = b.requests[0].headers["fly-replay-src"]
        assert source.startswith("instance=a;region=ams;t=") and source.endswith(";state=blue")
        trace = json.loads(headers["x-flylab-trace"])
        assert [(hop["machine"], hop["cause"], hop["outcome"]) for hop in trace["hops"]] == [
            ("a", "route", "replay"),
            ("b", "replay", "response"),
        ]
        await until(lambda: len(world.exchanges) == 1)
        assert world.exchanges[0]["hops"][1]["outcome"] == "response"


async def test_a_stopped_machine_is_started_once_for_many_requests():
    world = World()
    m = await world.add("m1", who, state=MachineState.STOPPED)
    async with open_door(world) as door:
        clients = [await door.client() for _ in range(50)]
        for client in clients:
            await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        for client in clients:
            assert (await client.response())[0] == 200
        assert m.starts == 1


async def test_eleven_replays_are_one_too_many():
    world = World()
    await world.add("a", replay_to("instance=a"))
    async with open_door(world) as door:
        client = await door.client()
        status, headers, body = await client.ask()
        assert status == 502
        assert b"PA02" in body
        assert len(world.machines["a"].requests) == 11
        assert (await client.ask())[0] == 502


async def test_an_upgrade_is_replayed_before_it_is_accepted_and_then_carries_bytes_both_ways():
    def room(machine: Machine, request: Request) -> bytes:
        return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nhi"

    world = World()
    await world.add("a", replay_to("instance=b"))
    b = await world.add("b", room, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        await client.send(
            "GET /room HTTP/1.1\r\nHost: rooms.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly"
        )
        status, headers, _ = await client.response()
        assert status == 101
        assert headers["upgrade"] == "websocket"
        assert headers["connection"].lower() == "upgrade"
        assert b.requests[0].headers["upgrade"] == "websocket"
        assert await client.reader.readexactly(7) == b"hiearly"
        await client.send(b"x" * 300_000)
        assert await client.reader.readexactly(300_000) == b"x" * 300_000
        assert world.loads.of("b") == 1
        client.writer.write_eof()
        assert await client.ended() == b""
    assert world.exchanges[-1]["hops"][-1]["outcome"] == "upgrade"
