"""Every published price is complete, and of two for the same day the newer wins."""

import re
from datetime import date, timedelta

import pytest

from flylab.errors import UsageError
from flylab.published.network import regions
from flylab.published.prices import asked, multiplier, price, prices, superseded

METERED = (
    "second|hour|month|30 days|GB|GB-month|GB/30 days|million( CPU-ms| GB-s)?|1,000 credits|(vCPU|GB|GiB)-s|"
    "(vCPU|CPU|GB)-hour|10,000 requests"
)
UNIT = rf"(USD|credits)/({METERED})|factor|percent|Machine hours|hour"
NOVEMBER, AUGUST = date(2026, 11, 27), date(2026, 8, 1)


@pytest.mark.parametrize("each", prices().values(), ids=lambda each: each.id)
def test_a_price_says_whose_for_what_where_and_from_when(each):
    assert re.fullmatch(r"p\d{3}", each.id)
    assert all((each.provider, each.service, each.item, each.unit, each.scope, each.source, each.date))
    assert each.price >= 0
    assert each.confidence in ("high", "medium", "low")
    assert re.fullmatch(UNIT, each.unit)
    assert re.match(r"20\d\d(-\d\d){0,2}\b|-$", each.date)
    assert each.date != "-" or not each.verified
    assert "http" not in each.source or re.match(r"https://[a-z0-9.-]+\.[a-z]+/[^\s<>\"]*( |$)", each.source)
    assert not (each.verified and each.mark)
    if each.effective_from and each.effective_to:
        assert each.effective_from < each.effective_to


def test_ids_are_in_order_and_none_is_left_out():
    assert list(prices()) == [f"p{number:03d}" for number in range(1, len(prices()) + 1)]


def test_prices_of_one_item_never_hold_at_the_same_time():
    for each in prices().values():
        for other in prices().values():
            same = (each.provider, each.service, each.item, each.scope) == (
                other.provider,
                other.service,
                other.item,
                other.scope,
            )
            if same and each.id < other.id:
                assert not any(each.holds(day) and other.holds(day) for day in (NOVEMBER, AUGUST, date(2025, 1, 1)))


def test_the_rise_of_october_is_in_the_table():
    item = "shared-cpu-1x 256 MB started"
    before, after = (asked("Fly.io", "Machines", item, on) for on in (AUGUST, NOVEMBER))
    assert (before.price, after.price) == (0.00000075, 0.0000008465)
    assert (before, after) in set(superseded(NOVEMBER))
    day = before.effective_to
    assert asked("Fly.io", "Machines", item, day) == before
    assert asked("Fly.io", "Machines", item, day + timedelta(days=1)) == after


def test_the_older_of_the_two_tables_no_longer_holds_and_says_so():
    old = [row for row in prices().values() if "the newer one wins" in row.note]
    assert old
    assert not any(row.holds(NOVEMBER) for row in old)


def test_every_region_that_is_offered_has_a_multiplier():
    for region in regions():
        if not region.deprecated:
            assert 1 <= multiplier(region.code, NOVEMBER).price < 2
    with pytest.raises(UsageError, match="in bom"):
        multiplier("bom", NOVEMBER)
    assert multiplier("bom", AUGUST).price > 1


def test_what_nobody_could_check_is_marked():
    assert not price("p117").verified  # Lambda on arm64, from memory
    assert price("p117").text == "1.33334e-05 USD/GB-s (unverified)"
    assert price("p133").text == "0.09 USD/GB (partly unverified)"  # its allowance is from memory
    assert price("p001").verified


def test_unknown_ids_and_items_are_named():
    with pytest.raises(UsageError, match="p999"):
        price("p999")
    with pytest.raises(UsageError, match="GPU"):
        asked("Fly.io", "Machines", "GPU", NOVEMBER)
