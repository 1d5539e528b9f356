"""Wakes are made in an order that chance decides once, evenly mixed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.wakes import VARIANTS
from flylab.measure.wakes.timetable import timetable


@settings(max_examples=30)
@given(
    variants=st.lists(st.sampled_from(VARIANTS), min_size=1, unique=True),
    at_once=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    n=st.integers(1, 30),
    warm_up=st.integers(0, 2),
    seed=st.integers(),
)
def test_every_cell_gets_its_wakes_evenly_among_the_others(variants, at_once, n, warm_up, seed):
    bursts = timetable(variants, at_once, n=n, warm_up=warm_up, seed=seed)
    assert bursts == timetable(variants, at_once, n=n, warm_up=warm_up, seed=seed)
    assert [burst.number for burst in bursts] == list(range(len(bursts)))
    counted = [burst for burst in bursts if not burst.warm_up]
    assert all(burst.warm_up for burst in bursts[: len(bursts) - len(counted)])
    for size in at_once:
        for variant in variants:
            mine = [burst for burst in counted if (burst.variant, burst.at_once) == (variant, size)]
            assert n <= size * len(mine) < n + size


def test_variants_take_turns_and_rarer_bursts_are_spread():
    turns = [burst.variant for burst in timetable(VARIANTS, [1], n=20, warm_up=0)]
    assert all({*turns[first : first + 4]} == {*VARIANTS} for first in range(0, 80, 4))
    mixed = timetable(VARIANTS, [1, 5], n=20, warm_up=0)
    rare = [burst.number for burst in mixed if burst.at_once == 5 and burst.variant == "stop"]
    assert all(abs(number / len(mixed) - (place + 0.5) / 4) < 0.25 for place, number in enumerate(rare))


def test_another_seed_is_another_order():
    assert timetable(VARIANTS, [1], n=20, seed=1) != timetable(VARIANTS, [1], n=20, seed=2)


@pytest.mark.parametrize(
    ("variants", "at_once", "n", "text"),
    [
        (["slept"], [1], 1, "'slept'"),
        ([], [1], 1, "need a variant"),
        (["stop"], [], 1, "need a variant"),
        (["stop"], [0], 1, "not 0"),
        (["stop"], [101], 1, "not 101"),
        (["stop", "stop"], [1], 1, "twice"),
        (["stop"], [2, 2], 1, "twice"),
        (["stop"], [1], 0, "0 wakes"),
    ],
)
def test_what_cannot_be_made_is_refused(variants, at_once, n, text):
    with pytest.raises(UsageError, match=text):
        timetable(variants, at_once, n=n)
