"""Traces that are written from a form read like those that are not."""

import json

from hypothesis import given
from hypothesis import strategies as st

from flylab.local.latency import Latency
from flylab.local.trace import Lines, Record, line, quoted
from flylab.rules.routing import Choice, Row
from flylab.rules.straight import visited
from flylab.wire.machine import MachineState, Service

words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)
moments = st.floats(0, 1e6)
ROW = Row(id="m%b\0", app='a"%a', region="ams", state=MachineState.STARTED, version="1", services=())
CHOICE = Choice(ROW, Service(internal_port=8080))


def record(request_id: str, method: bytes, target: bytes, times: tuple[float, float, float]) -> Record:
    started_at, began, ended = times
    hops = [visited(CHOICE, began, ended, 200)]
    return Record(
        request_id, "ams", ROW.app, method, target, 200, started_at, began, ended, hops, Latency(None), None, {}
    )


@given(st.lists(st.tuples(words, words, st.tuples(moments, moments, moments)), min_size=2, max_size=2))
def test_a_line_from_a_form_is_the_line_itself(asked):
    (method, target, times), (other_method, other_target, other_times) = asked
    form = Lines(record("id", other_method.encode(), other_target.encode(), other_times)())
    whole = line(record("01J-ams", method.encode(), target.encode(), times)())
    made = form.of(b"01J-ams", quoted(method.encode(), target.encode()), *times)
    texts = [each.partition(b": ") for each in (made, whole)]
    assert texts[0][0] == texts[1][0] == b"x-flylab-trace"
    said = json.loads(texts[0][2])
    assert said == json.loads(texts[1][2])
    assert said["path"] == target
    assert made.endswith(b"}\r\n")
    assert made.count(b"\n") == 1
