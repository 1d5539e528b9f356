"""Replays event by event: the cache, transforms, upgrades, and what is a switch."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.published.network import regions, rtt
from flylab.rules.attempts import Body
from flylab.rules.effects import Forward, Pause, Queue, Refuse, Splice
from flylab.rules.exchange import Exchange
from flylab.rules.hops import Cause
from flylab.rules.limits import ExchangeSettings
from flylab.rules.phases import EXPECTED, Phase
from flylab.rules.piped import Piped
from flylab.rules.replay_cache import CacheSettings, ReplayCache
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.rules.statuses import StatusSettings
from flylab.rules.upgrades import UpgradeSettings
from flylab.rules.wishes import Asked
from flylab.wire import headers
from flylab.wire.machine import Concurrency, MachineState, Port, Service
from flylab.wire.regions import ALIASES
from flylab.wire.replay import parse_source
from flylab.wire.transform import Transform

CACHE = {b"fly-replay-cache": b"/rooms/*", b"fly-replay-cache-ttl-secs": b"30"}
RULES = {"replay_cache": [{"path_prefix": "/", "ttl_seconds": 20, "type": "cookie", "name": "s", "allow_bypass": True}]}


class World:
    """Apps, machines, one cache; exchanges over them."""

    def __init__(self, *, replay=None, cache=None, **settings):
        self.view, self.loads = View(), Loads()
        self.cache = ReplayCache(CacheSettings(**(cache or {})))
        self.settings = ExchangeSettings(replay=ReplaySettings(**(replay or {})), cache=self.cache.settings, **settings)

    def app(self, name, organization="personal", network=""):
        self.view.put_app(AppRow(name=name, organization=organization, network=network))
        return self

    def machine(self, machine_id, region="ams", state="started", *, app="rooms", hard=None, options=None, port=80):
        if self.view.app(app) is None:
            self.app(app)
        service = Service(
            internal_port=8080,
            autostart=True,
            ports=(Port(port=port, handlers=("http",), extra={"http_options": options or {}}),),
            concurrency=Concurrency(hard_limit=hard),
        )
        state = MachineState(state)
        self.view.put(Row(id=machine_id, app=app, region=region, state=state, version="1", services=(service,)))
        return self

    def ask(self, path="/rooms/1", *, choosing=None, host=b"rooms.fly.dev", upgrade=False, port=None, **values):
        lines = {name.replace("_", "-").encode(): value.encode() for name, value in values.items()}
        asked = Asked(
            app="rooms",
            choosing=choosing or {},
            host=host,
            target=path.encode(),
            values=lines,
            upgrade=upgrade,
            port=port,
        )
        return Exchange(
            asked,
            view=self.view,
            loads=self.loads,
            settings=self.settings,
            edge_region="ams",
            rtt=rtt(),
            rng=Random(3),
            cache=self.cache,
        )


def said(exchange, value, now=1.0, *, status=200, answered=None):
    return exchange.responded(status, value, Body(), now, wall=1000.0 + now, answered=answered)


def to(effect):
    assert isinstance(effect, Forward), effect
    return effect.row.id


def told(effect):
    return dict(effect.headers)


def learned(world, value="instance=b", answered=CACHE, path="/rooms/1", **values):
    """A request that a answers with this replay."""
    exchange = world.ask(path, **values)
    assert to(exchange.begin(0.0)) == "a"
    effect = said(exchange, value, answered=answered)
    assert to(effect) == "b"
    return effect, exchange


def two(**more):
    return World(**more).machine("a").machine("b", "nrt")


# ── the cache ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hit_goes_straight_to_the_target_without_naming_an_origin():
    """DOCUMENTED networking/dynamic-request-routing: one lookup, no fly-replay-src, status miss and then hit."""
    world = two()
    effect, _ = learned(world)
    assert told(effect)["fly-replay-cache-status"] == "miss"
    exchange = world.ask("/rooms/2")
    effect = exchange.begin(2.0)
    assert to(effect) == "b"
    assert told(effect) == {"fly-replay-cache-status": "hit"}
    assert exchange.hops[0].cause is Cause.CACHE
    for other in (world.ask("/x"), world.ask(host=b"other.fly.dev")):
        effect = other.begin(2.0)
        assert (to(effect), told(effect)) == ("a", {})
    assert to(world.ask().begin(31.0)) == "a"


def test_the_json_form_sets_the_cache_too():
    """DOCUMENTED networking/dynamic-request-routing: cache.prefix and cache.ttl."""
    world = two()
    learned(world, b'{"instance":"b","cache":{"prefix":"rooms.fly.dev/rooms/*","ttl":30}}', None)
    assert to(world.ask().begin(2.0)) == "b"


@pytest.mark.parametrize(
    ("value", "answered", "why"),
    [
        ("instance=b;state=x", CACHE, "with state"),
        ("instance=b;timeout=1s", CACHE, "with timeout"),
        ("instance=b;fallback=force_self", CACHE, "with fallback"),
        (b'{"instance":"b","transform":{"path":"/x"}}', CACHE, "with transform"),
        ("instance=b", {**CACHE, b"fly-replay-cache": b"/other/*"}, "does not match"),
        ("instance=b", {**CACHE, b"fly-replay-cache": b"x.fly.dev/rooms/*"}, "does not match"),
        ("instance=b", {**CACHE, b"fly-replay-cache": b"rooms.fly.dev:80/rooms/*"}, "without a port"),
        ("instance=b", {**CACHE, b"fly-replay-cache-ttl-secs": b"9"}, "10 s are the least"),
        ("instance=b", {b"fly-replay-cache": b"/rooms/*"}, "10 s are the least"),
    ],
)
def test_what_may_not_be_kept_is_replayed_all_the_same(value, answered, why):
    """DOCUMENTED networking/dynamic-request-routing: no state, transform, timeout, fallback; ASSUMED: then uncached."""
    world = two()
    _, exchange = learned(world, value, answered)
    assert why in exchange.hops[1].ignored[0]
    assert len(world.cache) == 0


def test_what_may_not_be_kept_can_be_refused_and_shorter_lives_allowed():
    world = two(cache={"refuses_forbidden": True, "least_ttl": 1.0, "default_ttl": 5.0})
    exchange = world.ask()
    exchange.begin(0.0)
    assert said(exchange, "instance=b;state=x", answered=CACHE).code == "PA03"
    learned(world, answered={b"fly-replay-cache": b"/rooms/*"})
    assert to(world.ask().begin(5.9)) == "b"
    assert to(world.ask().begin(6.1)) == "a"


def test_a_rule_remembers_the_replay_of_a_session():
    """DOCUMENTED reference/configuration: replay_cache rules by cookie or header; allow_bypass."""
    world = World().machine("a", options=RULES).machine("b", "nrt")
    learned(world, answered=None, cookie="s=1")
    assert to(world.ask("/elsewhere", cookie="s=1").begin(2.0)) == "b"
    assert to(world.ask(cookie="s=2").begin(2.0)) == "a"
    assert to(world.ask().begin(2.0)) == "a"
    assert to(world.ask(cookie="s=1").begin(22.0)) == "a"


def test_a_client_skips_the_cache_only_where_it_may():
    """DOCUMENTED networking/dynamic-request-routing: fly-replay-cache-control: skip and allow-bypass: yes."""
    world = two()
    learned(world)
    assert to(world.ask(fly_replay_cache_control="skip").begin(2.0)) == "b"
    learned(world, answered={**CACHE, b"fly-replay-cache-allow-bypass": b"yes"}, choosing={"fly-force-region": "ams"})
    exchange = world.ask(fly_replay_cache_control="skip")
    assert to(exchange.begin(2.0)) == "a"
    assert told(said(exchange, "instance=b", answered=CACHE))["fly-replay-cache-status"] == "bypass"


@pytest.mark.parametrize(
    ("words", "answered"),
    [
        ("instance=a", {b"fly-replay-cache": b"invalidate"}),
        (b'{"instance":"a","cache":{"invalidate":true}}', {}),
        ("instance=c", {b"fly-replay-cache": b"invalidate"}),
    ],
)
def test_the_target_invalidates(words, answered):
    """DOCUMENTED networking/dynamic-request-routing; OBSERVED-IN-CLIENT a relay: also on the way to the new owner."""
    world = two().machine("c", "iad")
    learned(world)
    exchange = world.ask()
    assert to(exchange.begin(2.0)) == "b"
    effect = said(exchange, words, answered=answered)
    assert to(effect) in ("a", "c")
    assert parse_source(told(effect)["fly-replay-src"]).instance == "b"
    assert len(world.cache) == 0
    # The origin may be remembered anew in the same request.
    said(exchange, "instance=c", answered=CACHE)
    assert to(world.ask().begin(3.0)) == "c"


def test_one_lookup_and_one_entry_for_each_request():
    """DOCUMENTED networking/dynamic-request-routing: one by the target is undefined; here it has no effect."""
    world = two().machine("c", "iad")
    learned(world)
    exchange = world.ask()
    exchange.begin(2.0)
    assert told(said(exchange, "instance=c", answered=CACHE))["fly-replay-cache-status"] == "miss"
    assert exchange.hops[1].ignored == ("fly-replay-cache once more in one request",)
    assert to(world.ask().begin(3.0)) == "b"


def test_an_entry_whose_target_is_gone_is_dropped_and_the_origin_asked():
    """ASSUMED: [replay_cache] drop_unreachable."""
    for drops, first in ((True, "a"), (False, None)):
        world = two(cache={"drop_unreachable": drops})
        learned(world)
        world.view.drop("b")
        exchange = world.ask()
        effect = exchange.begin(2.0)
        assert isinstance(effect, Refuse) if first is None else to(effect) == first
        assert len(world.cache) == (0 if drops else 1)
        assert drops is False or told(said(exchange, "region=ams"))["fly-replay-cache-status"] == "miss"


def test_an_entry_that_may_not_be_followed_any_more_is_dropped():
    world = World().machine("a").machine("b", app="other")
    learned(world, "app=other")
    assert to(world.ask().begin(2.0)) == "b"
    world.app("other", network="x")
    assert to(world.ask().begin(2.0)) == "a"
    assert len(world.cache) == 0


# ── transform ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_transform_holds_for_its_own_replay_alone():
    world = two()
    exchange = world.ask()
    exchange.begin(0.0)
    effect = said(exchange, b'{"instance":"b","transform":{"path":"/x"}}')
    assert effect.transform == Transform(path="/x")
    assert said(exchange, "instance=a").transform is None


def test_a_forcing_header_that_is_deleted_no_longer_forces():
    """REPORTED 2026-05-29 pax-historia/pax-backend: it beats the instance until transform.delete_headers takes it."""
    deleting = b'{"instance":"b","transform":{"delete_headers":["fly-force-instance-id"]}}'
    setting = b'{"region":"ams","transform":{"set_headers":[{"name":"fly-force-instance-id","value":"b"}]}}'
    for words, replay, machine in [
        (b'{"instance":"b"}', {}, "a"),
        (deleting, {}, "b"),
        (setting, {}, "b"),
        (b'{"instance":"b"}', {"forced_instance_stays": False}, "b"),
    ]:
        exchange = two(replay=replay).ask(choosing={"fly-force-instance-id": "a"})
        exchange.begin(0.0)
        assert to(said(exchange, words)) == machine


# ── upgrades ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "plain", "switching"),
    [("any", True, True), ("only_101", False, True), ("only_plain", True, False), ("refuse", False, False)],
)
def test_upgrades_under_the_four_modes(mode, plain, switching):
    """REPORTED 2022 to 2026 (superset-sh/superset pull request 5542 and others): a setting for each pair of regions."""
    for status, followed in ((307, plain), (101, switching)):
        world = two(upgrades=UpgradeSettings(pairs=(f"ams-nrt={mode}",))).machine("c")
        exchange = world.ask(upgrade=True, choosing={"fly-prefer-instance-id": "a"})
        exchange.begin(0.0)
        effect = said(exchange, "instance=b", status=status)
        assert isinstance(effect, Forward) is followed
        assert followed or (effect.status, effect.code) == (502, "ws_replay")
        plain_request = world.ask(choosing={"fly-prefer-instance-id": "a"})
        plain_request.begin(0.0)
        assert to(said(plain_request, "instance=b", status=status)) == "b"
        same_region = world.ask(upgrade=True, choosing={"fly-prefer-instance-id": "a"})
        same_region.begin(0.0)
        assert to(said(same_region, "instance=c", status=status)) == "c"
        assert said(same_region, None, status=101) == Splice()


def test_an_upgrade_from_the_cache_is_refused_like_its_replay():
    world = two(upgrades=UpgradeSettings(mode="refuse"))
    learned(world)
    assert world.ask(upgrade=True).begin(2.0).status == 502
    assert world.loads.of("b") == 1  # of the one that taught it


# ── who may replay to whom, and through which door ──────────────────────────────────────────────────────────────


def test_the_organization_of_the_target_has_to_list_that_of_the_origin():
    """DOCUMENTED networking/dynamic-request-routing: refused unless the target organisation lists the source."""
    for listed, code in ((("personal>theirs",), None), (("theirs>personal",), "PA05"), ((), "PA05")):
        world = two(replay={"organizations": listed}).app("far", "theirs").machine("x", app="far")
        exchange = world.ask()
        exchange.begin(0.0)
        effect = said(exchange, "app=far")
        assert to(effect) == "x" if code is None else effect.code == code


def test_the_target_service_is_found_by_the_public_port():
    """DOCUMENTED blueprints/connecting-to-user-machines: the public port counts, internal_port may differ."""
    world = World().machine("a", port=8443).machine("x", app="far", port=8443).machine("y", app="near")
    for target, found in (("far", "x"), ("near", None)):
        exchange = world.ask(port=8443)
        assert to(exchange.begin(0.0)) == "a"
        effect = said(exchange, f"app={target}")
        assert to(effect) == found if found else effect.code == "PR01"


# ── switches ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_without_any_does_not_spill_unless_it_is_said():
    """ASSUMED: [replay] region_spills."""
    for spills, code in ((False, "PR03"), (True, None)):
        exchange = two(replay={"region_spills": spills}).ask()
        exchange.begin(0.0)
        effect = said(exchange, "region=syd")
        assert to(effect) == "a" if code is None else effect.code == code


def test_a_stopped_machine_of_an_earlier_region_is_started_unless_running_ones_are_preferred():
    """ASSUMED: [replay] prefers_running."""
    for prefers, machine in ((False, "s"), (True, "b")):
        world = two(replay={"prefers_running": prefers}).machine("s", "syd", "stopped")
        exchange = world.ask()
        exchange.begin(0.0)
        effect = said(exchange, 'region="syd,nrt"')
        assert (effect.machine if machine == "s" else to(effect)) == machine


def test_a_machine_may_replay_to_itself_unless_it_is_forbidden():
    """ASSUMED: [replay] to_itself."""
    for allowed in (True, False):
        exchange = two(replay={"to_itself": allowed}).ask()
        exchange.begin(0.0)
        effect = said(exchange, "instance=a")
        assert to(effect) == "a" if allowed else effect.code == "PA02"


def test_the_source_of_a_chain_is_the_last_origin_or_the_first():
    """ASSUMED: [replay] source."""
    for which, origin in (("last", "b"), ("first", "a")):
        exchange = two(replay={"source": which}).ask()
        exchange.begin(0.0)
        said(exchange, "instance=b")
        assert parse_source(told(said(exchange, "instance=a"))["fly-replay-src"]).instance == origin


def test_a_fallback_may_be_replayed_only_by_setting():
    """DOCUMENTED networking/dynamic-request-routing: it cannot; ASSUMED: PA02; [replay] fallback_replays."""
    for allowed in (False, True):
        exchange = two(replay={"fallback_replays": allowed}).ask()
        exchange.begin(0.0)
        assert to(said(exchange, "region=syd;fallback=force_self")) == "a"
        effect = said(exchange, "instance=b")
        assert to(effect) == "b" if allowed else effect.code == "PA02"


def test_a_timeout_cuts_off_nothing_that_is_under_way_unless_it_is_said():
    """REPORTED by Fly's staff, community.fly.io/t/27404: best effort; [replay] timeout_cancels."""
    world = two()
    exchange = world.ask()
    exchange.begin(0.0)
    effect = said(exchange, "instance=b;timeout=1s;fallback=prefer_self")
    assert (to(effect), effect.deadline) == ("b", None)
    assert to(exchange.refused("PC05", 2.5)) == "a"
    assert "reason=timeout;elapsed_ms=1500" in told(world_effect(exchange))["fly-replay-failed"]
    cutting = two(replay={"timeout_cancels": True}).ask()
    cutting.begin(0.0)
    assert said(cutting, "instance=b;timeout=1s").deadline == 2.0
    assert cutting.expired(2.0).status == 504


