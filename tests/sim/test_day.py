"""A day of rooms under the platform's rules: by cases that can be reckoned by hand, and by properties."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.rules.autostop import AutostopSettings
from flylab.sim.day import Plan, day, running, waits
from flylab.sim.traffic import DAY, Stay, Traffic, stays
from flylab.sim.world import Durations

QUICK = Durations(boot=2.0, resume=0.5, suspend=1.0, stop=1.0)
HOUR = 3600.0


def stay(begins, ends, room="blue", region="ams"):
    return Stay(room=room, region=region, begins=float(begins), ends=float(ends))


def run(plan, *found, seconds=HOUR, **more):
    return day(plan, found, seconds=seconds, durations=QUICK, **more)


def states(result, machine=None):
    """What happened in the day itself, with whole seconds."""
    return [
        (round(each.at, 1), each.state) for each in result.moments if each.at >= 0 and machine in (None, each.machine)
    ]


def test_always_on_is_paid_for_whole_days_and_nobody_waits():
    plan = Plan(name="on", regions=("ams", "iad"), machines=3, stopped=False)
    result = run(plan, stay(10, 70), stay(20, 90, region="iad"), seconds=DAY)
    assert result.seconds_in("started") == {"ams": 3 * DAY, "iad": 3 * DAY}
    assert waits(result.joins) == [0.0, 0.0]
    assert {join.machine for join in result.joins} == {result.joins[0].machine}  # the second is replayed to the room


def test_a_first_visitor_waits_for_the_boot_and_the_machine_ends_by_itself():
    plan = Plan(name="ends", regions=("ams",), machines=1, ends_after=60)
    result = run(plan, stay(10, 100))
    assert states(result) == [(10.0, "starting"), (12.0, "started"), (160.0, "stopped")]
    assert waits(result.joins, woke=True) == [2.0]
    assert result.seconds_in("started") == {"ams": pytest.approx(148.0)}


def test_a_member_who_comes_within_the_time_keeps_the_machine():
    plan = Plan(name="ends", regions=("ams",), machines=1, ends_after=60)
    result = run(plan, stay(10, 100), stay(150, 200))
    assert states(result)[-1] == (260.0, "stopped")
    assert waits(result.joins) == [2.0, 0.0]


def test_autostop_stops_at_the_first_pass_after_its_idle_time():
    plan = Plan(name="proxy", regions=("ams",), machines=1, autostop="stop")
    result = run(plan, stay(10, 100), autostop=AutostopSettings(period=60, idle=330))
    # Idle since 100; the first pass at or after 430 is at 480, then two seconds of soft cordon and the stop itself.
    assert states(result) == [
        (10.0, "starting"),
        (12.0, "started"),
        (482.0, "stopping"),
        (483.0, "stopped"),
    ]


def test_autostop_suspends_and_a_resume_is_quicker():
    plan = Plan(name="proxy", regions=("ams",), machines=1, autostop="suspend")
    result = run(plan, stay(10, 100), stay(1000, 1100))
    assert [state for _, state in states(result)] == [
        "starting", "started", "suspending", "suspended", "starting", "started", "suspending", "suspended",
    ]  # fmt: skip
    assert waits(result.joins) == [2.0, 0.5]


def test_of_two_machines_below_their_soft_limits_autostop_closes_one_with_members_on_it():
    """The formula counts machines, not sockets: why the room server's own fly.toml switches it off."""
    plan = Plan(name="proxy", regions=("ams",), machines=2, autostop="stop", soft_limit=2)
    # The third member starts the second machine; once the second member has gone, one machine is one too many.
    members = stay(10, 3000, room="red"), stay(11, 200, room="green"), stay(12, 3000, room="blue")
    result = run(plan, *members, seconds=2900)
    assert result.interrupted == 1
    again = next(join for join in result.joins if join.again)
    assert again.wait == 0.0
    assert [state for _, state in states(result) if state == "stopping"] == ["stopping"]


