"""A whole edge in memory, with clients and machines that send what the fuzzer makes.

    python -m tests.local.fuzz_edge 10000 [SEED]

messages, in pieces ──► Downstream ─► Straight, Walk ─► Upstream ──► h11 reads what a machine gets
      h11 reads what a client gets ◄──────────────────────────── ◄── answers, in pieces

What is read of one message is tried out in ``fuzzing``; here it is what becomes of many on connections that are kept,
with heads that are remembered, pipelines and replays.
"""

import asyncio
import faulthandler
import sys
import time
from random import Random
from typing import Any

import h11

from flylab.clock import SystemClock
from flylab.local.dials import Dial, Dialler, Dials
from flylab.local.downstream import Downstream
from flylab.local.edge import Edge
from flylab.local.latency import Latency
from flylab.local.repeat import Repeat
from flylab.local.upstream import Upstream
from flylab.published.network import rtt
from tests.local.fuzz_inputs import HEADS, START, STATUS, Maker
from tests.local.fuzzing import requests, response
from tests.local.world import World, answer

_TOO_LONG = 60  # seconds for a hundred clients
_GOOD = b"GET /%d HTTP/1.1\r\nHost: a.localhost\r\nCookie: a=%d\r\n\r\n"


class Wire(asyncio.Transport):
    """A connection that keeps what is written to it; its other end is the test."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.open = True
        self.paused = False
        self.ended = False
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return not self.open

    def write(self, data: Any) -> None:
        if self.open:
            self.written += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self.open:
            self.open = False
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def get_write_buffer_size(self) -> int:
        return 0


class Memory(Edge):
    """An edge whose machines are at the other ends of ``Wire``s."""

    wires: list[Wire]

    async def connect(
        self, address: tuple[str, int], key: object, region: str, *, h2: bool = False
    ) -> tuple[Upstream | None, str]:
        upstream = Upstream(key, pool=self.pool)
        self.wires.append(Wire(upstream))
        return upstream, ""


class MemoryDials(Dials):
    """The same for requests that go straight."""

    def __init__(self, edge: Memory) -> None:
        super().__init__(edge)
        self._memory = edge

    def dial(self, dialler: Dialler, address: tuple[str, int], key: object, region: str, known: Repeat) -> Dial:
        upstream = Upstream(key, pool=self._memory.pool)
        upstream.known = known
        dial = upstream.dialled = Dial(dialler, upstream, float("inf"))
        self._memory.loop.call_soon(lambda: self._memory.wires.append(Wire(upstream)))
        return dial


class Port:
    """A machine's end of one connection: what it got, as h11 reads it, and the answers that are due."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.raw = False  # after a 101
        self._parser = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""

    def asked(self) -> list[tuple[bytes, bytes, bytes, bytes]]:
        """Requests that are complete now: id, method, target, body."""
        data, self.wire.written = self.wire.written, b""
        found: list[tuple[bytes, bytes, bytes, bytes]] = []
        if self.raw or not data:
            return found
        self._parser.receive_data(data)
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Request):
                self._head, self._body = event, b""
            elif isinstance(event, h11.Data):
                self._body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert self._head is not None
                ids = [value for name, value in self._head.headers if name == b"fly-request-id"]
                assert len(ids) == 1, data
                found.append((ids[0], self._head.method, self._head.target, self._body))
                rest, _ = self._parser.trailing_data
                self._parser = h11.Connection(h11.SERVER)
                if rest:
                    self._parser.receive_data(rest)
            else:
                return found

    async def say(self, data: bytes, rng: Random) -> None:
        """Send an answer, whole or in pieces."""
        self.raw = self.raw or b" 101 " in data[:64]
        for piece in pieces(data, rng):
            if self.wire.open:
                self.wire.protocol.data_received(piece)
                await asyncio.sleep(0)


def pieces(data: bytes, rng: Random) -> list[bytes]:
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 0, 1, 3))))
    return [piece for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if (piece := data[a:b])]