def world_effect(exchange):
    """The request goes to the same machine once more, with the headers of its leg."""
    return exchange.lost(3.0, reused=True, body=Body())


def test_a_cookie_forces_an_instance_like_the_header():
    """REPORTED community.fly.io/t/27681: a cookie named fly-force-instance-id; [replay] force_cookie."""
    for counts, machine in ((True, "b"), (False, "a")):
        exchange = two(replay={"force_cookie": counts}).ask(cookie="x=1; fly-force-instance-id=b")
        assert to(exchange.begin(0.0)) == machine


def test_a_forced_instance_that_cannot_be_used():
    """ASSUMED: 502, [statuses] forced_instance; a stopped one is started, [replay] force_wakes."""
    forced = {"fly-force-instance-id": "b"}
    assert World().machine("a").machine("b", state="stopped").ask(choosing=forced).begin(0.0).machine == "b"
    refused = World(replay={"force_wakes": False}).machine("b", state="stopped").ask(choosing=forced).begin(0.0)
    assert (refused.status, refused.code) == (502, "PR04")
    theirs = World().machine("a").machine("b", app="other").ask(choosing=forced).begin(0.0)
    assert (theirs.status, theirs.code) == (502, "PR02")
    teapot = (
        World(attempts=1, statuses=StatusSettings(forced_instance=418)).machine("a").ask(choosing=forced).begin(0.0)
    )
    assert (teapot.status, teapot.code) == (418, "PR04")


