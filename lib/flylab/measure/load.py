"""Offering load in this process: in an open loop, which sends what is due whatever is answered, and in a closed one."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import httpx

from flylab.clock import Clock
from flylab.measure.pacing import pause
from flylab.measure.sample import OK, Sample

# Asked of the local platform by notebooks; answered with the hops of the request as JSON.
TRACE = "x-flylab-trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one request ended: ``outcome`` as in Sample, and what was seen."""

    outcome: str = OK
    detail: Mapping[str, object] = field(default_factory=dict)


async def open_loop(
    schedule: Iterable[float],
    send: Callable[[int], Awaitable[Result]],
    *,
    what: str,
    where: str,
    clock: Clock,
    most_in_flight: int = 2_000,
) -> list[Sample]:
    """Call ``send(0)``, ``send(1)``, … at their scheduled times and return one sample for each, in that order.

    Above ``most_in_flight`` unanswered requests (our choice: below the usual limit of open files) one is not sent and
    its sample says so; that is a failure of the run and counts as one. An exception out of ``send`` ends the run.
    """
    began = clock.now()
    samples: dict[int, Sample] = {}
    in_flight = 0

    async def one(number: int, due: float) -> None:
        nonlocal in_flight
        sent = clock.now() - began
        try:
            result = await send(number)
        finally:
            in_flight -= 1
        samples[number] = Sample(
            what=what,
            where=where,
            scheduled=due,
            sent=sent,
            finished=clock.now() - began,
            outcome=result.outcome,
            detail=result.detail,
        )

    async with asyncio.TaskGroup() as group:
        for number, due in enumerate(schedule):
            # A late sender still yields once, so that answers are read between requests.
            await clock.sleep(pause(due, clock.now() - began))
            if in_flight >= most_in_flight:
                now = clock.now() - began
                samples[number] = Sample(
                    what=what, where=where, scheduled=due, sent=now, finished=now, outcome="too many in flight"
                )
                continue
            in_flight += 1
            group.create_task(one(number, due))
    return [samples[number] for number in sorted(samples)]


async def closed_loop(
    workers: int, send: Callable[[int], Awaitable[Result]], *, seconds: float, what: str, where: str, clock: Clock
) -> list[Sample]:
    """Let so many workers each call ``send`` again once the last call has ended; the samples in the order of sending.

    A server that stalls stalls its own measurement: each worker sees one slow answer, and whoever else would have come
    meanwhile is not asked. It is here to be compared with ``open_loop``; nothing else is measured with it.
    """
    began = clock.now()
    samples: list[Sample] = []
    numbers = itertools.count()

    async def one() -> None:
        while (sent := clock.now() - began) < seconds:
            result = await send(next(numbers))
            now = clock.now() - began
            samples.append(
                Sample(
                    what=what,
                    where=where,
                    scheduled=sent,
                    sent=sent,
                    finished=now,
                    outcome=result.outcome,
                    detail=result.detail,
                )
            )

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(one())
    return sorted(samples, key=lambda sample: sample.sent)


def http_sender(
    client: httpx.AsyncClient, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Callable[[int], Awaitable[Result]]:
    """A ``send`` for ``open_loop`` that makes one HTTP request; the outcome of a status from 400 up is that status."""

    async def send(_: int) -> Result:
        try:
            response = await client.request(method, url, headers=headers, content=body or None)
        except httpx.HTTPError as exc:  # every way of not getting an answer is an outcome, named by its kind
            return Result(outcome=type(exc).__name__, detail={"error": str(exc)})
        detail: dict[str, object] = {"status": response.status_code, "bytes": len(response.content)}
        if TRACE in response.headers:
            detail["trace"] = _json(response.headers[TRACE])
        return Result(outcome=OK if response.status_code < 400 else str(response.status_code), detail=detail)

    return send


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
