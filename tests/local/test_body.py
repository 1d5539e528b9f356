"""Where bodies end, and the copy that a replay needs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.body import ChunkedReader, KeptBody, LengthReader, UntilCloseReader, chunk, last_chunk
from flylab.local.http1 import BadMessage


def fed(reader, data, cuts=()):
    edges = [0, *sorted(cuts), len(data)]
    payload = b""
    for start, end in pairwise(edges):
        if reader.done:
            return payload, reader.rest + data[start:]
        payload += reader.feed(data[start:end])
    return payload, reader.rest


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.lists(st.integers(0, 200), max_size=6))
def test_chunks_are_put_together_however_they_are_cut(payloads, cuts):
    data = b"".join(chunk(payload) for payload in payloads) + last_chunk(b"") + b"next"
    reader = ChunkedReader()
    payload, rest = fed(reader, data, [cut for cut in cuts if cut < len(data)])
    assert reader.done
    assert reader.end()
    assert (payload, rest) == (b"".join(payloads), b"next")


def test_extensions_and_trailers_are_dropped():
    reader = ChunkedReader()
    assert fed(reader, b'3;a="b" ;c\r\nabc\r\n0;x\r\nA: b\r\nFly-Replay-Src: x\r\n\r\nrest') == (b"abc", b"rest")


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b"1 1\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n",
        b"3\nabc",
        b"1" * 17 + b"\r\n",
        b"1;" + b"a" * 2000,
        b"0\r\n folded\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\n" + b"A: b\r\n" * 4000,
        b"1;\x00\r\n",
    ],
)
def test_broken_chunks_are_refused(data):
    with pytest.raises(BadMessage):
        fed(ChunkedReader(), data)
    with pytest.raises(BadMessage):
        fed(ChunkedReader(), data, range(1, len(data)))


def test_a_body_without_end_is_not_complete():
    reader = ChunkedReader()
    reader.feed(b"3\r\nab")
    assert not reader.end()
    reader = LengthReader(3)
    reader.feed(b"ab")
    assert not reader.end()
    reader = UntilCloseReader()
    assert reader.feed(b"ab") == b"ab"
    assert not reader.done
    assert reader.end()
    assert reader.done


@given(st.binary(max_size=50), st.integers(0, 60), st.lists(st.integers(0, 50), max_size=4))
def test_a_length_is_counted_exactly(data, length, cuts):
    reader = LengthReader(length)
    payload, rest = fed(reader, data, [cut for cut in cuts if cut < len(data)])
    assert payload == data[:length]
    assert reader.done is (len(data) >= length)
    if reader.done:
        assert payload + rest == data


def test_a_kept_body_is_handed_on_as_often_as_needed():
    body = KeptBody(10)
    body.add(b"abc")
    assert body.take() == b"abc"
    body.add(b"de")
    assert body.waiting == 2
    assert body.take() == b"de"
    body.rewind()
    assert body.take() == b"abcde"
    assert body.take() == b""


def test_a_body_over_the_limit_keeps_only_what_is_still_to_be_sent():
    body = KeptBody(4)
    body.add(b"abcd")
    assert body.kept
    assert body.take() == b"abcd"
    body.add(b"e")
    assert not body.kept
    body.add(b"f")
    assert body.take() == b"ef"
    assert body.take() == b""
    assert body.size == 6
    assert body.waiting == 0
