"""When a room moves to where its members are, and that it never goes back and forth."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Following
from app.following import AVOIDED, Follower
from app.proximity import by_closeness, offered, round_trip

SETTINGS = Following(margin_ms=30, margin_share=0.2, settled=60, pause=300)
CANDIDATES = ("ams", "iad", "nrt", "syd")


def a_follower(home: str = "ams", **more: object) -> Follower:
    return Follower(SETTINGS, home=home, **more)  # type: ignore[arg-type]


def test_a_room_follows_its_only_member_after_a_minute() -> None:
    follower = a_follower()
    assert follower.look(["nrt"], CANDIDATES, 1000.0) is None
    assert follower.look(["nrt"], CANDIDATES, 1059.9) is None
    assert follower.look(["nrt"], CANDIDATES, 1060.0) == "nrt"


def test_a_member_who_drops_in_starts_the_minute_anew() -> None:
    follower = a_follower()
    follower.look(["nrt"], CANDIDATES, 1000.0)
    assert follower.look(["nrt", "ams"], ["nrt"], 1030.0) is None  # now nobody would be nearer
    assert follower.look(["nrt"], CANDIDATES, 1061.0) is None
    assert follower.look(["nrt"], CANDIDATES, 1121.0) == "nrt"


def test_a_room_rests_after_a_move() -> None:
    follower = a_follower(moved_at=1000.0)
    assert follower.look(["nrt"], CANDIDATES, 1001.0) is None
    assert follower.look(["nrt"], CANDIDATES, 1299.0) is None
    assert follower.look(["nrt"], CANDIDATES, 1300.0) == "nrt"


def test_a_region_that_was_full_is_left_alone_for_an_hour() -> None:
    follower = a_follower(missed={"nrt": 1000.0})
    for now in (1001.0, 1100.0, 1000.0 + AVOIDED - 1):
        assert follower.look(["nrt"], ["ams", "nrt"], now) is None
    assert follower.look(["nrt"], ["ams", "nrt"], 1000.0 + AVOIDED) is None  # a minute as for any other
    assert follower.look(["nrt"], ["ams", "nrt"], 1060.0 + AVOIDED) == "nrt"


@pytest.mark.parametrize(
    ("edges", "home"),
    [
        ([], "ams"),
        (["local"], "ams"),  # nobody knows where that is
        ([""], "ams"),
        (["nrt"], "local"),
        (["ams", "nrt"], "ams"),  # somebody would be as far away as now
        (["lhr"], "ams"),  # nearer, and not by enough
    ],
)
def test_a_room_stays_where_moving_would_help_little_or_cannot_be_judged(edges: list[str], home: str) -> None:
    follower = a_follower(home)
    assert [follower.look(edges, ["ams", "nrt", "lhr"], 60.0 * n) for n in range(10)] == [None] * 10


@pytest.mark.parametrize(
    ("now_ms", "then_ms", "moves"),
    [(200, 160, True), (200, 161, False), (100, 70, True), (100, 71, False), (35, 5, True), (29, 0, False)],
)
def test_both_margins_must_be_met(now_ms: float, then_ms: float, moves: bool) -> None:
    trips = {"home": now_ms, "there": then_ms}
    follower = a_follower("home", rtt=lambda edge, region: trips.get(region, 1.0))
    follower.look(["edge"], ["home", "there"], 0.0)
    assert (follower.look(["edge"], ["home", "there"], 60.0) == "there") is moves


def test_equally_good_regions_are_told_apart_by_their_codes() -> None:
    trips = {"home": 200.0, "bbb": 50.0, "aaa": 50.0}
    follower = a_follower("home", rtt=lambda edge, region: trips.get(region, 1.0))
    follower.look(["edge"], ["bbb", "aaa"], 0.0)
    assert follower.look(["edge"], ["bbb", "aaa"], 60.0) == "aaa"


margins = st.builds(
    Following,
    margin_ms=st.sampled_from([0.0, 1.0, 30.0]),
    margin_share=st.sampled_from([0.0, 0.2, 0.9]),
    settled=st.sampled_from([0.0, 60.0]),
    pause=st.sampled_from([0.0, 300.0]),
)
regions = st.sampled_from(offered())


@given(margins, st.lists(regions, min_size=1, max_size=6), regions, st.sets(regions, min_size=1))
def test_the_same_members_are_never_carried_back_and_forth(
    settings: Following, edges: list[str], home: str, candidates: set[str]
) -> None:
    homes, now = [home], 0.0
    follower = Follower(settings, home=home)
    for _ in range(400):
        now += 20.0
        target = follower.look(edges, sorted(candidates), now)
        if target is not None:
            homes.append(target)
            follower = Follower(settings, home=target, moved_at=now)
    worst = [max(round_trip(edge, region) for edge in edges) for region in homes]
    assert all(after < before for before, after in pairwise(worst))
    for before, after in pairwise(worst):
        assert after <= before - settings.margin_ms + 1e-9
        assert after <= before * (1 - settings.margin_share) + 1e-9
    assert len(set(homes)) == len(homes)


@given(st.lists(regions, min_size=1, max_size=6), regions, st.permutations(CANDIDATES))
def test_the_decision_depends_on_nothing_but_who_is_where(edges: list[str], home: str, order: list[str]) -> None:
    one, other = Follower(SETTINGS, home=home), Follower(SETTINGS, home=home)
    for now in (0.0, 60.0):
        first = one.look(edges, CANDIDATES, now)
        assert first == other.look(reversed(edges), order, now)


def test_regions_that_nobody_knows_are_infinitely_far() -> None:
    assert round_trip("local", "local") == float("inf")
    assert round_trip("ams", "ams") < 5
    assert by_closeness("ams", ["nrt", "local", "iad"]) == ("iad", "nrt", "local")
