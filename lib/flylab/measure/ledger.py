"""What a load has sent and what came back, in columns: some 40 bytes each, so that a minute of 20,000/s fits."""

from array import array
from collections.abc import Iterator, Mapping, Sequence

from flylab.measure.sample import OK, Sample
from flylab.measure.stats import Histogram

UNANSWERED = "unanswered"


class Ledger:
    """``open`` gives a number, ``close`` ends it; times are those of one clock and ``began`` is when the run did."""

    def __init__(self, kinds: Sequence[str], where: str) -> None:
        self._kinds, self._where = kinds, where
        self._kind = array("B")
        self._due, self._sent, self._finished = array("d"), array("d"), array("d")
        self._outcomes: dict[int, str] = {}
        self.latencies = Histogram()  # of successes, from when they were due
        self.lateness = Histogram()
        self.finished = 0
        self.failed = 0

    @property
    def sent(self) -> int:
        return len(self._kind)

    @property
    def waiting(self) -> int:
        return self.sent - self.finished

    def open(self, kind: int, due: float, now: float) -> int:
        self._kind.append(kind)
        self._due.append(due)
        self._sent.append(now)
        self._finished.append(-1.0)
        self.lateness.add(max(now - due, 0.0))
        return len(self._kind) - 1

    def close(self, number: int, now: float, outcome: str = OK) -> None:
        """The first word counts."""
        if self._finished[number] != -1.0:
            return
        self._finished[number] = now
        self.finished += 1
        if outcome == OK:
            self.latencies.add(max(now - self._due[number], 0.0))
        else:
            self._outcomes[number] = outcome
            self.failed += 1

    def end(self, now: float) -> None:
        """What has no answer by now has none."""
        for number, finished in enumerate(self._finished):
            if finished == -1.0:
                self.close(number, now, UNANSWERED)

    def samples(self, began: float, *, size: int, detail: Mapping[str, object] | None = None) -> Iterator[list[Sample]]:
        """All of it as samples, in pieces of a size; ``detail`` is in each of them."""
        same = dict(detail or {})
        for first in range(0, self.sent, size):
            yield [
                Sample(
                    what=self._kinds[self._kind[number]],
                    where=self._where,
                    scheduled=self._due[number] - began,
                    sent=self._sent[number] - began,
                    finished=self._finished[number] - began,
                    outcome=self._outcomes.get(number, OK),
                    detail=same,
                )
                for number in range(first, min(first + size, self.sent))
            ]
