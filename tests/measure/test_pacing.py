"""Schedules keep their rate, their order and their end, whatever is asked."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.pacing import constant, pause, poisson, ramp, recorded

RATES = st.floats(0.1, 500)
LENGTHS = st.floats(0, 5)


def test_a_constant_rate_is_evenly_spaced():
    assert list(constant(4, seconds=1)) == [0, 0.25, 0.5, 0.75]


def test_rounding_does_not_drift():
    due = list(constant(3, seconds=1000))
    assert len(due) == 3000
    assert due[-1] == pytest.approx(2999 / 3)


@given(rate=RATES, seconds=LENGTHS, seed=st.integers(0, 1000))
def test_schedules_are_in_order_and_inside_the_run(rate, seconds, seed):
    for schedule in (constant(rate, seconds=seconds), poisson(rate, seconds=seconds, rng=random.Random(seed))):
        due = list(schedule)
        assert all(0 <= moment < seconds for moment in due)
        assert all(a < b for a, b in pairwise(due))


def test_poisson_has_its_rate_and_independent_distances():
    due = list(poisson(50, seconds=400, rng=random.Random(1)))
    gaps = [b - a for a, b in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(due) == pytest.approx(20_000, rel=0.03)  # four standard deviations
    assert spread == pytest.approx(mean, rel=0.05)  # exponential: as wide as it is long


def test_the_same_seed_gives_the_same_schedule():
    assert list(poisson(9, seconds=3, rng=random.Random(7))) == list(poisson(9, seconds=3, rng=random.Random(7)))


@pytest.mark.parametrize(("due", "elapsed", "wait"), [(2.0, 1.5, 0.5), (2.0, 2.0, 0.0), (2.0, 9.0, 0.0)])
def test_what_is_late_does_not_wait(due, elapsed, wait):
    assert pause(due, elapsed) == wait


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (-1, 1), (float("nan"), 1), (1, -1), (1, float("inf"))])
def test_an_impossible_pace_is_refused(rate, seconds):
    with pytest.raises(UsageError, match="cannot be paced"):
        list(constant(rate, seconds=seconds))
    with pytest.raises(UsageError, match="cannot be paced"):
        list(poisson(rate, seconds=seconds, rng=random.Random(0)))


@given(first=st.floats(0, 200), last=st.floats(0.1, 200), seconds=st.floats(0.1, 5))
def test_a_ramp_has_as_many_as_its_area_and_its_rates_at_both_ends(first, last, seconds):
    due = list(ramp(first, last, seconds=seconds))
    assert len(due) == pytest.approx((first + last) / 2 * seconds, abs=1.001)
    assert all(a <= b for a, b in pairwise(due))
    assert all(0 <= moment < seconds for moment in due)
    for number, moment in enumerate(due):
        assert first * moment + (last - first) / seconds * moment**2 / 2 == pytest.approx(number, abs=1e-6)


def test_recorded_arrivals_keep_their_distances():
    assert list(recorded([100.0, 100.5, 100.5, 103.0])) == [0, 0.5, 0.5, 3]
    assert list(recorded([100.0, 103.0], speed=2)) == [0, 1.5]
    assert list(recorded([])) == []


@pytest.mark.parametrize("moments", [[2.0, 1.0], [float("nan")], [float("inf")]])
def test_what_was_not_recorded_in_order_is_refused(moments):
    with pytest.raises(UsageError, match="in order"):
        list(recorded(moments))


@pytest.mark.parametrize(("first", "last"), [(0, 0), (-1, 5), (1, float("inf")), (float("nan"), 1)])
def test_an_impossible_ramp_is_refused(first, last):
    with pytest.raises(UsageError, match="cannot be paced"):
        list(ramp(first, last, seconds=1))
    with pytest.raises(UsageError, match="speed"):
        list(recorded([1.0], speed=0))
