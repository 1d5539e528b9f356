"""Who should use what follows from bills and ways: change them, and the advice changes."""

from typing import Any

import pytest

from flylab.costs import Offer
from flylab.kit import answers, architectures, choice, tradeoffs
from flylab.kit.choice import BEST, CHOICE_MIME, FIRST, SOME, choose, stretches

WAYS = {BEST: 120.0, SOME: 60.0, FIRST: 40.0}
LOADS = (1.0, 10.0, 100.0)


def bills(**usd: tuple[float, float, float]) -> list[dict[str, object]]:
    return [
        {"offer": Offer[name].value, "visits": load, "usd": cost}
        for name, costs in usd.items()
        for load, cost in zip(LOADS, costs, strict=True)
    ]


def advice(made: choice.Choice) -> dict[str, str]:
    return {row.name: row.advice for row in made.rows}


def test_the_cheapest_is_advised_where_it_is_the_cheapest() -> None:
    made = choose(WAYS, bills(FLY_STOP=(1, 30, 300), HIBERNATING=(2, 20, 400), VULTR=(50, 50, 50), LAMBDA=(9, 90, 900)))
    said = advice(made)
    assert said["Fly Machines"].startswith("For rooms that are opened at most once a month: nothing costs less")
    assert "1.5 times the way" in said["Fly Machines"]
    assert [row.least for row in made.rows] == ["", "10 times", "", "100 times or more", "at most once"]
    assert said["Durable Objects"].endswith(
        "10 times a month: nothing costs less there, and nothing is nearer to the members."
    )
    assert "100 times or more" in said["Virtual machines"]
    assert said["Functions and containers"] == (
        "When you have it already: it costs 4.5 times the least or more, and an edit goes 3.0 times the way."
    )
    assert "holds one" in said["Edge functions"]


def test_what_is_near_and_dear_is_advised_for_being_near() -> None:
    said = advice(choose(WAYS, bills(FLY_STOP=(1, 1, 1), HIBERNATING=(2, 3, 4))))
    assert said["Durable Objects"].startswith("Where the way counts more than the bill")
    assert "2.0 times" in said["Durable Objects"]


def test_a_family_costs_what_its_cheapest_offer_costs() -> None:
    made = choose(WAYS, bills(FLY_STOP=(1, 30, 300), FLY_ALWAYS=(100, 100, 100), VULTR=(50, 50, 150)))
    fly = next(row for row in made.rows if row.name == "Fly Machines")
    assert (fly.seldom_usd, fly.often_usd, fly.way_ms, fly.everywhere_ms) == (1, 100, 60, 40)
    assert fly.way() == "60 ms; 40 ms with machines in each region"


@pytest.mark.parametrize(
    ("least", "said"),
    [
        ({1: True, 2: True}, "any number of times"),
        ({1: True, 2: False}, "at most once"),
        ({1: False, 2: True, 3: True}, "2 times or more"),
        ({1: True, 2: False, 3: True}, "at most once or 3 times or more"),
        ({1: False, 2: True, 3: False}, "2 times"),
        ({1: False, 2: True, 3: True, 4: False}, "2 to 3 times"),
    ],
)
def test_stretches_in_words(least: dict[float, bool], said: str) -> None:
    assert stretches(least) == said


def test_starts_reach_from_the_shortest_to_the_longest_that_was_published() -> None:
    rows = {row.name: row.starts for row in choose(WAYS, bills(FLY_STOP=(1, 1, 1))).rows}
    assert " to " in rows["Virtual machines"]
    assert rows["Durable Objects"] == "not published"


def test_each_family_is_of_the_chapters_architectures() -> None:
    # The chapter's tables and this one may not tell different stories.
    assert (BEST, SOME, FIRST) == (tradeoffs.BEST, tradeoffs.SOME, tradeoffs.FIRST)
    told = [name for family in choice.FAMILIES for name in family.of]
    assert sorted(told) == sorted(one.name for one in architectures.ARCHITECTURES)
    assert {offer for family in choice.FAMILIES for offer in family.offers} == set(Offer)
    for family in choice.FAMILIES:
        assert {answers.PLACES[name][0].replace(tradeoffs.ONE, BEST) for name in family.of} == {family.placement}


def test_it_is_shown_as_a_table_and_as_data() -> None:
    bundle: dict[str, Any] = choose(WAYS, bills(FLY_STOP=(1, 2, 3)), target="local")._repr_mimebundle_()
    data = bundle[CHOICE_MIME]
    assert data["head"][3] == "a month at 1 visit of a room"
    assert data["target"] == "local"
    assert len(data["cells"]) == len(data["rows"]) == len(choice.FAMILIES)
    assert all(len(cells) == len(data["head"]) for cells in data["cells"])
    assert "<table" in bundle["text/html"]
    assert "Fly Machines" in bundle["text/plain"]
