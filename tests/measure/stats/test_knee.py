"""The knee is the last rate of an unbroken row that held the bound, and says what it rests on."""

import pytest

from flylab.errors import UsageError
from flylab.measure.stats import Knee, Step, knee
from flylab.measure.summary import Interval


def step(rate, p99, *, spread=None, **more):
    return Step(rate=rate, p99=p99, interval=spread and Interval(p99 - spread, p99 + spread), **more)


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([], (None, None, "steps")),
        ([step(1, 0.01), step(2, 0.02)], (2, None, "steps")),
        ([step(1, 0.01), step(2, 0.2)], (1, 2, "server")),
        ([step(1, 0.2), step(2, 0.01)], (None, 1, "server")),  # luck above a failure does not count
        ([step(2, 0.2), step(1, 0.01)], (1, 2, "server")),  # whatever the order
        ([step(1, 0.01), step(2, 0.01, errors=1)], (1, 2, "server")),
        ([step(1, 0.01), step(2, None)], (1, 2, "server")),  # too few for a p99
        ([step(1, 0.01), step(2, 0.2, valid=False)], (1, None, "generator")),
        ([step(1, 0.01), step(2, 0.2, valid=False), step(3, 0.01)], (3, None, "steps")),
        ([step(1, 0.01), step(2, 0.2, valid=False), step(3, 0.2)], (1, 3, "server")),
        ([step(1, 0.01), step(2, 0.2), step(2, 0.01), step(2, 0.02), step(3, 0.3)], (2, 3, "server")),  # two of three
        ([step(1, 0.01), step(2, 0.2), step(2, 0.01)], (1, 2, "server")),  # one of two is no majority
    ],
)
def test_the_knee(steps, found):
    at = knee(steps, 0.1)
    assert (at.rate, at.above, at.bound_by) == found


def test_it_is_sure_when_both_intervals_are_clear_of_the_bound():
    clear = [step(1, 0.05, spread=0.01), step(2, 0.2, spread=0.05)]
    assert knee(clear, 0.1) == Knee(rate=1, above=2, sure=True, bound_by="server")
    assert not knee([step(1, 0.095, spread=0.01), clear[1]], 0.1).sure
    assert not knee([clear[0], step(2, 0.105, spread=0.01)], 0.1).sure
    assert not knee([clear[0], step(2, 0.2)], 0.1).sure
    assert knee([clear[0], step(2, 0.01, errors=3)], 0.1).sure


def test_a_bound_of_nothing_is_refused():
    with pytest.raises(UsageError, match="bound"):
        knee([], 0)
