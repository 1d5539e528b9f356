"""What answers and configurations say about the replay cache."""

import pytest

from flylab.errors import ParseError
from flylab.wire.flytoml import parse_flytoml
from flylab.wire.machine import Port
from flylab.wire.replay_cache import (
    CacheAsk,
    CacheRule,
    Pattern,
    cookie,
    header_ask,
    json_ask,
    parse_pattern,
    read_rules,
)

RULE = {"path_prefix": "/rooms", "ttl_seconds": 10, "type": "cookie", "name": "session"}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("/*", Pattern(None, "")),
        ("/", Pattern(None, "")),
        ("/rooms/*", Pattern(None, "/rooms")),
        ("/rooms", Pattern(None, "/rooms")),
        ("Blue.fly.dev/a/b/", Pattern("blue.fly.dev", "/a/b")),
        ("/a*", Pattern(None, "/a*")),
    ],
)
def test_a_pattern_ends_in_a_star_whether_written_or_not(text, pattern):
    """DOCUMENTED networking/dynamic-request-routing: [host]/path/*, the ending may be left out."""
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize("text", ["", "rooms", "a.fly.dev:80/x", "/a?b", "/" + "a" * 2000])
def test_a_pattern_without_a_path_or_with_a_port_is_refused(text):
    """DOCUMENTED networking/dynamic-request-routing: no port in the host."""
    with pytest.raises(ParseError):
        parse_pattern(text)


def test_headers_and_json_say_the_same():
    """DOCUMENTED networking/dynamic-request-routing: header names, cache.prefix, cache.ttl, cache.invalidate."""
    said = {
        b"fly-replay-cache": b"/a/*",
        b"fly-replay-cache-ttl-secs": b"30",
        b"fly-replay-cache-allow-bypass": b"yes",
    }
    ask = CacheAsk(prefix="/a/*", ttl=30.0, allow_bypass=True)
    assert header_ask(said) == ask
    assert header_ask({}) is None
    assert header_ask({b"fly-replay-cache": b"invalidate"}) == json_ask({"invalidate": True})
    assert header_ask({b"fly-replay-cache": b"/a", b"fly-replay-cache-ttl-secs": b"9" * 50}) == CacheAsk(prefix="/a")
    assert json_ask({"prefix": "/a/*", "ttl": 30}, allow_bypass=True) == ask
    assert json_ask({"prefix": "/a/*", "ttl": 30, "allow_bypass": True, "x": 1}).unknown == ("cache.x",)


@pytest.mark.parametrize("value", [3, {"prefix": 1}, {"ttl": "30"}, {"invalidate": "yes"}, {"allow_bypass": 1}])
def test_a_json_cache_that_cannot_be_read_is_refused(value):
    with pytest.raises(ParseError):
        json_ask(value)
    with pytest.raises(ParseError):
        json_ask({}, allow_bypass="yes")


def test_a_rule_is_read_from_http_options():
    """DOCUMENTED reference/configuration: http_options.replay_cache."""
    assert read_rules({"replay_cache": [RULE | {"allow_bypass": True}]}) == (
        CacheRule(prefix="/rooms", ttl=10.0, kind="cookie", name="session", allow_bypass=True),
    )
    assert read_rules(None) == read_rules({}) == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ttl_seconds": 9}, "10 seconds are the least"),
        ({"type": "query"}, "cookie or header"),
        ({"name": ""}, "the name of a cookie"),
        ({"name": "a b"}, "the name of a cookie"),
        ({"path_prefix": "rooms"}, "begins with '/'"),
    ],
)
def test_a_rule_that_could_never_work_is_rejected(change, says):
    """ASSUMED: a rule below the least lifetime is rejected, in the API and in fly.toml."""
    options = {"replay_cache": [RULE | change]}
    with pytest.raises(ParseError, match=says):
        Port.from_json({"port": 80, "handlers": ["http"], "http_options": options})
    rule = {**RULE, **change}
    toml = "\n".join(f"{key} = {value!r}" for key, value in rule.items())
    with pytest.raises(ParseError, match=says):
        parse_flytoml(
            f'app = "a"\n[http_service]\ninternal_port = 80\n[[http_service.http_options.replay_cache]]\n{toml}'
        )
    good = Port.from_json({"port": 80, "http_options": {"replay_cache": [RULE]}})
    assert good.to_json()["http_options"] == {"replay_cache": [RULE]}


def test_the_first_cookie_of_a_name_counts():
    assert cookie('a=1; b="2"; b=3', "b") == "2"
    assert cookie("ab=1; c", "b") is None
