"""Replays over real sockets: what the target gets, what the client never sees, and where the limits are."""

import asyncio
import json

import pytest

from flylab.local.edge import EdgeSettings
from flylab.rules.limits import ExchangeSettings
from flylab.wire.machine import MachineState
from tests.local.world import Machine, Request, World, answer, open_door, until

LIMIT = ExchangeSettings().replay_limit


def who(machine: Machine, request: Request) -> bytes:
    return answer(200, machine.id)


def replay_to(value: str, status: int = 409, **more: str):
    def handler(machine: Machine, request: Request) -> bytes:
        return answer(status, "not me", fly_replay=value, **more)

    return handler


async def two(first, second=who) -> World:
    world = World()
    await world.add("a", first, region="ams")
    await world.add("b", second, region="nrt")
    return world


def post(body: bytes | str, *, path: str = "/x", more: str = "") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = f"POST {path} HTTP/1.1\r\nHost: rooms.localhost\r\n{more}Content-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def test_a_replayed_request_reaches_the_named_machine_and_its_first_answer_is_never_seen():
    world = await two(replay_to("instance=b;state=blue", fly_replay_cache="x/*"))
    async with open_door(world) as door:
        client = await door.client()
        await client.send(post("hello", more="x-flylab-trace: 1\r\nX-Mine: 7\r\n"))
        status, headers, body = await client.response()
        assert (status, body) == (200, b"b")
        assert not [name for name in headers if name.startswith("fly-replay")]
        first, second = world.machines["a"].requests[0], world.machines["b"].requests[0]
        assert first.body == second.body == b"hello"
        source = second.headers.pop("fly-replay-src")
        assert source.startswith("instance=a;region=ams;t=")
        assert source.endswith(";state=blue")
        assert second.headers.pop("fly-replay-cache-status") == "miss"
        assert first.headers == second.headers  # the original request, as it was
        trace = json.loads(headers["x-flylab-trace"])
        assert [(hop["machine"], hop["region"], hop["cause"], hop["outcome"]) for hop in trace["hops"]] == [
            ("a", "ams", "route", "replay"),
            ("b", "nrt", "replay", "response"),
        ]
        assert trace["hops"][1]["ignored"] == ["fly-replay-cache 'x/*' does not match the request"]
        assert trace["status"] == 200
    assert world.exchanges[0]["total_ms"] >= trace["total_ms"]


@pytest.mark.parametrize("status", [200, 204, 307, 409, 421, 503])
async def test_fly_replay_counts_on_any_status(status):
    world = await two(replay_to("instance=b", status))
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"b"
        assert (await client.ask())[2] == b"b"


async def test_the_json_form_is_a_replay_too():
    def origin(machine: Machine, request: Request) -> bytes:
        return answer(200, '{"instance":"b","state":"blue"}', content_type="application/vnd.fly.replay+json")

    world = await two(origin)
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"b"
        assert (await client.ask())[2] == b"b"
        assert world.machines["b"].requests[0].headers["fly-replay-src"].endswith("state=blue")


@pytest.mark.parametrize(
    ("value", "code"),
    [("instance=", b"PA03"), ("app=nobody", b"PA04"), ("app=theirs", b"PA05"), ("region=syd", b"PR03")],
)
async def test_a_replay_that_cannot_be_followed_is_a_proxy_error(value, code):
    world = await two(replay_to(value))
    await world.add("c", who, app="theirs", organization="others")
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert status in (502, 503)
        assert body.startswith(code)


async def test_eleven_replays_are_one_too_many():
    world = World()
    await world.add("a", replay_to("instance=a"))
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert (status, body[:4]) == (502, b"PA02")
        assert len(world.machines["a"].requests) == 11
        assert (await client.ask())[0] == 502


async def test_another_app_a_stopped_target_and_elsewhere():
    world = World()
    await world.add("a", replay_to("app=workers;region=nrt,any"))
    await world.add("w", who, app="workers", region="fra", state=MachineState.STOPPED)
    await world.add("c", replay_to("elsewhere=true"), app="pair")
    await world.add("d", who, app="pair", region="syd")
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"w"
        assert world.machines["w"].starts == 1
        assert (await client.ask(host="pair.fly.dev"))[2] == b"d"


async def test_the_clients_own_headers_choose_and_are_passed_on():
    world = await two(who)
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask(fly_force_instance_id="b"))[2] == b"b"
        assert (await client.ask(fly_prefer_region="nrt"))[2] == b"b"
        assert (await client.ask(fly_prefer_instance_id="gone"))[2] == b"a"
        assert world.machines["a"].requests[0].headers["fly-preferred-instance-unavailable"] == "gone"
        assert world.machines["b"].requests[0].headers["fly-force-instance-id"] == "b"
        assert (await client.ask(fly_force_region="amsterdam"))[0] == 400


