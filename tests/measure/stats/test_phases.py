"""A stack adds up to its total, is that of typical observations, and refuses what cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.stats import stack

OBSERVED = st.lists(
    st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10)).map(
        lambda parts: (sum(parts), {"boot": parts[0], "port": parts[1]})
    ),
    min_size=1,
    max_size=60,
)


@given(observed=OBSERVED, q=st.floats(0.01, 1))
def test_phases_and_rest_add_up_to_the_total(observed, q):
    found = stack([total for total, _ in observed], [phases for _, phases in observed], q)
    assert sum(found.phases.values()) == pytest.approx(found.total, abs=1e-6)
    assert list(found.phases)[-1] == "rest"
    assert found.n == len(observed)


def test_it_is_made_of_the_observations_around_the_quantile():
    totals = [float(n) for n in range(1, 101)]
    phases = [{"boot": n / 2} for n in range(1, 101)]
    middle, tail = stack(totals, phases), stack(totals, phases, 0.99)
    assert (middle.around, middle.total, middle.phases) == (11, 50.0, {"boot": 25.0, "rest": 25.0})
    assert (tail.around, tail.total) == (11, 95.0)
    assert middle.shares() == {"boot": 0.5, "rest": 0.5}


def test_a_phase_that_was_not_there_counts_as_nothing():
    found = stack([2.0, 2.0, 2.0], [{"boot": 1.0}, {}, {"port": 1.0}], window=1.0)
    assert found.phases == {"boot": pytest.approx(1 / 3), "port": pytest.approx(1 / 3), "rest": pytest.approx(4 / 3)}


@pytest.mark.parametrize(
    ("totals", "phases", "why"),
    [
        ([1.0], [], "cannot be split"),
        ([1.0], [{"boot": 1.1}], "do not fit"),
        ([1.0], [{"rest": 0.5}], "cannot be called"),
        ([], [], "0 values"),
    ],
)
def test_what_cannot_be_is_refused(totals, phases, why):
    with pytest.raises(UsageError, match=why):
        stack(totals, phases)
