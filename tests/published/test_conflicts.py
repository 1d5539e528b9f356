"""Two tables of Fly's prices: each pair of rows speaks of the same thing, and the newer table wins."""

from datetime import date

import pytest

from flylab.published.conflicts import conflicts, pairs
from flylab.published.prices import prices

SUMMER, TODAY = date(2026, 8, 7), date(2026, 11, 27)


def test_every_row_of_the_older_table_is_compared_with_the_newer_one():
    older = {row.id for row in prices().values() if "the newer one wins" in row.note}
    assert {pair.older.id for pair in pairs()} == older
    assert len(pairs()) == len(older) == 20
    for pair in pairs():
        assert not pair.older.holds(TODAY)
        assert all(row.holds(TODAY) and "newer" not in row.note for row in pair.newer)


@pytest.mark.parametrize(
    ("older", "summer", "today", "differs"),
    [
        ("p092", 0.0027, 0.0030474, True),  # the page said 0.0028, the selector beside it 0.0027
        ("p096", 4 * 0.0027 + 3 * 0.006948, 4 * 0.0030474 + 3 * 0.0083376, True),
        ("p098", 1.944 * 1.192307692, 2.194128 * 1.192307692, True),  # San Jose by its multiplier
        ("p146", 5.00256, 6.003072, True),
        ("p148", 40.0, 30.0, True),
        ("p151", 0.02, 0.02, False),
        ("p149", 0.15, 0.15, False),
    ],
)
def test_the_newer_table_is_put_into_the_units_of_the_older_one(older, summer, today, differs):
    pair = next(pair for pair in pairs() if pair.older.id == older)
    assert pair.asked(SUMMER) == pytest.approx(summer, rel=1e-6)
    assert pair.asked(TODAY) == pytest.approx(today, rel=1e-6)
    assert pair.differs(TODAY) is differs
    assert (pair in conflicts(TODAY)) is differs
    assert pair.text(TODAY).endswith("the newer wins" if differs else "both agree")


def test_rounding_is_no_conflict():
    jose = next(pair for pair in pairs() if pair.older.id == "p098")
    assert not jose.differs(SUMMER)  # 2.3178 was printed as 2.32


def test_a_conflict_shows_both_values_and_both_dates():
    text = conflicts(TODAY)[0].text(TODAY)
    assert "0.0028 USD/hour in p092 of 2026" in text
    assert "0.00305 USD/hour in p007 of 2026-10-09" in text
