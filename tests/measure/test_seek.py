"""The knee of a server whose knee is known; all in virtual time."""

import math

import pytest

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.seek import at_rate, seek
from flylab.measure.stats import Step, knee, next_rate
from tests.measure.virtual import Virtual, plan

BOUND = 0.05


def queue(it, rng):
    """M/M/1 at 1,000/s: the p99 of the time in the system is ln(100) / (1,000 - rate), or grows without end."""
    spare = 1000 - it.arrivals["rate"]
    return rng.expovariate(spare) if spare > 0 else 1.0


KNEE = 1000 - math.log(100) / BOUND  # 907.9/s, in closed form


async def sought(folder, it, virtual, **more):
    run = runs.begin("knee", target="x", seed=0, project=folder)
    return await seek(it, BOUND, run=run, folder=folder, settle=0, carry=virtual.carry, **more)


async def test_the_knee_of_a_queue_is_where_its_formula_has_it(tmp_path):
    found = await sought(tmp_path, plan(rate=100, seconds=6), Virtual(queue))
    assert found.knee.rate <= KNEE * 1.05
    assert found.knee.above >= KNEE / 1.05
    assert found.knee.above / found.knee.rate <= 1.1
    assert found.text()[-1].startswith(f"knee: {found.knee.rate:.4g} requests/s hold p99 ≤ 50 ms, ")
    run, samples = runs.load(found.record)
    assert run.valid
    assert len(run.results["steps"]) == len(found.steps)
    assert {sample.detail["variant"] for sample in samples} == {f"{step.rate:.4g}/s" for step in found.steps}


async def test_below_where_it_began_and_up_to_where_it_may(tmp_path):
    assert (await sought(tmp_path, plan(rate=5000, seconds=2), Virtual(queue))).knee.rate < 1000
    capped = await sought(tmp_path, plan(rate=100), Virtual(queue), most=150)
    assert (capped.knee.rate, capped.knee.bound_by) == (150, "steps")
    assert capped.text()[-1].endswith("nothing above was tried")
    nothing = await sought(tmp_path, plan(rate=1000), Virtual(lambda *_: 1.0))
    assert nothing.text()[-1] == "no rate that was tried holds p99 ≤ 50 ms"


async def test_a_generator_that_is_late_is_said_to_be_the_bound(tmp_path):
    found = await sought(tmp_path, plan(), Virtual(queue, late=lambda _, it: it.arrivals["rate"] > 300))
    assert found.knee.bound_by == "generator"
    assert 250 < found.knee.rate <= 300
    assert "could offer no more" in found.text()[-1]
    never = await sought(tmp_path, plan(), Virtual(queue, late=lambda *_: True))
    assert (never.valid, runs.read(never.record).valid) == (False, False)
    assert never.text()[-1].startswith("INVALID")


def test_every_step_has_enough_for_a_p99():
    it = at_rate(plan(rate=100, seconds=2), 50, number=3)
    assert (it.arrivals["rate"], it.arrivals["seconds"], it.seed) == (50, 24, 3)


@pytest.mark.parametrize(
    ("it", "bound", "more", "why"),
    [
        (plan(closed=1), BOUND, {}, "open loop"),
        (plan(), 0, {}, "bound of 0 s"),
        (plan(), 10, {}, "timeout of 10 s"),
        (plan(rate=100), BOUND, {"most": 50}, "to 50 requests/s can be tried"),
        (plan(rate=100), BOUND, {"most": math.nan}, "to nan requests/s"),
        (plan(rate=5), BOUND, {}, "from 10 to 1e.06 requests/s can be tried, and the plan begins at 5"),
        (plan(rate=100), BOUND, {"close": 1}, "× 1"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(tmp_path, it, bound, more, why):
    run = runs.begin("knee", target="x", seed=0, project=tmp_path)
    with pytest.raises(UsageError, match=why):
        await seek(it, bound, run=run, folder=tmp_path, carry=Virtual(queue).carry, **more)


def test_one_failure_is_tried_again_and_two_of_three_decide():
    def went(*steps):
        return [Step(rate=rate, p99=p99) for rate, p99 in steps]

    def after(*steps):
        return next_rate(went(*steps), 1.0, start=10, least=4, most=1000)

    assert after() == 10
    assert after((10, 0.5)) == 20
    assert after((10, 0.5), (20, 2.0)) == 20
    assert after((10, 0.5), (20, 2.0), (20, 0.5)) == 20
    assert after((10, 0.5), (20, 2.0), (20, 0.5), (20, 0.5)) == 40
    assert after((10, 0.5), (20, 2.0), (20, 2.0)) == pytest.approx(math.sqrt(200))
    assert after((10, 2.0), (10, 2.0)) == 5
    assert after((10, 2.0), (10, 2.0), (5, 2.0), (5, 2.0)) == 4
    assert after((10, 2.0), (10, 2.0), (4, 2.0), (4, 2.0)) is None
    assert after((10, 0.5), (10.9, 2.0), (10.9, 2.0)) is None
    assert knee(went((10, 0.5), (20, 2.0), (20, 2.0)), 1.0).above == 20