def test_a_storm_of_visitors_starts_one_machine_once():
    plan = Plan(name="ends", regions=("ams",), machines=3, ends_after=30, soft_limit=200)
    result = run(plan, *(stay(10, 60, room=f"room-{n}") for n in range(100)))
    assert [state for _, state in states(result)].count("starting") == 1
    assert waits(result.joins) == [2.0] * 100


def test_visitors_beyond_every_hard_limit_wait_until_a_place_is_free():
    plan = Plan(name="on", regions=("ams",), machines=1, stopped=False, soft_limit=1, hard_limit=1)
    result = run(plan, stay(10, 100), stay(20, 200, room="red"), stay(30, 90, room="green"))
    assert [join.wait for join in result.joins] == [0.0, None, pytest.approx(80.0, abs=0.5)]
    assert [join.room for join in result.joins] == ["blue", "green", "red"]


def test_the_minimum_stays_up_in_the_primary_region_alone():
    plan = Plan(name="proxy", regions=("ams", "iad"), machines=1, autostop="stop", minimum=1, stopped=False)
    result = run(plan)
    assert result.seconds_in("started")["ams"] == HOUR
    assert result.seconds_in("started")["iad"] < HOUR


def test_how_many_run_is_counted_at_the_end_of_each_stretch():
    plan = Plan(name="ends", regions=("ams",), machines=1, ends_after=60)
    result = run(plan, stay(10, 290), seconds=600)
    up = [(span.begins, span.ends) for span in result.spans() if span.state == "started"]
    assert running(up, seconds=600, every=100) == [(100, 1), (200, 1), (300, 1), (400, 0), (500, 0), (600, 0)]


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(("off", "stop", "suspend")),
    st.sampled_from((0.0, 20.0)),
    st.integers(1, 3),
    st.integers(1, 6),
)
def test_whatever_the_day_everybody_is_served_in_order_and_times_add_up(seed, autostop, ends_after, machines, soft):
    plan = Plan(
        name="any",
        regions=("ams", "nrt"),
        machines=machines,
        autostop=autostop,
        ends_after=ends_after,
        soft_limit=soft,
    )
    visits = stays(Traffic(shares={"ams": 1.0, "nrt": 1.0}, visits=400, rooms=20, minutes=5), seed, days=0.1)
    seconds = 0.1 * DAY
    result = day(plan, visits, seconds=seconds, seed=seed, durations=QUICK)
    assert result == day(plan, visits, seconds=seconds, seed=seed, durations=QUICK)
    # Everybody came in or gave up, but for those who come in the last moments.
    first = [join for join in result.joins if not join.again]
    early = [stay for stay in visits if stay.begins < seconds - 10]
    assert len(early) <= len(first) <= len(visits)
    assert all(join.wait <= 2.0 + 1.0 + 1.5 for join in first if join.wait is not None)
    # Each machine is in one state after another, and no state is reached twice in a row.
    by_machine = {}
    for moment in result.moments:
        by_machine.setdefault(moment.machine, []).append(moment)
    for mine in by_machine.values():
        assert all(one.at <= other.at and one.state != other.state for one, other in pairwise(mine))
    every = sum(sum(result.seconds_in(state).values()) for state in {moment.state for moment in result.moments})
    assert every == pytest.approx(seconds * len(by_machine))
    if autostop == "off":
        assert result.interrupted == 0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"regions": ()}, "at least one region"),
        ({"machines": 0}, "one machine in each"),
        ({"autostop": "sometimes"}, "'sometimes'; it is one of off, stop, suspend"),
        ({"ends_after": -1.0}, "ends_after is -1"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(values, says):
    with pytest.raises(UsageError, match=says):
        Plan(**{"name": "bad", "regions": ("ams",)} | values)


def test_a_duration_is_not_negative():
    with pytest.raises(UsageError, match=r"boot is -1"):
        Durations(boot=-1)