async def test_a_fallback_returns_to_the_origin_with_the_reason():
    def origin(machine: Machine, request: Request) -> bytes:
        if "fly-replay-failed" in request.headers:
            return answer(200, request.headers["fly-replay-failed"])
        return answer(409, fly_replay="instance=b;timeout=50ms;fallback=force_self")

    world = await two(origin)
    world.set_state("b", MachineState.STOPPED)
    world.may_start = asyncio.Event()
    async with open_door(world) as door:
        client = await door.client()
        _, _, body = await client.ask()
        assert body.startswith(b"instance=b;app=rooms;replay_source=a;reason=timeout;elapsed_ms=")
        world.may_start.set()


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 502)])
async def test_the_replay_limit_is_exact(size, status, chunked):
    def target(machine: Machine, request: Request) -> bytes:
        return answer(200, str(len(request.body)))

    world = await two(replay_to("instance=b"), target)
    async with open_door(world) as door:
        client = await door.client()
        body = bytes(size)
        if chunked:
            await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            half = size // 2
            await client.send(b"%x\r\n%b\r\n%x;a=b\r\n%b\r\n" % (half, body[:half], size - half, body[half:]))
            await client.send("0\r\nX-Trailer: 1\r\n\r\n")
        else:
            await client.send(post(body))
        got, _, text = await client.response()
        assert got == status
        assert text == str(size).encode() if status == 200 else text.startswith(b"PA01")
        assert len(world.machines["a"].requests[0].body) == size


async def test_an_origin_that_answers_before_the_body_has_come_replays_all_of_it():
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(409, fly_replay="instance=b"))
        await writer.drain()
        await reader.read()

    def target(machine: Machine, request: Request) -> bytes:
        return answer(200, request.body)

    for framing in ("Content-Length: 6", "Transfer-Encoding: chunked"):
        world = await two(who, target)
        world.machines["a"].script = early
        async with open_door(world) as door:
            client = await door.client()
            await client.send(f"POST / HTTP/1.1\r\nHost: rooms.localhost\r\n{framing}\r\n\r\n")
            first, second, end = (
                ("abc", "def", "") if "Length" in framing else ("3\r\nabc\r\n", "3\r\ndef\r\n", "0\r\n\r\n")
            )
            await client.send(first)
            await asyncio.wait_for(world.machines["a"].lost.wait(), 5)
            await client.send(second + end)
            assert (await client.response())[2] == b"abcdef"


async def test_chunks_that_outgrow_the_limit_while_they_are_collected_are_refused():
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(409, fly_replay="instance=b"))
        await writer.drain()
        await reader.read()

    world = await two(who)
    world.machines["a"].script = early
    settings = EdgeSettings(exchange=ExchangeSettings(replay_limit=1000))
    async with open_door(world, settings=settings) as door:
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.wait_for(world.machines["a"].lost.wait(), 5)
        await client.send(b"%x\r\n%b\r\n" % (1000, bytes(1000)))
        status, headers, body = await client.response()
        assert (status, body[:4], headers["connection"]) == (502, b"PA01", "close")
        assert await client.ended() == b""


async def test_a_long_body_is_passed_on_while_it_comes():
    total = 40 * 1024 * 1024
    world = World()
    m = await world.add("m1", who)
    seen = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await reader.readuntil(b"\r\n\r\n")
        while seen < total:
            seen += len(await reader.read(262_144))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        piece = bytes(1024 * 1024)
        for _ in range(total // len(piece)):
            writer.write(piece)
            await writer.drain()

    m.script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send(f"POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: {total}\r\n\r\n")
        piece = bytes(1024 * 1024)
        for _ in range(total // len(piece)):
            await client.send(piece)
        assert (await client.head())[0] == 200
        assert seen == total
        left = total
        while left:
            left -= len(await client.reader.read(1 << 20))
    assert world.exchanges[0]["hops"][0]["outcome"] == "response"


async def test_a_slow_machine_holds_the_client_back():
    world = World()
    m = await world.add("m1", who)
    go_on = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        await reader.readexactly(30_000_000)
        writer.write(answer(200, "all"))

    m.script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 30000000\r\n\r\n")
        sending = asyncio.create_task(client.send(bytes(30_000_000)))
        # Two sockets' buffers fill up and then nothing moves: the sender is still waiting.
        done, _ = await asyncio.wait([sending], timeout=0.3)
        assert not done
        go_on.set()
        await sending
        assert (await client.response())[2] == b"all"


async def test_a_slow_client_holds_the_machine_back():
    world = World()
    m = await world.add("m1", who)
    sent = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + bytes(30_000_000))
        await writer.drain()
        sent.set()

    m.script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sent.wait(), 0.3)
        await client.head()
        await client.reader.readexactly(30_000_000)
        await until(sent.is_set)


async def test_a_trace_for_every_request_on_demand():
    world = await two(who)
    async with open_door(world, settings=EdgeSettings(trace=True)) as door:
        _, headers, _ = await (await door.client()).ask()
        trace = json.loads(headers["x-flylab-trace"])
        assert trace["app"] == "rooms"
        assert trace["hops"][0]["configured_ms"] == 0
        assert trace["hops"][0]["woke"] is None
        status, headers, _ = await (await door.client()).ask(host="nobody.localhost")
        assert status == 404
        assert json.loads(headers["x-flylab-trace"])["hops"] == []
