"""Every row of rtt.csv is made of published values, and which they are can be looked up."""

import re

import pytest

from flylab.published.claims import MARKS
from flylab.published.network import published_pairs
from flylab.published.rtt_sources import combined, of_pair, tables, values


@pytest.mark.parametrize("table", tables().values(), ids=lambda table: table.table)
def test_a_table_says_where_it_is_from_and_how_it_was_found(table):
    assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S+", table.address)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", table.date)
    assert table.status in MARKS
    assert table.kind in ("measurement", "vendor measurement")
    assert table.statistic


def test_values_are_directed_and_each_is_there_once():
    keys = [(value.a, value.b, value.table.table) for value in values()]
    assert len(set(keys)) == len(keys) == 588
    for value in values():
        assert (value.b, value.a, value.table.table) in keys
        assert value.a != value.b
        if value.min_ms is not None:
            assert 0 < value.min_ms <= value.rtt_ms <= value.max_ms


def test_every_pair_is_the_median_of_its_tables():
    for pair in published_pairs():
        assert combined(pair.a, pair.b) == pytest.approx((pair.rtt_ms, pair.low_ms, pair.high_ms), abs=0.06)
        assert " + ".join(dict.fromkeys(value.table.table for value in of_pair(pair.a, pair.b))) == pair.source


def test_directions_that_are_far_apart_are_not_averaged():
    both = {(value.a, value.b): value.rtt_ms for value in of_pair("gru", "ord") if value.table.table == "WonderNetwork"}
    assert max(both.values()) > 1.15 * min(both.values())
    assert combined("gru", "ord")[1] <= min(both.values())
