"""The probe against an edge that a test plays: what is asked for, what is kept, and what counts as lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from flylab.clock import SystemClock
from flylab.errors import UsageError
from flylab.measure.rtt import ELSEWHERE, GIVE_UP, Entrance, awaken, here, survey, where

Answer = Callable[[str, int], bytes]  # what is answered to a head, and to which one on its connection


def answering(region: str, status: str = "200 OK") -> bytes:
    body = json.dumps({"region": region, "headers": {"fly-region": "ams"}}).encode()
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def wished(head: str) -> str:
    return next((line.split(": ")[1] for line in head.split("\r\n") if line.startswith("fly-prefer-region")), "")


class Edge:
    """Counts connections and keeps the heads that came over each."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[list[str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads: list[str] = []
        self.heads.append(heads)
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                said = self.answer(heads[-1], len(heads))
                writer.write(said)
                if not said:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def edge(answer: Answer) -> AsyncIterator[tuple[Edge, Entrance]]:
    played = Edge(answer)
    async with await asyncio.start_server(played.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield played, Entrance(host="127.0.0.1", port=port, name="probe.fly.dev")


def run(answer: Answer, regions: list[str], n: int, **options: int):
    async def asked():
        async with edge(answer) as (played, entrance):
            samples = await survey(
                {"ams": entrance}, regions, n, clock=SystemClock(), rng=Random(1), at_once=options.get("at_once", 8)
            )
        return played, samples

    return asyncio.run(asked())


def test_each_pair_is_asked_over_one_kept_connection_and_the_first_trip_is_not_kept():
    played, samples = run(lambda head, _: answering(wished(head)), ["ams", "iad"], 3)
    assert sorted(len(heads) for heads in played.heads) == [4, 4]
    assert all("host: probe.fly.dev" in head for heads in played.heads for head in heads)
    assert sorted(sample.where for sample in samples) == [where("ams", "ams")] * 3 + [where("ams", "iad")] * 3
    assert all(sample.ok and sample.latency > 0 and sample.lateness == 0 for sample in samples)


def test_an_answer_from_another_region_is_a_failure_that_names_it():
    _, samples = run(lambda *_: answering("fra"), ["iad"], 2)
    assert [(sample.outcome, dict(sample.detail)) for sample in samples] == [(ELSEWHERE, {"answered": "fra"})] * 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda *_: answering("iad", "503 Service Unavailable"),
        lambda *_: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
        lambda *_: b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1",
        lambda *_: b"HTTP/1.1 200 OK\r\n\r\n",
        lambda *_: b"\r\n\r\n",
        lambda *_: b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        lambda *_: b"",
    ],
)
def test_a_pair_that_only_fails_is_left_and_its_failures_are_kept(answer):
    played, samples = run(answer, ["iad"], 50)
    assert len(samples) == len(played.heads) == GIVE_UP
    assert not any(sample.ok for sample in samples)


def test_after_a_broken_connection_the_probe_goes_on_with_another_one():
    # The connection breaks at its third request: one trip each comes back, and the next one does not.
    played, samples = run(lambda head, number: answering(wished(head)) if number < 3 else b"", ["iad"], 5)
    assert [sample.ok for sample in samples] == [True, False, True, False, True]
    assert len(played.heads) == 3


def test_nobody_listens():
    async def asked():
        async with edge(lambda *_: b"") as (_, entrance):
            pass  # closed again, so nobody is there
        return await survey({"ams": entrance}, ["ams"], 9, clock=SystemClock(), rng=Random(1))

    assert {sample.outcome for sample in asyncio.run(asked())} == {"ConnectionRefusedError"}


@pytest.mark.parametrize(("answer", "heads"), [(lambda *_: answering("fra"), 3), (lambda *_: b"", 1)])
def test_every_region_is_awakened_once_and_a_failure_is_left_to_the_probe(answer, heads):
    async def asked():
        async with edge(answer) as (played, entrance):
            await awaken(entrance, ["ams", "iad", "nrt"])
        return played

    (kept,) = asyncio.run(asked()).heads
    assert [wished(head) for head in kept] == ["ams", "iad", "nrt"][:heads]


def test_the_edge_says_where_it_is():
    async def asked():
        async with edge(lambda *_: answering("iad")) as (_, entrance):
            return await here(entrance)

    assert asyncio.run(asked()) == "ams"


@pytest.mark.parametrize("options", [{"n": 0}, {"n": 1, "at_once": 0}])
def test_nothing_is_asked_without_a_number_of_trips(options):
    with pytest.raises(UsageError, match="at least one trip"):
        run(lambda *_: b"", ["ams"], **options)
