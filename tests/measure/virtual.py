"""A load without a server: ``carry`` answers as ``offer`` does, at once, from latencies that a function draws."""

from collections.abc import Callable
from random import Random

from flylab.measure import runs
from flylab.measure.offer import Offered, Progress, Within
from flylab.measure.plan import Deed, Plan
from flylab.measure.sample import Sample
from flylab.measure.stats import Histogram


def plan(path: str = "/", *, rate: float = 100, seconds: float = 2, **more: object) -> Plan:
    arrivals = {"kind": "constant", "rate": rate, "seconds": seconds}
    return Plan(target="http://x:1", arrivals=arrivals, mix=(Deed(do="get", path=path),), **more)


class Virtual:
    """``latency(plan, rng)`` draws one; ``late`` says of each load in turn whether its generator was late."""

    def __init__(
        self, latency: Callable[[Plan, Random], float], late: Callable[[int, Plan], bool] = lambda *_: False
    ) -> None:
        self._latency, self._late = latency, late
        self.carried: list[tuple[Plan, dict[str, object]]] = []

    async def carry(self, plan: Plan, *, within: Within, **_: object) -> Offered:
        rng = Random(len(self.carried))
        taken = [(due, self._latency(plan, rng)) for due in plan.moments()]
        samples = [
            Sample(
                what=plan.mix[0].what,
                where="x",
                scheduled=due,
                sent=due,
                finished=due + took,
                detail=dict(within.detail),
            )
            for due, took in taken
        ]
        runs.append(within.record, samples)
        latencies = Histogram()
        for _, took in taken:
            latencies.add(took)
        valid = not self._late(len(self.carried), plan)
        self.carried.append((plan, dict(within.detail)))
        n = len(taken)
        end = Progress(
            elapsed=1, seconds=1, sent=n, finished=n, failed=0, latencies=latencies, lateness=Histogram()
        )  # fmt: skip
        return Offered(end=end, processes=1, bound=0.01, valid=valid, record=within.record)
