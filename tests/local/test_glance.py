"""Heads seen at a glance are those that mean nothing to the proxy, and are read as the reader reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.glance import glance
from flylab.local.http1 import HOP_BY_HOP, PROXY_WRITES
from flylab.wire import headers
from tests.local.fuzzing import check_glance

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
        assert (seen.method, seen.target, seen.host, seen.size) == (b"GET", b"/a?b", b"a.localhost:80", len(data))
        assert seen.kept == data.partition(b"\r\n")[2][:-2].replace(b"Connection: keep-alive\r\n", b"")
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
