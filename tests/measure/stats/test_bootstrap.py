"""Resampling agrees with scipy and with closed forms, and covers what it says."""

from random import Random

import pytest

from flylab.errors import UsageError
from flylab.measure.stats import bootstrap, median_interval
from flylab.measure.stats.bootstrap import drawn_quantile, percentile
from flylab.measure.summary import interval


def values(n=200, seed=11):
    rng = Random(seed)
    return [rng.lognormvariate(0, 0.5) for _ in range(n)]


def test_the_interval_of_a_mean_agrees_with_scipy():
    """scipy.stats.bootstrap 1.17.1, percentile, 200,000 resamples; 2,000 of ours scatter a little."""
    found = bootstrap(values(), lambda some: sum(some) / len(some), rng=Random(1))
    assert found.low == pytest.approx(1.0709914759900254, abs=0.012)
    assert found.high == pytest.approx(1.2469558018163382, abs=0.012)


def test_the_same_seed_gives_the_same_interval():
    def found(seed):
        return bootstrap(values(30), max, rng=Random(seed), resamples=100)

    assert found(3) == found(3)
    assert bootstrap(values(30), sum, rng=Random(1), resamples=100) != bootstrap(
        values(30), sum, rng=Random(2), resamples=100
    )


def test_no_values_have_no_interval():
    with pytest.raises(UsageError, match="0 values"):
        bootstrap([], max, rng=Random(1))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.95])
def test_a_drawn_quantile_is_distributed_like_that_of_a_resample(q):
    """Its interval is the exact one of ``summary.interval`` (to a rank or two, with 4,000 draws)."""
    ordered, rng = sorted(values()), Random(5)
    drawn = percentile([drawn_quantile(ordered, q, rng) for _ in range(4000)])
    exact = interval(ordered, q)
    for one, other in ((drawn.low, exact.low), (drawn.high, exact.high)):
        assert abs(ordered.index(one) - ordered.index(other)) <= 2


@pytest.mark.parametrize(("n", "k"), [(0, 0), (5, 0), (6, 1), (20, 6), (37, 13), (100, 40)])
def test_the_interval_of_a_median_has_the_ends_of_the_binomial(n, k):
    """The k-th value from either end; k by scipy.stats.binom 1.17.1, and by tables of the sign test."""
    found = median_interval([float(value) for value in range(1, n + 1)])
    assert found is None if k == 0 else (found.low, found.high) == (k, n + 1 - k)


def test_the_interval_of_a_median_covers_it_at_least_as_often_as_it_says():
    """The median of a lognormal distribution is 1; of n = 20 the exact coverage is 0.9586."""
    covered = 0
    for seed in range(1000):
        found = median_interval(values(20, seed))
        covered += found.low <= 1 <= found.high
    assert 0.94 <= covered / 1000 <= 0.98  # three standard deviations


def test_the_interval_of_a_quantile_covers_it():
    """The exact bootstrap of the p90 of 150 exponential values, whose p90 is ln 10."""
    covered = 0
    for seed in range(300):
        rng = Random(seed)
        ordered = sorted(rng.expovariate(1) for _ in range(150))
        found = interval(ordered, 0.9)
        covered += found.low <= 2.302585 <= found.high
    assert 0.90 <= covered / 300 <= 0.985