def test_a_forced_instance_does_not_go_over_its_hard_limit():
    """ASSUMED: it wins over load and closeness alone; [exchange] queue_timeout bounds the wait."""
    world = World().machine("a").machine("b", hard=1)
    world.loads.reserve("b")
    assert world.ask(choosing={"fly-force-instance-id": "b"}).begin(0.0) == Queue(8.0)


def test_an_unhealthy_forced_instance_is_tried_several_times():
    """DOCUMENTED networking/dynamic-request-routing."""
    exchange = World(attempts=3).machine("a").ask(choosing={"fly-force-instance-id": "gone"})
    effect = exchange.begin(0.0)
    for _ in range(2):
        assert isinstance(effect, Pause)
        effect = exchange.paused(1.0)
    assert effect.code == "PR04"


def test_the_order_of_the_headers_that_choose():
    """ASSUMED: [replay] precedence; DOCUMENTED that lists take aliases, ASSUMED of force: [replay] force_aliases."""
    both = {"fly-force-instance-id": "a", "fly-prefer-region": "nrt"}
    assert to(two().ask(choosing=both).begin(0.0)) == "a"
    other = (headers.PREFER_REGION, headers.FORCE_INSTANCE, headers.FORCE_REGION, headers.PREFER_INSTANCE)
    assert to(two(replay={"precedence": other}).ask(choosing=both).begin(0.0)) == "b"
    alias = {"fly-force-region": "apac"}
    assert to(two().ask(choosing=alias).begin(0.0)) == "b"
    assert two(replay={"force_aliases": False}).ask(choosing=alias).begin(0.0).status == 400


