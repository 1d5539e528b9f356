"""What one edge remembers of replays."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.replay_cache import CacheSettings, Entry, ReplayCache, Visit, keepable, rule_for
from flylab.wire.replay import Replay
from flylab.wire.replay_cache import CacheRule

PLAIN = Entry(
    key=("a.fly.dev", "/rooms", None, None),
    app="a",
    replay=Replay(instance="m"),
    target="a",
    origin="o",
    origin_app="a",
    origin_region="ams",
    until=100.0,
    allow_bypass=False,
)


def rule(prefix="", name="session", kind="cookie"):
    return CacheRule(prefix=prefix, ttl=10.0, kind=kind, name=name)


def visit(path="/rooms/1", host=b"a.fly.dev", **values):
    return Visit.of(host, path.encode(), {name.encode(): value.encode() for name, value in values.items()})


def entry(prefix="/rooms", **more):
    return replace(PLAIN, key=("a.fly.dev", prefix, None, None), **more)


def session(of, value, **more):
    return replace(PLAIN, key=("a.fly.dev", of.prefix, of, value), **more)


@pytest.mark.parametrize(
    ("path", "host", "found"),
    [
        ("/rooms/1?x=1", b"A.fly.dev:4300", True),
        ("/rooms", b"a.fly.dev.", True),
        ("/rooms?x", b"a.fly.dev", True),
        ("/roomsies", b"a.fly.dev", False),
        ("/other", b"a.fly.dev", False),
        ("*", b"a.fly.dev", False),
        ("/rooms/1", b"b.fly.dev", False),
    ],
)
def test_a_path_entry_is_found_by_hostname_and_prefix(path, host, found):
    """DOCUMENTED networking/dynamic-request-routing: hostname + prefix; no port; nothing shared between hostnames."""
    cache = ReplayCache()
    cache.put(PLAIN)
    assert (cache.find(visit(path, host), "a", 1.0) is PLAIN) is found


def test_the_longest_prefix_wins():
    """DOCUMENTED networking/dynamic-request-routing."""
    cache = ReplayCache()
    of = rule("/rooms")
    for one in (entry(""), entry("/rooms"), entry("/rooms/1"), session(of, "s")):
        cache.put(one, (of,))
    found = [cache.find(visit(path, cookie="session=s"), "a", 1.0).key[1:] for path in ("/x", "/rooms/2", "/rooms/1/a")]
    assert found == [("", None, None), ("/rooms", of, "s"), ("/rooms/1", None, None)]


def test_a_session_entry_needs_the_value():
    """DOCUMENTED networking/dynamic-request-routing: hostname + rule + value of the cookie or header."""
    cache, of, by_header = ReplayCache(), rule(), rule("/h", "X-User", "header")
    cache.put(session(of, "s"), (of, by_header))
    cache.put(session(by_header, "7"), (of, by_header))
    for asked, found in [
        (visit(cookie="a=1; session=s"), True),
        (visit(cookie="session=t"), False),
        (visit(), False),
        (visit("/h", **{"x-user": "7"}), True),
        (visit("/h", cookie="session=s"), False),  # the longer rule counts alone
    ]:
        assert (cache.find(asked, "a", 1.0) is not None) is found


def test_of_rules_with_one_prefix_the_first_with_a_value_counts():
    a, b = rule(name="a"), rule(name="b")
    assert rule_for((a, b), visit(cookie="b=2")) == (b, "2")
    assert rule_for((a, b), visit(cookie="b=2; a=1")) == (a, "1")
    assert rule_for((a,), visit(cookie="a=" + "x" * 2000)) is None


def test_an_entry_ends_with_its_time_or_when_the_host_moves_to_another_app():
    cache = ReplayCache()
    cache.put(entry(until=5.0))
    assert cache.find(visit(), "a", 4.9) is not None
    assert cache.find(visit(), "a", 5.0) is None
    assert len(cache) == 0
    cache.put(PLAIN)
    assert cache.find(visit(), "b", 1.0) is None
    assert len(cache) == 0


def test_a_host_that_is_no_name_is_not_kept():
    assert keepable(visit())
    assert not keepable(visit(host=b"x" * 300))
    assert not keepable(visit(host=b""))


@given(st.lists(st.tuples(st.sampled_from(["put", "session", "drop"]), st.integers(0, 9)), max_size=60))
def test_it_is_bounded_and_consistent(steps):
    cache, of = ReplayCache(CacheSettings(entries=4)), rule()
    kept = {}
    for step, number in steps:
        one = session(of, str(number)) if step == "session" else entry(f"/{number}")
        if step == "drop":
            cache.drop(one)
            kept.pop(one.key, None)
            continue
        cache.put(one, (of,))
        kept.pop(one.key, None)
        kept[one.key] = one
        kept = dict(list(kept.items())[-4:])
        assert len(cache) == len(kept) <= 4
    for (_, prefix, of_rule, value), one in kept.items():
        asked = visit(cookie=f"session={value}") if of_rule else visit(prefix)
        assert cache.find(asked, "a", 1.0) is one
    for one in list(kept.values()):
        cache.drop(one)
    assert len(cache) == 0
    assert cache.find(visit(), "a", 1.0) is None
