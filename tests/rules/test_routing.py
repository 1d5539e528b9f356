"""Which machine gets a request."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.published.network import rtt
from flylab.rules.routing import AppRow, Choice, Loads, NoCandidate, Row, View, Wanted, choose
from flylab.wire.machine import Concurrency, MachineState, Port, Service

WEB = (Port(port=80, handlers=("http",)),)


def service(*, autostart=True, soft=None, hard=None, kind="connections", ports=WEB, internal_port=8080):
    return Service(
        internal_port=internal_port,
        autostart=autostart,
        ports=ports,
        concurrency=Concurrency(type=kind, soft_limit=soft, hard_limit=hard),
    )


def row(machine_id, region="ams", state="started", *, app="rooms", of=None, **more):
    return Row(
        id=machine_id,
        app=app,
        region=region,
        state=MachineState(state),
        version="v1",
        services=(of or service(),) if of is not False else (),
        **more,
    )


def world(*rows, loads=None):
    view, counted = View(), Loads()
    for one in rows:
        view.put_app(AppRow(name=one.app, organization="personal"))
        view.put(one)
        for _ in range((loads or {}).get(one.id, 0)):
            counted.reserve(one.id)
    return view, counted


def chosen(*rows, loads=None, edge="ams", seed=1, **wanted):
    view, counted = world(*rows, loads=loads)
    return choose(view, counted, Wanted(app="rooms", **wanted), edge_region=edge, rtt=rtt(), rng=Random(seed))


CASES = [
    ("the nearest region wins", [row("a", "iad"), row("b", "lhr")], {}, {}, "b"),
    ("below soft before over soft", [row("a"), row("b")], {"a": 20}, {}, "b"),
    ("soft limits do not leave the region", [row("a"), row("b", "lhr")], {"a": 50}, {}, "a"),
    (
        "a stopped machine in the region beats one over its soft limit",
        [row("a"), row("b", state="stopped")],
        {"a": 20},
        {},
        "b",
    ),
    ("a running machine beats a stopped one", [row("a", state="stopped"), row("b")], {}, {}, "b"),
    (
        "one that is starting beats another stopped one",
        [row("a", state="stopped"), row("b", state="starting")],
        {},
        {},
        "b",
    ),
    (
        "one that is being woken beats another stopped one",
        [row("a", state="stopped"), row("b", state="suspended")],
        {"b": 1},
        {},
        "b",
    ),
    (
        "a stopped machine nearby beats a running one far away",
        [row("a", state="stopped"), row("b", "nrt")],
        {},
        {},
        "a",
    ),
    ("the hard limit moves on", [row("a", of=service(hard=2)), row("b", "nrt")], {"a": 2}, {}, "b"),
    ("a cordoned machine is left out", [row("a", cordoned=True), row("b", "nrt")], {}, {}, "b"),
    ("an unhealthy machine is left out", [row("a", healthy=False), row("b", "nrt")], {}, {}, "b"),
    ("a machine without service is left out", [row("a", of=False), row("b", "nrt")], {}, {}, "b"),
    (
        "a machine without autostart stays down",
        [row("a", state="stopped", of=service(autostart=False)), row("b", "nrt")],
        {},
        {},
        "b",
    ),
    ("a created machine is no candidate", [row("a", state="created"), row("b", "nrt")], {}, {}, "b"),
    ("regions in order", [row("a"), row("b", "nrt"), row("c", "syd")], {}, {"regions": ("syd", "nrt")}, "c"),
    ("the next region when the first has nobody", [row("a"), row("b", "nrt")], {}, {"regions": ("syd", "nrt")}, "b"),
    ("an alias means its nearest", [row("a", "nrt"), row("b", "lhr"), row("c", "fra")], {}, {"regions": ("eu",)}, "b"),
    ("any means every region", [row("a", "nrt")], {}, {"regions": ("syd", "any")}, "a"),
    (
        "a preferred region spills over",
        [row("a", "nrt"), row("b", "lhr")],
        {},
        {"regions": ("syd",), "region_forced": False},
        "b",
    ),
    (
        "one that autostop is about to stop is left alone",
        [row("a", draining=True), row("b", state="stopped")],
        {},
        {},
        "b",
    ),
    ("rather than overload another it stays", [row("a", draining=True), row("b")], {"b": 20}, {}, "a"),
    ("and it is nearer than the next region", [row("a", draining=True), row("b", "nrt")], {}, {}, "a"),
    ("exactly this machine", [row("a"), row("b", "nrt")], {}, {"instance": "b"}, "b"),
    ("the preferred machine", [row("a"), row("b", "nrt")], {"b": 30}, {"prefer_instance": "b"}, "b"),
    ("the origin left out", [row("a"), row("b", "nrt")], {}, {"without": frozenset({"a"})}, "b"),
]


@pytest.mark.parametrize(
    ("rows", "loads", "wanted", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_choice(rows, loads, wanted, expected):
    found = chosen(*rows, loads=loads, **wanted)
    assert isinstance(found, Choice), found
    assert found.row.id == expected
    assert found.wake is (found.row.state is not MachineState.STARTED or found.row.draining)


def test_a_preferred_machine_that_cannot_be_used_is_named():
    found = chosen(row("a"), row("b", of=service(hard=1)), loads={"b": 1}, prefer_instance="b")
    assert isinstance(found, Choice)
    assert (found.row.id, found.unavailable) == ("a", "b")


def test_when_all_are_over_their_soft_limit_a_stopped_one_abroad_is_started_if_so_wanted():
    """DOCUMENTED reference/fly-proxy-autostop-autostart against reference/load-balancing: a switch, off."""
    rows = [row("a"), row("b", "nrt", state="stopped"), row("c", "lhr", state="suspended"), row("d", "fra")]
    rows.append(row("e", "cdg", state="stopped", of=service(autostart=False)))
    view, loads = world(*rows, loads={"a": 20})
    asked = {"edge_region": "ams", "rtt": rtt(), "rng": Random(1)}
    assert choose(view, loads, Wanted(app="rooms"), **asked).row.id == "a"
    assert choose(view, loads, Wanted(app="rooms"), **asked, start_abroad=True).row.id == "c"
    forced = Wanted(app="rooms", regions=("ams",))
    assert choose(view, loads, forced, **asked, start_abroad=True).row.id == "a"
    loads.release("a")
    assert choose(view, loads, Wanted(app="rooms"), **asked, start_abroad=True).row.id == "a"


def test_equal_machines_share_by_chance_and_the_same_seed_chooses_the_same():
    picks = {chosen(row("a"), row("b"), row("c"), seed=seed).row.id for seed in range(30)}
    assert picks == {"a", "b", "c"}
    assert chosen(row("a"), row("b"), seed=5) == chosen(row("b"), row("a"), seed=5)


REFUSED = [
    ("no machines", [row("x", app="other")], {}, {}, "PR01", False, False),
    ("all at the hard limit", [row("a", of=service(hard=1))], {"a": 1}, {}, "PL01", True, False),
    ("requests at the hard limit", [row("a", of=service(hard=1, kind="requests"))], {"a": 1}, {}, "PL02", True, False),
    ("stopping passes", [row("a", state="stopping")], {}, {}, "PR03", False, True),
    ("failing checks pass", [row("a", healthy=False)], {}, {}, "PR01", False, True),
    ("no autostart", [row("a", state="stopped", of=service(autostart=False))], {}, {}, "PR03", False, False),
    ("a created machine", [row("a", state="created")], {}, {}, "PR03", False, False),
    ("nobody in the region", [row("a")], {}, {"regions": ("nrt",)}, "PR03", False, False),
    ("nobody else", [row("a")], {}, {"without": frozenset({"a"})}, "PR03", False, False),
    ("a machine that is gone", [row("a")], {}, {"instance": "b"}, "PR04", False, True),
    ("a machine of another app", [row("a"), row("b", app="x")], {}, {"instance": "b"}, "PA03", False, False),
    (
        "a machine that was ruled out",
        [row("a")],
        {},
        {"instance": "a", "without": frozenset({"a"})},
        "PR04",
        False,
        False,
    ),
    ("a raw port", [row("a", of=service(ports=(Port(port=80),)))], {}, {}, "PR01", False, False),
    (
        "another public port",
        [row("a", of=service(ports=(Port(port=81, handlers=("http",)),)))],
        {},
        {},
        "PR01",
        False,
        False,
    ),
]


@pytest.mark.parametrize(
    ("rows", "loads", "wanted", "code", "busy", "soon"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_no_candidate(rows, loads, wanted, code, busy, soon):
    found = chosen(*rows, loads=loads, **wanted)
    assert isinstance(found, NoCandidate)
    assert (found.code, found.busy, found.soon) == (code, busy, soon)


def test_port_80_is_served_before_443():
    secure = service(ports=(Port(port=443, handlers=("tls", "http")),), internal_port=1)
    plain = service(internal_port=2)
    only = Row(id="a", app="rooms", region="ams", state=MachineState.STARTED, version="1", services=(secure, plain))
    assert chosen(only).service.internal_port == 2
    assert chosen(row("b", of=secure)).service.internal_port == 1


def test_an_app_is_found_by_host():
    view, _ = world(row("a"))
    view.put_host("Example.com", "rooms")
    for host in ("rooms.fly.dev", "ROOMS.localhost:4300", "rooms.localhost.", "example.com:80"):
        assert view.app_of_host(host) == "rooms"
    for host in ("", "rooms", "other.fly.dev", "x.rooms.fly.dev", "fly.dev"):
        assert view.app_of_host(host) is None


def test_a_wildcard_stands_for_one_label():
    view, _ = world(row("a"), row("c", app="other"))
    view.put_host("*.example.com", "rooms")
    view.put_host("blue.example.com", "other")
    assert view.app_of_host("RED.example.com:4300") == "rooms"
    assert view.app_of_host("blue.example.com") == "other"
    for host in ("example.com", "a.red.example.com", ".com", "*"):
        assert view.app_of_host(host) is None
    view.drop_host("blue.example.com")
    view.drop_host("nobody.example.com")
    assert view.app_of_host("blue.example.com") == "rooms"


def test_what_is_dropped_is_gone():
    view, _ = world(row("a"), row("b"), row("c", app="other"))
    view.put_host("example.com", "rooms")
    view.drop("b")
    view.drop("b")
    assert [one.id for one in view.rows("rooms")] == ["a"]
    view.drop_app("rooms")
    view.drop_app("rooms")
    assert view.row("a") is None
    assert view.app_of_host("example.com") is None
    assert view.app("other") is not None
    assert view.row("c") is not None


def test_a_release_is_told_once():
    loads, told = Loads(), []
    loads.reserve("a")
    loads.reserve("a")
    loads.on_release(lambda: told.append(loads.of("a")))
    loads.release("a")
    loads.release("a")
    assert told == [1]
    assert loads.of("a") == 0
    with pytest.raises(ValueError, match="no request to release"):
        loads.release("a")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=50))
def test_loads_never_fall_below_zero(steps):
    loads = Loads()
    for machine, reserve in steps:
        if reserve:
            loads.reserve(machine)
        elif loads.of(machine):
            loads.release(machine)
        else:
            with pytest.raises(ValueError, match=machine):
                loads.release(machine)
        assert all(loads.of(one) >= 0 for one in "abc")


states = st.sampled_from(MachineState)
rows = st.lists(
    st.builds(
        lambda number, region, state, hard, autostart, cordoned, healthy: row(
            f"m{number}", region, state, of=service(hard=hard, autostart=autostart), cordoned=cordoned, healthy=healthy
        ),
        st.integers(0, 9),
        st.sampled_from(["ams", "iad", "nrt"]),
        states,
        st.none() | st.integers(1, 3),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@given(rows, st.dictionaries(st.sampled_from([f"m{n}" for n in range(10)]), st.integers(0, 4)), st.integers(0, 5))
def test_a_choice_is_never_cordoned_full_or_down(machines, loads, seed):
    found = chosen(*machines, loads=loads, seed=seed)
    if isinstance(found, Choice):
        limit = found.service.concurrency.hard_limit
        _, counted = world(*machines, loads=loads)
        assert not found.row.cordoned
        assert limit is None or counted.of(found.row.id) < limit
        assert found.row.state is MachineState.STARTED or found.wake


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ams", "iad", "nrt"]),
            st.sampled_from(["started", "starting", "stopped", "suspended", "stopping", "created"]),
            st.integers(0, 4),
            st.booleans(),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.sampled_from(["ams", "iad", "nrt"]),
)
def test_the_choice_is_the_best_by_the_order_of_the_documentation(machines, edge):
    """DOCUMENTED reference/load-balancing: the closest region, then the band of load; never at the hard limit."""
    rows, loads = [], {}
    for number, (region, state, load, healthy, draining) in enumerate(machines):
        going = draining and state == "started"
        rows.append(row(str(number), region, state, of=service(soft=2, hard=4), healthy=healthy, draining=going))
        loads[str(number)] = load

    def rank(one):
        load, state = loads[one.id], str(one.state)
        if load >= 4 or state in ("stopping", "created") or (state == "started" and not one.healthy):
            return None
        if load >= 2:
            band = 5
        elif state == "started":
            band = 4 if one.draining else 1
        else:
            band = 2 if load or state == "starting" else 3
        return rtt()(edge, one.region), band

    ranks = {one.id: found for one in rows if (found := rank(one)) is not None}
    found = chosen(*rows, loads=loads, edge=edge)
    if ranks:
        assert isinstance(found, Choice)
        assert ranks[found.row.id] == min(ranks.values())
    else:
        assert isinstance(found, NoCandidate)
