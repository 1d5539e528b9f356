"""The edge over real sockets: which app answers, what is added to requests and answers, what a refusal says."""

import asyncio

import pytest

from flylab.errors import RuleError
from flylab.local.edge import EdgeSettings
from flylab.rules.limits import ExchangeSettings
from flylab.wire.machine import MachineState
from tests.local.world import Machine, Request, World, answer, open_door, service, until

QUICK = EdgeSettings(exchange=ExchangeSettings(first_pause=0.001, longest_pause=0.002, attempts=5, queue_timeout=0.05))


def who(machine: Machine, request: Request) -> bytes:
    return answer(200, machine.id)


async def test_a_request_reaches_the_app_of_its_host_and_gets_the_proxys_headers():
    world = World()
    m = await world.add("m1", who)
    async with open_door(world) as door:
        client = await door.client()
        status, headers, body = await client.ask("/a?b=1", X_Forwarded_For="1.2.3.4", Fly_Replay_Src="evil", Via="x")
        assert (status, body) == (200, b"m1")
        assert headers["server"].startswith("Fly/")
        assert headers["via"] == "1.1 fly.io"
        request = m.requests[0]
        assert request.target == "/a?b=1"
        assert request.headers["host"] == "rooms.localhost"
        assert request.headers["fly-client-ip"] == "127.0.0.1"
        assert request.headers["fly-region"] == "ams"
        assert request.headers["fly-forwarded-port"] == "80"
        # DOCUMENTED networking/request-headers: the client, proxies, and last an address of the app.
        assert request.headers["x-forwarded-for"] == "1.2.3.4, 127.0.0.1, 203.0.113.1"
        assert request.headers["x-forwarded-proto"] == "http"
        assert request.headers["x-forwarded-port"] == "80"
        assert request.headers["x-forwarded-ssl"] == "off"
        assert request.headers["via"] == "1.1 fly.io"
        assert request.headers["fly-request-id"] == headers["fly-request-id"]
        assert request.headers["fly-request-id"].endswith("-ams")
        assert "fly-replay-src" not in request.headers


async def test_the_same_connections_serve_the_next_request():
    world = World()
    m = await world.add("m1", who)
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(3):
            assert (await client.ask())[2] == b"m1"
        assert m.connections == 1


async def test_machines_that_count_connections_get_a_new_one_for_each_request():
    world = World()
    m = await world.add("m1", who, service_of=service(kind="connections"))
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(3):
            assert (await client.ask())[2] == b"m1"
        assert m.connections == 3
    world = World()
    m = await world.add("m1", who, service_of=service(kind="connections"))
    async with open_door(world, settings=EdgeSettings(always_reuse=True)) as door:
        client = await door.client()
        for _ in range(3):
            assert (await client.ask())[2] == b"m1"
        assert m.connections == 1


async def test_an_unknown_host_is_told_how_to_name_an_app():
    world = World()
    async with open_door(world) as door:
        client = await door.client()
        for host in ("rooms.localhost", "127.0.0.1:4300"):
            status, headers, body = await client.ask(host=host)
            assert status == 404
            assert headers["content-type"].startswith("text/plain")
            assert b"<app>.localhost" in body
            assert host.encode() in body


async def test_an_app_without_machines_is_a_503_with_its_code():
    world = World()
    m = await world.add("m1", who)
    world.view.drop("m1")
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert (status, body) == (503, b"PR01: app 'rooms' has no machines\n")
        assert m.requests == []


async def test_a_refusal_of_a_head_request_has_no_body():
    world = World()
    async with open_door(world) as door:
        client = await door.client()
        await client.send("HEAD / HTTP/1.1\r\nHost: x.localhost\r\n\r\n")
        status, headers, _ = await client.response(head_only=True)
        assert status == 404
        assert int(headers["content-length"]) > 0
        assert (await client.ask(host="x.localhost"))[0] == 404


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
    woke = [record["hops"][0]["woke"] for record in world.exchanges]
    assert all(one["requested_ms"] <= one["started_ms"] <= one["reachable_ms"] for one in woke)


async def test_without_autostart_a_stopped_machine_is_a_503():
    world = World()
    m = await world.add("m1", who, state=MachineState.STOPPED, service_of=service(autostart=False))
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert status == 503
        assert b"autostart" in body
        assert m.starts == 0


async def test_a_refused_wake_is_a_503_that_says_why():
    world = World()
    await world.add("m1", who, state=MachineState.STOPPED)
    world.refuse_wake = RuleError("PM01", "a lease is held on machine m1")
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert (status, body) == (503, b"PR03: a lease is held on machine m1 (PM01)\n")


async def test_a_machine_that_listens_late_gets_the_request():
    world = World()
    m = await world.add("m1", who, listens=False)
    async with open_door(world, settings=EdgeSettings(exchange=ExchangeSettings(first_pause=0.01))) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        await until(lambda: world.loads.of("m1") == 1)
        await m.listen()
        assert (await client.response())[2] == b"m1"
        assert world.exchanges[0]["hops"][0]["tries"] > 1


