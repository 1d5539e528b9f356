"""A short run of what `python -m tests.local.fuzzing` does at length, and the same with a chooser that shrinks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local import fuzz_edge
from tests.local.fuzz_inputs import BODIES, LINES, START, STATUS
from tests.local.fuzzing import check_body, check_pieces, check_requests, check_response, run


def heads(starts):
    lines = st.lists(st.sampled_from(LINES), max_size=4).map("\r\n".join)
    ends = st.sampled_from(["\r\n"] * 8 + ["\n", "\r", ""])
    parts = st.tuples(st.sampled_from(starts), ends, lines, ends, ends, st.sampled_from(BODIES))
    return parts.map(lambda found: "".join(found).encode("latin-1"))


def test_many_requests_and_answers_are_read_as_strict_parsers_read_them_or_refused():
    said = run(6000, 4)
    assert " 0 requests" not in said, "nothing is accepted any more"
    assert " 0 answers" not in said


async def test_what_many_clients_send_reaches_machines_as_it_is_read_and_no_answer_goes_to_another_request():
    said = await fuzz_edge.run(300, 4)
    assert " 0 requests" not in said, "nothing reaches a machine any more"


@settings(max_examples=200)
@given(heads(START) | st.binary(max_size=80), st.integers(0, 200))
def test_no_request_is_read_in_two_ways(data, cut):
    check_requests(data)
    check_pieces(data, cut)
    check_body(data, [cut])


@settings(max_examples=100)
@given(heads(STATUS) | st.binary(max_size=80))
def test_no_answer_is_read_in_two_ways(data):
    check_response(data)
