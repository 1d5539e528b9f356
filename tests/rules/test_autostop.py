"""When the proxy takes a machine down, in virtual time."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.autostop import (
    Autostop,
    AutostopSettings,
    CloseSockets,
    SoftCordon,
    TakeDown,
    Uncordon,
    excess,
)
from flylab.rules.standing import Group, Standing

WEB = Group("shop", "ams", "web")


def machine(machine_id, group=WEB, **more):
    values = {"mode": "stop", "soft_limit": 20, "minimum": 0, "primary": "ams"} | more
    return Standing(id=machine_id, group=group, **values)


class World:
    """Machines, their loads, and a clock that runs a second at a time."""

    def __init__(self, *machines, **settings):
        self.now = 0.0
        self.loads = Counter()
        self.touched = set()
        self.rules = Autostop(AutostopSettings(**settings), 0.0)
        self.gone = []
        for one in machines:
            self.rules.put(one, 0.0)

    def run(self, seconds):
        """Every step with its moment; what is taken down is gone."""
        steps = []
        for _ in range(int(seconds)):
            self.now += 1.0
            touched, self.touched = self.touched, set()
            for step in self.rules.tick(self.loads.__getitem__, touched, self.now, lambda of: of.primary):
                steps.append((self.now, step))
                if isinstance(step, TakeDown):
                    self.gone.append(step.machine)
                    assert self.rules.drop(step.machine) == []
        return steps

    def until_taken_down(self, seconds=2000):
        steps = self.run(seconds)
        return [(at, step.machine) for at, step in steps if isinstance(step, TakeDown)]


def test_a_machine_without_load_is_taken_down_step_by_step():
    """REPORTED community.fly.io/t/27544 (Fly's staff): soft-cordon, a wait, close frames with 1001, then the stop."""
    assert World(machine("a")).run(1000) == [
        (360.0, SoftCordon("a")),
        (362.0, CloseSockets("a")),
        (363.0, TakeDown("a", False, WEB, 1)),
    ]


def test_it_is_suspended_when_it_says_so():
    """DOCUMENTED launch/autostop-autostart: off, stop or suspend."""
    assert World(machine("a", mode="suspend")).run(400)[-1] == (363.0, TakeDown("a", True, WEB, 1))
    assert World(machine("a", mode="off")).run(2000) == []


def test_the_pace_fits_the_idle_times_that_were_seen():
    """ASSUMED [autostop] period 60 and idle 330: between 5.5 and 6.5 minutes; 3 to 8 minutes were measured."""
    for last in (0, 7, 59, 60, 61):
        world = World(machine("a"))
        world.run(last)
        world.touched = {"a"}
        [(at, _)] = world.until_taken_down()
        assert 330 <= at - 3 - last <= 391


def test_one_alone_stays_while_it_has_load_however_little():
    """DOCUMENTED reference/fly-proxy-autostop-autostart: exactly one running is stopped if its load is 0."""
    world = World(machine("a"))
    world.loads["a"] = 1
    assert world.run(2000) == []
    world.loads["a"] = 0
    assert len(world.until_taken_down()) == 1


def test_short_requests_keep_it_up_though_no_look_ever_sees_one_in_flight():
    world = World(machine("a"))
    for _ in range(20):
        assert world.run(300) == []
        world.touched = {"a"}


@pytest.mark.parametrize(
    ("loads", "count"),
    [
        ([0, 0], 1),
        ([20, 0], 0),
        ([25, 0, 0], 1),
        ([5, 5, 5], 2),
        ([20, 20, 20], -1),
        ([19, 19], 1),
        ([20, 20, 0, 0], 1),
    ],
)
def test_the_formula(loads, count):
    """DOCUMENTED reference/fly-proxy-autostop-autostart: excess = n - (those over their soft limit + 1)."""
    machines = [machine(str(number)) for number in range(len(loads))]
    assert excess(machines, {str(number): load for number, load in enumerate(loads)}) == count


def test_of_several_one_is_stopped_in_a_pass_the_least_loaded_first():
    """DOCUMENTED reference/fly-proxy-autostop-autostart: at most one for each region and pass; the order is ASSUMED."""
    world = World(machine("a"), machine("b"), machine("c"))
    world.loads |= {"a": 3, "b": 1, "c": 2}
    # Two of three are stopped though all have load, since all is below the soft limit; the last stays for its load.
    assert world.until_taken_down() == [(363.0, "b"), (423.0, "c")]


def test_a_machine_with_open_sockets_is_stopped_when_there_are_two():
    """DOCUMENTED (the formula), seen by fastrepl/anarlog (2026-08): load below the soft limit counts as none."""
    world = World(machine("a"), machine("b"))
    world.loads |= {"a": 5, "b": 6}
    assert world.until_taken_down(400) == [(363.0, "a")]


def test_equal_ones_go_by_id():
    assert World(machine("b"), machine("a")).until_taken_down() == [(363.0, "a"), (423.0, "b")]


def test_a_busy_group_is_left_alone():
    world = World(machine("a"), machine("b"))
    world.loads |= {"a": 20, "b": 4}
    assert world.run(2000) == []


def test_the_excess_has_to_last():
    world = World(machine("a"), machine("b"))
    for _ in range(5):
        world.loads["a"] = 0
        world.run(300)
        world.loads["a"] = 20
        world.run(2)
    assert world.gone == []


def test_the_minimum_is_kept_in_the_primary_region_only():
    """DOCUMENTED reference/configuration: min_machines_running counts in the primary region."""
    there = Group("shop", "iad", "web")
    world = World(*(machine(f"{group.region}{n}", group, minimum=2) for group in (WEB, there) for n in range(3)))
    world.run(2000)
    assert sorted(world.gone) == ["ams0", "iad0", "iad1", "iad2"]


def test_process_groups_and_regions_are_decided_apart():
    """REPORTED 2025-05 to 2026-09: the unit of the decision is region and process group."""
    groups = [WEB, Group("shop", "ams", "api"), Group("shop", "iad", "web"), Group("other", "ams", "web")]
    world = World(*(machine(str(number), group) for number, group in enumerate(groups)))
    assert world.until_taken_down() == [(363.0, each) for each in "0123"]


def test_those_that_may_not_be_stopped_count_and_stay():
    world = World(machine("a", mode="off"), machine("b"))
    assert world.until_taken_down() == [(363.0, "b")]


def test_a_request_in_the_first_wait_keeps_the_machine():
    world = World(machine("a"))
    assert world.run(361) == [(360.0, SoftCordon("a"))]
    assert world.rules.call_off("a", world.now) == [Uncordon("a")]
    assert world.run(300) == []
    assert world.until_taken_down() == [(723.0, "a")]


def test_once_its_sockets_are_closed_it_is_too_late():
    world = World(machine("a"))
    world.loads["a"] = 1
    world.rules.put(machine("b"), 0.0)
    assert world.run(362)[-1] == (362.0, CloseSockets("b"))
    assert world.rules.call_off("b", world.now) == []
    assert world.run(2) == [(363.0, TakeDown("b", False, WEB, 2))]
    assert world.rules.call_off("b", world.now) == []


def test_clients_that_do_not_answer_the_close_frame_are_not_waited_for():
    world = World(machine("a"), machine("b"), close_wait=5.0)
    world.loads |= {"a": 1, "b": 2}
    assert world.until_taken_down(400) == [(367.0, "a")]
    world = World(machine("a"), machine("b"), close_wait=5.0)
    world.loads |= {"a": 1, "b": 2}
    world.run(363)
    world.loads["a"] = 0
    assert world.until_taken_down(1) == [(364.0, "a")]


def test_what_ends_by_itself_on_the_way_is_let_go():
    world = World(machine("a"))
    world.run(361)
    assert world.rules.drop("a") == [Uncordon("a")]
    assert world.rules.drop("a") == []
    assert world.run(1000) == []


def test_a_change_moves_it_to_its_new_group_and_keeps_its_time():
    world = World(machine("a"))
    world.run(300)
    world.rules.put(replace(machine("a"), group=Group("shop", "ams", "api")), 300.0)
    world.rules.put(replace(machine("a"), group=Group("shop", "ams", "api")), 300.0)
    assert world.until_taken_down() == [(363.0, "a")]


def test_switched_off_it_stops_nothing():
    assert World(machine("a"), enabled=False).run(2000) == []


def test_loads_are_looked_at_every_second_or_as_often_as_a_faster_pace_needs():
    assert AutostopSettings().tick == 1.0
    assert AutostopSettings(period=0.2, idle=0.4).tick == 0.1
    assert AutostopSettings(period=0.0, idle=0.0).tick == 0.01
    assert AutostopSettings(period=0.5, idle=0.0).tick == 0.5


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(1, 200)), max_size=30),
    st.integers(1, 6),
    st.integers(0, 3),
)
def test_never_more_than_one_a_pass_and_never_below_the_minimum(changes, count, minimum):
    world = World(*(machine(str(n), minimum=minimum) for n in range(count)))
    went = []
    for which, load, seconds in changes:
        world.loads[str(which)] = load
        went += [at for at, step in world.run(seconds) if isinstance(step, SoftCordon)]
    assert all(later - earlier >= 60 for earlier, later in pairwise(went))
    assert count - len(world.gone) >= min(minimum, count)
    assert len(set(world.gone)) == len(world.gone)


def test_a_pass_waits_for_the_machine_that_the_last_one_chose():
    world = World(machine("a"), machine("b"), cordon_wait=100.0)
    assert world.until_taken_down(1000) == [(461.0, "a"), (581.0, "b")]


def test_where_none_may_be_stopped_none_is():
    world = World(machine("a", mode="off"), machine("b", Group("shop", "iad", "web")))
    assert world.until_taken_down() == [(363.0, "b")]