def test_what_a_client_says_in_the_proxys_name_passes_only_by_setting():
    """ASSUMED: [replay] hide_from_machines; and forward_choosing for what chooses."""
    spoken = {"fly_replay_src": "forged", "fly_replay_failed": "forged"}
    assert told(two().ask(**spoken).begin(0.0)) == {}
    exchange = two(replay={"hide_from_machines": False}).ask(**spoken)
    assert told(exchange.begin(0.0)) == {"fly-replay-src": "forged", "fly-replay-failed": "forged"}
    assert "forged" not in told(said(exchange, "instance=b"))["fly-replay-src"]
    effect = two(replay={"forward_choosing": False}).ask(choosing={"fly-prefer-region": "nrt"}).begin(0.0)
    assert to(effect) == "b"
    assert effect.transform.delete_headers == headers.CHOOSING


def test_a_strict_grammar_takes_what_the_documentation_shows_alone():
    """ASSUMED: [replay] strict_grammar."""
    for words, strictly in [
        ('region="ams,nrt";state=x', True),
        ("instance=b; timeout=2s", True),
        ("instance=b,app=rooms", False),
        ('instance="b"', False),
        ("instance = b", False),
        ("instance=a;instance=b", False),
        ("region=ams,nrt", False),
    ]:
        for strict in (False, True):
            exchange = two(replay={"strict_grammar": strict}).ask()
            exchange.begin(0.0)
            assert isinstance(said(exchange, words), Forward) is (strictly or not strict), words


