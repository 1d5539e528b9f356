"""The load runner sends on time whatever the server does; all on simulated time."""

import asyncio
from contextlib import suppress

import httpx
import pytest

from flylab.clock import SimulatedClock
from flylab.measure.load import Result, closed_loop, http_sender, open_loop
from flylab.measure.pacing import constant
from flylab.measure.summary import quantile


async def simulate(clock, work, *, step=0.005, seconds=60):
    """Run ``work`` to its end on a simulated clock."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            assert clock.now() < seconds, "the run does not end"
            await clock.advance(step)
        return task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_request_is_sent_when_it_is_due():
    clock = SimulatedClock()

    async def send(_):
        await clock.sleep(0.5)  # far longer than the distance between requests
        return Result()

    samples = await simulate(clock, open_loop(constant(10, seconds=2), send, what="x", where="y", clock=clock))
    assert [sample.scheduled for sample in samples] == [number / 10 for number in range(20)]
    assert all(sample.lateness == pytest.approx(0, abs=1e-9) for sample in samples)
    assert all(sample.latency == pytest.approx(0.5) for sample in samples)


async def test_a_stall_is_seen_by_every_request_that_was_due_in_it():
    """A server that answers in 10 ms and stands still for 1 s: a closed loop would see one slow request."""
    clock = SimulatedClock()

    async def send(_):
        if 2 <= clock.now() < 3:
            await clock.sleep(3 - clock.now())
        await clock.sleep(0.01)
        return Result()

    samples = await simulate(clock, open_loop(constant(100, seconds=6), send, what="x", where="y", clock=clock))
    slow = [sample for sample in samples if sample.latency > 0.05]
    assert len(slow) == pytest.approx(95, abs=2)
    assert quantile(sorted(sample.latency for sample in samples), 0.95) > 0.5


async def test_a_closed_loop_hides_a_stall_that_an_open_loop_shows():
    """Coordinated omission, a tenth of `benchmarks/load.py`: 6 s, 100 requests/s, 10 ms each, one stall of 0.1 s.

    Of the open loop 1/60 of all requests are due in the stall. Only 1/100 of all take longer than its p99, which so is
    that of a request with 0.04 s of the stall to wait for: 50 ms. The closed loop has one slow answer.
    """
    found = {}
    for name in ("open", "closed"):
        clock = SimulatedClock()

        async def send(_, clock=clock):
            if 2 <= clock.now() < 2.1:
                await clock.sleep(2.1 - clock.now())
            await clock.sleep(0.01)
            return Result()

        if name == "open":
            work = open_loop(constant(100, seconds=6), send, what="x", where="y", clock=clock)
        else:
            work = closed_loop(1, send, seconds=6, what="x", where="y", clock=clock)
        found[name] = sorted(sample.latency for sample in await simulate(clock, work, step=0.1))
    assert len(found["open"]) == 600
    assert quantile(found["open"], 0.99) == pytest.approx(0.05, abs=0.011)
    assert quantile(found["closed"], 0.99) == pytest.approx(0.01)
    assert sum(latency > 0.011 for latency in found["closed"]) == 1
    assert max(found["closed"]) == pytest.approx(0.11, abs=0.011)


async def test_a_failure_is_a_sample_too():
    clock = SimulatedClock()

    async def send(number):
        return Result(outcome="503", detail={"status": 503}) if number == 1 else Result()

    samples = await simulate(clock, open_loop(constant(3, seconds=1), send, what="x", where="y", clock=clock))
    assert [sample.outcome for sample in samples] == ["ok", "503", "ok"]
    assert samples[1].detail == {"status": 503}


async def test_a_server_that_never_answers_does_not_grow_without_bound():
    clock = SimulatedClock()
    answer = asyncio.Event()

    async def send(_):
        await answer.wait()
        return Result()

    run = open_loop(constant(10, seconds=1), send, what="x", where="y", clock=clock, most_in_flight=4)
    task = asyncio.ensure_future(run)
    await clock.advance(1.0)
    answer.set()
    samples = await task
    assert [sample.outcome for sample in samples] == ["ok"] * 4 + ["too many in flight"] * 6


async def test_http_outcomes_are_named():
    def answer(request):
        if request.url.path == "/broken":
            raise httpx.ReadTimeout("too slow", request=request)
        status = 503 if request.url.path == "/busy" else 200
        return httpx.Response(status, content=b"hello", headers={"x-flylab-trace": '{"hops": [1]}'})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://rooms.localhost") as client:
        fine = await http_sender(client, "GET", "/")(0)
        busy = await http_sender(client, "GET", "/busy")(0)
        broken = await http_sender(client, "POST", "/broken", body=b"x")(0)
    assert fine == Result(detail={"status": 200, "bytes": 5, "trace": {"hops": [1]}})
    assert busy.outcome == "503"
    assert broken.outcome == "ReadTimeout"


async def test_a_trace_that_is_not_json_is_kept_as_it_is():
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, headers={"x-flylab-trace": "{"}))
    ) as client:
        assert (await http_sender(client, "GET", "http://x/")(0)).detail["trace"] == "{"


async def test_a_mistake_in_send_ends_the_run():
    async def send(_):
        raise RuntimeError("a mistake")

    with pytest.raises(ExceptionGroup):
        await open_loop([0.0], send, what="x", where="y", clock=SimulatedClock())
