"""The straight way over real sockets: what leaves it, and that nothing is seen of it but its speed."""

import asyncio
import itertools
import json
import socket

import pytest

from flylab.local import straight as ways
from flylab.local.dials import Dials
from flylab.local.edge import EdgeSettings
from flylab.local.pool import Pool
from flylab.local.upstream import Upstream
from flylab.rules.limits import ExchangeSettings
from flylab.wire.machine import MachineState
from tests.local.world import Machine, Request, World, answer, open_door, read_request, service, until

ASK = "GET {} HTTP/1.1\r\nHost: rooms.localhost\r\n\r\n"


def who(machine: Machine, request: Request) -> bytes:
    if request.target == "/replay" and machine.id == "a":
        return answer(409, "not me", fly_replay="instance=b")
    if request.target == "/shy":
        return answer(200, "", Content_Type="application/vnd.fly.replay+json")
    return answer(200, machine.id, Date="today")


class Begun(list[str]):
    """The targets of requests that began by the straight way; none does while it is closed."""

    closed = False


@pytest.fixture
def straight(monkeypatch):
    begun = Begun()
    start = ways.Straight.start

    def counted(way, plain, *body):
        went = not begun.closed and start(way, plain, *body)
        begun.extend([plain.head.target.decode()] * went)
        return went

    monkeypatch.setattr(ways.Straight, "start", counted)
    return begun


async def test_the_second_request_goes_straight_and_reads_like_the_first(straight):
    world = World()
    machine = await world.add("a", who)
    async with open_door(world) as door:
        client = await door.client()
        straight.closed = True
        first = await client.ask()
        straight.closed = False
        second, third = [await client.ask() for _ in range(2)]
        assert straight == ["/", "/"]
        ids = {headers.pop("fly-request-id") for _, headers, _ in (first, second, third)}
        assert len(ids) == 3
        assert first == second == third
        assert machine.connections == 1
        asked = [{**request.headers, "fly-request-id": ""} for request in machine.requests]
        assert asked[0] == asked[1] == asked[2]
        assert {request.headers["fly-request-id"] for request in machine.requests} == ids
        assert world.total_load() == 0
    shapes = [{**record, "id": "", "started_at": 0, "total_ms": 0, "hops": 0} for record in world.exchanges]
    assert shapes[0] == shapes[1] == shapes[2]
    varying = {"started_ms": 0, "ended_ms": 0}
    hops = [[hop | varying for hop in record["hops"]] for record in world.exchanges]
    assert hops[0] == hops[1] == hops[2]
    assert door.edge.tallies.answers["rooms", 200].count == 3


