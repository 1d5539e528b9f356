"""The opening handshake: each of its checks, and the two kinds of answer."""

import base64
import email.utils

import pytest
from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.uri import parse_uri

from app.handshake import Head, Refusal, accepted, judge, read, response

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455, section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FIELDS = {
    b"host": b"x",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": KEY,
}


def head(
    *more: tuple[bytes, bytes], method: str = "GET", target: bytes = b"/", version: str = "1.1", **replace: bytes | None
) -> Head:
    """A proper head, with fields replaced (``None``: left out) and added."""
    named = {name.encode().replace(b"_", b"-"): value for name, value in replace.items()}
    fields = {**FIELDS, **named}
    return Head(method, target, version, [*((n, v) for n, v in fields.items() if v is not None), *more])


def test_a_head_is_read_as_it_was_passed_on() -> None:
    found = read(b"GET /a%20b?c=d HTTP/1.1\r\nhost: x:1\r\nX-Two:  a: b \r\nempty: \r\nhost: y\r\n\r\n")
    assert found == Head(
        "GET", b"/a%20b?c=d", "1.1", [(b"host", b"x:1"), (b"x-two", b"a: b"), (b"empty", b""), (b"host", b"y")]
    )
    assert read(b"PUT * HTTP/1.0\r\n\r\n") == Head("PUT", b"*", "1.0", [])


def test_tokens_are_those_of_all_fields_of_a_name() -> None:
    found = head((b"sec-websocket-protocol", b"a, b,,"), (b"sec-websocket-protocol", b"c"))
    assert found.tokens(b"sec-websocket-protocol") == [b"a", b"b", b"c"]
    assert found.tokens(b"cookie") == []


@pytest.mark.parametrize(
    "proper",
    [
        head(),
        head(connection=b"keep-alive, Upgrade"),
        head(connection=b"UPGRADE"),
        head((b"connection", b"upgrade"), connection=b"keep-alive"),
        head(upgrade=b"WebSocket"),
        head((b"x", b"y" * 8_192)),
        head(*((b"x", b"y"),) * 123),
        head(target=b"/" + b"x" * 8_191),
    ],
)
def test_a_proper_request_gets_the_key_that_accepts_it(proper: Head) -> None:
    assert judge(proper) == ACCEPT


@pytest.mark.parametrize(
    ("improper", "status"),
    [
        (head(method="POST"), 405),
        (head(method="HEAD"), 405),
        (head(version="1.0"), 505),
        (head(version="2"), 505),
        (head(target=b"/\xe4"), 400),
        (head(target=b"/" + b"x" * 8_192), 414),
        (head((b"x", b"y" * 8_193)), 431),
        (head(*((b"x", b"y"),) * 124), 431),
        (head(upgrade=None), 426),
        (head(upgrade=b"h2c"), 426),
        (head(upgrade=b"websocket, h2c"), 426),
        (head((b"upgrade", b"websocket")), 426),
        (head(connection=None), 426),
        (head(connection=b"keep-alive"), 426),
        (head(connection=b"upgrades"), 426),
        (head(sec_websocket_version=None), 426),
        (head(sec_websocket_version=b"8"), 426),
        (head(sec_websocket_version=b"13, 8"), 426),
        (head((b"sec-websocket-version", b"13")), 426),
        (head(sec_websocket_key=None), 400),
        (head(sec_websocket_key=b""), 400),
        (head(sec_websocket_key=base64.b64encode(bytes(15))), 400),
        (head(sec_websocket_key=base64.b64encode(bytes(17))), 400),
        (head(sec_websocket_key=KEY[:-1]), 400),
        (head(sec_websocket_key=KEY[:-4] + b"*Q=="), 400),
        (head(sec_websocket_key=b"\xe4" + KEY[1:]), 400),
        (head((b"sec-websocket-key", KEY)), 400),
        (head((b"sec-websocket-key", b"")), 400),
    ],
)
def test_every_other_request_is_refused(improper: Head, status: int) -> None:
    judged = judge(improper)
    assert isinstance(judged, Refusal)
    assert judged.status == status
    assert judged.why


def test_a_refusal_says_what_would_do() -> None:
    for improper, fields in (
        (head(method="POST"), {b"allow": b"GET"}),
        (head(upgrade=b"h2c"), {b"upgrade": b"websocket"}),
        (head(sec_websocket_version=b"8"), {b"upgrade": b"websocket", b"sec-websocket-version": b"13"}),
    ):
        judged = judge(improper)
        assert isinstance(judged, Refusal)
        assert dict(judged.fields) == fields


def test_a_client_takes_the_answer() -> None:
    client = ClientProtocol(parse_uri("ws://x/"), subprotocols=["chat"])  # type: ignore[list-item]
    client.send_request(client.connect())
    (request,) = client.data_to_send()
    key = judge(read(request))
    assert isinstance(key, str)
    client.receive_data(accepted(key, [(b"date", b"today")], "chat"))
    assert client.handshake_exc is None
    (answer,) = client.events_received()
    assert isinstance(answer, Response)
    assert answer.headers["date"] == "today"
    assert client.subprotocol == "chat"


def test_a_response_is_whole_and_the_last() -> None:
    line, *fields = response(503, [], b"full", [(b"date", b"today")]).split(b"\r\n")
    assert line == b"HTTP/1.1 503 Service Unavailable"
    assert fields == [
        b"date: today", b"connection: close", b"content-length: 4", b"content-type: text/plain; charset=utf-8",
        b"", b"full",
    ]  # fmt: skip
    assert response(299, [], b"").startswith(b"HTTP/1.1 299 \r\n")


def test_what_was_said_stands_and_a_date_is_always_there() -> None:
    said = [(b"Content-Type", b"application/json"), (b"x", b"1"), (b"x", b"2")]
    _, *fields = response(200, said, b"", [(b"content-type", b"text/html")]).split(b"\r\n\r\n")[0].split(b"\r\n")
    assert fields[:3] == [b"Content-Type: application/json", b"x: 1", b"x: 2"]
    assert sum(field.lower().startswith(b"content-type:") for field in fields) == 1
    (date,) = [field for field in fields if field.startswith(b"date: ")]
    assert email.utils.parsedate_to_datetime(date[6:].decode())


@pytest.mark.parametrize("field", [(b"a", b"b\r\nc: d"), (b"a", b"b\n"), (b"a\r", b"b"), (b"a", b"\0")])
def test_a_field_cannot_become_two(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="line break"):
        response(200, [field], b"")
    with pytest.raises(ValueError, match="line break"):
        accepted(ACCEPT, [field])
    with pytest.raises(ValueError, match="line break"):
        accepted(ACCEPT, [], "a\nb")