@pytest.mark.parametrize(
    ("words", "field", "usual"),
    [
        ("instance=", "unreadable", 502),
        ("app=nobody", "unknown_app", 502),
        ("app=theirs", "forbidden_app", 502),
        ("region=syd", "no_candidate", 503),
    ],
)
def test_statuses_are_settings(words, field, usual):
    """ASSUMED, of no_candidate REPORTED: [statuses]."""
    for statuses, status in ((StatusSettings(), usual), (StatusSettings(**{field: 500}), 500)):
        exchange = two(statuses=statuses).app("theirs", "others").ask()
        exchange.begin(0.0)
        assert said(exchange, words).status == status


def test_the_other_statuses_are_settings_too():
    """ASSUMED: [statuses] too_large, timed_out, wake_timed_out; REPORTED too_many, upgrade."""
    statuses = StatusSettings(too_large=500, too_many=501, timed_out=505, wake_timed_out=507, upgrade=421)
    world = two(statuses=statuses, replays=0)
    exchange = world.ask()
    exchange.begin(0.0)
    assert said(exchange, "instance=b").status == 501
    world = two(statuses=statuses, upgrades=UpgradeSettings(mode="refuse"))
    exchange = world.ask()
    exchange.begin(0.0)
    big = exchange.responded(200, "instance=b", Body(2_000_000, True, True), 1.0, wall=1.0)
    assert (big.status, big.code) == (500, "PA01")
    exchange = world.ask(upgrade=True)
    exchange.begin(0.0)
    assert said(exchange, "instance=b").status == 421
    world = World(statuses=statuses).machine("a", state="stopped")
    exchange = world.ask()
    exchange.begin(0.0)
    assert exchange.expired(60.0).status == 507


