"""Heads seen at a glance are those that mean nothing to the proxy, and are read as the reader reads them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.glance import NOT_ALIKE, glance, likeness
from flylab.local.http1 import HOP_BY_HOP, PROXY_WRITES
from flylab.wire import headers
from tests.local.fuzzing import Alike, check_glance

HEAD = "GET /a?b HTTP/1.1\r\nHost: a.localhost:80\r\n{}Accept: */*\r\nCookie: a=b\r\n\r\n"
NAMES = sorted(name.decode() for name in HOP_BY_HOP | PROXY_WRITES)
MEAN = [*NAMES, *headers.CHOOSING, "host", "content-length"]


def test_a_common_head_is_seen_at_a_glance():
    for more in (
        "",
        "Connection: keep-alive\r\n",
        "X-Mine: 1\r\nfly-other: 2\r\ncontent_length: 9\r\nconnections: x\r\n",
    ):
        data = HEAD.format(more).encode()
        seen = glance(data)
        assert seen is not None, more
        kept = data.partition(b"\r\n")[2][:-2].replace(b"Connection: keep-alive\r\n", b"")
        assert seen == (b"GET", b"/a?b", b"a.localhost:80", kept, len(data))
        check_glance(data)
        ahead = glance(data + data)
        assert ahead == seen


@pytest.mark.parametrize("name", MEAN)
def test_a_line_that_means_something_is_left_to_the_reader(name):
    for each in (name, name.title(), name.upper()):
        assert glance(HEAD.format(f"{each}: x\r\n").encode()) is None


@pytest.mark.parametrize(
    "data",
    [
        HEAD.format("Cookie: fly-force-instance-id=m\r\n"),
        HEAD.format("Connection: keep-alive\r\nconnection: keep-alive\r\n"),
        HEAD.format("Connection: keep-alive, x\r\n"),
        HEAD.format("").replace("Host:", "Host:\r\nhost:"),
        HEAD.format("A : b\r\n"),
        HEAD.format(" folded\r\n"),
        HEAD.format("A: b\nc: d\r\n"),
        HEAD.format("A: b\x00\r\n"),
        HEAD.format("a:\r\n" * 1000),
        HEAD.format("").replace("1.1", "1.0"),
        HEAD.format("").replace("GET", "HEAD"),
        HEAD.format("").replace("/a", "http://x/a"),
        HEAD.format("").replace("/a", "/\xe9"),
        HEAD.format("").replace("a.localhost", "a@b"),
        HEAD.format("").replace("Host", "Hose"),
        HEAD.format("")[:-2],
        "",
        "\r\n\r\n",
    ],
)
def test_whatever_is_unusual_is_left_to_the_reader(data):
    assert glance(data.encode("latin-1")) is None


lines = st.lists(
    st.tuples(
        st.sampled_from(["", "x", "X-Flylab_Trace", *MEAN[:40]]),
        st.sampled_from(": |:|:\t| :".split("|")),
        st.text(max_size=6),
    ),
    max_size=5,
)


@given(lines, st.sampled_from(("GET", "POST", "OPTIONS")), st.sampled_from(("/", "/%20", "/\x7f", "//a")))
def test_what_is_seen_is_what_is_read(found, method, target):
    text = "".join("".join(line) + "\r\n" for line in found)
    check_glance(f"{method} {target} HTTP/1.1\r\nhost: a\r\n{text}\r\n".encode("latin-1", "replace"))


# ── heads like others on their connection ───────────────────────────────────────────────────────────────────────────

COMMON = "Host: a\r\nConnection: keep-alive\r\n{}Accept: */*\r\n\r\n"


def head(target: str, more: str = "", common: str = COMMON) -> bytes:
    return f"GET /{target} HTTP/1.1\r\n{common.format(more)}".encode("latin-1")


def alike_of(*heads: bytes):
    alike = None
    for former, later in itertools.pairwise(heads):
        if alike is None or alike.glance(later) is None:
            alike = likeness(alike, former, later, b"a")
    return alike


def test_what_heads_have_in_common_is_not_looked_at_again():
    alike = alike_of(head("1", "cookie: a\r\n"), head("2", "cookie: b\r\n"))
    assert (alike.before, alike.after) == (b"Host: a\r\nConnection: keep-alive\r\n", b"Accept: */*\r\n\r\n")
    for more in ("", "cookie: c\r\n", "cookie: d\r\nx:\xff\r\n", "accept: */*\r\n"):
        data = head("3?x=1", more)
        seen = alike.glance(data)
        assert seen == glance(data)
        assert seen[3] == f"Host: a\r\n{more}Accept: */*\r\n".encode("latin-1")


@pytest.mark.parametrize(
    "more",
    [
        *(f"{name}: keep-alive\r\n" for name in MEAN),
        "Cookie: fly-force-instance-id=m\r\n",
        "A : b\r\n",
        " folded\r\n",
        "A: b\n",
        "A: b\x00\r\n",
        "A\r\n",
        "\r\n",
        "\r\nA: b\r\n",
        "a:\r\n" * 1000,
    ],
)
def test_what_is_unusual_where_heads_differ_is_left_to_the_reader(more):
    alike = alike_of(head("1", "a: 1\r\n"), head("2", "b: 2\r\n"))
    assert alike.glance(head("3", "c: 3\r\n")) is not None
    assert alike.glance(head("3", more)) is None


@pytest.mark.parametrize(
    "data",
    [
        head("1").replace(b"GET", b"HEAD"),
        head("1").replace(b"1.1", b"1.0"),
        head("\xe9"),
        head("1").replace(b"Host: a", b"Host: b"),
        head("1").replace(b"Accept", b"accept"),
        head("1")[:-2],
        head("1") + head("1"),
        head("1").replace(b"Connection: keep-alive\r\nAccept: */*\r\n", b"Accept: */*\r\n"),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_that_does_not_fit_is_looked_at_as_a_whole(data):
    alike = alike_of(head("1", "a: 1\r\n"), head("2", "b: 2\r\n"))
    assert alike.glance(data) is None


def test_a_gap_is_as_wide_as_needed_and_where_it_is_too_wide_nothing_is_in_common():
    one, two, three = (head("", f"a: {n}\r\nb: 1\r\n" + "c: 1\r\n" * (n > 2)) for n in (1, 2, 3))
    assert alike_of(one, two).glance(three) is None
    assert alike_of(one, two, three).glance(three) is not None
    assert alike_of(one, one, two).glance(head("", "a: 9\r\nb: 1\r\n")) is not None
    other = head("", common="Host: b\r\nX: 1\r\nAccept: */*\r\n\r\n")
    assert alike_of(one, other) is NOT_ALIKE
    closed = head("", common="Host: a\r\nX: 1\r\nAccept: */*\r\n\r\n")
    assert alike_of(closed, one).glance(one) is None  # the line that is left out is in the gap
    assert alike_of(closed, one, one) is NOT_ALIKE


few = st.sampled_from(("Host: a", "host: b", "Connection: keep-alive", "a: 1", "a: 2", "b:", "b: \xff", "cookie: x=1"))
rare = st.sampled_from(("TE: x", "Upgrade: x", "content-length: 0", " x", "Cookie: fly-force-instance-id=1", "\x00"))
blocks = st.lists(st.one_of(few, few, few, rare), max_size=4).map("\r\n".join)


@given(st.lists(blocks, max_size=6), st.sampled_from(("", "z: 1\r\n")))
def test_what_is_seen_by_likeness_is_what_is_read(blocks, end):
    alike = Alike()
    for number, block in enumerate(blocks):
        more = block + "\r\n" if block else ""
        alike.check(head(str(number), common=f"Host: a\r\n{more}{end}\r\n"))
