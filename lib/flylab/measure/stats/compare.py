"""Two variants compared: the effect with its interval, beside the effect that two equal ones would have (A/A).

On a computer with neighbours a difference of two runs says little. What is measured in turn, in one run and in an
order that chance decided for each round (``order``), meets the same neighbours: ``interleaved`` compares within rounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from flylab.errors import UsageError
from flylab.measure.stats.bootstrap import RESAMPLES, drawn_quantile, median_interval, percentile
from flylab.measure.stats.quantiles import least_n
from flylab.measure.summary import CONFIDENCE, Interval, quantile

Round = tuple[Sequence[float], Sequence[float]]  # what A and what B took in one round


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How much B differs from A: ``difference`` is B - A, ``ratio`` B / A; an interval is None where n is too small."""

    q: float
    a: float
    b: float
    n_a: int
    n_b: int
    difference: float
    interval: Interval | None
    ratio: float
    ratio_interval: Interval | None
    rounds: int = 0  # 0: two samples that were taken apart

    @property
    def excludes_zero(self) -> bool:
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high

    def text(self, *, scale: float = 1000, unit: str = "ms") -> str:
        """``p50 10.2 → 12.3 ms: +2.1 (1.9 to 2.4), × 1.21 (1.18 to 1.24), n 500 and 500``."""
        parts = f"p{100 * self.q:g} {scale * self.a:.3g} → {scale * self.b:.3g} {unit}: {scale * self.difference:+.3g}"
        if self.interval is not None:
            parts += f" ({scale * self.interval.low:.3g} to {scale * self.interval.high:.3g})"
        parts += f", × {self.ratio:.3g}"
        if self.ratio_interval is not None:
            parts += f" ({self.ratio_interval.low:.3g} to {self.ratio_interval.high:.3g})"
        turns = f", {self.rounds} rounds" if self.rounds else ""
        missing = "" if self.interval is not None else ", too few for an interval"
        return f"{parts}, n {self.n_a} and {self.n_b}{turns}{missing}"


@dataclass(frozen=True, slots=True)
class Floor:
    """Effects below this are what two equal variants show here; from ``n`` rounds of A against A."""

    effect: float
    n: int


class Verdict(StrEnum):
    """What an effect means beside the noise."""

    DIFFERS = "differs"
    NOISE = "within the noise"
    UNDECIDED = "undecided"


def compare(
    a: Sequence[float],
    b: Sequence[float],
    q: float = 0.5,
    *,
    rng: Random,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Effect:
    """A quantile of two samples that were taken apart, with bootstrap intervals of difference and ratio."""
    if not a or not b:
        raise UsageError(f"{len(a)} values cannot be compared with {len(b)}")
    first, second = sorted(a), sorted(b)
    at_a, at_b = quantile(first, q), quantile(second, q)
    difference = ratio = None
    if min(len(a), len(b)) >= max(least_n(q), 2):
        drawn = [(drawn_quantile(first, q, rng), drawn_quantile(second, q, rng)) for _ in range(resamples)]
        difference = percentile((y - x for x, y in drawn), confidence=confidence)
        ratio = percentile((_ratio(x, y) for x, y in drawn), confidence=confidence)
    return Effect(
        q=q,
        a=at_a,
        b=at_b,
        n_a=len(a),
        n_b=len(b),
        difference=at_b - at_a,
        interval=difference,
        ratio=_ratio(at_a, at_b),
        ratio_interval=ratio,
    )


def interleaved(rounds: Sequence[Round], q: float = 0.5, *, confidence: float = CONFIDENCE) -> Effect:
    """The median over rounds of each round's own effect; its interval supposes nothing of the distribution.

    What drifts from round to round (a neighbour, a warming cache) is in both halves of a round and cancels out.
    """
    if not rounds or not all(a and b for a, b in rounds):
        raise UsageError("a comparison needs rounds, each with values of both variants")
    pairs = [(quantile(sorted(a), q), quantile(sorted(b), q)) for a, b in rounds]
    differences = [b - a for a, b in pairs]
    ratios = [_ratio(a, b) for a, b in pairs]
    return Effect(
        q=q,
        a=_middle([a for a, _ in pairs]),
        b=_middle([b for _, b in pairs]),
        n_a=sum(len(a) for a, _ in rounds),
        n_b=sum(len(b) for _, b in rounds),
        difference=_middle(differences),
        interval=median_interval(differences, confidence=confidence),
        ratio=_middle(ratios),
        ratio_interval=median_interval(ratios, confidence=confidence),
        rounds=len(rounds),
    )


def paired(a: Sequence[float], b: Sequence[float], *, confidence: float = CONFIDENCE) -> Effect:
    """The median of the differences of pairs: one value of each variant per round."""
    if len(a) != len(b):
        raise UsageError(f"{len(a)} values cannot be paired with {len(b)}")
    return interleaved([([x], [y]) for x, y in zip(a, b, strict=True)], confidence=confidence)


def noise_floor(
    rounds: Sequence[Round],
    q: float = 0.5,
    *,
    rng: Random,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Floor:
    """How large an effect rounds of A against A show, with that confidence.

    Which of two equal halves is called A is arbitrary, so the signs of the rounds' differences are thrown anew, seeded,
    and the median of each throw is an effect that could as well have been seen.
    """
    effect = interleaved(rounds, q)
    differences = [quantile(sorted(b), q) - quantile(sorted(a), q) for a, b in rounds]
    thrown = sorted(abs(_middle([rng.choice((-1, 1)) * each for each in differences])) for _ in range(resamples))
    return Floor(effect=quantile(thrown, confidence), n=effect.rounds)


def differs(effect: Effect, floor: Floor) -> Verdict:
    """A difference is one whose interval excludes zero and that is larger than the noise."""
    if effect.interval is None:
        return Verdict.UNDECIDED
    if effect.excludes_zero:
        return Verdict.DIFFERS if abs(effect.difference) > floor.effect else Verdict.NOISE
    inside = max(abs(effect.interval.low), abs(effect.interval.high)) <= floor.effect
    return Verdict.NOISE if inside else Verdict.UNDECIDED


def order(variants: Sequence[str], *, rounds: int, rng: Random) -> list[list[str]]:
    """In which order to measure: each variant once a round, shuffled anew for each."""
    return [rng.sample(list(variants), k=len(variants)) for _ in range(rounds)]


def _middle(values: Sequence[float]) -> float:
    """The median that lies in the middle of an even number of values, so that A and B may be exchanged."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _ratio(a: float, b: float) -> float:
    if a == 0:
        return 1.0 if b == 0 else math.copysign(math.inf, b)
    return b / a
