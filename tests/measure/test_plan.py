"""A load is data: read and written, the same for the same seed, refused where it cannot be carried out."""

import json
from itertools import islice

import pytest

from flylab.errors import ParseError, UsageError
from flylab.measure.plan import Deed, Plan, Rooms

ARRIVALS = {"kind": "poisson", "rate": 50, "seconds": 2}


def plan(**changes):
    given = {"target": "http://x.localhost:1", "arrivals": ARRIVALS, "mix": (Deed(do="get"), Deed(do="say", weight=3))}
    return Plan(**given | changes)


def test_it_is_read_as_it_was_written(tmp_path):
    it = plan(rooms=Rooms(count=3), seed=4, closed=2)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(it.to_json()))
    assert Plan.read(path) == it


def test_the_seed_decides_arrivals_and_mix():
    def made(seed):
        it = plan(seed=seed)
        return list(it.moments()), list(islice(it.deeds(), 100))

    assert made(1) == made(1)
    assert made(1)[0] != made(2)[0]
    assert made(1)[1] != made(2)[1]


def test_the_mix_has_its_weights():
    deeds = list(islice(plan().deeds(), 4000))
    assert deeds.count(1) / 4000 == pytest.approx(0.75, abs=0.035)  # five standard deviations


@pytest.mark.parametrize(
    ("arrivals", "count", "seconds"),
    [
        ({"kind": "constant", "rate": 10, "seconds": 2}, 20, 2),
        ({"kind": "ramp", "first": 0, "last": 10, "seconds": 2}, 10, 2),
        ({"kind": "recorded", "moments": [5, 6, 9]}, 3, 4),
        ({"kind": "recorded", "moments": [5, 6, 9], "speed": 2}, 3, 2),
    ],
)
def test_arrivals(arrivals, count, seconds):
    it = plan(arrivals=arrivals)
    assert len(list(it.moments())) == count
    assert it.seconds == seconds


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"target": "ftp://x"}, "http or https"),
        ({"target": "blue"}, "http or https"),
        ({"mix": ()}, "mix is empty"),
        ({"mix": (Deed(do="get"),) * 256}, "256 deeds"),
        ({"arrivals": {"kind": "constant", "rate": 1e6, "seconds": 1e3}}, "can be kept"),
        ({"mix": (Deed(do="fly"),)}, "'fly'"),
        ({"mix": (Deed(do="get", weight=0),)}, "weight above 0"),
        ({"mix": (Deed(do="say", size=3000),)}, "2,000 characters"),
        ({"mix": (Deed(do="cursor"),), "rooms": Rooms(members=1)}, "another member"),
        ({"rooms": Rooms(count=0)}, "0 rooms"),
        ({"rooms": Rooms(count=10_000, members=10)}, "more than can be opened"),
        ({"rooms": Rooms(dialect="french")}, "'french'"),
        ({"closed": -1}, "above 0"),
        ({"timeout": 0}, "above 0"),
        ({"arrivals": {}}, "not None"),
        ({"arrivals": {"kind": "constant"}}, "cannot be made"),
        ({"arrivals": {"kind": "constant", "rate": "x", "seconds": 1}}, "cannot be made"),
        ({"arrivals": {"kind": "constant", "rate": 0, "seconds": 1}}, "cannot be paced"),
        ({"arrivals": {"kind": "recorded"}}, "cannot be made"),
        ({"arrivals": {"kind": "recorded", "moments": [2, 1]}}, "in order"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(changes, why):
    with pytest.raises(UsageError, match=why):
        list(plan(**changes).moments())


@pytest.mark.parametrize(
    "value", [None, {}, {"target": "http://x", "arrivals": ARRIVALS, "mix": [{"fly": 1}]}, {"mix": 3}]
)
def test_what_is_no_plan_is_refused(value, tmp_path):
    with pytest.raises(ParseError, match="load"):
        Plan.from_json(value)
    path = tmp_path / "plan.json"
    path.write_text("{")
    with pytest.raises(ParseError, match="load"):
        Plan.read(path)
