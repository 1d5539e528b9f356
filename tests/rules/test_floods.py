"""How much idle traffic a connection may send."""

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.floods import Patience


def test_a_burst_and_then_as_much_as_time_brings_back():
    patience = Patience(3, 2.0, 10.0)
    assert [patience.spend(10.0) for _ in range(4)] == [True, True, True, False]
    assert [patience.spend(10.5) for _ in range(2)] == [True, False]
    assert [patience.spend(100.0) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 5), max_size=200))
def test_never_more_than_the_burst_and_the_rate_together(pauses):
    patience, now = Patience(5, 3.0, 0.0), 0.0
    spent = 0
    for pause in pauses:
        now += pause
        spent += patience.spend(now)
    assert spent <= 5 + 3.0 * now + 1e-6