async def test_a_machine_that_never_listens_is_a_503_that_says_so():
    world = World()
    await world.add("m1", who, listens=False)
    async with open_door(world, settings=QUICK) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert status == 503
        assert b"did not listen on port 8080 within 15 tries" in body
        # Somebody whose app has its port written into it needs to hear where it has to listen, and where its log is.
        assert b"listens on 127.0.0.1:$PORT" in body
        assert b"/_flylab/apps/rooms/machines/m1/logs" in body


async def test_at_the_hard_limit_a_request_waits_for_its_turn_or_is_refused():
    world = World()
    free = asyncio.Event()

    async def slow(machine: Machine, request: Request) -> bytes:
        await free.wait()
        return answer(200, "done")

    await world.add("m1", slow, service_of=service(hard=1))
    async with open_door(world) as door:
        first, second = await door.client(), await door.client()
        await first.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        await until(lambda: world.loads.of("m1") == 1)
        await second.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        free.set()
        assert (await first.response())[2] == (await second.response())[2] == b"done"
    free.clear()
    async with open_door(world, settings=QUICK) as door:
        await world.machines["m1"].listen()
        first, second = await door.client(), await door.client()
        await first.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        await until(lambda: world.loads.of("m1") == 1)
        status, _, body = await second.ask()
        assert status == 503
        assert body.startswith(b"PL02: machine m1 is at its hard limit of 1")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", b"closed the connection without an answer"),
        (b"garbage\r\n\r\n", b"the answer is not valid HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"there are two content-length lines"),
    ],
)
async def test_a_machine_without_a_usable_answer_is_a_502(said, why):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    world = World()
    (await world.add("m1", who)).script = script
    async with open_door(world) as door:
        client = await door.client()
        status, _, body = await client.ask()
        assert (status, body[:4]) == (502, b"PU02")
        assert why in body


async def test_a_request_on_a_kept_connection_that_is_closing_is_sent_again():
    world = World()
    m = await world.add("m1", who)
    served = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, "first"))
        served += 1
        await reader.readuntil(b"\r\n\r\n")  # and then, without a word, the end

    m.script = script
    async with open_door(world) as door:
        client = await door.client()
        for expected in (1, 2, 3):
            await client.send("POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 1\r\n\r\nx")
            assert (await client.response())[2] == b"first"
            assert served == expected


async def test_a_machine_that_breaks_off_cuts_the_clients_answer_too():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")

    world = World()
    (await world.add("m1", who)).script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        assert (await client.head())[0] == 200
        with pytest.raises(asyncio.IncompleteReadError):
            await client.reader.readuntil(b"0\r\n\r\n")
    assert world.exchanges[0]["hops"][0]["code"] == "PU02"


async def test_a_client_that_leaves_takes_its_request_with_it():
    world = World()
    m = await world.add("m1", who)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    m.script = script
    async with open_door(world) as door:
        for data in (
            "GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: 100\r\n\r\nhalf",
        ):
            client = await door.client()
            m.lost.clear()
            await client.send(data)
            await until(lambda: world.loads.of("m1") == 1)
            await client.close()
            await asyncio.wait_for(m.lost.wait(), 5)
            await until(lambda: world.loads.of("m1") == 0)
    assert [record["hops"][0]["outcome"] for record in world.exchanges] == ["gone", "gone"]


async def test_a_client_that_leaves_while_a_machine_wakes_leaves_nothing_reserved():
    world = World()
    await world.add("m1", who, state=MachineState.STOPPED)
    world.may_start = asyncio.Event()
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        await until(lambda: world.wakes == ["m1"])
        await client.close()
        await until(lambda: world.loads.of("m1") == 0)
        world.may_start.set()
        assert (await (await door.client()).ask())[2] == b"m1"


async def test_closing_the_edge_ends_what_is_open():
    world = World()
    m = await world.add("m1", who)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    m.script = script
    async with open_door(world) as door:
        client = await door.client()
        await client.send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n")
        await until(lambda: world.loads.of("m1") == 1)
        await door.edge.close()
        assert await client.ended() == b""
        assert world.loads.of("m1") == 0


def test_closing_the_edge_in_the_middle_of_a_connect_does_not_wait_for_what_is_gone():
    # uvloop tells a connection nothing of its end when the task that made it is cancelled.
    loops = pytest.importorskip("uvloop")

    async def close_after(turns: int) -> None:
        world = World()
        machine = await world.add("m1", who)
        async with asyncio.timeout(10), open_door(world) as door:
            connecting = [
                asyncio.create_task(door.edge.connect(("127.0.0.1", machine.port), None, "ams")) for _ in range(20)
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            door.edge.pool.close()
            for task in connecting:
                task.cancel()
            await asyncio.gather(*connecting, return_exceptions=True)
            await until(lambda: not door.edge.pool.open)

    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        for turns in range(6):
            runner.run(close_after(turns))
