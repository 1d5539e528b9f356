"""Heads of HTTP/2 as those of HTTP/1.1: whatever a client writes, one request comes out, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.h2_heads import last_chunk, request_head, response_headers
from flylab.local.h2_messages import AnswerReader, Data, End, Head
from flylab.local.http1 import BadMessage, read_request

names = st.sampled_from([b"x-a", b"cookie", b"host", b"content-length", b"transfer-encoding", b"te", b":path", b"a b"])
values = st.one_of(st.sampled_from([b"", b"1", b"rooms.fly.dev", b"chunked", b"/"]), st.binary(max_size=12))
pseudo = st.fixed_dictionaries(
    {b":method": st.sampled_from([b"GET", b"POST", b"CONNECT", b"G T"]), b":path": values, b":authority": values}
)


@given(pseudo, st.lists(st.tuples(names, values), max_size=6), st.booleans())
def test_nobody_can_smuggle_a_second_request(first, rest, ended):
    try:
        head, chunked = request_head([*first.items(), *rest], ended=ended)
        found = read_request(head, limit=65_536)
    except BadMessage:
        return
    assert found is not None
    read, size = found
    assert size == len(head)
    assert read.method == first[b":method"]
    assert read.fields.chunked is chunked
    assert not (ended and chunked)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ([(b":path", b"/")], "no method"),
        ([(b":method", b"GET")], "no path"),
        ([(b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":path", b"/")], "extended"),
        ([(b":method", b"GET"), (b":path", b"/"), (b"connection", b"close")], "no connection"),
        ([(b":method", b"GET"), (b":path", b"/"), (b":authority", b"a"), (b"host", b"b")], "two hosts"),
        ([(b":method", b"GET"), (b":path", b"http://b/"), (b":authority", b"a")], "slash"),
        ([(b":method", b"GET"), (b":path", b"/"), (b"content-length", b"5")], "ends before"),
    ],
)
def test_what_is_no_request_is_refused(headers, said):
    with pytest.raises(BadMessage, match=said):
        request_head(headers, ended=True)


def test_trailers_end_a_body_in_chunks():
    assert last_chunk([(b"grpc-status", b"0"), (b":x", b"1"), (b"x-b", b"a\r\nb")]) == b"0\r\ngrpc-status: 0\r\n\r\n"


def test_lines_about_the_connection_stay_behind():
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-A:  b \r\ntransfer-encoding: chunked\r\n\r\n"
    assert response_headers(head) == (200, [(b":status", b"200"), (b"x-a", b"b")])


@given(st.integers(1, 9))
def test_an_answer_is_the_same_in_pieces_of_any_size(size):
    data = b"HTTP/1.1 103 H\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    data += b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nmore"
    reader = AnswerReader(b"GET")
    events = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    assert [event.headers[0] for event in events if isinstance(event, Head)] == [
        (b":status", b"103"),
        (b":status", b"200"),
    ]
    assert b"".join(event.payload for event in events if isinstance(event, Data)) == b"abcd"
    assert [event for event in events if isinstance(event, End)] == [End([])]
