"""Quantiles by definition, intervals against resampling and by their coverage."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.sample import Sample
from flylab.measure.summary import interval, quantile, summarise


def sample(latency, outcome="ok", late=0.0):
    return Sample(what="x", where="y", scheduled=1.0, sent=1.0 + late, finished=1.0 + latency, outcome=outcome)


@pytest.mark.parametrize(
    ("n", "q", "expected"),
    [
        (1, 0.5, 1),
        (2, 0.5, 1),
        (3, 0.5, 2),
        (20, 0.95, 19),
        (21, 0.95, 20),
        (100, 0.99, 99),
        (100, 1.0, 100),
        (5, 0.01, 1),
    ],
)
def test_a_quantile_is_the_smallest_value_that_covers_its_share(n, q, expected):
    assert quantile(range(1, n + 1), q) == expected


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_a_quantile_covers_its_share_and_lies_in_its_interval(values, q):
    ordered = sorted(values)
    found = quantile(ordered, q)
    assert sum(value <= found for value in ordered) >= q * len(ordered) - 1e-6
    between = interval(ordered, q)
    assert between.low <= found <= between.high


@pytest.mark.parametrize(("n", "q"), [(20, 0.5), (57, 0.5), (200, 0.95)])
def test_the_interval_is_what_resampling_converges_to(n, q):
    rng = random.Random(5)
    ordered = sorted(rng.expovariate(1) for _ in range(n))
    found = sorted(quantile(sorted(rng.choices(range(n), k=n)), q) for _ in range(4000))
    exact = interval(ordered, q)
    ranks = ordered.index(exact.low), ordered.index(exact.high)
    assert ranks[0] == pytest.approx(found[99], abs=1)
    assert ranks[1] == pytest.approx(found[3899], abs=1)


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    rng = random.Random(11)
    truth = 0.6931471805599453  # of the exponential distribution
    hits = 0
    for _ in range(400):
        between = interval(sorted(rng.expovariate(1) for _ in range(60)), 0.5)
        hits += between.low <= truth <= between.high
    assert 0.91 <= hits / 400 <= 0.99


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_there_is_no_quantile_of_nothing(values, q):
    with pytest.raises(UsageError, match="quantile of"):
        quantile(values, q)


def test_failures_are_counted_and_their_latency_is_not():
    summary = summarise(
        [sample(0.1), sample(0.2), sample(9.0, "503"), sample(9.0, "503"), sample(9.0, "ReadTimeout", 0.3)]
    )
    assert (summary.n, summary.failures) == (5, 3)
    assert summary.outcomes == {"ok": 2, "503": 2, "ReadTimeout": 1}
    assert (summary.p50, summary.slowest) == (pytest.approx(0.1), pytest.approx(0.2))
    assert summary.most_late == pytest.approx(0.3)


@pytest.mark.parametrize(("n", "known"), [(999, False), (1000, True)])
def test_p99_is_given_from_a_thousand_on(n, known):
    summary = summarise([sample(0.001 * number) for number in range(n)])
    assert (summary.p99 is not None) == known
    assert (summary.p99_interval is not None) == known
    assert ("p99" in summary.text()) == known


def test_nothing_at_all_is_said_as_such():
    summary = summarise([])
    assert (summary.p50, summary.fastest, summary.most_late) == (None, None, 0.0)
    assert summary.text() == "n 0, 0 failed"


def test_the_text_has_the_count():
    assert summarise([sample(0.0125)] * 3).text() == "p50 12.5 ms (12.5-12.5), p95 12.5 ms (12.5-12.5), n 3, 0 failed"


def test_a_long_run_is_summarised_at_once():
    rng = random.Random(3)
    summary = summarise([sample(rng.expovariate(100)) for _ in range(20_000)])
    assert summary.p99 is not None
    assert summary.p99 == pytest.approx(0.046, rel=0.1)
