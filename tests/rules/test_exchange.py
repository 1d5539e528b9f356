"""One request's decisions, event by event, without a socket."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.published.network import rtt
from flylab.rules.attempts import Body
from flylab.rules.effects import Collect, Forward, Pause, Queue, Refuse, Relay, Splice, Wake
from flylab.rules.exchange import Exchange
from flylab.rules.hops import Cause, Outcome
from flylab.rules.limits import ExchangeSettings
from flylab.rules.phases import EXPECTED, Phase
from flylab.rules.piped import Piped
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.rules.wishes import Asked
from flylab.wire.machine import Concurrency, MachineState, Port, Service
from flylab.wire.replay import FailureReason, parse_failure, parse_source

WALL = 1_790_000_000.0


class World:
    """Apps and machines, and exchanges over them."""

    def __init__(self, **settings):
        self.view, self.loads = View(), Loads()
        self.settings = ExchangeSettings(**settings)

    def app(self, name, organization="personal", network=""):
        self.view.put_app(AppRow(name=name, organization=organization, network=network))
        return self

    def machine(
        self, machine_id, region="ams", state="started", *, app="rooms", hard=None, autostart=True, asked=False
    ):
        if self.view.app(app) is None:
            self.app(app)
        service = Service(
            internal_port=8080,
            autostart=autostart,
            ports=(Port(port=80, handlers=("http",)),),
            concurrency=Concurrency(hard_limit=hard),
        )
        self.view.put(
            Row(
                id=machine_id,
                app=app,
                region=region,
                state=MachineState(state),
                version="v1",
                services=(service,),
                asked=asked,
            )
        )
        return self

    def exchange(self, *, length=0, **choosing):
        asked = Asked(
            app="rooms", choosing={name.replace("_", "-"): value for name, value in choosing.items()}, length=length
        )
        return Exchange(
            asked,
            view=self.view,
            loads=self.loads,
            settings=self.settings,
            edge_region="ams",
            rtt=rtt(),
            rng=Random(3),
        )

    def held(self, *machines):
        return [self.loads.of(machine) for machine in machines]


NO_BODY = Body()


def said(exchange, value, now=1.0, *, body=NO_BODY, status=200):
    return exchange.responded(status, value, body, now, wall=WALL)


def to(effect):
    assert isinstance(effect, Forward), effect
    return effect.row.id


def test_a_plain_request_holds_its_machine_from_the_choice_to_the_last_byte():
    world = World().machine("a")
    exchange = world.exchange()
    assert to(exchange.begin(0.0)) == "a"
    assert world.held("a") == [1]
    exchange.connected(0.1)
    assert said(exchange, None) == Relay()
    assert world.held("a") == [1]
    exchange.finished(2.0)
    assert world.held("a") == [0]
    (hop,) = exchange.hops
    assert (hop.cause, hop.outcome, hop.status, hop.started, hop.ended) == (
        Cause.ROUTE,
        Outcome.RESPONSE,
        200,
        0.0,
        2.0,
    )


def test_a_replay_moves_the_place_and_tells_the_target_who_sent_it():
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = said(exchange, "instance=b;state=blue")
    assert to(effect) == "b"
    assert world.held("a", "b") == [0, 1]
    (name, value), status = effect.headers
    assert status == ("fly-replay-cache-status", "miss")
    source = parse_source(value)
    assert (name, source.instance, source.region, source.t, source.state) == (
        "fly-replay-src",
        "a",
        "ams",
        int(WALL * 1_000_000),
        "blue",
    )
    assert exchange.hops[1].wanted == "instance=b"


def test_a_stopped_target_is_woken_and_its_phases_are_noted():
    world = World().machine("a").machine("b", "nrt", "stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert said(exchange, "region=nrt") == Wake("b", 61.0)
    world.machine("b", "nrt", "started")
    assert to(exchange.woke(1.5)) == "b"
    assert exchange.refused("PC01", 1.6) == Pause(0.05)
    assert to(exchange.paused(1.65)) == "b"
    exchange.connected(1.7)
    woke = exchange.hops[1].woke
    assert (woke.requested, woke.started, woke.reachable) == (1.0, 1.5, 1.7)
    assert exchange.hops[1].tries == 2


def test_a_101_without_fly_replay_becomes_a_pipe_that_holds_its_machine():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert said(exchange, None, status=101) == Splice()
    assert world.held("a") == [1]
    exchange.finished(9.0)
    assert world.held("a") == [0]
    assert exchange.hops[0].outcome is Outcome.UPGRADE


@pytest.mark.parametrize("status", [101, 200, 204, 307, 409, 421, 503])
def test_fly_replay_counts_on_every_status(status):
    world = World().machine("a").machine("b")
    exchange = world.exchange(fly_prefer_instance_id="a")
    exchange.begin(0.0)
    assert to(said(exchange, "instance=b", status=status)) == "b"


def test_ten_replays_are_followed_and_the_eleventh_is_refused():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    for _ in range(10):
        assert to(said(exchange, "instance=a")) == "a"
    effect = said(exchange, "instance=a")
    assert (effect.status, effect.code) == (502, "PA02")
    assert world.held("a") == [0]
    assert exchange.hops[-1].code == "PA02"


REFUSED = [
    ("region=nowhere", "PA03"),
    (b"{}x", "PA03"),
    ("app=nobody", "PA04"),
    ("app=theirs", "PA05"),
    ("app=elsewhere", "PA05"),
    ("app=ours;instance=a", "PA03"),
    ("region=syd", "PR03"),
    ("elsewhere=true", "PR03"),
]


@pytest.mark.parametrize(("value", "code"), REFUSED)
def test_a_replay_that_leads_nowhere_is_refused_with_its_code(value, code):
    world = World().machine("a").app("theirs", "others").app("elsewhere", network="x").machine("b", app="ours")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = said(exchange, value)
    assert isinstance(effect, Refuse)
    assert effect.code == code
    assert effect.status in (502, 503)
    assert effect.text
    assert exchange.phase is Phase.DONE
    assert world.held("a", "b") == [0, 0]


def test_another_app_of_the_organization_is_reached_and_another_network_if_allowed():
    world = World(cross_network=True).machine("a").app("elsewhere", network="x").machine("b", app="elsewhere")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert to(said(exchange, "app=elsewhere")) == "b"


def test_elsewhere_leaves_the_origin_out_of_the_next_choice_only():
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert to(said(exchange, "elsewhere=true")) == "b"
    assert to(said(exchange, "region=any")) == "a"


def test_fields_without_effect_are_named_in_the_trail():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    exchange.responded(200, b'{"app":"rooms","more":{}}', Body(), 1.0, wall=WALL, answered={b"fly-replay-cache": b"/b"})
    assert exchange.hops[1].ignored == ("more", "fly-replay-cache '/b' does not match the request")


# ── the request's own headers ───────────────────────────────────────────────────────────────────────────────────


CHOOSING = [
    ({"fly_force_instance_id": "c"}, "c"),
    ({"fly_prefer_instance_id": "c"}, "c"),
    ({"fly_prefer_region": "nrt,syd"}, "b"),
    ({"fly_prefer_region": "syd,na"}, "a"),
    ({"fly_force_region": '"syd,nrt"'}, "b"),
    ({"fly_force_region": "nrt", "fly_prefer_instance_id": "a"}, "b"),
    ({"fly_force_instance_id": "a", "fly_force_region": "nrt"}, "a"),
]


@pytest.mark.parametrize(("choosing", "machine"), CHOOSING)
def test_headers_of_the_request_choose(choosing, machine):
    world = World().machine("a").machine("b", "nrt").machine("c", "gru")
    assert to(world.exchange(**choosing).begin(0.0)) == machine


def test_a_preferred_instance_that_is_full_is_named_to_the_machine_that_gets_the_request():
    world = World().machine("a").machine("b", hard=1)
    world.loads.reserve("b")
    effect = world.exchange(fly_prefer_instance_id="b").begin(0.0)
    assert to(effect) == "a"
    assert effect.headers == (("fly-preferred-instance-unavailable", "b"),)


def test_a_forced_region_without_machines_fails_and_an_unreadable_list_is_the_clients_fault():
    world = World().machine("a")
    assert world.exchange(fly_force_region="nrt").begin(0.0).code == "PR03"
    assert world.exchange(fly_force_region="nowhere!").begin(0.0).status == 400


def test_a_forced_instance_outlives_the_replay():
    world = World().machine("a").machine("b")
    exchange = world.exchange(fly_force_instance_id="a")
    exchange.begin(0.0)
    assert to(said(exchange, "instance=b")) == "a"
    assert "fly-force-instance-id=a" in exchange.hops[1].wanted


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────

LIMIT = ExchangeSettings().replay_limit


@pytest.mark.parametrize(("size", "replayed"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_replayed_up_to_the_limit(size, replayed, chunked):
    world = World().machine("a").machine("b")
    exchange = world.exchange(length=None if chunked else size, fly_prefer_instance_id="a")
    exchange.begin(0.0)
    effect = said(exchange, "instance=b", body=Body(size, True, size <= LIMIT))
    if replayed:
        assert to(effect) == "b"
    else:
        assert (effect.status, effect.code) == (502, "PA01")
        assert world.held("a", "b") == [0, 0]


def test_an_announced_length_over_the_limit_is_refused_before_it_has_come():
    world = World().machine("a").machine("b")
    exchange = world.exchange(length=LIMIT + 1)
    exchange.begin(0.0)
    assert said(exchange, "instance=b", body=Body(10, False, True)).code == "PA01"


@pytest.mark.parametrize(("end", "code"), [(Body(10, True, True), None), (Body(LIMIT + 1, False, False), "PA01")])
def test_chunks_are_collected_before_they_are_replayed(end, code):
    world = World().machine("a").machine("b")
    exchange = world.exchange(length=None, fly_prefer_instance_id="a")
    exchange.begin(0.0)
    assert said(exchange, "instance=b", body=Body(5, False, True)) == Collect()
    assert world.held("a", "b") == [0, 0]
    effect = exchange.collected(end, 2.0)
    assert effect.code == code if code else to(effect) == "b"


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────────────


def refuse_until_given_up(exchange, effect, now=0.0):
    pauses = []
    while isinstance(effect, Forward):
        effect = exchange.refused("PC01", now)
        if isinstance(effect, Pause):
            pauses.append(effect.seconds)
            now += effect.seconds
            effect = exchange.paused(now)
    return effect, pauses


def test_a_woken_machine_that_never_listens_is_given_up_after_fifteen_tries():
    """REPORTED 2026 (public logs): 15 tries within 8.1 to 9.1 s, then PM05, and PR03 if it was the only one."""
    world = World(wakes=1).machine("a", state="stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a")
    effect, pauses = refuse_until_given_up(exchange, exchange.woke(0.0))
    assert (effect.status, effect.code) == (503, "PR03")
    assert "PM05" in effect.text
    assert "8080" in effect.text
    assert len(pauses) == 14
    assert pauses[0] == 0.05
    assert max(pauses) <= 1.2
    assert 8.1 <= sum(pauses) <= 9.1
    assert exchange.hops[0].code == "PM05"
    assert world.held("a") == [0]


def test_the_only_machine_is_woken_and_tried_once_more_after_pm05():
    """REPORTED 2026-09-29: after PM05 the proxy tries again for the same request, whose 200 came after 18.8 s."""
    world = World().machine("a", state="stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a")
    effect, pauses = refuse_until_given_up(exchange, exchange.woke(0.0))
    assert isinstance(effect, Wake)
    assert world.held("a") == [1]
    now = sum(pauses)
    effect, more = refuse_until_given_up(exchange, exchange.woke(now), now)
    assert (effect.status, effect.code) == (503, "PR03")
    assert 16.2 <= now + sum(more) <= 18.8
    assert [hop.code for hop in exchange.hops] == ["PM05", "PM05"]
    assert world.held("a") == [0]


def test_another_machine_comes_before_a_second_try_at_the_same():
    world = World().machine("a", state="stopped").machine("b", "nrt", state="stopped")
    exchange = world.exchange()
    assert exchange.begin(0.0).machine == "a"
    world.machine("a")
    effect, _ = refuse_until_given_up(exchange, exchange.woke(0.0))
    assert isinstance(effect, Wake)
    assert effect.machine == "b"


def test_a_machine_that_was_stopped_a_moment_ago_is_passed_over_and_started_again_when_it_is_the_only_one():
    """DOCUMENTED monitoring/error-codes, PM11: the edge tries another one, or starts it again if it is the only one."""
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    assert to(exchange.begin(0.0)) == "a"
    world.machine("a", state="stopped")
    assert to(exchange.refused("PM11", 0.1)) == "b"
    assert world.held("a", "b") == [0, 1]
    assert exchange.hops[0].code == "PM11"

    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a", state="stopped")
    assert exchange.refused("PM11", 0.1) == Wake("a", 60.1)
    world.machine("a")
    assert to(exchange.woke(0.2)) == "a"
    assert world.held("a") == [1]


def test_a_machine_on_its_way_down_behind_an_old_view_is_waited_for():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a", state="stopping")
    assert isinstance(exchange.refused("PM11", 0.1), Pause)
    world.machine("a", state="stopped")
    assert isinstance(exchange.paused(0.2), Wake)


def test_behind_a_late_view_a_request_waits_for_the_news_before_it_is_refused():
    world = World()
    world.view.put_app(AppRow(name="rooms", organization="personal"))
    world.view.settled = 0.2
    exchange = world.exchange()
    assert exchange.begin(0.0) == Pause(0.05)
    assert isinstance(exchange.paused(0.19), Pause)
    assert exchange.paused(0.2).code == "PR01"


def test_a_machine_that_its_host_does_not_know_any_more_is_left():
    """DOCUMENTED monitoring/error-codes: PR02, common during blue-green deploys."""
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.view.drop("a")
    assert to(exchange.refused("PR02", 0.1)) == "b"
    world.view.drop("b")
    effect = exchange.refused("PR02", 0.2)
    assert (effect.status, effect.code) == (503, "PR03")
    assert "b is not known where it was (PR02)" in effect.text


def test_after_six_tries_a_running_sibling_is_preferred():
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    effect = exchange.begin(0.0)
    effect, pauses = refuse_until_given_up(exchange, effect)
    # both refuse: six tries at the first, then fifteen at the second, which has no sibling left
    assert effect.code == "PR03"
    assert [(hop.machine, hop.tries, hop.code) for hop in exchange.hops] == [("a", 6, "PC07"), ("b", 15, "PC01")]
    assert len(pauses) == 5 + 14


def test_a_request_to_the_only_machine_that_is_being_stopped_waits_and_wakes_it():
    """DOCUMENTED monitoring/error-codes: a connection that is refused is tried again; PM08 for a machine that stops."""
    world = World().machine("a")
    exchange = world.exchange()
    assert to(exchange.begin(0.0)) == "a"
    world.machine("a", state="stopping")
    assert isinstance(exchange.refused("PC01", 0.1), Pause)
    assert isinstance(exchange.paused(0.2), Pause)
    assert world.held("a") == [0]
    world.machine("a", state="stopped")
    assert isinstance(exchange.paused(0.3), Wake)
    world.machine("a")
    exchange.woke(0.5)
    exchange.connected(0.6)
    assert [(hop.machine, hop.code) for hop in exchange.hops] == [("a", "PM08"), ("a", None)]


def test_without_autostart_such_a_request_fails_once_the_machine_is_down():
    world = World().machine("a", autostart=False)
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a", state="stopping", autostart=False)
    assert isinstance(exchange.refused("PC01", 0.1), Pause)
    world.machine("a", state="stopped", autostart=False)
    assert exchange.paused(0.3).code == "PR03"


@pytest.mark.parametrize("how", [{"reused": True}, {"reused": False, "reset": True}])
def test_what_a_stopping_machine_did_not_read_goes_to_another_one(how):
    world = World().machine("a").machine("b", "nrt")
    exchange = world.exchange()
    assert to(exchange.begin(0.0)) == "a"
    exchange.connected(0.1)
    world.machine("a", state="stopping")
    assert to(exchange.lost(0.2, body=Body(3), **how)) == "b"
    assert world.held("a", "b") == [0, 1]


def test_what_it_may_have_read_is_not_sent_again():
    """DOCUMENTED monitoring/error-codes, PU02: the request could not be completed."""
    for up, body in ((False, Body(3)), (True, Body(3)), (False, Body(3, kept=False))):
        world = World().machine("a").machine("b", "nrt")
        exchange = world.exchange()
        exchange.begin(0.0)
        exchange.connected(0.1)
        world.machine("a", state="started" if up else "stopping")
        assert exchange.lost(0.2, reused=False, reset=up or not body.kept, body=body).code == "PU02"


def test_a_machine_that_ends_before_it_listens_is_given_up_at_once():
    world = World().machine("a", state="stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a")
    exchange.woke(0.1)
    world.machine("a", state="stopped")
    effect = exchange.refused("PC01", 0.2)
    assert effect.code == "PR03"
    assert "ended before it listened" in effect.text
    exchange = world.exchange()
    exchange.begin(0.0)
    world.machine("a")
    exchange.woke(0.1)
    exchange.refused("PC01", 0.2)
    world.machine("a", state="stopped")
    assert exchange.paused(0.3).code == "PR03"
    world.view.drop("a")


def woken(world):
    """An exchange whose only machine was woken, and does not listen yet."""
    world.machine("a", state="stopped")
    exchange = world.exchange()
    assert exchange.begin(0.0) == Wake("a", 60.0)
    world.machine("a")
    exchange.woke(0.1)
    assert isinstance(exchange.refused("PC01", 0.2), Pause)
    return exchange


def test_a_machine_that_somebody_stops_while_it_is_woken_is_woken_once_more():
    """DOCUMENTED monitoring/error-codes: PM08 for a machine that stops; PR03 only after tries."""
    world = World()
    exchange = woken(world)
    world.machine("a", state="stopping")
    assert isinstance(exchange.paused(0.3), Pause)
    world.machine("a", state="stopped", asked=True)
    assert exchange.paused(0.4) == Wake("a", 60.4)
    world.machine("a")
    assert to(exchange.woke(0.5)) == "a"
    assert isinstance(exchange.refused("PC01", 0.6), Pause)
    assert world.held("a") == [1]
    world.machine("a", state="stopped", asked=True)
    effect = exchange.paused(0.7)  # as often as after PM05, no more
    assert (effect.status, effect.code) == (503, "PR03")
    assert "a was stopped, or ended" in effect.text
    assert world.held("a") == [0]


def test_a_stop_that_is_over_when_it_is_noticed_and_one_before_the_start_was_are_the_same():
    world = World()
    exchange = woken(world)
    world.machine("a", state="stopped", asked=True)
    assert exchange.paused(0.3) == Wake("a", 60.3)
    again = exchange.wake_failed("PM10", "the start was cancelled", 0.4)
    assert (again.status, again.code) == (503, "PR03")  # the second time
    exchange = world.exchange()
    exchange.begin(0.0)
    assert exchange.wake_failed("PM10", "the start was cancelled", 0.1) == Wake("a", 60.1)
    assert [hop.code for hop in exchange.hops] == ["PM10", None]
    exchange = World(wakes=1).machine("a", state="stopped", asked=True).exchange()
    exchange.begin(0.0)
    assert exchange.wake_failed("PM10", "the start was cancelled", 0.1).code == "PR03"


def test_where_there_is_another_machine_it_takes_what_a_stop_has_overtaken():
    for code, last in (("PM10", None), (None, "PM08")):
        world = World().machine("a", state="stopped").machine("b", "nrt", state="stopped")
        exchange = world.exchange()
        assert exchange.begin(0.0) == Wake("a", 60.0)
        if code:
            effect = exchange.wake_failed(code, "the start was cancelled", 0.1)
        else:
            world.machine("a")
            exchange.woke(0.1)
            world.machine("a", state="stopping")
            effect = exchange.refused("PC01", 0.1)
        assert effect == Wake("b", 60.1)
        assert exchange.hops[0].code == (code or last)
        assert world.held("a", "b") == [0, 1]


def test_a_refused_wake_tries_the_next_machine():
    world = World().machine("a", state="stopped").machine("b", "nrt")
    exchange = world.exchange()
    assert exchange.begin(0.0) == Wake("a", 60.0)
    assert to(exchange.wake_failed("PM01", "a lease is held", 0.1)) == "b"
    assert world.held("a", "b") == [0, 1]
    assert exchange.hops[0].code == "PM01"


def test_a_refused_wake_of_the_only_machine_is_an_answer_that_names_both_codes():
    world = World().machine("a", state="stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = exchange.wake_failed("PM01", "a lease is held", 0.1)
    assert (effect.status, effect.code) == (503, "PR03")
    assert "a lease is held (PM01)" in effect.text


def test_a_machine_on_its_way_down_is_waited_for_and_then_started():
    world = World().machine("a", state="stopping")
    exchange = world.exchange()
    assert exchange.begin(0.0) == Pause(0.05)
    world.machine("a", state="stopped")
    assert exchange.paused(0.05) == Wake("a", 60.05)
    world.machine("a", state="stopping")
    assert exchange.wake_failed("PM07", "it is stopping", 0.1) == Pause(pytest.approx(0.07))
    world.machine("a")
    assert to(exchange.paused(0.2)) == "a"
    assert world.held("a") == [1]


def test_a_state_that_does_not_pass_is_refused_after_forty_choices():
    world = World().machine("a", state="replacing")
    exchange = world.exchange()
    effect, now, pauses = exchange.begin(0.0), 0.0, 0
    while isinstance(effect, Pause):
        pauses += 1
        now += effect.seconds
        effect = exchange.paused(now)
    assert (effect.code, pauses) == ("PR03", 39)


def test_a_wake_that_takes_too_long_is_given_up():
    world = World().machine("a", state="stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = exchange.expired(60.0)
    assert (effect.status, effect.code) == (503, "PR03")
    assert "PM03" in effect.text
    assert world.held("a") == [0]


def test_at_the_hard_limit_a_request_waits_for_a_place_and_is_refused_after_eight_seconds():
    world = World().machine("a", hard=1)
    first, second = world.exchange(), world.exchange()
    first.begin(0.0)
    assert second.begin(1.0) == Queue(9.0)
    assert second.paused(2.0) == Queue(9.0)
    said(first, None)
    first.finished(3.0)
    assert to(second.paused(3.0)) == "a"
    third = world.exchange()
    third.begin(4.0)
    effect = third.expired(12.0)
    assert (effect.status, effect.code) == (503, "PL01")


def test_a_kept_connection_that_was_closed_is_replaced_once():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = exchange.lost(0.1, reused=True, body=Body())
    assert effect.fresh
    assert to(effect) == "a"
    effect = exchange.lost(0.2, reused=True, body=Body())
    assert (effect.status, effect.code) == (502, "PU02")
    assert world.held("a") == [0]


@pytest.mark.parametrize(("reused", "body"), [(False, Body()), (True, Body(9, True, False))])
def test_a_request_is_not_sent_again_when_it_may_have_been_worked_on_or_is_not_there_any_more(reused, body):
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert exchange.lost(0.1, reused=reused, body=body).code == "PU02"


def test_a_machine_that_breaks_off_is_noted():
    world = World().machine("a")
    exchange = world.exchange()
    exchange.begin(0.0)
    said(exchange, None)
    exchange.finished(2.0, complete=False)
    assert (exchange.hops[0].outcome, exchange.hops[0].code) == (Outcome.ERROR, "PU02")


# ── timeout and fallback ────────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_that_nobody_takes_in_time_falls_back_to_its_origin():
    world = World().machine("a").machine("b", "nrt", "stopped")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert said(exchange, "instance=b;timeout=2s;fallback=force_self;state=x") == Wake("b", 3.0)
    effect = exchange.expired(3.0)
    assert to(effect) == "a"
    ((name, value),) = effect.headers
    failure = parse_failure(value)
    assert name == "fly-replay-failed"
    assert (failure.instance, failure.app, failure.replay_source) == ("b", "rooms", "a")
    assert (failure.reason, failure.elapsed_ms) == (FailureReason.TIMEOUT, 2000)
    assert exchange.hops[-1].cause is Cause.FALLBACK
    assert world.held("a", "b") == [1, 0]


def test_a_fallback_request_may_not_be_replayed():
    world = World().machine("a").machine("b", "nrt", "stopped", autostart=False)
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = said(exchange, 'region="nrt";fallback=force_self')
    assert to(effect) == "a"
    failure = parse_failure(effect.headers[0][1])
    assert (failure.reason, failure.region) == (FailureReason.NO_CANDIDATE, "nrt")
    assert said(exchange, "region=ams").code == "PA02"


def test_prefer_self_takes_a_sibling_when_the_origin_is_gone():
    world = World().machine("a").machine("c", "fra").machine("b", "nrt")
    exchange = world.exchange()
    exchange.begin(0.0)
    effect = said(exchange, "instance=b;fallback=prefer_self")
    world.view.drop("a")
    world.machine("b", "nrt", "stopped", autostart=False)
    effect = exchange.refused("PC01", 2.0)
    assert to(effect) == "c"
    assert parse_failure(effect.headers[0][1]).reason is FailureReason.RETRIES_EXHAUSTED


def test_a_timeout_without_fallback_ends_sooner():
    world = World().machine("a").machine("b", "nrt", "replacing")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert said(exchange, "instance=b;timeout=1s") == Pause(0.05, 2.0)
    effect = exchange.expired(2.0)
    assert (effect.status, effect.code) == (504, "PR04")


def test_a_timeout_ends_when_the_target_takes_the_connection():
    world = World(replay=ReplaySettings(timeout_cancels=True)).machine("a").machine("b", "nrt")
    exchange = world.exchange()
    exchange.begin(0.0)
    assert said(exchange, "instance=b;timeout=1s").deadline == 2.0
    exchange.connected(1.9)
    assert said(exchange, None, 60.0, status=500) == Relay()


def test_a_connection_that_hangs_past_the_timeout_falls_back():
    world = World().machine("a").machine("b", "nrt", hard=1)
    exchange = world.exchange()
    exchange.begin(0.0)
    said(exchange, "instance=b;timeout=1s;fallback=force_self")
    assert to(exchange.expired(2.0)) == "a"
    world.loads.reserve("b")
    exchange = world.exchange(fly_prefer_instance_id="a")
    exchange.begin(0.0)
    assert said(exchange, "instance=b;timeout=1s;fallback=force_self") == Queue(2.0)
    assert to(exchange.expired(2.0)) == "a"


# ── always ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_out_of_turn_is_refused_and_changes_nothing():
    world = World().machine("a")
    exchange = world.exchange()
    with pytest.raises(RuleError, match="does not expect 'woke'"):
        exchange.woke(0.0)
    exchange.begin(0.0)
    with pytest.raises(RuleError, match="begin"):
        exchange.begin(0.0)
    assert world.held("a") == [1]
    exchange.abandoned(1.0)
    with pytest.raises(RuleError, match="abandoned"):
        exchange.abandoned(1.0)
    assert world.held("a") == [0]
    assert exchange.hops[0].outcome is Outcome.GONE


def test_a_client_that_leaves_before_anybody_was_chosen_holds_nothing():
    world = World().machine("a", state="stopping")
    exchange = world.exchange()
    exchange.begin(0.0)
    exchange.abandoned(1.0)
    assert exchange.hops == []


REPLAYS = [None, "instance=b", "region=nrt;timeout=1s;fallback=force_self", "elsewhere=true", "app=x", "bad=", b"{}"]


@given(st.data())
def test_whatever_happens_a_place_is_given_back_exactly_once(data):
    states = st.sampled_from(["started", "stopped", "stopping", "created"])
    world = World(attempts=4, connect_tries=3, switch_after=2, replays=3)
    for machine, region in (("a", "ams"), ("b", "nrt"), ("c", "ams")):
        world.machine(machine, region, data.draw(states), hard=data.draw(st.none() | st.integers(1, 2)))
    exchange = world.exchange(length=data.draw(st.none() | st.integers(0, 5)))
    now = 0.0
    for _ in range(60):
        possible = [event for event, phases in EXPECTED.items() if exchange.phase in phases]
        if not possible:
            break
        now += data.draw(st.sampled_from([0.0, 0.5, 70.0]))
        event = data.draw(st.sampled_from(sorted(possible)))
        body = Body(data.draw(st.integers(0, 5)), data.draw(st.booleans()), data.draw(st.booleans()))
        match event:
            case "begin" | "woke" | "paused" | "connected" | "abandoned" | "finished":
                getattr(exchange, event)(now)
            case "expired":
                with suppress(RuleError):  # only some effects set a deadline
                    exchange.expired(now)
            case "wake_failed":
                exchange.wake_failed("PM01", "no", now)
            case "refused":
                exchange.refused("PC01", now)
            case "lost":
                exchange.lost(now, reused=data.draw(st.booleans()), reset=data.draw(st.booleans()), body=body)
            case "piped":
                Piped(*exchange.piped()).finished(now)
            case "joined":
                exchange.joined(now)
            case "collected":
                exchange.collected(body, now)
            case "responded":
                exchange.responded(200, data.draw(st.sampled_from(REPLAYS)), body, now, wall=WALL)
        if data.draw(st.booleans()):
            world.machine("a", "ams", data.draw(states))
        assert sum(world.held("a", "b", "c")) <= 1
    if exchange.phase is not Phase.DONE:
        exchange.abandoned(now)
    assert world.held("a", "b", "c") == [0, 0, 0]
    assert all(hop.ended is not None for hop in exchange.hops)
