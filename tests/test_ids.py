"""Identifiers: those of requests are all different, sort by time and look like one another."""

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from flylab import ids


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(0, 10_000))
def test_ids_of_requests_differ_and_sort_by_their_moment(waits: list[int], seed: int) -> None:
    made, wall, makes = [], 1_790_000_000.0, ids.RequestIds(Random(seed), "ams")
    for wait in waits:
        wall += wait / 1000
        made += [makes.make(wall).decode() for _ in range(3)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}-ams", each) for each in made)
    assert [each[:10] for each in made] == sorted(each[:10] for each in made)
    assert {each[:10] for each in made[-1:]} <= {ids.ulid(Random(1), wall)[:10]}


def test_a_millisecond_may_have_more_requests_than_share_their_chance() -> None:
    makes = ids.RequestIds(Random(1), "ams")
    made = [makes.make(1_790_000_000.0) for _ in range(5000)]
    assert len(set(made)) == 5000
    assert len({each[:24] for each in made}) == 5


def test_a_machine_without_a_name_gets_one_that_its_app_does_not_have():
    first, second = (ids.machine_name(Random(seed)) for seed in (1, 2))
    assert ids.machine_name(Random(1), taken={first}) not in ("", first)
    assert ids.machine_name(Random(2), taken={first}) == second
