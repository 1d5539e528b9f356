"""A day's bill against the same sum by hand."""

import pytest

from flylab.costs import TODAY
from flylab.published.prices import asked, multiplier
from flylab.sim.bill import fly_bill
from flylab.sim.day import Plan, day
from flylab.sim.traffic import DAY

STARTED = asked("Fly.io", "Machines", "shared-cpu-1x 512 MB started", TODAY).price


def test_machines_that_run_all_day_cost_their_seconds_with_each_regions_markup():
    plan = Plan(name="on", regions=("ams", "nrt"), machines=2, stopped=False)
    bill = fly_bill(day(plan, (), seconds=DAY))
    markup = multiplier("ams", TODAY).price + multiplier("nrt", TODAY).price
    assert bill.usd == pytest.approx(2 * DAY * STARTED * markup)
    assert bill.offer == "on"
    assert "traffic" in bill.left_out


def test_machines_that_rest_all_day_cost_their_root_file_systems():
    plan = Plan(name="off", regions=("ams",), machines=2)
    bill = fly_bill(day(plan, (), seconds=DAY), rootfs_gb=2.0)
    assert bill.usd == pytest.approx(2 * 2.0 * 0.15 / 30)
