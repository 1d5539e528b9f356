"""What a replay may change of a request, and what stays out of its reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.local import http1
from flylab.wire import headers
from flylab.wire.replay_json import parse_replay_json
from flylab.wire.transform import FRAMING, Transform, parse_transform


def test_path_deleted_and_set_headers_are_read():
    """DOCUMENTED networking/dynamic-request-routing: transform.path, delete_headers, set_headers {name, value}."""
    body = (
        b'{"instance":"a","transform":{"path":"/rooms/1?x=%2F","delete_headers":["Fly-Force-Instance-Id"],'
        b'"set_headers":[{"name":"X-Room","value":"h\\u00e9"},{"name":"x-room","value":"two"}]}}'
    )
    assert parse_replay_json(body).transform == Transform(
        path="/rooms/1?x=%2F", delete_headers=("fly-force-instance-id",), set_headers=(("x-room", "two"),)
    )


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"path": ""},
        {"path": "rooms"},
        {"path": "http://elsewhere/"},
        {"path": "/a b"},
        {"path": "/a\r\nx: y"},
        {"path": "/a#b"},
        {"path": "/\u00e9"},
        {"path": "/" + "a" * 9000},
        {"path": 3},
        {"delete_headers": "x"},
        {"delete_headers": ["host"]},
        {"delete_headers": ["x y"]},
        {"delete_headers": ["x:"]},
        {"delete_headers": [f"x-{n}" for n in range(101)]},
        {"set_headers": {"x": "y"}},
        {"set_headers": [{"name": "x"}, {"value": "y"}]},
        {"set_headers": [{"name": "x", "value": "a\r\nb: c"}]},
        {"set_headers": [{"name": "x", "value": 3}]},
        {"set_headers": [{"name": "x\r\ny", "value": ""}]},
        {"set_headers": [{"name": "host", "value": "a b"}]},
        *({"set_headers": [{"name": name.upper(), "value": "1"}]} for name in sorted(FRAMING)),
        *({"delete_headers": [name]} for name in sorted(FRAMING | headers.PROXY_WRITES)),
        *({"set_headers": [{"name": name, "value": "1"}]} for name in sorted(headers.PROXY_WRITES)),
        {"set_headers": [{"name": "Fly_Client-IP", "value": "6.6.6.6"}]},
        {"delete_headers": ["fly_replay_src"]},
    ],
)
def test_what_no_request_could_carry_or_only_the_proxy_may_say_is_refused(value):
    """ASSUMED: an app cannot frame a message anew or speak in the proxy's name; always refused."""
    with pytest.raises(ParseError):
        parse_transform(value)


def test_the_lists_are_those_of_the_proxy():
    assert {name.encode() for name in headers.PROXY_WRITES} <= http1.PROXY_WRITES
    assert {name.replace(b"_", b"-").decode() for name in http1.PROXY_WRITES} == headers.PROXY_WRITES
    # Trailers travel, so does the line that announces them; an app may not announce others than there are.
    assert {name.encode() for name in FRAMING - {"content-length", "trailer"}} == http1.HOP_BY_HOP


# A dictionary of four possible keys draws most of them twice; a hundred leaves in a value say no more than six.
ANYTHING = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(), lambda x: st.lists(x, max_size=2), max_leaves=6
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("path", "delete_headers", "set_headers", "more"), ANYTHING)))
def test_any_object_is_read_or_refused(value):
    try:
        found = parse_transform(value)
    except ParseError:
        return
    assert found.path is None or found.path.startswith("/")
