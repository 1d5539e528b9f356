"""How far a server's clock is ahead: an interval that always holds the truth and never grows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.measure.wakes.offset import Ahead, best, bound, narrowed, read_date

exchanges = st.lists(
    st.tuples(st.floats(0, 1000), st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20
)  # sent, way there, way back


@settings(max_examples=40)
@given(exchanges, st.floats(-100, 100), st.sampled_from([0.001, 1.0]))
def test_the_truth_is_never_outside(asked, truth, step):
    bounds = [
        bound(sent, (sent + there + truth) // step * step, sent + there + back, step=step)
        for sent, there, back in asked
    ]
    found = narrowed(bounds)
    assert found is not None
    assert found.low - 1e-6 <= truth <= found.high + 1e-6
    assert found.doubt <= min(one.doubt for one in bounds) + 1e-9


def test_readings_that_contradict_each_other_say_nothing():
    assert narrowed([Ahead(0, 1), Ahead(2, 3)]) is None


def test_the_narrowest_kind_counts():
    assert best([[Ahead(0, 1)], [Ahead(0.2, 0.3), Ahead(0.25, 0.5)]]) == Ahead(0.25, 0.3)
    assert best([[Ahead(0, 1)], [Ahead(0, 0.1), Ahead(2, 3)], []]) == Ahead(0, 1)
    for nothing in ([], [[]], [[Ahead(0, 1), Ahead(2, 3)]]):
        with pytest.raises(ParseError, match="clock of the server"):
            best(nothing)


def test_a_date_is_read_and_what_is_none_is_not():
    assert read_date("Fri, 15 Jan 2027 08:00:00 GMT") == 1_800_000_000.0
    for text in ("", "soon", "Fri, 99 Jan 2027 08:00:00 GMT"):
        assert read_date(text) is None
