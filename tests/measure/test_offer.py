"""Loads against real servers: HTTP of every kind, rooms, several processes, open and closed."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

import pytest

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.offer import _start, offer
from flylab.measure.plan import Deed, Plan, Rooms
from tests.support import ROOT

pytestmark = pytest.mark.usefixtures("nothing_left")


TEXTS = {
    b"/fine": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"/early": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"/busy": b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"/nonsense": b"this is no HTTP\r\n\r\n",
    b"/endless": b"HTTP/1.1 200 OK\r\n\r\nuntil it closes",
    b"/gone": b"",
    b"/silent": None,
}


class Answers(asyncio.Protocol):
    """Answers by path; each answer is as a server could write it."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        path = data.split(b" ")[1]
        text = TEXTS[path]
        if text is not None:
            self.transport.write(text)
        if path in (b"/endless", b"/gone"):
            self.transport.close()


class NoRoom(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


@asynccontextmanager
async def serving(protocol):
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def plan(port, *deeds, rate=100, seconds=0.3, **more):
    arrivals = {"kind": "constant", "rate": rate, "seconds": seconds}
    return Plan(target=f"http://blue.localhost:{port}", arrivals=arrivals, mix=deeds, **more)


async def samples_of(it, tmp_path, **more):
    run = runs.begin("load", target="local", seed=it.seed, settings=it.to_json(), project=tmp_path)
    offered = await offer(it, run=run, folder=tmp_path, **more)
    return offered, runs.load(offered.record)


async def test_answers_of_every_kind_are_told_apart_and_two_processes_share_the_schedule(tmp_path):
    seen = []
    async with serving(Answers) as port:
        deeds = [
            Deed(do="post", path="/fine", body="x"),
            *(Deed(do="get", path=path.decode()) for path in TEXTS),
        ]
        it = plan(port, *deeds, rate=400, timeout=0.3)
        offered, (run, samples) = await samples_of(it, tmp_path, processes=2, progress=seen.append)
    outcomes = {}
    for sample in samples:
        outcomes.setdefault(sample.what, set()).add(sample.outcome)
    assert outcomes == {
        "post /fine": {"ok"},
        "get /fine": {"ok"},
        "get /chunks": {"ok"},
        "get /early": {"ok"},
        "get /busy": {"503"},
        "get /nonsense": {"HttpParserError"},
        "get /endless": {"ok"},
        "get /gone": {"connection lost"},
        "get /silent": {"timeout"} | (outcomes["get /silent"] & {"unanswered"}),
    }
    assert sorted(round(sample.scheduled * 400) for sample in samples) == list(range(120))
    assert (run.n, offered.end.sent, offered.processes, len(run.parts)) == (120, 120, 2, 2)
    assert seen
    assert seen[-1].sent <= 120
    assert offered.end.failed == sum(not sample.ok for sample in samples)
    assert run.settings == json.loads(json.dumps(it.to_json()))


async def test_a_generator_that_was_late_says_so_and_a_closed_loop_cannot_be(tmp_path):
    async with serving(Answers) as port:
        fine = Deed(do="get", path="/fine")
        offered, (run, _) = await samples_of(plan(port, fine, seconds=0.1), tmp_path, processes=1, late=0.0)
        closed, (_, samples) = await samples_of(
            plan(port, fine, closed=2, seconds=0.1), tmp_path, processes=2, late=0.0
        )
    assert not offered.valid
    assert run.valid is False
    assert run.results["late_p99"] > run.results["late_bound"] == 0
    assert (run.results["sent"], run.results["processes"]) == (10, 1)
    assert "INVALID" in offered.text()
    assert closed.valid
    assert "INVALID" not in closed.text()
    assert len(samples) >= 2
    assert all(sample.lateness == 0 for sample in samples)


async def test_members_of_rooms_do_everything_and_everything_comes_back(tmp_path):
    """On a real room server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        cwd=ROOT,
        env={**os.environ, "PORT": "0", "ROOMS_URL": f"file://{tmp_path}/rooms"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
        port = int(line.split()[2].rpartition(":")[2])
        deeds = [Deed(do=each) for each in ("say", "draw", "cursor", "join")]
        it = plan(port, *deeds, rate=120, seconds=0.5, rooms=Rooms(count=3, members=2), seed=3)
        _, (_, samples) = await samples_of(it, tmp_path)
    finally:
        process.terminate()
        await process.communicate()
    assert len(samples) == 60
    assert {(sample.what, sample.outcome) for sample in samples} == {
        (each, "ok") for each in ("say", "draw", "cursor", "join")
    }
    assert all(0 <= sample.sent <= sample.finished for sample in samples)


async def test_a_target_that_is_not_there_is_one_sentence(tmp_path):
    async with serving(Answers) as port:
        pass
    with pytest.raises(UsageError, match=r"gave up: .*Connect"):
        await offer(plan(port, Deed(do="get")), processes=1)
    with pytest.raises(UsageError, match=r"gave up: .*Invalid argument"):
        await offer(plan(port, Deed(do="get")), processes=1, cores=(1023,))
    for processes in (0, 257):
        with pytest.raises(UsageError, match=f"{processes} processes: 1 to 256"):
            await offer(plan(port, Deed(do="get")), processes=processes)
    (tmp_path / "file").touch()
    run = runs.begin("load", target="local", seed=0, project=tmp_path)
    with pytest.raises(UsageError, match=r"cannot be stored in .*file: "):
        await offer(plan(port, Deed(do="get")), run=run, folder=tmp_path / "file")


async def test_a_target_without_rooms_is_named_by_its_answer():
    async with serving(NoRoom) as port:
        with pytest.raises(UsageError, match=r"gave up: asked for a WebSocket, answered 'HTTP/1\.1 404 Not Found'$"):
            await offer(plan(port, Deed(do="say")), processes=1)


async def test_a_process_is_not_in_the_session_of_the_terminal_and_ends_with_its_input():
    """Ctrl-C, which everybody in the session gets, is for whoever offers the load: one message and not three."""
    worker = await _start()
    assert os.getsid(worker.pid) == worker.pid
    worker.stdin.close()
    assert await asyncio.wait_for(worker.wait(), 30) == 1
