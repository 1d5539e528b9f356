"""What is counted of exchanges for the metrics: plain numbers, cheap to add to, with labels that are bounded.

Names and labels of the series are Fly's (monitoring/metrics); the buckets are our choice, those that are usual.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

from flylab.rules.hops import Hop

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_MOST = 10_000  # series of machines and statuses; our choice


class Times:
    """How often something happened, and how long it took."""

    __slots__ = ("buckets", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        self.buckets[0 if seconds <= BUCKETS[0] else bisect_left(BUCKETS, seconds)] += 1  # most are short

    @property
    def timed(self) -> int:
        """How often it is known how long it took."""
        return sum(self.buckets)

    def cumulative(self) -> list[tuple[str, int]]:
        """``(le, count)`` as Prometheus has buckets."""
        found, so_far = [], 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.buckets, strict=True):
            so_far += count
            found.append((bound, so_far))
        return found


class Tallies:
    """Of one edge: answers by app and status, answers of machines by machine and status, connections, bytes."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.answers: dict[tuple[str, int], Times] = {}
        self.visits: dict[tuple[str, int], Times] = {}
        self.connects: dict[str, Times] = {}
        self.bytes: dict[str, list[int]] = {}
        self.opened = 0
        self.closed = 0

    def exchange(
        self, app: str, status: int | None, seconds: float, hops: Iterable[Hop], received: int, sent: int
    ) -> None:
        """One is over; ``status`` is None when its client left before an answer. A socket's life is no time."""
        if status is not None:
            _add(self.answers, (app, status), seconds)
        for hop in hops:
            if hop.status is not None and hop.ended is not None:
                _add(self.visits, (hop.machine, hop.status), hop.ended - hop.started)
        moved = self.moved(app)
        moved[0] += received
        moved[1] += sent

    def answered(self, app: str, status: int) -> Times:
        """What answers of an app with a status are counted in, for whoever counts many of them."""
        return self.answers.get((app, status)) or self.answers.setdefault((app, status), Times())

    def visited(self, machine: str, status: int) -> Times:
        """The same of the answers of a machine."""
        return self.visits.get((machine, status)) or self.visits.setdefault((machine, status), Times())

    def moved(self, app: str) -> list[int]:
        """The bytes from and to an app's clients, to be added to."""
        return self.bytes.setdefault(app, [0, 0])

    def connected(self, machine: str, seconds: float) -> None:
        """A new connection to a machine was made."""
        times = self.connects.get(machine)
        if times is None:
            times = self.connects[machine] = Times()
        times.add(seconds)

    @property
    def large(self) -> bool:
        """Whether it is time to forget what is gone."""
        return len(self.answers) + len(self.visits) + len(self.connects) > _MOST

    def keep(self, app: Callable[[str], bool], machine: Callable[[str], bool]) -> None:
        """Forget the apps and machines that are not there any more."""
        self.answers = {key: times for key, times in self.answers.items() if app(key[0])}
        self.bytes = {name: moved for name, moved in self.bytes.items() if app(name)}
        self.visits = {key: times for key, times in self.visits.items() if machine(key[0])}
        self.connects = {name: times for name, times in self.connects.items() if machine(name)}


def straight(answers: Times, visits: Times, seconds: float) -> None:
    """One is over that visited one machine for all of its time."""
    bucket = 0 if seconds <= BUCKETS[0] else bisect_left(BUCKETS, seconds)
    answers.count += 1
    answers.total += seconds
    answers.buckets[bucket] += 1
    visits.count += 1
    visits.total += seconds
    visits.buckets[bucket] += 1


def _add(series: dict[tuple[str, int], Times], key: tuple[str, int], seconds: float) -> None:
    times = series.get(key)
    if times is None:
        times = series[key] = Times()
    if key[1] == 101:  # how long a socket lasted says nothing of the answer
        times.count += 1
    else:
        times.add(seconds)
