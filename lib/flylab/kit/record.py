"""What a chapter measured: added as it comes, saved whole, and every figure is drawn from what was saved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from time import time as wall_clock
from typing import Any

from flylab.errors import UsageError
from flylab.kit import project
from flylab.kit.faults import Met
from flylab.measure import runs
from flylab.measure.sample import Sample
from flylab.measure.summary import Summary, summarise

LEAST = 6  # 1 - 2 / 2**6 = 97 %: the least and the most of six enclose the median so often, those of five 94 %


class Record:
    """The samples of one run of one chapter."""

    def __init__(self, chapter: str, *, target: str, seed: int = 0, **settings: object) -> None:
        self.run = runs.begin(chapter, target=target, seed=seed, settings=settings, project=project.root())
        self.samples: list[Sample] = []
        self._began = perf_counter()
        self._met = Met()

    @staticmethod
    def wall() -> float:
        """Now, in seconds since the epoch: the clock of the platform's events."""
        return wall_clock()

    def now(self) -> float:
        """Now, in seconds since the run began: the clock of its samples."""
        return perf_counter() - self._began

    @asynccontextmanager
    async def time(self, what: str, where: str = "") -> AsyncIterator[dict[str, Any]]:
        """Time what happens inside; what is put into the dictionary goes along. A failure is a sample too."""
        detail: dict[str, Any] = {}
        sent, outcome = perf_counter() - self._began, "ok"
        try:
            yield detail
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self._add(what, where, sent, perf_counter() - self._began, outcome, detail)

    def add(self, what: str, where: str, ms: float, **detail: object) -> None:
        """Add a duration that somebody else measured, such as a phase out of a trace."""
        now = perf_counter() - self._began
        self._add(what, where, now, now + ms / 1000, "ok", detail)

    def _add(self, what: str, where: str, sent: float, end: float, outcome: str, detail: dict[str, Any]) -> None:
        self.samples.append(
            Sample(what=what, where=where, scheduled=sent, sent=sent, finished=end, outcome=outcome, detail=detail)
        )

    def save(self) -> Path:
        """Write ``build/data/<chapter>-<date>.json`` and read it back: what follows is drawn from the file."""
        if faults := self._met.since():
            self.run = replace(self.run, settings={**self.run.settings, "faults": faults})
        path = runs.save(self.run, self.samples, project.build() / "data")
        self.run, self.samples = runs.load(path)
        return path

    def of(self, what: str, where: str | None = None) -> list[Sample]:
        """The samples of one kind; UsageError when there are none."""
        found = [each for each in self.samples if each.what == what and where in (None, each.where)]
        if not found:
            raise UsageError(f"nothing called {what!r} was measured{f' in {where!r}' if where else ''}")
        return found

    def ms(self, what: str, where: str | None = None) -> list[float]:
        """Their times in milliseconds, failures left out."""
        return [1000 * each.latency for each in self.of(what, where) if each.ok]

    def by_place(self, what: str) -> dict[str, list[float]]:
        """The times of one kind for each place, in the order in which the places were first seen."""
        return {place: self.ms(what, place) for place in dict.fromkeys(each.where for each in self.of(what))}

    def text(self, what: str, where: str | None = None) -> str:
        """The median in words: ``0.9 ms at the median (95 % interval 0.7 to 1.2 ms, n = 40, 0 failed)``.

        Of fewer than six values no two enclose the true median with that confidence, so all of them are given.
        """
        found = self.summary(what, where)
        times = self.ms(what, where)
        if 0 < len(times) < LEAST:
            listed = ", ".join(f"{each:.1f}" for each in sorted(times))
            return f"{listed} ms (too few for an interval, n = {found.n}, {found.failures} failed)"
        if found.p50 is None or found.p50_interval is None:
            return f"no success (n = {found.n}, {found.failures} failed)"
        low, high = 1000 * found.p50_interval.low, 1000 * found.p50_interval.high
        between = f"95 % interval {low:.1f} to {high:.1f} ms"
        return f"{1000 * found.p50:.1f} ms at the median ({between}, n = {found.n}, {found.failures} failed)"

    def conditions(self) -> str:
        """How busy this computer was when the run began: small times mean little on a loaded one."""
        load = "unknown" if self.run.load_before is None else f"{self.run.load_before:.1f}"
        return f"load {load} on {self.run.cores} cores when the run began"

    @property
    def busy(self) -> bool:
        """Whether there was as much to do as there are cores when the run began: small times say less then."""
        return self.run.load_before is not None and self.run.load_before >= self.run.cores

    def summary(self, what: str, where: str | None = None) -> Summary:
        """Median, p95 and their intervals, with n and the failures."""
        return summarise(self.of(what, where))
