"""What a cold start costs, ours beside the least that others need, in one run: `python benchmarks/cold_start.py`.

Programs: a bare `python -c` with a socket, a bare ASGI application on uvicorn, Node's own http server where there is
Node, and our room server, once up to its health check and once up to a room's first message. Each is started as a bare
process (spawn to first byte, and the processor time until then) and as a stopped machine of the local platform that a
request wakes. Rounds are interleaved, in an order that a seed shuffles anew for each; ratios are taken within a round.

The table goes to stdout, every start to build/data (`flylab runs show bench-cold-start`); `python benchmarks/page.py`
makes the page of it.
"""

import argparse
import asyncio
import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import frame
from comparison.conditions import conditions, load, our_versions
from comparison.starts import BARE, PLATFORM, ROOM, folded, table
from roomload.dialect import Flylab
from roomload.peer import FLYLAB, START, Peer, wait_until_open

from flylab.kit import configs, wakes
from flylab.kit.target import Lab, connect
from flylab.measure.frames import upgrade
from flylab.measure.sample import Sample
from flylab.measure.stats import order
from flylab.measure.wakes.timetable import Burst
from flylab.measure.wakes.wake import PAUSES
from flylab.wire.machine import Guest, Init, Machine, MachineConfig, Restart

CORE = 0
HEALTH = "our room server, health check"
REFERENCE = "python -c, a socket"
SOCKET = """
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    peer, _ = server.accept()
    with peer:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
"""
ASGI = """
import os, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
uvicorn.run(app, port=int(os.environ["PORT"]), lifespan="off", log_level="critical")
"""
NODE = 'require("http").createServer((_, a) => a.end("ok")).listen(+process.env.PORT, "127.0.0.1")'


@dataclass(frozen=True)
class Program:
    """``command`` is empty for our room server; ``path`` is what is asked for."""

    name: str
    command: tuple[str, ...] = ()
    path: str = "/"

    @property
    def peer(self) -> Peer:
        words = tuple(word.replace("{", "{{").replace("}", "}}") for word in self.command)  # a peer fills braces in
        return Peer(self.name, "", words, env={"PORT": "{port}"}) if words else FLYLAB

    def config(self, lab: Lab, app: str) -> MachineConfig:
        if not self.command:
            return configs.room("local", lab.store_url(app))
        return MachineConfig(
            image="local/process",
            guest=Guest(),
            init=Init(exec=self.command),
            restart=Restart(policy="no"),
            services=(configs.service(),),
        )


def programs() -> list[Program]:
    """Those that can be started here."""
    node = shutil.which("node")
    return [
        Program(REFERENCE, (sys.executable, "-c", SOCKET)),
        Program("uvicorn, a bare ASGI application", (sys.executable, "-c", ASGI)),
        *([Program("Node, its http server", (node, "-e", NODE))] if node else []),
        Program(HEALTH, path="/healthz"),
        Program(ROOM, path=wakes.ROOM),
    ]


@dataclass
class Found:
    """What was seen so far; times in seconds since the run began."""

    began: float = field(default_factory=time.perf_counter)
    samples: list[Sample] = field(default_factory=list)

    def add(self, program: str, way: str, at: float, took: float, outcome: str = "ok", **detail: object) -> None:
        due = at - self.began
        self.samples.append(
            Sample(
                what=program, where=way, scheduled=due, sent=due, finished=due + took, outcome=outcome, detail=detail
            )
        )


def bare(program: Program, found: Found, number: int) -> None:
    """Spawn it, and ask as soon as its port is open."""
    spawned = time.perf_counter()
    try:
        with program.peer.running(CORE) as (port, pid, spawned):
            wait_until_open(port)
            (welcome if program.path == wakes.ROOM else first_byte)(port, program.path)
            took, computed = time.perf_counter() - spawned, processor_time(pid)
    except OSError as exc:
        found.add(program.name, BARE, spawned, time.perf_counter() - spawned, type(exc).__name__, round=number)
    else:
        found.add(program.name, BARE, spawned, took, round=number, cpu_ms=1000 * computed)


