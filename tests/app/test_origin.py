"""Whose page asks: origins as browsers write them, compared with the address under which the visitor reached us."""

import pytest

from app.config import Settings
from app.origin import own_origin, parse_origin, same_origin
from flylab.errors import ParseError, UsageError


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.ORG:443", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("https://example.org:80", "https://example.org:80"),
        ("http://127.0.0.1:08080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("vscode-webview://0a1b", "vscode-webview://0a1b"),
        ("null", "null"),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin
    assert parse_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    ["", "*", "example.org", "https://", "https://example.org/", "https://*.example.org", "https://a b", "https://a:x"],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="cannot read origin"):
        parse_origin(text)


@pytest.mark.parametrize(
    ("host", "proto", "origin", "ours"),
    [
        # Programs say nothing.
        ("rooms.example", "https", None, True),
        ("", "", None, True),
        # Ours, as the visitor reached us: behind the proxy, and without one.
        ("rooms.example", "https", "https://rooms.example", True),
        ("rooms.example", "https", "https://ROOMS.example:443", True),
        ("rooms.example:443", "https", "https://rooms.example", True),
        ("rooms.example", "https, http", "https://rooms.example", True),
        ("Rooms.localhost:4300", "http", "http://rooms.localhost:4300", True),
        ("127.0.0.1:8080", "", "http://127.0.0.1:8080", True),
        ("[::1]:8080", "", "http://[::1]:8080", True),
        # The same host, and yet another origin.
        ("rooms.example", "https", "http://rooms.example", False),
        ("rooms.example", "http", "https://rooms.example", False),
        ("rooms.example", "", "https://rooms.example", False),
        ("rooms.example", "https", "https://rooms.example:8443", False),
        ("rooms.example:80", "https", "https://rooms.example", False),
        # Others.
        ("rooms.example", "https", "https://rooms.example.evil", False),
        ("rooms.example", "https", "https://evil.example", False),
        ("rooms.example", "https", "rooms.example", False),
        ("rooms.example", "https", "null", False),
        ("null", "https", "null", False),
        ("", "", "null", False),
        ("", "https", "https://", False),
        ("", "https", "https://rooms.example", False),
        # Named.
        ("rooms.example", "https", "https://friend.example", True),
        ("", "", "https://Friend.example:443", True),
        ("rooms.example", "https", "http://friend.example", False),
    ],
)
def test_pages_of_other_sites_are_told_apart(host: str, proto: str, origin: str | None, ours: bool) -> None:
    given = {"Host": host, "X-Forwarded-Proto": proto, "Origin": origin}
    headers = {name: value for name, value in given.items() if value}
    assert same_origin(headers, allowed=("https://friend.example",)) is ours


def test_pages_without_an_origin_may_come_when_that_is_said() -> None:
    assert same_origin({"Origin": "null"}, allowed=("null",))
    assert not same_origin({"Origin": "https://null"}, allowed=("null",))


def test_a_host_that_is_none_makes_no_origin() -> None:
    assert own_origin({"Host": "a/b"}) == own_origin({}) == ""


def test_origins_are_read_from_the_environment() -> None:
    settings = Settings.from_env({"ROOM_ORIGINS": "https://Friend.example:443, null"})
    assert settings.origins == ("https://friend.example", "null")
    with pytest.raises(UsageError, match=r"ROOM_ORIGINS must be .*'https://friend.example/'"):
        Settings.from_env({"ROOM_ORIGINS": "https://friend.example/"})
