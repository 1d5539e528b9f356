"""Schedules keep their rate, their order and their end, whatever is asked."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.pacing import constant, pause, poisson

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
