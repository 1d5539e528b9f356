"""A load is data: read and written, the same for the same seed, refused where it cannot be carried out."""

import json
import math
from itertools import islice

import pytest

from flylab.errors import UsageError
from flylab.measure.plan import Deed, Plan, Rooms
from flylab.measure.reading import read

ARRIVALS = {"kind": "poisson", "rate": 50, "seconds": 2}


def plan(**changes):
    given = {"target": "http://x.localhost:1", "arrivals": ARRIVALS, "mix": (Deed(do="get"), Deed(do="say", weight=3))}
    return Plan(**given | changes)


def test_it_is_read_as_it_was_written(tmp_path):
    it = plan(rooms=Rooms(count=3), seed=4, closed=2)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(it.to_json()))
    assert read(path) == it


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
        ({"target": "http://x:port"}, "http or https"),
        ({"target": "http://x:1/lobby"}, "without a path"),
        ({"mix": ()}, "mix is empty"),
        ({"mix": (Deed(do="get"),) * 256}, "256 deeds"),
        ({"arrivals": {"kind": "constant", "rate": 1e6, "seconds": 1e3}}, "can be kept"),
        ({"mix": (Deed(do="cursor"),), "rooms": Rooms(members=1)}, "another member"),
        ({"rooms": Rooms(count=0)}, "0 rooms"),
        ({"rooms": Rooms(count=10_000, members=10)}, "more than can be opened"),
        ({"rooms": Rooms(dialect="french")}, "'french'"),
        ({"rooms": Rooms(name="a b")}, "'a b'"),
        ({"rooms": Rooms(count=2, name="one")}, "names of their own"),
        ({"closed": -1}, "closed cannot be -1"),
        ({"timeout": 0}, "timeout cannot be 0"),
        ({"timeout": math.nan}, "timeout cannot be nan"),
        ({"grain": 2}, "grain cannot be 2"),
        ({"most_open": 0}, "most_open cannot be 0"),
        ({"arrivals": {}}, "not None"),
        ({"arrivals": {"kind": ["constant"]}}, "not \\['constant'\\]"),
        ({"arrivals": {"kind": "constant", "rate": 1}}, "constant arrivals need 'seconds'"),
        (
            {"arrivals": {"kind": "ramp", "rate": 1, "first": 1, "last": 1, "seconds": 1}},
            "ramp arrivals have no 'rate'",
        ),
        ({"arrivals": {"kind": "constant", "rate": "x", "seconds": 1}}, "'rate' of constant arrivals is a number"),
        ({"arrivals": {"kind": "constant", "rate": True, "seconds": 1}}, "is a number"),
        ({"arrivals": {"kind": "constant", "rate": math.nan, "seconds": 1}}, "is a number"),
        ({"arrivals": {"kind": "constant", "rate": 0, "seconds": 1}}, "cannot be paced"),
        ({"arrivals": {"kind": "recorded"}}, "need 'moments'"),
        ({"arrivals": {"kind": "recorded", "moments": []}}, "at least one"),
        ({"arrivals": {"kind": "recorded", "moments": "now"}}, "at least one"),
        ({"arrivals": {"kind": "recorded", "moments": [0, 2, 1]}}, "in order"),
        ({"arrivals": {"kind": "recorded", "moments": [0], "speed": 0}}, "speed of 0"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(changes, why):
    with pytest.raises(UsageError, match=why):
        plan(**changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"do": "fly"}, "'fly'"),
        ({"weight": 0}, "weight above 0"),
        ({"weight": math.inf}, "weight above 0"),
        ({"do": "say", "size": 3000}, "2,000 characters"),
        ({"path": "lobby"}, "begins with /"),
        ({"path": "/a b"}, "no spaces"),
        ({"path": "/a\r\nx: y"}, "no spaces"),
        ({"headers": {"x": "a\r\nb: c"}}, "header cannot be"),
        ({"headers": {"x y": "a"}}, "header cannot be"),
        ({"headers": {"Content-Length": "3"}}, "by the load itself"),
        ({"body": "\ud800"}, "half of a character"),
    ],
)
def test_a_deed_that_cannot_be_done_is_refused(changes, why):
    with pytest.raises(UsageError, match=why):
        Deed(**{"do": "get"} | changes)
