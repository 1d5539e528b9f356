"""What the edge itself costs: direct, through the edge, and replayed once, taken in turn in one run without latency.

    python benchmarks/replay_cost.py [--runs 3000]

The machines are small servers in a process of their own, the edge runs in a second one, this process asks. Every round
asks each way once, in random order, so that a noisy neighbour disturbs all ways alike. The target: at p50 a replayed
request costs no more than one extra local round trip plus 1 ms of the edge's own time compared with a forwarded one.
All times are stored (`flylab runs show bench-replay-cost`).
"""

import argparse
import asyncio
import multiprocessing
import signal
import socket
import sys
import time
from random import Random

import frame
from comparison.conditions import conditions, load
from comparison.replay import summed, table

from flylab.clock import SystemClock
from flylab.local.edge import Edge
from flylab.local.latency import Latency
from flylab.measure.sample import Sample
from flylab.published.network import rtt
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.wire.machine import Concurrency, MachineState, Port, Service

BODY = b'{"room": "blue", "members": ' + b"1" * 170 + b"}"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
REPLAY = b"HTTP/1.1 409 Conflict\r\nfly-replay: app=plain;instance=target;state=blue\r\ncontent-length: 0\r\n\r\n"
HEAD = (
    "GET {path} HTTP/1.1\r\nHost: {app}.localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
)


class Server(asyncio.Protocol):
    """A machine that answers every request at once, with the room or with a replay."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(self._said)  # type: ignore[attr-defined]


class Platform:
    """Two machines that are always started."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.view, self.loads, self._ports = View(), Loads(), ports
        service = Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)),),
            concurrency=Concurrency(type="requests", soft_limit=1000),
        )
        for app, machine in (("plain", "target"), ("replayed", "origin")):
            self.view.put_app(AppRow(name=app, organization="personal"))
            self.view.put(
                Row(id=machine, app=app, region="ams", state=MachineState.STARTED, version="1", services=(service,))
            )

    async def wake(self, machine_id: str) -> None:
        """They are up."""

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int]:
        return "127.0.0.1", self._ports[machine_id]


def run_loop(work: object, loop_name: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent's handler came with the fork
    if loop_name == "uvloop":
        import uvloop

        uvloop.run(work)  # type: ignore[arg-type]
    else:
        asyncio.run(work)  # type: ignore[arg-type]


def machines(listeners: dict[str, socket.socket], loop_name: str) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: Server(ANSWER), sock=listeners["target"])
        await loop.create_server(lambda: Server(REPLAY), sock=listeners["origin"])
        await asyncio.Event().wait()

    run_loop(serve(), loop_name)


def edge(listener: socket.socket, ports: dict[str, int], loop_name: str) -> None:
    async def serve() -> None:
        it = Edge("ams", Platform(ports), rtt=rtt(), latency=Latency(None), clock=SystemClock(), rng=Random(1))
        await it.serve(listener)
        await asyncio.Event().wait()

    run_loop(serve(), loop_name)


def ask(connection: socket.socket, head: bytes) -> float:
    """Milliseconds from the request's first byte to the answer's last."""
    began = time.perf_counter()
    connection.sendall(head)
    data = b""
    while not data.endswith(BODY):
        part = connection.recv(65536)
        if not part or not data.startswith(b"HTTP/1.1 200"[: len(data)]):
            raise SystemExit(f"an answer that was not expected: {(data + part)[:300]!r}")
        data += part
    return (time.perf_counter() - began) * 1000


def measure(ports: dict[str, int], edge_port: int, *, runs: int, rng: Random) -> dict[str, list[float]]:
    # "replayed" names the target by its id: the origin's app is another one, so the replay is checked like any other.
    ways = {
        "direct": (ports["target"], HEAD.format(path="/room", app="plain").encode()),
        "edge": (edge_port, HEAD.format(path="/room", app="plain").encode()),
        "replayed": (edge_port, HEAD.format(path="/room", app="replayed").encode()),
    }
    connections = {way: socket.create_connection(("127.0.0.1", port)) for way, (port, _) in ways.items()}
    for connection in connections.values():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times: dict[str, list[float]] = {way: [] for way in ways}
    order = list(ways)
    for number in range(runs + 200):
        rng.shuffle(order)
        for way in order:
            took = ask(connections[way], ways[way][1])
            if number >= 200:  # the first ones open connections and warm caches
                times[way].append(took)
    for connection in connections.values():
        connection.close()
    return times


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=3000, help="rounds; each asks every way once")
    chosen = arguments.parse_args()
    if chosen.runs < 1:
        arguments.error("there must be a round")
    run, samples, before = frame.begin("replay-cost", vars(chosen)), list[Sample](), conditions()
    names = ["asyncio"]
    try:
        import uvloop  # noqa: F401

        names.append("uvloop")
    except ImportError:
        print("uvloop is not installed: the standard loop only")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end with us
    context = multiprocessing.get_context("fork")
    loops: dict[str, frame.Found] = {}
    for loop_name in names:
        listeners = {name: socket.create_server(("127.0.0.1", 0)) for name in ("target", "origin", "edge")}
        ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
        workers = [
            context.Process(target=machines, args=(listeners, loop_name), daemon=True),
            context.Process(target=edge, args=(listeners["edge"], ports, loop_name), daemon=True),
        ]
        for worker in workers:
            worker.start()
        try:
            times = measure(ports, ports["edge"], runs=chosen.runs, rng=Random(2))
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()
            for listener in listeners.values():
                listener.close()
        loops[loop_name] = summed(times)
        samples += [one for way, each in times.items() for one in frame.in_turn(way, loop_name, each)]
    print(table(loops))
    found = before | {"load_after": load(), "runs": chosen.runs, "loops": loops}
    frame.keep(run, found, samples, valid=True)
    return 0 if all(found["holds"] for found in loops.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