class Session:
    """One client, from its first byte until it leaves."""

    def __init__(self, edge: Memory, rng: Random, asks: Maker, answers: Maker) -> None:
        self.edge = edge
        self.rng = rng
        self.answers = answers
        self.ports: dict[Wire, Port] = {}
        self.got: list[tuple[bytes, bytes, bytes, bytes]] = []
        same = _GOOD % (rng.randrange(2), rng.randrange(2))
        kinds = (lambda: same, lambda: _GOOD % (rng.randrange(9), rng.randrange(9)), asks.message, asks.body)
        self.messages = [rng.choices(kinds, (4, 2, 2, 1))[0]() for _ in range(rng.randrange(1, 8))]
        for message in self.messages:
            if requests(message)[0]:
                asks.accepted(message)
        self.stream = b"".join(self.messages)
        self.wire = Wire(Downstream(edge, edge.front))

    async def run(self) -> int:
        """Raises AssertionError; says how many requests reached a machine."""
        client = self.wire.protocol
        for data in self.messages if self.rng.random() < 0.5 else pieces(self.stream, self.rng):
            if self.wire.open:
                client.data_received(data)
            await self.settle()
        self.check_machines()
        self.check_client()
        if self.wire.open:
            self.wire.open = False
            client.connection_lost(None)
        await asyncio.sleep(0)
        return len(self.got)

    async def settle(self) -> None:
        """Let everything happen that happens without time."""
        quiet = 0
        while quiet < 4:
            await asyncio.sleep(0)
            quiet += 1
            for wire in self.edge.wires:
                port = self.ports.setdefault(wire, Port(wire))
                for request in port.asked():
                    self.got.append(request)
                    quiet = 0
                    await port.say(self.answer(request[0]), self.rng)
            self.edge.wires[:] = [wire for wire in self.edge.wires if wire.open]

    def answer(self, request_id: bytes) -> bytes:
        chance = self.rng.random()
        if chance < 0.6:
            return answer(200, request_id.decode())
        if chance < 0.75:
            return answer(
                409, "not here", fly_replay=self.rng.choice(("instance=b", "instance=a;state=x", "elsewhere"))
            )
        data = self.answers.message() if self.rng.random() < 0.7 else self.answers.body()
        if response(data) is not None:
            self.answers.accepted(data)
        return data

    def check_machines(self) -> None:
        """What came to machines is what the reader reads in the client's bytes, each under one id, in order."""
        expected = iter([(m[0], head.target, m[1]) for head, m in requests(self.stream)[0]])
        seen: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        for request_id, *message in self.got:
            if request_id in seen:  # replayed, or sent again
                assert seen[request_id] == tuple(message), (self.stream, self.got)
                continue
            seen[request_id] = (message[0], message[1], message[2])
            assert any(one == tuple(message) for one in expected), (self.stream, self.got)

    def check_client(self) -> None:
        """What came to the client is as many answers as h11 reads, none of them another request's."""
        data = self.wire.written
        for head, _ in [*requests(self.stream)[0], (None, None)]:
            if not data:
                return
            parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
            method = head.method if head is not None else b"GET"
            parser.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
            parser.send(h11.EndOfMessage())
            parser.receive_data(data)
            body, ids = b"", []
            while True:
                event = parser.next_event()
                if isinstance(event, h11.Response):
                    ids = [value for name, value in event.headers if name == b"fly-request-id"]
                elif isinstance(event, h11.InformationalResponse):
                    if event.status_code == 101:
                        return
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
                else:  # it was broken off, or its end is that of the connection
                    return
            if len(body) > 26 and body[-4:] == b"-ams":
                assert ids == [body], (self.stream, self.wire.written)
            data, _ = parser.trailing_data
        assert not data, (self.stream, self.wire.written)


async def run(count: int, seed: int) -> str:
    """So many clients; says what came of them. It ends with a traceback when a hundred take too long."""
    rng, began = Random(seed), time.monotonic()
    asks, answers = Maker(rng, START, HEADS["request"]), Maker(rng, STATUS, HEADS["answer"])
    world = World()
    for name in ("a", "b"):
        await world.add(name, lambda machine, request: b"", app="a", listens=False)
    edge = Memory("ams", world, rtt=rtt(), latency=Latency(None), clock=SystemClock(), rng=rng)
    edge.wires, edge.loop = [], asyncio.get_running_loop()
    edge.dials = MemoryDials(edge)
    troubles: list[dict[str, Any]] = []
    edge.loop.set_exception_handler(lambda loop, context: troubles.append(context))
    reached = 0
    for number in range(count):
        if number % 100 == 0:
            faulthandler.dump_traceback_later(_TOO_LONG, exit=True)
        session = Session(edge, rng, asks, answers)
        reached += await session.run()
        assert not troubles, (session.stream, troubles)
        assert world.total_load() == 0, session.stream
    faulthandler.cancel_dump_traceback_later()
    await edge.close()
    return f"{count} clients in {time.monotonic() - began:.0f} s, seed {seed}: {reached} requests reached a machine"


if __name__ == "__main__":
    print(asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
