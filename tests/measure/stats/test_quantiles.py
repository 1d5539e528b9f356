"""A quantile is given with its interval and its count, or not at all."""

from random import Random

import pytest

from flylab.errors import UsageError
from flylab.measure.stats import estimate, least_n
from flylab.measure.summary import P99_FROM


def values(n=200):
    rng = Random(11)
    return [rng.lognormvariate(0, 0.5) for _ in range(n)]


@pytest.mark.parametrize(
    ("q", "n"), [(0.5, 1), (0.75, 1), (0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000), (0.01, 1000)]
)
def test_a_tail_needs_ten_values_beyond_it(q, n):
    assert least_n(q) == n
    assert estimate([1.0] * n, q).value == 1.0
    if n > 1:
        short = estimate([1.0] * (n - 1), q)
        assert (short.value, short.interval, short.n) == (None, None, n - 1)
        assert short.text() == f"p{100 * q:g} not given: n {n - 1}, {n} are needed"


def test_the_rule_is_that_of_summaries():
    assert least_n(0.99) == P99_FROM


@pytest.mark.parametrize("q", [0, 1, -0.5, 2])
def test_what_is_no_quantile_is_refused(q):
    with pytest.raises(UsageError, match="quantile"):
        least_n(q)


def test_quantiles_and_intervals_agree_with_scipy():
    """numpy.quantile (inverted_cdf) and scipy.stats.bootstrap 1.17.1, 400,000 resamples, on the same 200 values."""
    data = values()
    for q, expected in ((0.5, 1.0466593802706288), (0.9, 2.050249809551074), (0.95, 2.3365918237013314)):
        assert estimate(data, q).value == expected
    found = estimate(data, 0.95).interval
    assert (found.low, found.high) == (pytest.approx(2.0747076194035268), pytest.approx(2.8518553361019023))


def test_the_text_has_value_interval_and_count():
    assert estimate([0.010, 0.011, 0.012], 0.5).text() == "p50 11 ms (10-12), n 3"
