"""Heads as bytes: what is read, what is refused, what travels on."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.http1 import BadMessage, read_request, read_response

LIMIT = 4096


def request(text, *, limit=LIMIT):
    found = read_request(text.encode("latin-1"), limit=limit)
    assert found is not None
    return found[0]


def test_a_request_is_read():
    head, size = read_request(b"GET /a?b HTTP/1.1\r\nHost: x.localhost:80\r\nA:  b \r\n\r\nrest", limit=LIMIT)
    assert (head.method, head.target, head.host) == (b"GET", b"/a?b", b"x.localhost:80")
    assert size == 51
    assert head.fields.kept == b"Host: x.localhost:80\r\nA:  b \r\n"
    assert head.keep_alive
    assert head.upgrade is None


def test_a_target_may_be_utf_8_as_curl_sends_it():
    head, _ = read_request("GET /r/café?q=€ HTTP/1.1\r\nHost: a\r\n\r\n".encode(), limit=LIMIT)
    assert head.target == "/r/café?q=€".encode()


@pytest.mark.parametrize("first", [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00GET", b"("])
def test_what_can_never_become_a_request_is_refused_with_its_first_bytes(first):
    with pytest.raises(BadMessage, match="http://, not https://") as caught:
        read_request(first, limit=LIMIT)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\x00\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\nHost: a\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: " + "b" * LIMIT + "\r\n\r\n", 431),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text, status):
    with pytest.raises(BadMessage) as caught:
        read_request(text.encode("latin-1"), limit=LIMIT)
    assert caught.value.status == status
    assert str(caught.value)


def test_an_incomplete_head_is_waited_for():
    whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for size in range(len(whole)):
        assert read_request(whole[:size], limit=LIMIT) is None
    assert read_request(whole, limit=LIMIT) is not None


def test_lines_for_this_connection_and_lines_only_the_proxy_writes_do_not_travel_on():
    head = request(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine, host\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        "Fly-Replay-Src: instance=x\r\nfly-replay-failed: 1\r\nFLY-PREFERRED-INSTANCE-UNAVAILABLE: 1\r\n"
        "fly-replay-cache-status: hit\r\nFly-Client-IP: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nFly-Region: syd\r\n"
        "Fly-Force-Instance-Id: m\r\nCookie: c\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )
    assert head.fields.kept == b"Host: a\r\nFly-Force-Instance-Id: m\r\nCookie: c\r\nContent-Length: 3\r\n"
    assert not head.keep_alive
    assert head.fields.length == 3


def test_an_underscore_for_a_dash_hides_nothing_from_a_server_that_reads_both_as_one():
    """ASSUMED: what a client sends under a name of the proxy's is dropped, in the spellings of CGI as well."""
    head = request(
        "GET / HTTP/1.1\r\nHost: a\r\nFly_Replay_Src: x\r\nfly-replay_failed: x\r\nFLY_CLIENT_IP: 6.6.6.6\r\n"
        "X_Forwarded-For: 6.6.6.6\r\nFly_Force_Instance_Id: m\r\nX_Mine: 1\r\nHTTP2-Settings: A\r\n\r\n"
    )
    assert head.fields.kept == b"Host: a\r\nFly_Force_Instance_Id: m\r\nX_Mine: 1\r\n"


@pytest.mark.parametrize(
    ("lines", "upgrade"),
    [
        ("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: H2C\t,x\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: x\r\nUpgrade: h2c\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: h2cx\r\n", b"h2cx"),
        ("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", b"websocket"),
        ("Upgrade: websocket\r\n", None),
        ("Connection: Upgrade\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: h2c\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n", None),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", b"websocket"),
    ],
)
def test_an_upgrade_must_be_asked_for_in_full(lines, upgrade):
    assert request(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").upgrade == upgrade


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://b.localhost:1/x?y", b"b.localhost:1", b"/x?y"),
        ("HTTP://b", b"b", b"/"),
        ("http://b?x", b"b", b"/?x"),
    ],
)
def test_the_host_of_an_absolute_target_counts(target, host, path):
    head = request(f"GET {target} HTTP/1.1\r\nA: b\r\nhost: a\r\n\r\n")
    assert (head.host, head.target) == (host, path)
    assert head.fields.kept == b"host: " + host + b"\r\nA: b\r\n"


def test_http_1_0_needs_no_host_and_is_never_kept_alive():
    head = request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert head.host == b""
    assert not head.keep_alive
    assert request("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").target == b"*"


def test_an_answer_is_read_and_its_replay_family_is_taken_out():
    head, size = read_response(
        b"HTTP/1.1 307 \r\nFly-Replay: instance=a\r\nfly-replay-cache: x/*\r\nServer: mine\r\nX: y\r\n\r\n", limit=LIMIT
    )
    assert (head.status, head.reason) == (307, b"")
    assert head.fields.kept == b"X: y\r\n"
    assert head.fields.values[b"fly-replay"] == b"instance=a"
    assert size > 0


@pytest.mark.parametrize(
    "text",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n",
    ],
)
def test_an_unreadable_answer_is_refused(text):
    with pytest.raises(BadMessage):
        read_response(text.encode(), limit=LIMIT)


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(200, b"GET", True), (200, b"HEAD", False), (204, b"GET", False), (304, b"GET", False), (404, b"POST", True)],
)
def test_which_answers_have_a_body(status, method, body):
    head, _ = read_response(b"HTTP/1.1 %d X\r\n\r\n" % status, limit=LIMIT)
    assert head.has_body(method) is body


pieces = st.sampled_from(
    b"GET |/ |HTTP/1.1|\r\n|\n|\r| |\t|:|Host: a|A: b|0|\x00|Content-Length: 3|Transfer-Encoding: chunked|\r\n\r\n"
    b"|GET / HTTP/1.1\r\nHost: a\r\n".split(b"|")
)


@given(st.lists(pieces | st.binary(max_size=4), max_size=20).map(b"".join))
def test_any_bytes_are_read_waited_for_or_refused_and_what_is_read_is_unambiguous(data):
    found = None
    with suppress(BadMessage):
        found = read_request(data, limit=LIMIT)
    if found is None:
        return
    head, size = found
    raw = data[:size]
    assert raw.endswith(b"\r\n\r\n")
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert raw.lower().count(b"content-length") <= 1 or not head.fields.chunked
    assert not (head.fields.chunked and head.fields.length is not None)