def test_an_instance_of_another_app_is_an_invalid_combination_even_with_a_fallback():
    """DOCUMENTED networking/dynamic-request-routing: invalid; ASSUMED: PA03."""
    exchange = World().machine("a").machine("b", app="other").ask()
    exchange.begin(0.0)
    assert said(exchange, "instance=b;fallback=force_self").code == "PA03"


def test_aliases_follow_the_geo_regions_of_the_published_table():
    """ASSUMED: what an alias covers is derived from geo_region, the United States from the country."""
    of = {"apac": "asia_pacific", "eu": "europe", "na": "north_america", "sa": "south_america"}
    for alias, geo in of.items():
        assert set(ALIASES[alias]) == {each.code for each in regions() if each.geo_region == geo}
    assert set(ALIASES["us"]) == set(ALIASES["usa"]) == set(ALIASES["na"]) - {"yyz"}


# ── always ──────────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = [
    None,
    "instance=b",
    "instance=a;timeout=1s;fallback=prefer_self",
    'region="nrt,any"',
    "app=far",
    "instance=gone",
    b'{"instance":"b","transform":{"path":"/y","delete_headers":["fly-force-instance-id"]}}',
    b'{"region":"ams","cache":{"invalidate":true}}',
]
ANSWERED = [{}, CACHE, {**CACHE, b"fly-replay-cache-allow-bypass": b"yes"}, {b"fly-replay-cache": b"invalidate"}]


