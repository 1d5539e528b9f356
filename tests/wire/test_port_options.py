"""What a public port asks of the proxy: the forms that are read, and those that are refused with their path."""

import pytest

from flylab.errors import ParseError
from flylab.wire.port_options import NONE, HttpOptions, TlsOptions, read_port_options
from flylab.wire.services import Port


def test_port_without_options_has_none():
    assert Port.from_json({"port": 80, "handlers": ["http"]}).options is NONE


def test_options_are_read_and_written_out_as_they_came():
    said = {
        "port": 443,
        "handlers": ["tls", "http"],
        "http_options": {
            "compress": True,
            "h2_backend": True,
            "idle_timeout": 600,
            "headers_read_timeout": 5,
            "response": {"pristine": True, "headers": {"X-One": "1", "X-Many": ["a", "b"], "Server": False}},
            "replay_cache": [{"path_prefix": "/", "ttl_seconds": 10, "type": "cookie", "name": "a"}],
        },
        "tls_options": {"alpn": ["h2", "spdy/3"], "versions": ["TLSv1.3"], "default_self_signed": True},
    }
    port = Port.from_json(said)
    assert port.to_json() == said
    assert port.options.http == HttpOptions(
        compress=True,
        h2_backend=True,
        idle_timeout=600,
        headers_read_timeout=5,
        pristine=True,
        added=(("x-one", "1"), ("x-many", "a"), ("x-many", "b")),
        removed=frozenset({"server"}),
    )
    assert port.options.tls == TlsOptions(alpn=("h2",), versions=("TLSv1.3",))


def test_range_and_proxy_protocol():
    options = read_port_options({"start_port": 8000, "end_port": 8010, "proxy_proto_options": {"version": "v2"}}, "p")
    assert (options.first, options.last, options.proxy_proto) == (8000, 8010, "v2")


@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ({"http_options": []}, "p.http_options"),
        ({"http_options": {"idle_timeout": "10s"}}, "p.http_options.idle_timeout"),
        ({"http_options": {"idle_timeout": -1}}, "p.http_options.idle_timeout"),
        ({"http_options": {"compress": "yes"}}, "p.http_options.compress"),
        ({"http_options": {"response": {"headers": {"X-A": 1}}}}, "p.http_options.response.headers.X-A"),
        ({"http_options": {"response": {"headers": {"X-A": "a\r\nb: c"}}}}, "p.http_options.response.headers.X-A"),
        ({"http_options": {"response": {"headers": {"a b": "c"}}}}, "p.http_options.response.headers.a b"),
        (
            {"http_options": {"response": {"headers": {"Content-Length": "0"}}}},
            "p.http_options.response.headers.Content-Length",
        ),
        ({"tls_options": {"alpn": "h2"}}, "p.tls_options.alpn"),
        ({"proxy_proto_options": {"version": "v3"}}, "p.proxy_proto_options.version"),
        ({"start_port": 0}, "p.start_port"),
        ({"start_port": 20, "end_port": 10}, "p.end_port"),
    ],
)
def test_what_cannot_be_read_is_named(extra, where):
    with pytest.raises(ParseError) as caught:
        read_port_options(extra, "p")
    assert where in str(caught.value)