async def test_a_replay_a_body_in_parts_and_a_wish_leave_the_straight_way(straight):
    world = World()
    await world.add("a", who)
    await world.add("b", who, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"a"
        assert (await client.ask("/replay"))[2] == b"b"
        assert (await client.ask("/replay"))[2] == b"b"
        assert (await client.ask("/"))[2] == b"a"
        assert (await client.ask("/shy"))[0] == 502  # an empty body is no replay in JSON
        assert straight == ["/", "/replay", "/replay", "/", "/shy"]
        assert (await client.ask("/", fly_force_instance_id="b"))[2] == b"b"
        assert len(straight) == 5
        assert world.total_load() == 0
    assert [len(record["hops"]) for record in world.exchanges] == [1, 2, 2, 1, 1, 1]


def sources(machine: Machine) -> list[str]:
    return [request.headers.get("fly-replay-src", "") for request in machine.requests]


async def test_a_replay_that_repeats_itself_goes_straight_on_and_reads_like_the_first(straight):
    world = World()
    await world.add("a", who)
    second = await world.add("b", who, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        straight.closed = True
        answers = [await client.ask("/replay")]
        straight.closed = False
        answers += [await client.ask("/replay") for _ in range(3)]
        assert len(straight) == 3
        assert {body for _, _, body in answers} == {b"b"}
        for _, headers, _ in answers:
            headers.pop("fly-request-id")
        assert answers[0] == answers[1] == answers[3]
        assert second.connections == 1
        asked = [request.headers | {"fly-request-id": "", "fly-replay-src": ""} for request in second.requests]
        assert asked[0] == asked[1] == asked[3]
        told = [source.split(";t=") for source in sources(second)]
        assert {begin for begin, _ in told} == {"instance=a;region=ams"}
        moments = [int(t) for _, t in told]
        assert moments == sorted(moments)
        assert abs(moments[0] / 1_000_000 - world.exchanges[0]["started_at"]) < 60
        assert world.total_load() == 0
        tallies = door.edge.tallies
        assert tallies.answers["rooms", 200].count == 4
        assert tallies.visits["a", 409].count == tallies.visits["b", 200].count == 4
    varying = {"started_ms": 0, "ended_ms": 0}
    hops = [[hop | varying for hop in record["hops"]] for record in world.exchanges]
    assert hops[0] == hops[1] == hops[3]
    ended = world.exchanges[3]["hops"][0]["ended_ms"]
    assert 0 < ended == world.exchanges[3]["hops"][1]["started_ms"] <= world.exchanges[3]["total_ms"]


async def test_a_second_machine_that_is_lost_or_replays_again_is_the_business_of_a_walk():
    world = World()
    first = await world.add("a", who)
    turns = iter(("ok", "ok", "replays", "parts", "closes"))

    async def second(reader, writer):
        while await read_request(reader) is not None:
            match next(turns, "ok"):
                case "ok":
                    writer.write(answer(200, "b"))
                case "replays":
                    writer.write(answer(409, "", fly_replay="app=blue"))
                case "parts":
                    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\np\r\n")
                    await writer.drain()
                    writer.write(b"0\r\n\r\n")
                case "closes":
                    return

    (await world.add("b", who, region="nrt")).script = second
    await world.add("c", lambda machine, request: answer(200, "c"), app="blue")
    async with open_door(world) as door:
        client = await door.client()
        answers = [(await client.ask("/replay"))[2] for _ in range(5)]
        assert answers == [b"b", b"b", b"c", b"p", b"b"]
        assert world.total_load() == 0
    assert len(first.requests) == 5
    assert [[hop["machine"] for hop in record["hops"]] for record in world.exchanges] == [
        ["a", "b"],
        ["a", "b"],
        ["a", "b", "c"],
        ["a", "b"],
        ["a", "b"],
    ]
    assert [record["hops"][-1]["tries"] for record in world.exchanges] == [1, 1, 1, 1, 2]


async def test_a_client_that_leaves_while_its_replay_is_answered_gives_all_places_back():
    world = World()
    asked = asyncio.Event()
    held = False

    async def slow(machine: Machine, request: Request) -> bytes:
        if held:
            asked.set()
            await asyncio.Event().wait()
        return answer(200, "b")

    await world.add("a", who)
    await world.add("b", slow, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            await client.ask("/replay")
        held = True
        await client.send(ASK.format("/replay"))
        await asyncio.wait_for(asked.wait(), 5)
        assert (world.loads.of("a"), world.loads.of("b")) == (0, 1)
        await client.close()
        await until(lambda: world.total_load() == 0 and len(world.exchanges) == 3)
    assert [hop["outcome"] for hop in world.exchanges[2]["hops"]] == ["replay", "gone"]


async def test_a_kept_connection_that_ends_is_not_the_clients_trouble(straight):
    world = World()
    machine = await world.add("a", who)
    served = 0

    async def once(reader, writer):
        nonlocal served
        served += 1
        await read_request(reader)
        writer.write(answer(200, "1"))
        if served == 1:
            await read_request(reader)  # and closes without an answer

    machine.script = once
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[2] == b"1"
        assert (await client.ask())[2] == b"1"
        assert straight == ["/", "/"]
        assert served == 2
    assert [hop["tries"] for hop in world.exchanges[1]["hops"]] == [2]


async def test_a_client_that_leaves_gives_its_place_back(straight):
    world = World()
    asked, may = asyncio.Event(), asyncio.Event()

    async def slow(machine: Machine, request: Request) -> bytes:
        if request.target == "/slow":
            asked.set()
            await may.wait()
        return answer(200, "x")

    await world.add("a", slow)
    async with open_door(world) as door:
        client = await door.client()
        await client.ask()
        await client.send(ASK.format("/slow"))
        await asyncio.wait_for(asked.wait(), 5)
        assert world.loads.of("a") == 1
        await client.close()
        await until(lambda: world.total_load() == 0)
        await until(lambda: len(world.exchanges) == 2)
        may.set()
    assert straight == ["/", "/slow"]
    assert world.exchanges[1]["status"] is None
    assert world.exchanges[1]["hops"][0]["outcome"] == "gone"


async def test_requests_that_come_at_once_are_answered_in_order(straight):
    world = World()
    await world.add("a", lambda machine, request: answer(200, request.target))
    async with open_door(world) as door:
        client = await door.client()
        await client.ask()
        await client.send("".join(ASK.format(f"/{number}") for number in range(20)))
        assert [(await client.response())[2] for _ in range(20)] == [b"/%d" % number for number in range(20)]
        assert len(straight) == 21


async def test_heads_and_answers_that_differ_go_straight_and_read_like_others(straight):
    world = World()
    dates = itertools.count()
    machine = await world.add("a", lambda machine, request: answer(200, request.target, ETag=str(next(dates))))
    await world.add("b", who, app="blue", service_of=service())
    cookies = [{}, *({"cookie": f"n={n}"} for n in range(4)), {"cookie": "n=4", "x_more": "1"}]
    async with open_door(world) as door:
        answers = []
        for straight.closed in (True, False):
            client = await door.client()
            for number, more in enumerate(cookies):
                answers.append(await client.ask(f"/{number}", accept="*/*", **more, dnt="1"))
        assert straight == [f"/{number}" for number in range(len(cookies))]
        ids = {headers.pop("fly-request-id") for _, headers, _ in answers}
        assert len(ids) == len(answers)
        assert [int(headers.pop("etag")) for _, headers, _ in answers] == list(range(len(answers)))
        slow, quick = answers[: len(cookies)], answers[len(cookies) :]
        assert slow == quick
        asked = [(request.target, {**request.headers, "fly-request-id": ""}) for request in machine.requests]
        assert asked[: len(cookies)] == asked[len(cookies) :]
        # The same client with another host, on another view, and while nothing goes straight.
        for host, status in (("blue.localhost", 200), ("none.localhost", 404)):
            assert (await client.ask("/x", host=host, accept="*/*", dnt="1"))[0] == status
        client = await door.client()
        for number in range(3):
            assert (await client.ask("/y", accept="*/*", cookie=f"y={number}", dnt="1"))[2] == b"/y"
        went = len(straight)
        door.edge.notes = {"faults": ["slow"]}
        assert (await client.ask("/faulty", accept="*/*", cookie="y", dnt="1"))[2] == b"/faulty"
        door.edge.notes = {}
        world.set_state("a", MachineState.STOPPED)
        assert (await client.ask("/woken", accept="*/*", cookie="yy", dnt="1"))[2] == b"/woken"
        assert len(straight) == went
        assert (await client.ask("/after", accept="*/*", cookie="yyy", dnt="1"))[2] == b"/after"
        assert len(straight) == went + 1
    asked = [(record["app"], record["path"]) for record in world.exchanges]
    paths = [("rooms", f"/{number}") for number in range(len(cookies))]
    ends = ["/y", "/y", "/y", "/faulty", "/woken", "/after"]
    assert asked == [*paths, *paths, ("blue", "/x"), (None, "/x"), *(("rooms", path) for path in ends)]


async def test_who_has_changed_is_looked_at_anew(straight):
    world = World()
    await world.add("a", who)
    await world.add("b", who, app="blue", service_of=service())
    world.view.put_host("rooms.example", "rooms")
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            assert (await client.ask(host="rooms.example"))[2] == b"a"
        assert (await client.ask(host="blue.localhost"))[2] == b"b"
        assert (await client.ask(host="rooms.example"))[2] == b"a"
        world.view.put_host("rooms.example", "blue")
        assert (await client.ask(host="rooms.example"))[2] == b"b"
        world.view.drop_host("rooms.example")
        assert (await client.ask(host="rooms.example"))[0] == 404
        door.edge.notes = {"faults": ["slow"]}
        went = len(straight)
        assert (await client.ask())[2] == b"a"
        assert len(straight) == went
        door.edge.notes = {}
        world.set_state("a", MachineState.STOPPED)
        assert (await client.ask())[2] == b"a"
        assert world.wakes == ["a"]


async def test_a_trace_is_told_of_what_went_straight_as_of_what_did_not(straight):
    world = World()
    await world.add("a", who)
    await world.add("b", who, region="nrt")
    async with open_door(world) as door:
        client = await door.client()
        straight.closed = True
        asked = [(path, await client.ask(path, x_flylab_trace="1")) for path in ("/", "/replay")]
        straight.closed = False
        asked += [(path, await client.ask(path, x_flylab_trace="1")) for path in ("/?%25", "/replay", "/replay")]
        asked.append(("/", await client.ask("/", x_flylab_trace="0")))
        assert len(straight) == 4
        assert "x-flylab-trace" not in asked.pop()[1][1]
        assert all("x-flylab-trace" not in request.headers for request in world.machines["a"].requests)
    for (path, (status, headers, _)), record in zip(asked, world.exchanges, strict=False):
        told = json.loads(headers["x-flylab-trace"])
        assert (told["id"], told["path"], told["status"]) == (headers["fly-request-id"], path, status)
        assert told["total_ms"] <= record["total_ms"]
        for each in (told, record):
            for hop in each["hops"]:
                assert hop["ended_ms"] <= each["total_ms"]
                hop["ended_ms"] = 0
            each["total_ms"] = 0
        assert told == record


def post(target: str, body: bytes) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def test_bodies_go_straight_whole_and_in_pieces_and_are_replayed(straight):
    world = World()
    await world.add("a", who)
    second = await world.add("b", lambda machine, request: answer(200, request.body), region="nrt")
    async with open_door(world, settings=EdgeSettings(exchange=ExchangeSettings(replay_limit=300_000))) as door:
        client = await door.client()
        for number in range(6):
            body = bytes([65 + number]) * (1000 if number < 3 else 200_000)
            request = post("/replay", body)
            size = len(request) - len(body)
            cuts = ((), (size,), (size + 1, size + 700), (100,), (), (size + 100_000,))[number]
            for begin, end in itertools.pairwise((0, *cuts, len(request))):
                await client.send(request[begin:end])
                await asyncio.sleep(0)  # what is sent in pieces may come in pieces
            status, _, said = await client.response()
            assert (status, said == body) == (200, True)
        assert second.connections == 1
        assert world.total_load() == 0
        large = b"x" * 300_001
        await client.send(post("/replay", large))
        status, _, said = await client.response()
        assert b"PA01" in said
        assert (await client.ask())[2] == b"a"
    assert straight[-2:] == ["/replay", "/"]
    assert len(straight) == 8
    assert [len(record["hops"]) for record in world.exchanges] == [2] * 6 + [1, 1]


async def test_what_follows_a_body_at_once_is_the_next_request(straight):
    world = World()
    await world.add("a", lambda machine, request: answer(200, request.method + " " + request.body.decode()))
    async with open_door(world) as door:
        client = await door.client()
        await client.ask()
        for _ in range(2):
            await client.send(post("/x", b"one") + post("/x", b"two") + ASK.format("/").encode() + post("/x", b""))
            assert [(await client.response())[2] for _ in range(4)] == [b"POST one", b"POST two", b"GET ", b"POST "]
    assert len(straight) == 9


async def test_a_body_is_sent_again_when_its_kept_connection_ends(straight):
    world = World()
    machine = await world.add("a", who)
    served = 0

    async def once(reader, writer):
        nonlocal served
        served += 1
        request = await read_request(reader)
        writer.write(answer(200, request.body))
        if served == 1:
            await read_request(reader)  # and closes without an answer

    machine.script = once
    async with open_door(world) as door:
        client = await door.client()
        for body in (b"first", b"again"):
            await client.send(post("/", body))
            assert (await client.response())[2] == body
    assert straight == ["/", "/"]
    assert served == 2


async def test_an_answer_that_comes_before_the_body_has_and_a_client_that_leaves_amid_it(straight):
    world = World()
    machine = await world.add("a", who)
    heads = asyncio.Queue()

    async def hasty(reader, writer):
        if b"GET" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer(200, "ready"))
            heads.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(413, "too much", Connection="close"))
        await reader.read()

    machine.script = hasty
    async with open_door(world) as door:
        client = await door.client()
        await client.ask()
        await client.send(post("/", b"x" * 1000)[:-500])
        assert (await client.response())[2] == b"too much"
        heads.get_nowait()
        assert world.total_load() == 0
        other = await door.client()
        await other.ask()
        await other.send(post("/", b"x" * 1000)[:-500])
        assert b"POST" in await asyncio.wait_for(heads.get(), 5)
        await other.close()
        await until(lambda: world.total_load() == 0)
    assert straight == ["/", "/", "/", "/"]


async def test_each_request_has_a_connection_of_its_own_where_a_service_counts_connections(straight):
    world = World()
    machine = await world.add("a", who, service_of=service(kind="connections", hard=1))
    await world.add("b", who, region="nrt", service_of=service(kind="connections"))
    async with open_door(world) as door:
        client = await door.client()
        straight.closed = True
        answers = [await client.ask("/replay")]
        straight.closed = False
        answers += [await client.ask("/replay") for _ in range(3)]
        for _, headers, _ in answers:
            headers.pop("fly-request-id")
        assert answers[0] == answers[1] == answers[3]
        assert straight == ["/replay"] * 3
        assert machine.connections == world.machines["b"].connections == 4
        assert world.total_load() == 0
        assert door.edge.tallies.connects["b"].count == 4
        await until(lambda: not door.edge.pool.open)
        assert door.edge.pool.line(("a", ("127.0.0.1", machine.port), False)) is None


async def test_a_machine_that_refuses_its_connection_is_tried_again_by_a_walk(straight):
    world = World()
    machine = await world.add("a", who)
    async with open_door(world) as door:
        client = await door.client()
        await machine.shut()
        await client.send(post("/", b"x" * 100))
        await until(lambda: world.total_load() == 1)
        await machine.listen()
        assert (await client.response())[2] == b"a"
        assert machine.requests[0].body == b"x" * 100
    assert straight == ["/"]
    assert world.exchanges[0]["hops"][0]["tries"] > 1


async def test_a_client_that_leaves_before_its_connection_is_made_and_a_connection_that_takes_too_long():
    world = World()
    machine = await world.add("a", who)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)  # takes one or two and answers no more
    crowd = [socket.socket() for _ in range(4)]
    for one in crowd:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    machine.port = full.getsockname()[1]
    settings = EdgeSettings(connect_timeout=0.05, exchange=ExchangeSettings(connect_tries=1))
    try:
        async with open_door(world, settings=settings) as door:
            late, gone = await door.client(), await door.client()
            for client in (late, gone):
                await client.send(ASK.format("/"))
            await until(lambda: world.loads.of("a") == 2)
            await gone.close()
            await until(lambda: world.loads.of("a") == 1)
            assert (await late.response())[0] == 503
            assert not door.edge.pool.open
    finally:
        for one in (*crowd, full):
            one.close()
    assert sorted(str(record["hops"][0]["code"]) for record in world.exchanges) == ["None", "PC05"]


