"""Looking for the knee of a load: the highest rate at which the p99 stays under a bound and nothing fails."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.offer import Offered, Progress, Within, offer
from flylab.measure.pace import LATE
from flylab.measure.plan import MOST_REQUESTS, Plan
from flylab.measure.runs import Run
from flylab.measure.stats import Knee, Step, held, knee, least_n, next_rate

SETTLE = 0.5  # seconds in which a server may finish what a rate that was too high has left behind; our choice
MARGIN = 1.2  # Poisson arrivals of a step scatter, and a p99 needs 1,000 of them
LONGEST = 120.0  # seconds of one step, which are enough for a p99 from 10 requests a second on; our choice
CLOSE = 1.1  # what held and what did not are less than this apart in the end; our choice
LEAST_RATE = MARGIN * least_n(0.99) / LONGEST  # requests a second
MOST_RATE = 1_000_000.0  # requests a second; more than any generator offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The knee, the steps on the way to it, and where the samples are."""

    knee: Knee
    steps: tuple[Step, ...]
    bound: float
    record: Path

    @property
    def valid(self) -> bool:
        """Whether anything is known: some step was offered in time."""
        return any(step.valid for step in self.steps)

    def text(self) -> list[str]:
        """A line for each step in order of its rate, and what follows from them."""
        lines = [_line(step, self.bound) for step in sorted(self.steps, key=lambda step: step.rate)]
        found, bound = self.knee, f"p99 ≤ {1000 * self.bound:g} ms"
        if not self.valid:
            return [*lines, "INVALID: the generator was late at every rate, so nothing is known of the target"]
        if found.rate is None:
            return [*lines, f"no rate that was tried holds {bound}"]
        said = f"knee: {found.rate:.4g} requests/s hold {bound}"
        if found.above is not None:
            clear = "" if found.sure else "; the intervals reach over the bound, so other runs may differ by a step"
            return [*lines, f"{said}, {found.above:.4g} do not{clear}"]
        why = (
            "the generator could offer no more in time" if found.bound_by == "generator" else "nothing above was tried"
        )
        return [*lines, f"{said} at least: {why}"]


async def seek(
    plan: Plan,
    bound: float,
    *,
    run: Run,
    folder: Path,
    processes: int | None = None,
    late: float = LATE,
    most: float = MOST_RATE,
    close: float = CLOSE,
    settle: float = SETTLE,
    begin: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] | None = None,
    carry: Callable[..., Awaitable[Offered]] = offer,
) -> Sought:
    """Raise the plan's rate from where it is until the bound is broken, then find the place between; all is stored."""
    if plan.closed or plan.arrivals["kind"] not in ("constant", "poisson"):
        raise UsageError("a knee is looked for with constant or poisson arrivals in an open loop")
    if not 0 < bound < plan.timeout:
        raise UsageError(f"a bound of {bound:g} s is not between 0 and the timeout of {plan.timeout:g} s")
    start, steps = float(plan.arrivals["rate"]), list[Step]()
    if not LEAST_RATE <= start <= most < math.inf:
        raise UsageError(
            f"rates from {LEAST_RATE:g} to {most:g} requests/s can be tried, and the plan begins at {start:g}"
        )
    with runs.recording(run, folder) as keep:
        within = Within(keep.record)
        while (rate := next_rate(steps, bound, start=start, least=LEAST_RATE, most=most, close=close)) is not None:
            stepped = at_rate(plan, rate, number=len(steps))
            begin(f"{rate:.4g}/s")
            marked = within.marked({"variant": f"{rate:.4g}/s", "step": len(steps)})
            offered = await carry(stepped, processes=processes, late=late, progress=progress, within=marked)
            found = offered.end.latencies.estimate(0.99)
            errors, valid = offered.end.failed, offered.valid
            steps.append(Step(rate=rate, p99=found.value, interval=found.interval, errors=errors, valid=valid))
            await asyncio.sleep(settle)
        found_knee = knee(steps, bound)
        sought = Sought(knee=found_knee, steps=tuple(steps), bound=bound, record=keep.record)
        results = {"bound": bound, "knee": asdict(found_knee), "steps": [asdict(step) for step in steps]}
        keep.judge(valid=sought.valid, results=results)
    return sought


def at_rate(plan: Plan, rate: float, *, number: int = 0) -> Plan:
    """The plan at another rate, for as long as a p99 needs; every step has a seed of its own."""
    seconds = min(max(float(plan.arrivals["seconds"]), MARGIN * least_n(0.99) / rate), MOST_REQUESTS / rate)
    return replace(plan, arrivals={**plan.arrivals, "rate": rate, "seconds": seconds}, seed=plan.seed + number)


def _line(step: Step, bound: float) -> str:
    """``500/s  p99 12.3 ms (11.9-12.8)  holds``."""
    p99 = "p99 –" if step.p99 is None else f"p99 {1000 * step.p99:.3g} ms"
    if step.interval is not None:
        p99 += f" ({1000 * step.interval.low:.3g}-{1000 * step.interval.high:.3g})"
    if not step.valid:
        return f"{step.rate:.4g}/s  {p99}  the generator was late: does not count"
    failed = f", {step.errors} failed" if step.errors else ""
    return f"{step.rate:.4g}/s  {p99}{failed}  {'holds' if held(step, bound) else 'does not hold'}"
