"""The curve is the share of values, its band is wide enough, and drawing it thinner keeps its ends."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.stats import ecdf


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(-1e6, 1e6))
def test_it_is_the_share_of_values_up_to_x(values, x):
    curve = ecdf(values)
    assert curve.at(x) == sum(value <= x for value in values) / len(values)
    assert curve.points()[-1] == (max(values), 1.0)
    assert all(curve.at(value) == share for value, share in curve.points())


def test_it_agrees_with_scipy():
    """scipy.stats.ecdf 1.17.1 on the same 200 values."""
    rng = Random(11)
    curve = ecdf(rng.lognormvariate(0, 0.5) for _ in range(200))
    assert [curve.at(x) for x in (0.5, 1.0, 2.0)] == [0.08, 0.46, 0.89]


def test_the_band_holds_the_whole_curve_as_often_as_it_says():
    """Uniform values: the true curve is x, and the largest distance is at a corner."""
    inside = 0
    for seed in range(300):
        rng = Random(seed)
        curve = ecdf(rng.random() for _ in range(50))
        gap = max(max((k + 1) / 50 - x, x - k / 50) for k, x in enumerate(curve.values))
        inside += gap <= curve.band
    assert inside / 300 >= 0.92


def test_thinning_keeps_the_ends_and_the_order():
    points = ecdf(range(10_000)).points(100)
    assert len(points) == 100
    assert (points[0], points[-1]) == ((0, 1 / 10_000), (9999, 1.0))
    assert points == sorted(points)


def test_nothing_has_no_curve():
    with pytest.raises(UsageError, match="0 values"):
        ecdf([])
    with pytest.raises(UsageError, match="1 points"):
        ecdf([1.0]).points(1)
