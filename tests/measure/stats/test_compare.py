"""Effects have the size they have, intervals cover them, and equal variants are said to be equal."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.stats import Floor, Verdict, compare, differs, interleaved, noise_floor, order, paired


def lognormal(n, seed, middle=0.0):
    rng = Random(seed)
    return [rng.lognormvariate(middle, 0.5) for _ in range(n)]


def test_a_difference_of_medians_agrees_with_scipy():
    """scipy.stats.bootstrap 1.17.1, percentile, 200,000 resamples of the same two samples."""
    rng = Random(11)
    a = [rng.lognormvariate(0, 0.5) for _ in range(200)]
    b = [rng.lognormvariate(0.2, 0.5) for _ in range(200)]
    found = compare(a, b, rng=Random(1))
    assert found.difference == pytest.approx(0.20958021851640707)
    assert found.interval.low == pytest.approx(0.06942392013223575, abs=0.02)
    assert found.interval.high == pytest.approx(0.33093665753303236, abs=0.02)
    assert found.excludes_zero


def test_intervals_of_differences_cover_them():
    covered = 0
    for seed in range(200):
        found = compare(lognormal(60, seed), lognormal(60, seed + 10_000), rng=Random(seed), resamples=250)
        covered += found.interval.low <= 0 <= found.interval.high
    assert 0.89 <= covered / 200 <= 0.995


def test_too_few_values_have_an_effect_and_no_interval():
    found = compare([1.0] * 100, [2.0] * 100, 0.99, rng=Random(1))
    assert (found.difference, found.interval, found.ratio) == (1.0, None, 2.0)
    assert found.text(scale=1, unit="s").endswith("n 100 and 100, too few for an interval")


def test_what_drifts_from_round_to_round_does_not_hide_a_small_effect():
    """B is 1 slower where the rounds themselves differ by 100: apart nothing is seen, within rounds everything."""
    rng = Random(3)
    rounds = []
    for _ in range(12):
        drift = rng.uniform(0, 100)
        rounds.append(([drift + rng.gauss(10, 0.5) for _ in range(5)], [drift + rng.gauss(11, 0.5) for _ in range(5)]))
    found = interleaved(rounds)
    assert found.excludes_zero
    assert found.difference == pytest.approx(1, abs=0.5)
    apart = compare([x for a, _ in rounds for x in a], [x for _, b in rounds for x in b], rng=Random(1))
    assert not apart.excludes_zero
    assert found.text(scale=1, unit="ms").endswith("n 60 and 60, 12 rounds")


def test_pairs_are_rounds_of_one():
    assert paired([1.0] * 6, [3.0] * 6) == interleaved([([1.0], [3.0])] * 6)
    with pytest.raises(UsageError, match="cannot be paired"):
        paired([1.0], [])
    with pytest.raises(UsageError, match="each with values"):
        interleaved([([1.0], [])])
    with pytest.raises(UsageError, match="0 values"):
        compare([], [1.0], rng=Random(1))


@given(
    st.lists(st.tuples(st.floats(0.1, 1e3), st.floats(0.1, 1e3)), min_size=1, max_size=20),
)
def test_exchanging_the_variants_turns_the_effect_round(pairs):
    there = paired([a for a, _ in pairs], [b for _, b in pairs])
    back = paired([b for _, b in pairs], [a for a, _ in pairs])
    assert back.difference == pytest.approx(-there.difference)
    assert (there.interval is None) == (len(pairs) < 6)
    if there.interval:
        assert (back.interval.low, back.interval.high) == (
            pytest.approx(-there.interval.high),
            pytest.approx(-there.interval.low),
        )


def test_equal_variants_stay_under_the_floor_and_a_real_difference_does_not():
    def rounds(seed, more):
        rng = Random(seed)
        return [([rng.gauss(10, 1)], [rng.gauss(10 + more, 1)]) for _ in range(20)]

    beyond = 0
    for seed in range(100):
        floor = noise_floor(rounds(seed, 0), rng=Random(seed), resamples=200)
        beyond += abs(interleaved(rounds(seed + 1000, 0)).difference) > floor.effect
    assert floor.n == 20
    assert beyond <= 17  # 5 % are meant to, and the floor itself is an estimate
    floor = noise_floor(rounds(1, 0), rng=Random(1))
    assert differs(interleaved(rounds(2, 5)), floor) is Verdict.DIFFERS
    assert differs(interleaved(rounds(1, 0)), floor) in (Verdict.UNDECIDED, Verdict.NOISE)


@pytest.mark.parametrize(
    ("differences", "effect"),
    [
        ([2.0], 2.0),  # one round: its own difference, whichever sign it has
        ([1.0, -3.0], 2.0),  # |±1 ±3| / 2 is 1 or 2, each in half of the throws
        ([1.0, -1.0, 1.0], 1.0),  # the median of three signs is one of them
        ([0.0] * 9, 0.0),
    ],
)
def test_the_floor_of_few_rounds_is_known_exactly(differences, effect):
    found = noise_floor([([5.0], [5.0 + each]) for each in differences], rng=Random(1))
    assert (found.effect, found.n) == (pytest.approx(effect), len(differences))


def test_verdicts():
    six = interleaved([([1.0], [1.5])] * 6)
    assert differs(six, Floor(0.6, 20)) is Verdict.NOISE
    assert differs(six, Floor(0.4, 20)) is Verdict.DIFFERS
    assert differs(interleaved([([1.0], [9.0])] * 5), Floor(0.1, 20)) is Verdict.UNDECIDED
    around = interleaved([([1.0], [1.0 + each]) for each in (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)])
    assert differs(around, Floor(0.5, 20)) is Verdict.NOISE
    assert differs(around, Floor(0.2, 20)) is Verdict.UNDECIDED


def test_each_round_measures_each_variant_once_in_an_order_of_its_own():
    plan = order(["a", "b", "c"], rounds=40, rng=Random(1))
    assert all(sorted(each) == ["a", "b", "c"] for each in plan)
    assert len({tuple(each) for each in plan}) == 6
    assert plan == order(["a", "b", "c"], rounds=40, rng=Random(1))


def test_a_ratio_to_nothing_is_infinite():
    assert paired([0.0], [1.0]).ratio == float("inf")
    assert paired([0.0], [0.0]).ratio == 1
