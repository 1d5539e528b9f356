"""The round trip of each pair of regions: a probe over one kept connection from an edge to a machine elsewhere.

    probe ──► edge of region A ──(the distance)──► machine in B, which answers at once and says where it is

Every trip is a sample ``rtt`` at ``A→B``. What an edge, a machine and this computer need besides the distance is in
each of them; ``matrix.py`` subtracts what the same probe costs where A is B. Prefer headers choose the machine
(``fly-prefer-region``), and an answer from another region than the one that was asked for is a failure.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from flylab.clock import Clock
from flylab.errors import UsageError
from flylab.measure.sample import OK, Sample

WHAT = "rtt"
ARROW = "→"
AT_ONCE = 8  # pairs probed at the same time; our choice: some fifty trips a second, so that they do not disturb another
TRIP_SECONDS = 10.0  # before a trip counts as lost; our choice, the longest published round trip takes 0.4 s
GIVE_UP = 3  # trips lost in a row before a pair is left; our choice
ELSEWHERE = "elsewhere"  # the outcome of a trip that a machine in another region answered
_ANSWER_LIMIT = 65_536  # bytes of an answer; our choice, it is a few hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where requests enter at a region's edge, and the name of the app that they are for."""

    host: str
    port: int
    name: str
    tls: bool = False


def where(a: str, b: str) -> str:
    """The place of a sample: ``ams→iad``."""
    return f"{a}{ARROW}{b}"


async def survey(
    entrances: Mapping[str, Entrance],
    regions: Sequence[str],
    n: int,
    *,
    clock: Clock,
    rng: Random,
    at_once: int = AT_ONCE,
    done: Callable[[int, int], None] | None = None,
) -> list[Sample]:
    """``n`` trips from each entrance to each region, itself included, in an order that chance decides.

    One more trip comes before them, which makes connections and is not kept. ``done`` hears after each pair how many
    of how many are over.
    """
    if n < 1 or at_once < 1:
        raise UsageError(f"n is {n} and at_once {at_once}; at least one trip is needed, and one at a time")
    pairs = [(a, b) for a in entrances for b in regions]
    rng.shuffle(pairs)
    began = clock.now()
    found: list[Sample] = []
    turn = asyncio.Semaphore(at_once)
    over = 0

    async def one(a: str, b: str) -> None:
        nonlocal over
        async with turn:
            found.extend(await probe(entrances[a], a, b, n, clock=clock, began=began))
        over += 1
        if done is not None:
            done(over, len(pairs))

    async with asyncio.TaskGroup() as group:
        for a, b in pairs:
            group.create_task(one(a, b))
    return found


async def probe(entrance: Entrance, a: str, b: str, n: int, *, clock: Clock, began: float) -> list[Sample]:
    """``n`` trips one after the other; what fails is a sample too, and after a few failures in a row it is left."""
    found: list[Sample] = []
    line: _Line | None = None
    lost = 0
    try:
        while len(found) < n and lost < GIVE_UP:
            sent = clock.now() - began
            answered = b
            try:
                async with asyncio.timeout(TRIP_SECONDS):
                    if line is None:
                        line = await _Line.to(entrance)
                        await line.trip(b)  # makes the connections, here and behind the edge
                        sent = clock.now() - began
                    answered = await line.trip(b)
                outcome = OK if answered == b else ELSEWHERE
            except (OSError, EOFError, ValueError, TimeoutError) as exc:
                outcome = type(exc).__name__
                if line is not None:
                    line.close()
                line = None
            lost = lost + 1 if line is None else 0
            found.append(
                Sample(
                    what=WHAT,
                    where=where(a, b),
                    scheduled=sent,
                    sent=sent,
                    finished=clock.now() - began,
                    outcome=outcome,
                    detail={"answered": answered} if outcome == ELSEWHERE else {},
                )
            )
    finally:
        if line is not None:
            line.close()
    return found


async def awaken(entrance: Entrance, regions: Sequence[str]) -> None:
    """Ask for every region once, one after the other: no machine is still starting when others are timed.

    What fails here fails again, and is told, when it is probed.
    """
    with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
        async with asyncio.timeout(TRIP_SECONDS * 3):
            line = await _Line.to(entrance)
            try:
                for region in regions:
                    await line.trip(region)
            finally:
                line.close()


async def here(entrance: Entrance) -> str:
    """The region of the edge behind an entrance, as the machine that answers was told it (``fly-region``)."""
    line = await _Line.to(entrance)
    try:
        answer = await line.ask("")
    finally:
        line.close()
    return str(answer.get("headers", {}).get("fly-region", ""))


class _Line:
    """One kept connection to an edge; one request at a time."""

    def __init__(self, entrance: Entrance, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name = entrance.name
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, entrance: Entrance) -> "_Line":
        context = ssl.create_default_context() if entrance.tls else None
        reader, writer = await asyncio.open_connection(entrance.host, entrance.port, ssl=context, limit=_ANSWER_LIMIT)
        return cls(entrance, reader, writer)

    async def trip(self, region: str) -> str:
        """Ask for a machine in that region; the region of the one that answered."""
        return str((await self.ask(region)).get("region", ""))

    async def ask(self, region: str) -> dict[str, Any]:
        """One request and its answer, which is a JSON object; ValueError for anything else."""
        wish = f"fly-prefer-region: {region}\r\n" if region else ""
        self._writer.write(f"GET / HTTP/1.1\r\nhost: {self._name}\r\n{wish}\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        lengths = [field.partition(":")[2] for field in fields if field.lower().startswith("content-length:")]
        if status.split(" ")[1:2] != ["200"] or len(lengths) != 1:
            raise ValueError(f"the edge answered {status!r}")
        answer = json.loads(await self._reader.readexactly(min(int(lengths[0]), _ANSWER_LIMIT)))
        if not isinstance(answer, dict):
            raise ValueError(f"the machine answered {answer!r}")
        return answer

    def close(self) -> None:
        self._writer.close()
