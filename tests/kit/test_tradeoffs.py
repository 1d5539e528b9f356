"""Chapter 10: ways of edits by hand, bills against the cost model, and words whose figures are claims."""

import pytest

from flylab import costs
from flylab.costs import Offer, Setup, Workload
from flylab.kit import answers, architectures, tradeoffs
from flylab.kit.record import Record
from flylab.published.claims import claims
from flylab.published.network import rtt
from flylab.sim.traffic import Stay, Traffic

WORK, SETUP = Workload(rooms=1_000, visits=2, kept=0.05), Setup()


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return Record("10-tradeoffs", target="local")


def test_an_edit_goes_half_a_round_trip_to_the_room_and_half_a_one_from_it(record):
    visit = [Stay(room="a", region=region, begins=at, ends=9.0) for at, region in enumerate(("syd", "sin"))]
    alone = [Stay(room="b", region="gru", begins=0.0, ends=1.0)]
    ways = tradeoffs.edits(record, [*visit, *alone], home="iad", places=["nrt", "ams"])
    far = (rtt()("syd", "iad") + rtt()("iad", "sin")) / 2
    some = (rtt()("syd", "nrt") + rtt()("nrt", "sin")) / 2
    near = (rtt()("syd", "syd") + rtt()("syd", "sin")) / 2
    assert ways[tradeoffs.ONE] == pytest.approx([far, far])
    assert ways[tradeoffs.SOME] == pytest.approx([some, some])
    assert ways[tradeoffs.FIRST] == pytest.approx([near, near])
    best = tradeoffs.best_region([visit, alone])
    middle = (rtt()("syd", best) + rtt()(best, "sin")) / 2
    assert ways[tradeoffs.BEST] == pytest.approx([middle, middle])
    assert all(middle <= (rtt()("syd", code) + rtt()(code, "sin")) / 2 for code in ("syd", "sin", "iad", "ams", "nrt"))
    assert len(record.samples) == 8


@pytest.mark.parametrize(("abroad", "low", "high"), [(0.0, 0.0, 0.05), (1.0, 0.6, 1.6)])
def test_near_the_first_member_helps_as_far_as_the_others_are_near_too(abroad, low, high):
    shares = dict.fromkeys(("ams", "iad", "nrt", "syd"), 1.0)
    traffic = Traffic(shares=shares, visits=100, rooms=10**9, members=4, abroad=abroad)
    assert low <= tradeoffs.near_part(traffic, 1) <= high


def test_curves_and_scenarios_are_the_cost_models():
    lines = tradeoffs.curves(WORK, SETUP, [1, 100])
    for line in lines:
        work = Workload(rooms=1_000, visits=line["visits"], kept=0.05)
        assert line["usd"] == costs.bill(Offer(line["offer"]), work, SETUP).usd
    shown = tradeoffs.scenario(WORK, SETUP)
    assert [row[0] for row in shown] == [each.offer for each in costs.bills(WORK, SETUP)]


def test_both_months_stand_side_by_side():
    often = Workload(rooms=500, visits=600, kept=0.05)
    shown = {row[0]: row[1:] for row in tradeoffs.months(WORK, often, SETUP)}
    assert [*shown] == [each.offer for each in costs.bills(WORK, SETUP)]
    gaps = tradeoffs.left_out(SETUP)
    for offer, row in shown.items():
        named = [gaps[int(number) - 1] for number in row[2].split(", ") if number != "–"]
        assert named == list(costs.bill(Offer(offer), WORK, SETUP).left_out)
    one, other = (costs.bill(Offer.VULTR, work, SETUP).usd for work in (WORK, often))
    assert shown[Offer.VULTR][:2] == [f"{one:,.2f} ({one / 10:,.2f})", f"{other:,.2f} ({other / 5:,.2f})"]


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
    assert tradeoffs.cheapest(three) == "Cheapest: A up to 1 visits a month, B at 5, A from 9 on"
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


def test_cards_say_every_aspect_of_each_and_name_the_claims():
    bundle = architectures.Cards()._repr_mimebundle_()
    for kind in ("text/html", "text/plain"):
        for one in architectures.ARCHITECTURES:
            assert one.name in bundle[kind]
            assert ", ".join(each.id for each in one.claims) in bundle[kind]
    assert "<code>fly-replay</code>" in bundle["text/html"]
    assert bundle["text/html"].count("<dt") == 5 * len(architectures.ARCHITECTURES)


def test_the_table_of_answers_has_a_row_for_each_and_the_bills_of_the_model(record):
    visit = [Stay(room="a", region=region, begins=at, ends=9.0) for at, region in enumerate(("syd", "sin"))]
    ways = tradeoffs.edits(record, visit, home="iad", places=["nrt", "ams"])
    busy = Workload(rooms=1_000, visits=600, kept=0.05)
    table = answers.table(ways, WORK, busy, SETUP)
    assert set(answers.PLACES) == {one.name for one in architectures.ARCHITECTURES}
    rows = {row[0]: row[1:] for row in table.body}
    assert rows["Netlify edge functions"][0] == answers.NOBODY
    assert rows["Durable Objects"][1] == "not published"
    way, starts, idle, often = rows["Fly Machines with fly-replay"]
    assert "125 ms" not in starts
    assert "18 s" in starts
    assert way.startswith(f"{ways[tradeoffs.SOME][0]:.0f} (")
    assert idle == f"{100 * costs.bill(Offer.FLY_STOP, WORK, SETUP).usd / 1000:,.2f}"
    assert often == f"{100 * costs.bill(Offer.FLY_STOP, busy, SETUP).usd / 1000:,.2f}"
    assert " to " in rows["EC2, Vultr"][2]


def test_starts_are_in_order_and_a_gap_is_no_zero():
    found = [each.seconds for each in architectures.starts()]
    assert found == sorted(found)
    assert min(found) > 0
    assert [each.id for each in architectures.missing()] == ["c112"]
    assert {each.id for each in architectures.starts()} <= set(architectures.owners())
