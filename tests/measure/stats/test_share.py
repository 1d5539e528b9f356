"""Bounds of a share, beside scipy's."""

import pytest

from flylab.errors import UsageError
from flylab.measure.stats import at_most


@pytest.mark.parametrize(
    ("seen", "n", "bound"),
    [
        # scipy.stats.beta.ppf(0.95, seen + 1, n - seen) of scipy 1.17
        (0, 1, 0.95),
        (0, 92, 0.03203786),
        (0, 1000, 0.00299125),
        (1, 92, 0.05052636),
        (5, 20, 0.45558240),
        (19, 20, 0.99743862),
        (3, 3, 1.0),
    ],
)
def test_the_bound_is_the_exact_one(seen: int, n: int, bound: float) -> None:
    assert at_most(seen, n) == pytest.approx(bound, rel=1e-6)


def test_more_confidence_leaves_more_open() -> None:
    assert at_most(0, 50, confidence=0.99) > at_most(0, 50) > at_most(0, 500)


@pytest.mark.parametrize(("seen", "n"), [(0, 0), (2, 1), (-1, 4)])
def test_what_is_no_share_is_refused(seen: int, n: int) -> None:
    with pytest.raises(UsageError, match=f"{seen} of {n} is no share"):
        at_most(seen, n)
