"""A histogram knows quantiles to three digits wherever they lie, and merging loses nothing."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError, UsageError
from flylab.measure.stats import Histogram, estimate, merged
from flylab.measure.stats.histogram import ERROR
from flylab.measure.summary import quantile

LATENCIES = st.lists(st.floats(0, 3600), min_size=1, max_size=200)


def filled(values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(values=LATENCIES, q=st.floats(0.001, 1))
def test_quantiles_are_exact_to_three_digits(values, q):
    histogram, exact = filled(values), quantile(sorted(values), q)
    assert histogram.quantile(q) == pytest.approx(exact, rel=ERROR, abs=0.51e-6)
    assert (histogram.n, histogram.least, histogram.most) == (len(values), min(values), max(values))


@given(parts=st.lists(LATENCIES, min_size=1, max_size=5))
def test_merging_is_the_same_as_counting_everything_in_one(parts):
    together = filled(value for part in parts for value in part)
    apart = merged(Histogram.from_json(json.loads(json.dumps(filled(part).to_json()))) for part in parts)
    assert apart == together


def test_buckets_meet_without_gap_and_in_order():
    histogram = Histogram(unit=1)
    for value in range(20_000):
        histogram.add(value)
    places = sorted(histogram.counts)
    assert places == list(range(len(places)))
    assert sum(histogram.counts.values()) == 20_000


def test_memory_does_not_grow_with_the_number_of_values():
    rng = Random(1)
    histogram = filled(rng.expovariate(100) for _ in range(50_000))
    assert len(histogram.counts) < 8_000
    histogram.add(1e300)
    assert histogram.quantile(1) < 1e300  # what no clock can measure is counted as the largest


@given(values=LATENCIES, q=st.floats(0.001, 1))
def test_a_coarse_copy_has_the_same_values_to_two_digits(values, q):
    histogram = filled(values)
    coarse = histogram.coarse()
    assert coarse.quantile(q) == pytest.approx(histogram.quantile(q), rel=1 / 128, abs=8e-6)
    assert (coarse.n, coarse.most) == (histogram.n, histogram.most)
    assert len(coarse.counts) <= len(histogram.counts)


def test_an_estimate_is_that_of_the_values():
    rng = Random(2)
    values = [rng.lognormvariate(-4, 1) for _ in range(2000)]
    for q in (0.5, 0.99):
        there, exact = filled(values).estimate(q), estimate(values, q)
        assert there.value == pytest.approx(exact.value, rel=1e-3)
        assert there.interval.low == pytest.approx(exact.interval.low, rel=1e-3)
        assert there.interval.high == pytest.approx(exact.interval.high, rel=1e-3)
    assert filled(values).estimate(0.999).value is None
    assert Histogram().estimate(0.5).value is None


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_what_is_no_latency_is_refused(value):
    with pytest.raises(UsageError, match="from 0 up"):
        Histogram().add(value)


def test_different_units_are_not_mixed():
    with pytest.raises(UsageError, match="cannot be merged"):
        Histogram(unit=1).merge(Histogram(unit=2))
    assert merged([]) == Histogram()


@pytest.mark.parametrize(
    "value",
    [None, {}, {"unit": 1, "ends": [1], "counts": []}, {"unit": 1, "ends": [], "counts": [[-1, 2]]},
     {"unit": 0, "ends": [], "counts": []}, {"unit": 1, "ends": [], "counts": [["x", 2]]}],
)  # fmt: skip
def test_what_is_no_histogram_is_refused(value):
    with pytest.raises(ParseError, match="histogram"):
        Histogram.from_json(value)
