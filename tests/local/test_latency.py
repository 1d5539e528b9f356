"""Distance made of waiting: each chunk is late by the same time, in order, and nothing else changes."""

import asyncio
import json

from flylab.local import latency
from flylab.local.latency import DelayLine, Latency
from tests.local.world import Machine, Request, World, answer, open_door


class Loop:
    """The two calls of an event loop that a line needs, with a time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timer: tuple[float, object] | None = None

    def time(self) -> float:
        return self.now

    def call_at(self, when, call):
        self.timer = (when, call)
        return self

    def cancel(self) -> None:
        self.timer = None

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timer is not None and self.timer[0] <= end:
            self.now, call = self.timer
            self.timer = None
            call()
        self.now = end


def line(delay: float = 0.1):
    loop, got = Loop(), []
    made = DelayLine(loop, delay)
    return loop, got, made, lambda what: made.push(len(what), lambda: got.append((round(loop.now, 3), what)))


def test_each_chunk_is_late_by_the_same_time_whatever_comes_behind_it():
    loop, got, made, push = line()
    push("a")
    loop.advance(0.03)
    push("b")
    push("c")
    assert made.size == 3
    loop.advance(0.069)
    assert got == []
    loop.advance(0.04)
    assert got == [(100.1, "a"), (100.13, "b"), (100.13, "c")]
    assert made.size == 0
    push("d")
    loop.advance(0.1)
    assert got[-1][1] == "d"


def test_many_chunks_are_on_their_way_at_once():
    loop, got, _, push = line(1.0)
    for number in range(900):
        push(str(number))
        loop.advance(0.001)
    assert got == []
    loop.advance(1.0)
    assert [what for _, what in got] == [str(number) for number in range(900)]


def test_a_full_line_says_when_it_has_room(monkeypatch):
    monkeypatch.setattr(latency, "FULL", 3)
    loop, _, made, push = line()
    told = []
    made.drained = lambda: told.append(loop.now)
    push("ab")
    assert not made.full
    push("cd")
    assert made.full
    loop.advance(0.2)
    assert not made.full
    assert len(told) == 1


def test_a_closed_line_delivers_nothing_even_when_it_is_closed_by_a_delivery():
    loop, got, made, push = line()
    push("a")
    made.close()
    made.close()
    loop.advance(1.0)
    made.push(0, made.close)
    push("b")
    loop.advance(1.0)
    assert got == []
    assert loop.timer is None


async def test_a_request_pays_the_round_trip_of_each_hop_and_the_trace_says_so():
    def origin(machine: Machine, request: Request) -> bytes:
        return answer(307, fly_replay="instance=b")

    def target(machine: Machine, request: Request) -> bytes:
        return answer(200, "b")

    table = {"iad": 20.0, "nrt": 30.0}
    world = World()
    await world.add("a", origin, region="iad")
    await world.add("b", target, region="nrt")
    async with open_door(world, latency=Latency(lambda edge, region: table[region])) as door:
        client = await door.client()
        _, headers, body = await client.ask(x_flylab_trace="1")
        assert body == b"b"
        trace = json.loads(headers["x-flylab-trace"])
        assert [hop["configured_ms"] for hop in trace["hops"]] == [20.0, 30.0]
        assert trace["total_ms"] >= 50.0 - 2  # half a millisecond per timer, four timers
        assert trace["hops"][0]["ended_ms"] >= 19


async def test_distance_does_not_limit_how_much_is_on_its_way():
    size = 8_000_000

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(size)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        await reader.read()

    def never(machine: Machine, request: Request) -> bytes:
        raise AssertionError

    world = World()
    (await world.add("a", never)).script = script
    async with open_door(world, latency=Latency(lambda a, b: 40.0)) as door:
        client = await door.client()
        await client.send(
            f"POST / HTTP/1.1\r\nHost: rooms.localhost\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size)
        )
        status, _, body = await client.response()
        assert (status, len(body)) == (200, size)
        await client.close()
    # One round trip, not one per window of a few chunks; generous, because this computer may be busy.
    assert world.exchanges[0]["total_ms"] < 5_000
