"""What ``http_options`` change of answers: lines of heads, codings of bodies."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local import shaping
from flylab.local.http1 import read_request, read_response
from flylab.local.shaping import chosen, coded, shaped
from flylab.wire.port_options import HttpOptions

LONG = b"content-type: text/html\r\ncontent-length: 5000\r\n"


def request(accept: str = "gzip", method: str = "GET"):
    found = read_request(f"{method} / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\n\r\n".encode(), limit=9999)
    assert found is not None
    return found[0]


def answer(lines: bytes = LONG, status: int = 200):
    found = read_response(b"HTTP/1.1 %d OK\r\n%b\r\n" % (status, lines), limit=9999)
    assert found is not None
    return found[0]


SENT = b"HTTP/1.1 200 OK\r\nX-App: 1\r\nserver: Fly/x\r\nvia: 1.1 fly.io\r\nfly-request-id: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (HttpOptions(added=(("x-a", "1"), ("x-a", "2"))), [b"x-a: 1", b"x-a: 2"]),
        (HttpOptions(removed=frozenset({"x-app"})), []),
    ],
)
def test_values_add_lists_add_several_and_false_removes(options, lines):
    """DOCUMENTED reference/configuration: http_options.response.headers."""
    kept = [] if options.removed else [b"X-App: 1"]
    own = [b"server: Fly/x", b"via: 1.1 fly.io", b"fly-request-id: 1"]
    assert shaped(SENT, answer(b""), options) == b"\r\n".join([b"HTTP/1.1 200 OK", *kept, *own, *lines]) + b"\r\n\r\n"


def test_a_pristine_answer_has_no_lines_of_the_proxy():
    """DOCUMENTED networking/request-headers: unless response.pristine."""
    head = shaped(SENT, answer(b"Server: mine\r\n"), HttpOptions(pristine=True))
    assert head == b"HTTP/1.1 200 OK\r\nX-App: 1\r\nserver: mine\r\n\r\n"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"gzip, deflate", "gzip"),
        (b"deflate, gzip;q=0.1", "gzip"),
        (b"deflate", "deflate"),
        (b"GZIP;q=0, deflate", "deflate"),
        (b"gzip;q=0.000", None),
        (b"identity", None),
        (b"", None),
        (b"compress", None),
    ],
)
def test_the_order_of_codings_is_the_proxys(accepted, coding):
    """DOCUMENTED reference/content-encoding: zstd, br, gzip, deflate."""
    assert chosen(accepted) == coding
    order = ["zstd", "br", "gzip", "deflate"]
    assert list(shaping.CODINGS) == [name for name in order if name in shaping.CODINGS]


@pytest.mark.parametrize(
    ("lines", "status", "method"),
    [
        (b"content-encoding: br\r\n" + LONG, 200, "GET"),
        (b"cache-control: public, no-transform\r\n" + LONG, 200, "GET"),
        (b"content-type: image/png\r\n", 200, "GET"),
        (b"content-type: text/plain\r\ncontent-length: 10\r\n", 200, "GET"),
        (LONG, 206, "GET"),
        (LONG, 304, "GET"),
        (LONG, 200, "HEAD"),
        (b"", 200, "GET"),
    ],
)
def test_what_is_not_to_be_coded_stays_as_it_is(lines, status, method):
    head = answer(lines, status)
    assert coded(head, request(method=method)) == (head, None)


def test_a_coded_answer_says_so():
    head, encoder = coded(answer(), request())
    assert encoder is not None
    assert head.fields.length is None
    assert head.fields.kept == b"content-type: text/html\r\nvary: accept-encoding\r\ncontent-encoding: gzip\r\n"
    plain, encoder = coded(answer(), request("identity"))
    assert encoder is None
    assert plain.fields.kept == LONG + b"vary: accept-encoding\r\n"
    assert plain.fields.length == 5000


@given(st.lists(st.binary(max_size=300), max_size=8), st.sampled_from([("gzip", 47), ("deflate", 15)]), st.booleans())
def test_a_body_survives_its_coding_and_each_flush_gives_all_of_it(pieces, coding, eager):
    name, bits = coding
    encoder = shaping.CODINGS[name]()
    reader = zlib.decompressobj(wbits=bits)
    seen = b""
    for number, piece in enumerate(pieces, 1):
        seen += reader.decompress(encoder.feed(piece))
        if eager:
            seen += reader.decompress(encoder.flush())
            assert seen == b"".join(pieces[:number])
    seen += reader.decompress(encoder.finish())
    assert seen == b"".join(pieces)
    assert reader.eof
