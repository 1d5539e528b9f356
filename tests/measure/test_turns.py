"""Two loads in turn: the same arrivals within a round, late rounds made again, effects beside the noise."""

from random import Random

import pytest

from flylab.errors import UsageError
from flylab.measure import runs
from flylab.measure.stats import Verdict
from flylab.measure.turns import AGAIN, A, B, compared, report, take_turns, variants
from tests.measure.virtual import Virtual, plan


async def turns(folder, plans, virtual, rounds=10, seed=3):
    run = runs.begin("turns", target="x", seed=seed, project=folder)
    return runs.load(await take_turns(plans, rounds=rounds, run=run, folder=folder, carry=virtual.carry))


def slower(factor):
    """``/b`` takes that much longer; both drift from round to round by far more."""

    def latency(it, rng):
        drift = 0.01 * (1 + it.seed % 5)
        return drift * rng.lognormvariate(0, 0.05) * (factor if it.mix[0].path == "/b" else 1)

    return latency


async def test_a_small_effect_is_found_beside_the_noise_and_equal_loads_have_none(tmp_path):
    plans = variants(plan("/a"), plan("/b"), noise=True)
    run, samples = await turns(tmp_path, plans, Virtual(slower(1.1)))
    found = {each.what: each for each in compared(run, samples, rng=Random(1)) if each.effect and each.effect.q == 0.5}
    assert set(found) == {"everything"}  # they have no kind of request in common
    effect = found["everything"].effect
    assert effect.ratio == pytest.approx(1.1, abs=0.03)
    assert effect.interval is not None
    assert effect.rounds == 10
    assert found["everything"].verdict is Verdict.DIFFERS
    assert "10 rounds; noise ±" in found["everything"].text()
    assert "p99 not given: n 200, 1000 are needed in each round" in "\n".join(report(run, samples))
    run, samples = await turns(tmp_path, variants(plan("/a"), None, noise=True), Virtual(slower(1.1)))
    [first, *_] = compared(run, samples, rng=Random(1))
    assert (first.what, first.verdict is Verdict.DIFFERS) == ("get /a", False)
    assert report(run, samples) == report(run, samples)


async def test_rounds_have_the_same_arrivals_and_an_order_that_chance_decides(tmp_path):
    virtual = Virtual(slower(1))
    await turns(tmp_path, variants(plan("/a", seed=5), plan("/b", seed=5), noise=True), virtual, rounds=6)
    seeds = [it.seed for it, _ in virtual.carried]
    assert seeds == [5 + number // 3 for number in range(18)]
    orders = [tuple(mark["variant"] for _, mark in virtual.carried[at : at + 3]) for at in range(0, 18, 3)]
    assert all(set(names) == {A, AGAIN, B} for names in orders)
    assert len(set(orders)) > 1


async def test_late_rounds_are_made_again_and_count_for_nothing(tmp_path):
    virtual = Virtual(slower(1), late=lambda number, _: number in (1, 4))
    run, samples = await turns(tmp_path, variants(plan("/a"), plan("/a"), noise=False), virtual, rounds=6)
    assert run.valid
    late = run.results["late_rounds"]
    assert len(late) == 2
    [median, *_] = compared(run, samples, rng=Random(1))
    assert median.effect.rounds == 6
    assert report(run, samples)[0] == f"the generator was late in rounds {late}, counted from 0: they do not count"
    spoilt, samples = await turns(
        tmp_path, variants(plan("/a"), None, noise=True), Virtual(slower(1), late=lambda *_: True), rounds=2
    )
    assert spoilt.valid is False
    assert report(spoilt, samples)[-1] == "no round has an answer in both variants"


async def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(UsageError, match="compared with nothing"):
        variants(plan(), None, noise=False)
    for rounds in (0, 1_001):
        with pytest.raises(UsageError, match=f"{rounds}$"):
            await turns(tmp_path, variants(plan(), None, noise=True), Virtual(slower(1)), rounds=rounds)
