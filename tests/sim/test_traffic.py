"""A day's visits: how many, when, where, how long, and that bad numbers are named."""

from statistics import fmean, median

import pytest

from flylab.errors import UsageError
from flylab.sim.traffic import DAY, Traffic, busy, stays

WORLD = {"ams": 3.0, "iad": 2.0, "nrt": 1.0}


def test_the_same_seed_gives_the_same_day_and_another_one_another():
    traffic = Traffic(shares=WORLD)
    assert stays(traffic, 1) == stays(traffic, 1)
    assert stays(traffic, 1) != stays(traffic, 2)


def test_a_month_has_as_many_visits_members_and_minutes_as_were_asked_for():
    traffic = Traffic(shares=WORLD, visits=400, members=3, minutes=20, abroad=0.0)
    found = stays(traffic, 7, days=30)
    # 30 × 400 visits of 3 members: the standard error of the count is about 1 %, so 5 % is five of them.
    assert len(found) == pytest.approx(30 * 400 * 3, rel=0.05)
    assert median((stay.ends - stay.begins) / 60 for stay in found) == pytest.approx(20, rel=0.05)
    share = {region: sum(stay.region == region for stay in found) / len(found) for region in WORLD}
    assert share == pytest.approx({"ams": 3 / 6, "iad": 2 / 6, "nrt": 1 / 6}, abs=0.02)


def test_those_who_follow_come_while_the_first_one_is_there():
    found = stays(Traffic(shares=WORLD, rooms=1_000_000, members=4), 3)
    visits = {}
    for stay in found:
        visits.setdefault(stay.room, []).append(stay)
    assert max(map(len, visits.values())) > 4
    for visit in visits.values():
        assert all(any(first.begins <= stay.begins <= first.ends for first in visit) for stay in visit)


def test_members_from_abroad_come_from_other_regions():
    found = stays(Traffic(shares={"ams": 1.0, "nrt": 0.0}, members=5, abroad=1.0), 3)
    firsts = {stay.room: stay for stay in reversed(found)}
    assert {stay.region for stay in firsts.values()} == {"ams"}
    assert {stay.region for stay in found} == {"ams", "nrt"}
    assert {stay.region for stay in stays(Traffic(shares={"ams": 1.0}, abroad=1.0), 3)} == {"ams"}


def test_the_day_goes_round_the_world():
    tops = {region: max(range(24), key=lambda hour: busy(region, hour * 3600.0, 0.1)) for region in WORLD}
    # 20 o'clock of the sun is 20 UTC in Amsterdam, 01 in Virginia and 11 in Tokyo.
    assert tops == {"ams": 20, "iad": 1, "nrt": 11}
    assert min(busy("ams", hour * 3600.0, 0.1) for hour in range(24)) == pytest.approx(0.1, abs=0.01)
    assert fmean(busy("ams", hour * 3600.0, 0.2) for hour in range(24)) == pytest.approx(0.6)


def test_the_quiet_hours_have_fewer_visits():
    found = stays(Traffic(shares={"ams": 1.0}, visits=5_000, quiet=0.1), 3)
    evening = sum(18 * 3600 <= stay.begins < 22 * 3600 for stay in found)
    morning = sum(6 * 3600 <= stay.begins < 10 * 3600 for stay in found)
    assert evening > 4 * morning


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"shares": {}}, "names no region"),
        ({"shares": {"xyz": 1.0}}, "'xyz', which is no region"),
        ({"shares": {"ams": -1.0}}, "none below 0"),
        ({"shares": {"ams": 0.0}}, "one above"),
        ({"shares": {"ams": float("nan")}}, "none below 0"),
        ({"visits": -1.0}, "visits is -1"),
        ({"minutes": float("inf")}, "minutes is inf"),
        ({"rooms": 0}, "at least one room"),
        ({"members": 0.5}, "at least one member"),
        ({"abroad": 1.5}, "between 0 and 1"),
        ({"quiet": 2.0}, "between 0 and 1"),
    ],
)
def test_what_is_no_day_is_refused_by_name(values, says):
    with pytest.raises(UsageError, match=says):
        Traffic(**{"shares": WORLD} | values)


def test_no_visits_are_an_empty_day():
    assert stays(Traffic(shares=WORLD, visits=0), 1) == []
    assert DAY == 24 * 60 * 60