def first_byte(port: int, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=START) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        if not sock.recv(65_536):
            raise ConnectionError("no answer")


def welcome(port: int, _: str) -> None:
    dialect = Flylab()
    with socket.create_connection(("127.0.0.1", port), timeout=START) as sock:
        sock.sendall(upgrade(dialect.path("cold"), port=port))
        heard, greeted = b"", False
        while b'"welcome"' not in heard:
            more = sock.recv(65_536)
            if not more:
                raise ConnectionError("not welcomed")
            heard += more
            if not greeted and b"\r\n\r\n" in heard:
                sock.sendall(dialect.hello(binary=False))
                greeted = True


def processor_time(pid: int) -> float:
    """Seconds that all threads of a process have computed, as the kernel's scheduler counts them (Linux)."""
    return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


async def measure(rounds: int, seed: int, found: Found) -> None:
    """All programs in both ways, round by round; the first round warms files and caches and is left out."""
    mine = programs()
    async with await connect("local", chapter="cold-start", regions=["ams"], latency="off") as lab:
        machines = {program.name: await made(lab, program) for program in mine}
        cells = [f"{way}\n{program.name}" for program in mine for way in (BARE, PLATFORM)]
        for number, turns in enumerate(order(cells, rounds=rounds + 1, rng=Random(seed))):
            for turn in turns:
                way, _, name = turn.partition("\n")
                program = next(each for each in mine if each.name == name)
                kept = len(found.samples)
                if way == BARE:
                    bare(program, found, number)  # in this thread, with which the process would end
                else:
                    await woken(lab, program, *machines[name], found, number)
                if number == 0:
                    del found.samples[kept:]
            print(f"round {number} of {rounds}" + (", to warm up" if number == 0 else ""), file=sys.stderr)


async def made(lab: Lab, program: Program) -> tuple[str, Machine]:
    app = await lab.create_app(str(len(lab.apps)))
    machine = await lab.create_machine(app, program.config(lab, app), region="ams", name="cold")
    await lab.api.wait(app, machine.id, "started")
    return app, machine


async def woken(lab: Lab, program: Program, app: str, machine: Machine, found: Found, number: int) -> None:
    burst = Burst(number=number, variant="stop", at_once=1)
    (wake,) = await wakes.make(lab, app, [machine], [burst], path=program.path)
    took = wake.whole or 0.0
    detail: dict[str, object] = {"round": number, "seen": wake.seen.to_json()}
    # Only a program that says when its port was open lets the pauses be told from its own start.
    shares = [phase for phase in wake.phases if PAUSES in phase.inputs]
    if all(phase.provenance == "configured" for phase in shares):
        detail["pauses_ms"] = 1000 * sum(phase.took for phase in shares)
    outcome = wake.outcome if not wake.marked else "does not add up"
    found.add(program.name, PLATFORM, time.perf_counter() - took, took, outcome, **detail)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What a cold start costs, beside the least that others need.")
    parser.add_argument("--rounds", type=int, default=30, help="starts of each program in each way (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the order (default: 0)")
    parser.add_argument("--favoured", action="store_true", help="prefer these processes to neighbours (Linux, root)")
    asked = parser.parse_args(words)
    if asked.rounds < 1:
        parser.error("there must be a round")
    kept = frame.begin("cold-start", vars(asked))
    about = conditions() | {"versions": our_versions(), "favoured": asked.favoured}
    if asked.favoured:  # and with it whatever it starts; to be nice counts only within a session, which each start has
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    found = Found()
    asyncio.run(measure(asked.rounds, asked.seed, found))
    results = about | folded(found.samples, [program.name for program in programs()], asked.rounds)
    frame.keep(kept, results | {"load_after": load()}, found.samples, valid=all(each.ok for each in found.samples))
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
