"""``python -m flylab.measure.worker``: one process of a load; lines of JSON in and out, and it ends with its input.

In: the plan with this process's share, then ``{"begin": monotonic seconds}``. Out: ``ready``, progress a few times a
second, at last ``done``. The samples go into parts of the run's record, or nowhere when there is none.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from flylab.errors import FlylabError, UsageError
from flylab.measure import runs
from flylab.measure.guests import Guests
from flylab.measure.ledger import Ledger
from flylab.measure.pace import keep
from flylab.measure.plan import HTTP, Plan
from flylab.measure.reading import from_json
from flylab.measure.visitors import Address, Visitors, request

TELL = 0.5  # seconds between two words about the progress; our choice
AHEAD = 16  # connections opened before the run; our choice
clock = time.monotonic  # the same in every process of a computer


class Worker:
    """Process ``place`` of ``of``: it makes the whole schedule and keeps every ``of``-th moment of it."""

    def __init__(self, plan: Plan, place: int, of: int, life: str) -> None:
        self.plan, self._place, self._of = plan, place, of
        address = Address(plan.target)
        self.ledger = Ledger([deed.what for deed in plan.mix], address.place)
        self._visitors = Visitors(address, clock=clock, most=max(plan.most_open // of, 1), timeout=plan.timeout)
        self._requests = [request(address, deed) if deed.do in HTTP else b"" for deed in plan.mix]
        numbers = range(place, plan.rooms.count, of) if plan.in_rooms else range(0)
        self._guests = Guests(address, plan.rooms, clock=clock, life=f"{life}-{place}-", numbers=numbers)
        self._kinds: list[int] = []
        self._sending = True
        self._answered = asyncio.Event()

    async def prepare(self) -> None:
        if any(deed.do in HTTP for deed in self.plan.mix):
            await self._visitors.warm(min(self._workers() or AHEAD, self.plan.most_open))
        await self._guests.enter()

    async def run(self, began: float) -> None:
        """Do what is due from then on, and wait for the answers."""
        await asyncio.sleep(max(began - clock() - 0.05, 0))
        sweeping = asyncio.ensure_future(self._sweep(began))
        try:
            if self.plan.closed:
                await self._closed(began)
            else:
                await keep(self._own(), self._send, began=began, clock=clock, grain=self.plan.grain)
            self._sending = False
            if self.ledger.waiting:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._answered.wait(), self.plan.timeout)
            self.ledger.end(clock())
        finally:
            sweeping.cancel()
            await self._visitors.close()
            await self._guests.close()

    def progress(self, *, live: bool) -> dict[str, Any]:
        """What is known so far; writing down whole histograms would make a generator late that is at work."""
        ledger = self.ledger
        seen = (each.coarse() if live else each for each in (ledger.latencies, ledger.lateness))
        latencies, lateness = (each.to_json() for each in seen)
        return {
            "sent": ledger.sent,
            "finished": ledger.finished,
            "failed": ledger.failed,
            "latencies": latencies,
            "lateness": lateness,
        }

    def _workers(self) -> int:
        """This process's share of a closed loop's workers."""
        return len(range(self._place, self.plan.closed, self._of))

    def _own(self) -> Iterator[float]:
        for number, (due, kind) in enumerate(zip(self.plan.moments(), self.plan.deeds(), strict=False)):
            if number % self._of == self._place:
                self._kinds.append(kind)
                yield due

    def _send(self, number: int, due: float) -> None:
        # The schedule is read one moment ahead of what is sent, so the kinds are known by number.
        kind = self._kinds[number]
        self._do(kind, due, clock())

    def _do(self, kind: int, due: float, now: float, then: "asyncio.Future[None] | None" = None) -> None:
        ledger = self.ledger
        entry = ledger.open(kind, due, now)

        def done(at: float, outcome: str) -> None:
            ledger.close(entry, at, outcome)
            if not (self._sending or ledger.waiting):
                self._answered.set()
            if then is not None and not then.done():
                then.set_result(None)

        if data := self._requests[kind]:
            self._visitors.ask(data, done)
        else:
            self._guests.do(entry, self.plan.mix[kind], done)

    async def _closed(self, began: float) -> None:
        loop, deeds, end = asyncio.get_running_loop(), self.plan.deeds(), began + self.plan.seconds
        await asyncio.sleep(max(began - clock(), 0))

        async def one() -> None:
            while (now := clock()) < end:
                answered: asyncio.Future[None] = loop.create_future()
                self._do(next(deeds), now, now, answered)
                await asyncio.wait({answered}, timeout=self.plan.timeout)

        await asyncio.gather(*(one() for _ in range(self._workers())))

    async def _sweep(self, began: float) -> None:
        await asyncio.sleep(max(began - clock(), 0))
        while True:
            await asyncio.sleep(TELL)
            self._visitors.sweep()
            tell(**self.progress(live=True))


def tell(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def serve(given: dict[str, Any]) -> None:
    """One load from the plan to its samples."""
    _place(given["core"], favoured=given["favoured"])
    worker = Worker(from_json(given["plan"]), given["place"], given["of"], given["life"])
    loop = asyncio.get_running_loop()
    await worker.prepare()
    tell(ready=True)
    began = float(json.loads(await loop.run_in_executor(None, sys.stdin.readline))["begin"])
    over = loop.run_in_executor(None, sys.stdin.read)  # ends when whoever started us has gone
    running = asyncio.ensure_future(worker.run(began))
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the generator's own would be counted as the server's
    await asyncio.wait({over, running}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        running.cancel()
        return
    running.result()
    gc.enable()
    if given["record"]:
        since = began if given["since"] is None else float(given["since"])
        for samples in worker.ledger.samples(since, size=runs.EVERY, detail=given["detail"]):
            runs.append(Path(given["record"]), samples)
    tell(done=True, **worker.progress(live=False))


def _place(core: int | None, *, favoured: bool) -> None:
    if (core is not None or favoured) and not hasattr(os, "sched_setaffinity"):
        raise UsageError("this system does not let a process choose its core or go before others")
    if core is not None:
        os.sched_setaffinity(0, {core})
    if favoured:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def main() -> int:
    line = sys.stdin.readline()
    if not line:
        return 1
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    try:
        try:
            import uvloop
        except ImportError:
            asyncio.run(serve(json.loads(line)))
        else:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(json.loads(line)))
    except (FlylabError, OSError, TimeoutError) as exc:
        tell(error=str(exc) or type(exc).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
