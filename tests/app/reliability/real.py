"""Members in rooms on real machines of a real platform, while all of it fails; their promises are checked each round.

    python -m tests.app.reliability.real --runs 1000 --seed 7

A *run* is one room with its own members and operations. Many run at once on the same machines: a round begins with new
rooms, lets things go wrong for some seconds, mends everything, waits until all members have all that they wait for, and
reads each room's log from the store.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from app.reader import read_log
from app.store import StoreError
from tests.app.reliability.real_checks import Violation, check
from tests.app.reliability.real_faults import Weather
from tests.app.reliability.real_member import Member
from tests.app.reliability.real_model import Client
from tests.app.reliability.real_platform import Ground
from tests.support import until

ROOMS = 50  # at once
RAGE = 6.0  # seconds in which things go wrong
SETTLE = 45.0  # everybody has everything by then, on a busy computer too; a few seconds as a rule
TROUBLE = ("lost", "duplicated", "diverged", "split", "unsettled")


@dataclass(slots=True)
class Tally:
    """What has happened so far."""

    runs: int = 0
    acknowledged: int = 0
    epochs: int = 0
    resumed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    found: list[Violation] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def table(self) -> str:
        """For people, and for docs/reliability.md."""
        kinds = Counter(violation.kind for violation in self.found)
        rows = [
            ("runs", self.runs),
            ("operations acknowledged", self.acknowledged),
            ("times that a machine took a room", self.epochs),
            ("times that a member came back and was resumed", self.resumed),
            *sorted(self.faults.items()),
            *((f"**{kind}**", kinds[kind]) for kind in TROUBLE),
        ]
        lines = ["| | |", "|---|---:|", *(f"| {name} | {number:,} |" for name, number in rows)]
        return "\n".join([*lines, "", f"{self.seconds:.0f} s"])

    def report(self) -> str:
        """What was broken, for whoever has to mend it."""
        found = [f"{violation.kind}: room {violation.room}: {violation.text}" for violation in self.found[:20]]
        return "\n".join([*found, self.table()])


class Run:
    """One room and its members."""

    def __init__(self, ground: Ground, name: str, rng: Random) -> None:
        self.name = name
        self.members = [Member(ground, name, number, rng) for number in range(1, rng.randrange(3, 6) + 1)]
        self._ground = ground
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Everybody enters."""
        self._tasks = [asyncio.create_task(member.live(), name=member.name) for member in self.members]

    async def settled(self) -> bool:
        """Whether everybody has all that they wait for, and all that is in the log."""
        clients = [member.client for member in self.members]
        heads = {(client.epoch, client.seq) for client in clients}
        if len(heads) > 1 or not all(client.settled() for client in clients):
            return False
        try:
            log = await read_log(self._ground.store, self.name)
        except StoreError:
            return False
        return heads == {(log.epoch.epoch if log.epoch is not None else 0, log.next - 1)}

    async def end(self) -> None:
        """Everybody leaves."""
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def check(self) -> list[Violation]:
        """What was promised and is not so."""
        return await check(self._ground.store, self.name, self.lives())

    def story(self) -> list[str]:
        """What the members went through."""
        return sorted(line for client in self.lives() for line in client.story)

    def lives(self) -> list[Client]:
        """Every client that there ever was."""
        return [client for member in self.members for client in member.lives]


