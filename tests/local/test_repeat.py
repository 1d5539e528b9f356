"""Answers like others on their connection are read as the reader reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.repeat import NOT_ALIKE, NOTHING_KNOWN, repeated
from tests.local.fuzzing import AnswersAlike

HEAD = "HTTP/1.1 200 OK\r\nServer: a\r\n{}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n"


def answer(more: str = "", body: str = "ok", head: str = HEAD) -> bytes:
    return (head.format(more) + body).encode("latin-1")


def after(*answers: bytes):
    """What is known of a connection after these."""
    known = NOTHING_KNOWN
    for data in answers:
        found, _ = repeated(data, b"GET", known)
        assert found is not None
        known = found
    return known


def test_what_answers_have_in_common_is_not_read_again():
    known = after(answer("Date: 1\r\n"), answer("Date: 2\r\n"))
    for more in ("", "Date: 3\r\n", "Date: 3\r\nX:\xff\r\nServers: x\r\n"):
        found, read = repeated(answer(more), b"GET", known)
        assert read is None
        kept = f"HTTP/1.1 200 OK\r\n{more}Content-Type: text/plain\r\nContent-Length: 2\r\n".encode("latin-1")
        assert (found.begun, found.status, found.size, found.said) == (kept, 200, len(answer(more)), None)
        assert answer(more).startswith(found.start)
        assert len(found.start) == found.length


def test_a_length_may_be_among_what_differs():
    head = "HTTP/1.1 200 OK\r\nX: 1\r\n{}\r\n"
    known = after(*(answer(f"Content-Length: {n}\r\nEtag: {n}\r\n", "x" * n, head) for n in (1, 2)))
    found, read = repeated(answer("etag: x\r\ncontent-length:\t0100 \r\n", "y" * 100, head), b"GET", known)
    assert read is None
    assert found.begun.endswith(b"etag: x\r\ncontent-length:\t0100 \r\n")
    for lengths in ("2\r\n", "x\r\n", "2\r\nContent-Length: 1\r\n", "1, 1\r\n", "+1\r\n", "0000000000000001\r\n"):
        data = answer(f"Content-Length: {lengths}", "x", head)
        assert repeated(data, b"GET", known) == repeated(data, b"GET", NOTHING_KNOWN)
    assert repeated(answer("A: 1\r\n", "", head), b"GET", known)[0] is None  # it has no length


@pytest.mark.parametrize(
    "more",
    [
        "Connection: close\r\n",
        "Keep-Alive: 5\r\n",
        "Via: x\r\n",
        "SERVER: x\r\n",
        "fly-request-id: x\r\n",
        "Fly-Replay: instance=a\r\n",
        "fly-replay-cache: x\r\n",
        "Content-Type: application/vnd.fly.replay+json\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\n",
        "Host: a\r\n",
        "X : 1\r\n",
        " folded\r\n",
        "X: 1\n",
        "X: \x00\r\n",
        "\r\n",
        "a:\r\n" * 1001,
    ],
)
def test_what_means_something_where_answers_differ_is_read(more):
    known = after(answer("Date: 1\r\n"), answer("Date: 2\r\n"))
    assert repeated(answer(), b"GET", known)[1] is None
    found, read = repeated(answer(more), b"GET", known)
    assert found is None or read is not None


@pytest.mark.parametrize(
    "data",
    [
        answer(body=""),
        answer(body="okay"),
        answer(head=HEAD.replace("200", "404")),
        answer(head=HEAD.replace("1.1", "1.0")),
        answer(head=HEAD.replace("Server: a", "Server: b")),
        answer(head=HEAD.replace("text/plain", "text/html")),
        answer()[:20],
        b"",
    ],
)
def test_an_answer_that_does_not_fit_is_read(data):
    known = after(answer("Date: 1\r\n"), answer("Date: 2\r\n"))
    assert known.alike.repeat(data) is None


def test_other_statuses_and_lines_that_do_not_travel_change_nothing_of_what_is_in_common():
    known = after(answer("Date: 1\r\n"), answer("Date: 2\r\n"))
    for data in (
        answer(head=HEAD.replace("200", "404")),
        answer("Date: 1\r\nConnection: date\r\n"),
        answer("Fly-Replay: instance=a\r\n"),
    ):
        later = after(answer("Date: 1\r\n"), answer("Date: 2\r\n"), data)
        assert (later.alike.before, later.alike.after) == (known.alike.before, known.alike.after)
        assert repeated(answer("Date: 4\r\n"), b"GET", later)[1] is None
    assert after(answer("Fly-Replay: instance=a\r\n"), answer()).alike is None
    assert after(answer("Via: a\r\n"), answer("Via: b\r\n"), answer("Via: c\r\n")).alike is NOT_ALIKE


few = st.sampled_from(
    ("Date: 1", "Date: 2", "Server: a", "x: \xff", "Keep-Alive: 1", "connection: keep-alive", "Via: 1")
)
rare = st.sampled_from(("fly-replay: a", "Connection: date", "Content-Length: 2", "host: a", " x", "Connection: close"))
blocks = st.lists(st.one_of(few, few, few, rare), max_size=4).map("\r\n".join)


@given(st.lists(blocks, max_size=6))
def test_what_is_read_by_likeness_is_what_is_read(blocks):
    alike = AnswersAlike()
    for block in blocks:
        alike.check(answer(block + "\r\n" if block else ""))
