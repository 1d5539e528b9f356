"""Both loops against one server that stands still, for a second instead of a minute; the shape is what counts."""

import pytest

from flylab.errors import UsageError
from flylab.measure import omission, runs
from flylab.measure.omission import CLOSED, OPEN, Scenario
from flylab.measure.sample import Sample

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_the_open_loops_p99_in_closed_form():
    assert Scenario().p99() == pytest.approx(0.410)  # 1,000 wait, the 600th longest for 0.4 s of the stall
    assert Scenario(stall=0.1).p99() == pytest.approx(0.010)  # too few are due in it to reach the p99
    low, high = omission.EXPECTED[OPEN]
    assert low <= 1000 * Scenario().p99() <= high


async def test_the_closed_loop_hides_what_the_open_one_shows_and_both_are_stored(tmp_path):
    told = []
    scenario = Scenario(rate=200, seconds=0.6, stall=0.25, workers=2)
    found = await omission.both(tmp_path, scenario, processes=1, begin=told.append, project=tmp_path)
    assert told == ["closed loop", "open loop"]
    assert len(found.open) == 120
    slow = {name: sum(sample.latency > 0.1 for sample in found.loop(name)) for name in (CLOSED, OPEN)}
    # 30 of the 50 that were due in the stall wait that long; two workers have no time for more than 12 such answers.
    assert slow[OPEN] > 20 > slow[CLOSED]
    assert found.latency(OPEN, 0.5).n == 120
    assert omission.read(tmp_path / f"{found.run.id}.json") == found
    assert found.valid == (found.run.valid is True)


def test_another_run_is_not_taken_for_one_of_both(tmp_path):
    one = Sample(what="x", where="y", scheduled=0, sent=0, finished=0, detail={"variant": CLOSED})
    record = runs.save(runs.begin("one", target="x", seed=0, project=tmp_path), [one], tmp_path)
    with pytest.raises(UsageError, match="no run of both loops"):
        omission.read(record)
