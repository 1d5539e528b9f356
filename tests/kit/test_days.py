"""Days for the chapter on scaling to zero: what is stored, tabled and compared."""

from dataclasses import replace

import pytest

from flylab.kit import days
from flylab.kit.record import Record
from flylab.kit.timeline import Change
from flylab.sim.traffic import DAY, Stay
from flylab.sim.world import Durations
from flylab.wire.machine import MachineConfig
from flylab.wire.services import Service

STAYS = (
    Stay(room="blue", region="ams", begins=10.0, ends=100.0),
    Stay(room="red", region="ams", begins=50.0, ends=70.0),
)


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return Record("06-scale-to-zero", target="local", seed=1)


def test_a_simulated_day_is_stored_and_read_back(record):
    ways = days.plans(["ams"], machines=1, ends_after=60)
    results = days.simulate(record, ways.values(), STAYS, seconds=DAY, durations=Durations(boot=2.0))
    record.save()
    assert days.runs(record, "always on") == [(0.0, DAY)]
    assert days.runs(record, "ends by itself") == [(pytest.approx(12.0), pytest.approx(160.0))]
    head, *rows = days.rows(record, results)
    assert head[0] == "way"
    assert [row[0] for row in rows] == list(ways)
    always, *_, alone = rows
    assert always[1:] == ("24.0", f"{days.monthly(results)['always on']:.2f}", "0 of 2", "–", "0")
    assert alone[3:] == ("1 of 2", "2.00 s", "0")


def test_costs_are_stored_by_visits(record):
    ways = days.plans(["ams"], machines=1, ends_after=60)
    days.sweep(record, ways.values(), {1: STAYS[:1], 2: STAYS}, seconds=DAY, durations=Durations())
    record.save()
    costs = days.costs(record, "ends by itself")
    assert list(costs) == [1, 2]
    assert costs[1] <= costs[2] < days.costs(record, "always on")[2]


def change(machine, state, at):
    return Change(machine=machine, state=state, at=at)


def test_disagreement_is_a_part_of_what_was_measured():
    seen = [
        change("x, measured", "starting", 0.0),
        change("x, measured", "started", 1.0),
        change("x, measured", "stopped", 5.0),
        change("x, simulated", "started", 2.0),
        change("x, simulated", "stopping", 4.0),
        change("y, measured", "started", 2.0),
        change("y, simulated", "stopped", 2.0),
    ]
    assert days.disagreement(seen, until=6.0) == {"x": -0.5, "y": -1.0}
    assert days.start_seconds(seen[:3]) == 1.0
    assert days.start_seconds([]) == 0.0


def test_machines_that_go_down_together_are_counted_by_region():
    ways = days.plans(["ams"], machines=3, ends_after=60)
    one = days.same_in_simulation(ways["ends by itself"], [(1.0, 2.0)], boot=0.1, seconds=120.0)
    assert days.stops_at_once(one, 60.0) == 0  # it ended by itself, nobody took it down
    stopped = [replace(m, state="stopping") for m in one.moments if m.state == "stopped" and m.at >= 0]
    assert days.stops_at_once(replace(one, moments=tuple(stopped)), 60.0) == 1


def test_two_ways_to_go_down_quickly():
    config = MachineConfig(image="x", services=(Service(internal_port=8080),), env={"A": "1"})
    by_proxy, by_itself = (days.sleepy(config, way) for way in ("autostop", "ends by itself"))
    assert by_proxy.services[0].autostop == "stop"
    assert "IDLE_SECONDS" not in by_proxy.env
    assert by_itself.services[0].autostop is None
    assert by_itself.env["IDLE_SECONDS"] == str(days.IDLE_SECONDS)
    assert by_itself.env["A"] == by_proxy.env["A"] == "1"


def test_savings_are_of_the_days_that_the_seeds_give():
    sleeping = days.plans(["ams"], machines=2, ends_after=60)["ends by itself"]
    lean = days.plans(["ams"], machines=1, ends_after=60, note=", one each")["always on"]
    found = days.savings(sleeping, lean, {"ams": 1.0}, 2, range(3), durations=Durations(boot=2.0))
    assert len(found) == 3
    assert all(0.5 < part < 1 for part in found)
    assert found == days.savings(sleeping, lean, {"ams": 1.0}, 2, range(3), durations=Durations(boot=2.0))
    crowded = days.savings(sleeping, lean, {"ams": 1.0}, 2_000, [1], durations=Durations(boot=2.0))
    assert crowded[0] < min(found)
