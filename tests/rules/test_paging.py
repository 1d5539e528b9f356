"""Pages of a list that changes while it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules.paging import LASTS, Place, after


def itself(item: Place) -> Place:
    return item


places = st.lists(st.tuples(st.floats(0, 9), st.text("abc", max_size=2)), unique=True, max_size=20)


@given(places, st.integers(1, 5))
def test_all_pages_are_the_list_in_order(items: list[Place], limit: int) -> None:
    seen, cursor = [], ""
    while True:
        part, cursor = after(items, itself, limit=limit, cursor=cursor, now=10.0)
        assert len(part) <= limit
        seen += part
        if not cursor:
            break
    assert seen == sorted(items)


@given(places, places)
def test_what_stays_is_seen_once_whatever_comes_and_goes(stays: list[Place], moves: list[Place]) -> None:
    others = [item for item in moves if item not in stays]
    seen, cursor, there = [], "", [*stays, *others]
    while True:
        part, cursor = after(there, itself, limit=2, cursor=cursor, now=10.0)
        seen += part
        there = stays if len(there) > len(stays) else [*stays, *others]
        if not cursor:
            break
    assert [item for item in seen if item in stays] == sorted(stays)


def test_a_cursor_lasts_from_the_first_page_on() -> None:
    items = [(float(n), "x") for n in range(5)]
    _, first = after(items, itself, limit=1, cursor="", now=100.0)
    _, second = after(items, itself, limit=1, cursor=first, now=100.0 + LASTS)
    assert second
    for cursor in (first, second):
        with pytest.raises(RuleError, match="too old, it lasts for 30 minutes"):
            after(items, itself, limit=1, cursor=cursor, now=100.5 + LASTS)


@pytest.mark.parametrize("cursor", ["x", "ä", "bnVsbA", "WzEsMl0", "WyJhIiwxLCJiIl0", "W" * 10_000])
def test_other_cursors_are_unknown(cursor: str) -> None:
    with pytest.raises(RuleError, match="is unknown"):
        after([], itself, limit=1, cursor=cursor, now=1.0)
