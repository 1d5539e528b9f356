"""Chapter 10: ways of edits by hand, bills against the cost model, and words whose figures are claims."""

import pytest

from flylab import costs
from flylab.costs import Offer, Setup, Workload
from flylab.kit import architectures, tradeoffs
from flylab.kit.record import Record
from flylab.published.claims import claims
from flylab.published.network import rtt
from flylab.sim.traffic import Stay

WORK, SETUP = Workload(rooms=1_000, visits=2, kept=0.05), Setup()


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return Record("10-tradeoffs", target="local")


def test_an_edit_goes_half_a_round_trip_to_the_room_and_half_a_one_from_it(record):
    visit = [Stay(room="a", region=region, begins=at, ends=9.0) for at, region in enumerate(("syd", "sin"))]
    alone = [Stay(room="b", region="gru", begins=0.0, ends=1.0)]
    ways = tradeoffs.edits(record, [*visit, *alone], home="iad", regions=["nrt", "ams"])
    far = (rtt()("syd", "iad") + rtt()("iad", "sin")) / 2
    some = (rtt()("syd", "nrt") + rtt()("nrt", "sin")) / 2
    near = (rtt()("syd", "syd") + rtt()("syd", "sin")) / 2
    assert ways[tradeoffs.ONE] == pytest.approx([far, far])
    assert ways[tradeoffs.SOME] == pytest.approx([some, some])
    assert ways[tradeoffs.FIRST] == pytest.approx([near, near])
    assert len(record.samples) == 6


def test_curves_and_scenarios_are_the_cost_models():
    lines = tradeoffs.curves(WORK, SETUP, [1, 100])
    for line in lines:
        work = Workload(rooms=1_000, visits=line["visits"], kept=0.05)
        assert line["usd"] == costs.bill(Offer(line["offer"]), work, SETUP).usd
    shown = tradeoffs.scenario(WORK, SETUP)
    assert [row[0] for row in shown] == [each.offer for each in costs.bills(WORK, SETUP)]


def test_break_evens_are_where_both_cost_the_same_also_when_two_curves_cross_twice():
    visits = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800]
    found = tradeoffs.break_evens(WORK, SETUP, visits)
    objects = [point for point in found if Offer.HIBERNATING.value in point["between"]]
    assert len(objects) == 2
    for point in found:
        signs = set()
        for visits in (point["visits"] * 0.999, point["visits"] * 1.001):  # a bill may jump there by a machine
            at = Workload(rooms=1_000, visits=visits, kept=0.05)
            one, other = (costs.bill(Offer(name), at, SETUP).usd for name in point["between"])
            signs.add(one > other)
        assert signs == {True, False}


def line(offer, visits, usd):
    return {"offer": offer, "visits": visits, "usd": usd}


def test_who_is_cheapest_where_is_said():
    three = [line("A", 1, 1), line("B", 1, 2), line("A", 5, 3), line("B", 5, 2), line("A", 9, 3), line("B", 9, 4)]
    assert tradeoffs.cheapest(three) == "Cheapest: A up to 1 visits of each room a month, B from 5 to 5, A from 9 on"
    assert tradeoffs.cheapest(three[:2]) == "Cheapest at any number of visits: A"


async def test_the_panel_reckons_with_what_is_set():
    panel = tradeoffs.cost_panel(WORK, SETUP)
    await panel.press("reckon")
    assert "USD" in panel.status.value
    assert Offer.VULTR.value in panel.picture.value


def test_every_figure_in_the_words_is_a_published_claim():
    for one in architectures.ARCHITECTURES:
        for words in (one.state, one.lock_in, one.isolation, one.operations):
            assert "{" not in one.filled(words)
        assert {each.id for each in one.claims} <= set(claims())


def test_starts_are_in_order_and_a_gap_is_no_zero():
    found = [each.seconds for each in architectures.starts()]
    assert found == sorted(found)
    assert min(found) > 0
    assert [each.id for each in architectures.missing()] == ["c112"]
