"""A sample's times mean what they say, and it survives the trip to a file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.measure.sample import Sample

TIMES = st.floats(0, 1e6, allow_nan=False)


def test_latency_counts_from_the_schedule_and_lateness_is_shown_apart():
    sample = Sample(what="replay", where="ams→iad", scheduled=1.0, sent=1.25, finished=1.5)
    assert sample.latency == 0.5
    assert sample.lateness == 0.25
    assert sample.ok


@given(
    scheduled=TIMES,
    sent=TIMES,
    finished=TIMES,
    outcome=st.text(min_size=1),
    detail=st.dictionaries(st.text(), st.integers()),
)
def test_json_and_back_is_the_same_sample(scheduled, sent, finished, outcome, detail):
    sample = Sample(
        what="start", where="nrt", scheduled=scheduled, sent=sent, finished=finished, outcome=outcome, detail=detail
    )
    assert Sample.from_json(json.loads(json.dumps(sample.to_json()))) == sample


@pytest.mark.parametrize("value", [None, [], {"what": "x"}, {"what": "x", "where": "y", "scheduled": "soon"}])
def test_what_is_not_a_sample_is_refused(value):
    with pytest.raises(ParseError, match="sample"):
        Sample.from_json(value)