def test_a_connection_that_has_become_a_pipe_leaves_the_pool_as_any_other():
    pool = Pool(idle=1.0)

    async def run() -> None:
        upstream = Upstream("key", pool=pool)
        pool.opened(upstream)
        assert pool.line("key") is not None
        upstream.key = None
        pool.closed(upstream)
        pool.closed(upstream)

    asyncio.run(run())
    assert pool.line("key") is None
    assert not pool.open


async def test_a_body_that_cannot_be_kept_is_a_walks_whenever_it_comes(straight):
    world = World()
    await world.add("a", lambda machine, request: answer(200, str(len(request.body))))
    async with open_door(world, settings=EdgeSettings(exchange=ExchangeSettings(retry_limit=1000))) as door:
        client = await door.client()
        for size in (1001, 1001, 1000, 1001):
            await client.send(post("/", b"x" * size))
            assert (await client.response())[2] == str(size).encode()
    assert len(straight) == 1


async def test_a_state_that_differs_each_time_is_told_as_it_was_said_also_when_it_is_sent_again(straight):
    world = World()
    machine = await world.add("a", lambda machine, request: answer(409, "", fly_replay=words(len(machine.requests))))
    told: list[str] = []

    def words(number: int) -> str:
        return f"instance=b;state=s{number}.x"

    async def second(reader, writer):
        while (request := await read_request(reader)) is not None:
            told.append(request.headers["fly-replay-src"])
            if len(told) == 4:
                return  # without an answer
            writer.write(answer(200, "b"))

    (await world.add("b", who, region="nrt")).script = second
    async with open_door(world) as door:
        client = await door.client()
        for number in range(4):
            straight.closed = number == 0
            assert (await client.ask())[2] == b"b"
        assert len(machine.requests) == 4
    assert len(straight) == 3
    assert told[3] == told[4]
    del told[4]
    assert [source.partition(";t=")[0] for source in told] == ["instance=a;region=ams"] * 4
    assert [source.partition(";state=")[2] for source in told] == [f"s{number}.x" for number in (1, 2, 3, 4)]


async def test_a_machine_that_is_stopped_while_its_connection_is_made_is_sent_nothing(monkeypatch):
    world = World()
    machine = await world.add("a", who)
    dial = Dials.dial

    def stopped_since(dials, *args):
        monkeypatch.undo()
        made = dial(dials, *args)
        world.set_state("a", MachineState.STOPPED)
        return made

    async with open_door(world) as door:
        client = await door.client()
        monkeypatch.setattr(Dials, "dial", stopped_since)
        assert (await client.ask())[2] == b"a"
    assert world.wakes == ["a"]
    assert len(machine.requests) == 1
    assert machine.connections == 2
    assert [hop["code"] for hop in world.exchanges[0]["hops"]] == ["PM08", None]