@given(st.data())
def test_whatever_many_requests_do_with_one_cache_places_are_given_back_and_each_comes_to_an_end(data):
    draw = data.draw
    mode = draw(st.sampled_from(["any", "only_101", "only_plain", "refuse"]))
    upgrades = UpgradeSettings(mode=mode)
    cache = {"entries": 2, "drop_unreachable": draw(st.booleans())}
    world = World(attempts=3, connect_tries=2, replays=3, cache=cache, upgrades=upgrades).app("far")
    states = st.sampled_from(["started", "stopped", "stopping", "created"])
    now = 0.0
    for _ in range(draw(st.integers(1, 4))):
        for machine, region in (("a", "ams"), ("b", "nrt")):
            world.machine(machine, region, draw(states), hard=draw(st.sampled_from([None, 1])), options=RULES)
        skip = {"fly_replay_cache_control": "skip"} if draw(st.booleans()) else {}
        forced = {"fly-force-instance-id": "b"} if draw(st.booleans()) else {}
        exchange = world.ask(choosing=forced, upgrade=draw(st.booleans()), cookie="s=1", **skip)
        for _ in range(40):
            possible = sorted(event for event, phases in EXPECTED.items() if exchange.phase in phases)
            if not possible:
                break
            now += draw(st.sampled_from([0.0, 0.5, 70.0]))
            match draw(st.sampled_from(possible)):
                case "wake_failed":
                    exchange.wake_failed("PM01", "no", now)
                case "refused":
                    exchange.refused("PC01", now)
                case "lost":
                    exchange.lost(now, reused=draw(st.booleans()), reset=draw(st.booleans()), body=Body())
                case "piped":
                    Piped(*exchange.piped()).finished(now)
                case "collected":
                    exchange.collected(Body(), now)
                case "responded":
                    words, status = draw(st.sampled_from(WORDS)), draw(st.sampled_from([101, 200]))
                    said(exchange, words, now, status=status, answered=draw(st.sampled_from(ANSWERED)))
                case event:
                    with suppress(RuleError):  # only some effects set a deadline
                        getattr(exchange, event)(now)
            assert sum(world.loads.of(machine) for machine in "ab") <= 1
            assert len(world.cache) <= 2
        if exchange.phase is not Phase.DONE:
            exchange.abandoned(now)
        assert [world.loads.of(machine) for machine in "ab"] == [0, 0]
        assert all(hop.ended is not None for hop in exchange.hops)