class Campaign:
    """Rounds of runs on one platform."""

    def __init__(self, ground: Ground, *, seed: int, rooms: int, settle: float, kinds: Sequence[str] = ()) -> None:
        self.tally = Tally()
        self._ground = ground
        self._seed = seed
        self._rooms = rooms
        self._settle = settle
        self._kinds = kinds

    async def round(self, runs: int) -> None:
        """So many runs at once."""
        first, began = self.tally.runs, time.monotonic()
        numbers = range(first, first + runs)
        rooms = [Run(self._ground, f"r{self._seed}-{n}", Random(f"{self._seed}/{n}")) for n in numbers]
        rng = Random(f"{self._seed}/weather/{first}")
        self.tally.story.append(f"{began:9.3f} round of {runs} runs begins")
        members = [run.members for run in rooms]
        weather = Weather(self._ground, members, rng, self.tally.faults, kinds=self._kinds, story=self.tally.story)
        for run in rooms:
            run.begin()
        try:
            await self._welcomed(rooms)
            await weather.rage(RAGE)
            for member in (member for run in rooms for member in run.members):
                member.calm_down()
        finally:
            await weather.calm()
        self.tally.story.append(f"{time.monotonic():9.3f} calm")
        unsettled = await self._wait(rooms)
        found: list[Violation] = []
        for run in rooms:
            found += await run.check()
        found += [Violation("unsettled", run.name, _what_for(run)) for run in unsettled]
        for run in rooms:
            await run.end()
        self._count(rooms, found)
        self.tally.seconds += time.monotonic() - began

    async def runs(self, runs: int) -> None:
        """So many in rounds, up to the first that shows a broken promise."""
        while self.tally.runs < runs and not self.tally.found:
            await self.round(min(self._rooms, runs - self.tally.runs))

    async def _welcomed(self, rooms: list[Run]) -> None:
        members = [member for run in rooms for member in run.members]
        with suppress(AssertionError):  # whoever is not in by now has a fault to come in through
            await until(lambda: all(member.client.live for member in members), self._settle)

    async def _wait(self, rooms: list[Run]) -> list[Run]:
        deadline = time.monotonic() + self._settle
        waiting = rooms
        while waiting and time.monotonic() < deadline:
            waiting = [run for run in waiting if not await run.settled()]
            await asyncio.sleep(0.1)
        return waiting

    def _count(self, rooms: list[Run], found: list[Violation]) -> None:
        self.tally.runs += len(rooms)
        clients = [client for run in rooms for client in run.lives()]
        self.tally.acknowledged += sum(len(client.acknowledged) for client in clients)
        self.tally.resumed += sum(client.resumed for client in clients)
        self.tally.epochs += sum(max(member.client.epoch for member in run.members) for run in rooms)
        self.tally.found += found
        broken = {violation.room for violation in found}
        for run in rooms:
            if run.name in broken:
                self.tally.story += run.story()


def _what_for(run: Run) -> str:
    return "; ".join(
        f"{c.client} live={c.live} epoch={c.epoch} seq={c.seq} stored={c.stored} pending={list(c.pending)}"
        for c in (member.client for member in run.members)
    )


async def campaign(
    folder: Path,
    *,
    runs: int,
    seed: int,
    image: str = "real/good",
    rooms: int = ROOMS,
    settle: float = SETTLE,
    kinds: Sequence[str] = (),
) -> Tally:
    """Make so many runs; what led to a broken promise is left in the folder, with what the machines said."""
    ground = Ground(folder, seed=seed, image=image)
    try:
        await ground.start()
        made = Campaign(ground, seed=seed, rooms=rooms, settle=settle, kinds=kinds)
        await made.runs(runs)
        if made.tally.found:
            for spot in ground.machines:
                (folder / f"machine-{spot.id}.log").write_text(await ground.log(spot))
            (folder / "story.txt").write_text("\n".join(sorted(made.tally.story)))
        return made.tally
    finally:
        await ground.close()


def main() -> int:
    """The command; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.app.reliability.real", description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", type=int, default=ROOMS, help=f"at once (default {ROOMS})")
    parser.add_argument("--image", default="real/good", help="real/unfenced and real/hasty are broken on purpose")
    parser.add_argument("--keep", type=Path, help="a new folder for all that is left over, to look into")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flylab-reliability-") as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        tally = asyncio.run(
            campaign(folder, runs=asked.runs, seed=asked.seed, image=asked.image, rooms=asked.rooms)
        )  # fmt: skip
    print(tally.report())
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
