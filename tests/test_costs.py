"""Bills against sums by hand, and what has to hold of any bill."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.costs import (
    MONTH,
    Offer,
    Setup,
    Workload,
    bill,
    bills,
    break_even,
    curve,
    rows,
    sensitivity,
    statement,
)
from flylab.errors import UsageError
from flylab.published.prices import price

HOURS = MONTH / 3600
# 1,000 rooms, each open for ten hours in the month with two members who send one message of 1,000 bytes a second:
# 36 million room seconds, 72 million messages in and as many out, 72 GB.
WORK = Workload(
    rooms=1_000, visits=10, visit_seconds=3_600, members=2, sent=1, message_bytes=1_000, stored_bytes=1e6, peak=2
)
SETUP = Setup(rooms_per_machine=10, linger=0, regions=("iad",))

AMOUNTS = st.floats(0, 1e6, allow_nan=False)
WORKLOADS = st.builds(
    Workload,
    rooms=AMOUNTS,
    visits=st.floats(0, 1e3),
    visit_seconds=st.floats(0, 1e5),
    members=st.floats(0, 200),
    sent=st.floats(0, 60),
    kept=st.floats(0, 1),
    message_bytes=st.floats(0, 1e5),
    stored_bytes=AMOUNTS,
    peak=st.floats(1, 20),
)


def test_the_quantities_of_a_month():
    assert WORK.awake_seconds == 36e6
    assert WORK.messages_in == WORK.messages_out == 72e6
    assert WORK.egress_gb == pytest.approx(72)
    assert WORK.awake == pytest.approx(36e6 / 2_592_000)  # 13.9 rooms at once


@pytest.mark.parametrize(
    ("offer", "usd"),
    [
        # 3 machines for 27.8 rooms at once, 512 MB in iad, and 72 GB of egress
        (Offer.FLY_ALWAYS, 3 * MONTH * 0.0000014255 + 72 * 0.02),
        # ten rooms share a machine: 3.6 million machine seconds; the rest of three machines' month they rest
        (Offer.FLY_STOP, 3.6e6 * 0.0000014255 + (3 * MONTH - 3.6e6) / MONTH * 0.5 * 0.15 + 72 * 0.02),
        # 5 for the plan; 20,000 sockets and 3.6 million requests, one million free; 128 MB for 36 million seconds
        # less 400,000 GB-s; 72 million rows of which 50 are free; 1 GB is free
        (Offer.DURABLE_OBJECTS, 5 + 2.62 * 0.15 + (36 * 0.128 - 0.4) * 12.5 + 22 * 1.0),
        # 144 million messages, 1.2 million minutes, 72 million invocations less one, 46,080 GB-s are free
        (Offer.LAMBDA, 144 * 1.0 + 1.2 * 0.25 + 71 * 0.2),
        (Offer.FARGATE, 3 * HOURS * (0.25 * 0.04048 + 0.5 * 0.004445)),  # 72 of 100 GB free
        (Offer.EC2, 3 * HOURS * 0.0084),
        (Offer.VULTR, 3 * 5.0),
    ],
)
def test_a_bill_is_what_a_reader_finds_by_hand(offer, usd):
    assert bill(offer, WORK, SETUP).usd == pytest.approx(usd, rel=1e-6)


def test_suspended_costs_what_stopped_does_and_a_pool_its_machines_more():
    stop, suspend, pool = (
        bill(offer, WORK, SETUP).usd for offer in (Offer.FLY_STOP, Offer.FLY_SUSPEND, Offer.FLY_POOL)
    )
    assert stop == suspend
    assert pool - stop == pytest.approx(MONTH * 0.0000014255)


def test_a_dearer_region_costs_its_multiplier_more():
    near, far = (
        bill(Offer.FLY_ALWAYS, replace(WORK, sent=0), replace(SETUP, regions=(region,))).usd
        for region in ("iad", "gru")
    )
    assert far / near == pytest.approx(1.615384615)


def test_prices_are_those_of_the_day():
    before, after = (bill(Offer.FLY_ALWAYS, WORK, SETUP, on=day).usd for day in (date(2026, 9, 1), date(2026, 11, 1)))
    assert before < after


def test_what_cannot_be_reckoned_is_named():
    busy = replace(WORK, sent=100)
    assert any("above the included egress" in each for each in bill(Offer.VULTR, busy, SETUP).left_out)
    assert not any("above" in each for each in bill(Offer.VULTR, WORK, SETUP).left_out)


@given(WORKLOADS)
def test_no_bill_is_negative_and_more_use_never_costs_less(work):
    more = replace(work, rooms=work.rooms * 2 + 1)
    for offer in Offer:
        usd = bill(offer, work).usd
        assert usd >= 0
        if offer is not Offer.FLY_STOP and offer is not Offer.FLY_SUSPEND and offer is not Offer.FLY_POOL:
            assert bill(offer, more).usd >= usd - 1e-6
        assert usd == pytest.approx(sum(line.usd for line in bill(offer, work).lines))


@given(WORKLOADS)
def test_machines_that_rest_never_cost_more_than_machines_that_run(work):
    assert bill(Offer.FLY_STOP, work).usd <= bill(Offer.FLY_ALWAYS, work).usd + 1e-6


def test_the_break_even_is_where_both_cost_the_same():
    at = break_even(Offer.FLY_ALWAYS, Offer.HIBERNATING, WORK, "sent", 0.0, 10.0, SETUP)
    assert at is not None
    there = replace(WORK, sent=at)
    one, other = (bill(offer, there, SETUP).usd for offer in (Offer.FLY_ALWAYS, Offer.HIBERNATING))
    assert one == pytest.approx(other, rel=1e-6)
    assert break_even(Offer.FLY_STOP, Offer.FLY_ALWAYS, WORK, "sent", 0.0, 10.0, SETUP) is None
    with pytest.raises(UsageError, match="'colour'"):
        break_even(Offer.FLY_STOP, Offer.EC2, WORK, "colour", 0, 1)


def test_a_break_even_can_be_asked_of_the_setup_as_well():
    # A pool of machines that wait costs what machines cost: with ten at once nothing is saved by stopping.
    at = break_even(Offer.FLY_POOL, Offer.FLY_ALWAYS, WORK, "pool", 0.0, 10.0, SETUP)
    assert at is not None
    pool, always = (bill(each, WORK, replace(SETUP, pool=at)).usd for each in (Offer.FLY_POOL, Offer.FLY_ALWAYS))
    assert pool == pytest.approx(always, rel=1e-6)


def test_a_curve_is_the_bill_at_each_value():
    points = curve(Offer.FLY_ALWAYS, WORK, "rooms_per_machine", (1, 10, 30), SETUP)
    assert [value for value, _ in points] == [1, 10, 30]
    assert points[1][1] == bill(Offer.FLY_ALWAYS, WORK, SETUP).usd
    usd = [each for _, each in points]
    assert usd == sorted(usd, reverse=True)
    assert dict(curve(Offer.EC2, WORK, "rooms", (500,), SETUP)) == {
        500: bill(Offer.EC2, replace(WORK, rooms=500), SETUP).usd
    }


def test_every_line_is_shown_with_the_row_of_its_price_and_unverified_ones_are_marked():
    for offer in Offer:
        found = bill(offer, replace(WORK, sent=50), SETUP)
        for line, shown in zip(found.lines, statement(found), strict=True):
            assert price(shown[3]) == line.price
            assert shown[2] == line.price.text
            assert shown[4] == line.price.date
    ec2 = bill(Offer.EC2, WORK, SETUP)
    assert ec2.unverified == ("p133",)
    assert "(partly unverified)" in statement(ec2)[1][2]
    assert rows([ec2])[0][1].endswith("(unverified: p133)")


@pytest.mark.parametrize(
    "change", [{"linger": -1.0}, {"pool": float("nan")}, {"rooms_per_machine": 0.5}, {"regions": ()}]
)
def test_impossible_setups_are_refused(change):
    with pytest.raises(UsageError, match=next(iter(change)).replace("regions", "region")):
        Setup(**change)


def test_what_a_bill_hangs_on_comes_first():
    found = sensitivity(Offer.LAMBDA, WORK, SETUP)
    spans = [abs(high - low) for low, high in found.values()]
    assert spans == sorted(spans, reverse=True)
    assert found["stored_bytes"] == (bill(Offer.LAMBDA, WORK, SETUP).usd,) * 2
    assert found["pool"] == found["stored_bytes"]  # no machines
    assert found["millis"][0] < found["millis"][1] or found["millis"] == found["pool"]
    half, double = sensitivity(Offer.FARGATE, WORK, SETUP)["rooms_per_machine"]
    assert half > bill(Offer.FARGATE, WORK, SETUP).usd > double
    written = sensitivity(Offer.DURABLE_OBJECTS, WORK, SETUP)["kept"]
    assert written == (pytest.approx(bill(Offer.DURABLE_OBJECTS, WORK, SETUP).usd - 22), written[1])
    with pytest.raises(UsageError, match="by is 1"):
        sensitivity(Offer.LAMBDA, WORK, by=1)


def test_the_table_of_all_offers_begins_with_the_cheapest():
    found = bills(WORK, SETUP)
    assert len(found) == len(Offer)
    assert [each.usd for each in found] == sorted(each.usd for each in found)
    assert rows(found)[0][0] == found[0].offer


@pytest.mark.parametrize(
    "change", [{"rooms": -1.0}, {"peak": 0.5}, {"sent": float("nan")}, {"members": float("inf")}, {"kept": 1.5}]
)
def test_impossible_workloads_are_refused(change):
    with pytest.raises(UsageError, match=next(iter(change))):
        Workload(**change)


def test_the_rows_are_those_that_are_meant():
    assert {each: price(each).service + ": " + price(each).item for each in ("p100", "p107", "p119", "p133")} == {
        "p100": "Workers: paid plan minimum",
        "p107": "Durable Objects: SQLite storage",
        "p119": "API Gateway: WebSocket messages",
        "p133": "EC2: data transfer out to the internet, first tier",
    }
