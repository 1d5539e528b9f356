"""Loads carried out in turn, in one run: variants beside each other, or one beside itself, which shows the noise.

Every round has each variant once, in an order that chance decides for each round, with the same arrivals for all of
them. What disturbs the computer meanwhile disturbs all alike, and an effect is taken within rounds.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.offer import Offered, Progress, Within, offer
from flylab.measure.pace import LATE
from flylab.measure.plan import Plan
from flylab.measure.runs import Run
from flylab.measure.sample import Sample
from flylab.measure.stats import (
    Effect,
    Estimate,
    Floor,
    Verdict,
    differs,
    interleaved,
    least_n,
    noise_floor,
    order,
)
from flylab.measure.stats.compare import Round

A, AGAIN, B = "A", "A again", "B"
VARIANT, ROUND = "variant", "round"  # in the detail of each sample
MOST_ROUNDS = 1_000  # our choice
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One quantile of one kind of request in two variants; too few for it: ``effect`` is None and ``short`` says so."""

    what: str
    effect: Effect | None
    floor: Floor | None  # where the first variant was measured twice
    short: Estimate | None = None

    @property
    def verdict(self) -> Verdict | None:
        """None without a floor to compare with."""
        return differs(self.effect, self.floor) if self.effect and self.floor else None

    def text(self) -> str:
        """One line."""
        if self.effect is None:
            return self.short.text() + " in each round" if self.short else "no rounds"
        parts = [self.effect.text()]
        if self.floor is not None:
            parts.append(f"noise ±{1000 * self.floor.effect:.3g} ms")
        if self.verdict is not None:
            parts.append(str(self.verdict))
        return "; ".join(parts)


def variants(plan: Plan, against: Plan | None, *, noise: bool) -> dict[str, Plan]:
    """What is to be measured in turn: A and B, A twice for its noise, or both."""
    if against is None and not noise:
        raise UsageError("one load alone is compared with nothing: there must be another, or the noise of this one")
    chosen = {A: plan}
    if noise:
        chosen[AGAIN] = plan
    if against is not None:
        chosen[B] = against
    return chosen


async def take_turns(
    plans: Mapping[str, Plan],
    *,
    rounds: int,
    run: Run,
    folder: Path,
    processes: int | None = None,
    late: float = LATE,
    begin: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] | None = None,
    carry: Callable[..., Awaitable[Offered]] = offer,
) -> Path:
    """Carry out all of them ``rounds`` times and store every sample; returns the record.

    A round in which the generator was late in any turn counts for nothing and is made again, as long as such rounds
    are not more than those that were asked for; then the run does not count either. ``begin`` is told what comes next.
    """
    if not 1 <= rounds <= MOST_ROUNDS:
        raise UsageError(f"a comparison has 1 to {MOST_ROUNDS:,} rounds, and not {rounds}")
    spoilt: set[int] = set()
    with runs.recording(run, folder) as keep:
        within = Within(keep.record)
        for number, names in enumerate(order(list(plans), rounds=2 * rounds, rng=Random(run.seed))):
            if number - len(spoilt) == rounds:
                break
            for name in names:
                begin(f"round {number - len(spoilt) + 1} of {rounds}, {name}")
                # The same arrivals and the same mix for all variants of a round, and others in the next.
                plan = replace(plans[name], seed=plans[name].seed + number)
                marked = within.marked({VARIANT: name, ROUND: number})
                offered = await carry(plan, processes=processes, late=late, progress=progress, within=marked)
                if not offered.valid:
                    spoilt.add(number)
                    break
        keep.judge(valid=len(spoilt) <= rounds, results={"late_rounds": sorted(spoilt)})
    return keep.record


def rounds_of(
    samples: Sequence[Sample], a: str, b: str, *, what: str | None = None, without: Sequence[int] = ()
) -> list[Round]:
    """The latencies of two variants, round by round; only rounds in which both had successes."""
    taken: dict[int, tuple[list[float], list[float]]] = {}
    for sample in samples:
        variant, number = sample.detail.get(VARIANT), sample.detail.get(ROUND)
        if variant not in (a, b) or not isinstance(number, int) or number in without or not sample.ok:
            continue
        if what is None or sample.what == what:
            taken.setdefault(number, ([], []))[0 if variant == a else 1].append(sample.latency)
    return [taken[number] for number in sorted(taken) if all(taken[number])]


def compared(run: Run, samples: Sequence[Sample], *, rng: Random) -> list[Compared]:
    """What a stored comparison says: of each kind that both have, and of all kinds together where there are several."""
    without = run.results.get("late_rounds") or ()
    assert isinstance(without, Sequence)
    named = dict.fromkeys(str(sample.detail.get(VARIANT)) for sample in samples)
    other = B if B in named else AGAIN
    kinds = [{sample.what for sample in samples if sample.detail.get(VARIANT) == name} for name in (A, other)]
    shared = [what for what in dict.fromkeys(sample.what for sample in samples) if all(what in each for each in kinds)]
    whats: list[str | None] = [*shared] if len(shared) == 1 and kinds[0] == kinds[1] else [None, *shared]
    found = []
    for what in whats:
        pairs = rounds_of(samples, A, other, what=what, without=without)
        equal = rounds_of(samples, A, AGAIN, what=what, without=without) if AGAIN in named else []
        found += [_compared(what or "everything", pairs, equal, q, rng) for q in QUANTILES if pairs]
    return found


def report(run: Run, samples: Sequence[Sample]) -> list[str]:
    """The same in lines; the resamples of its noise are seeded by the run."""
    lines = []
    if late := run.results.get("late_rounds"):
        lines.append(f"the generator was late in rounds {late}, counted from 0: they do not count")
    what = ""
    for each in compared(run, samples, rng=Random(run.seed)):
        if each.what != what:
            what = each.what
            lines.append(f"{what}:")
        lines.append(f"  {each.text()}")
    return lines if what else [*lines, "no round has an answer in both variants"]


def _compared(what: str, pairs: Sequence[Round], equal: Sequence[Round], q: float, rng: Random) -> Compared:
    fewest = min(len(side) for pair in [*pairs, *equal] for side in pair)
    if fewest < least_n(q):
        return Compared(what=what, effect=None, floor=None, short=Estimate(q=q, n=fewest, value=None, interval=None))
    floor = noise_floor(equal, q, rng=rng) if equal else None
    return Compared(what=what, effect=interleaved(pairs, q), floor=floor)
