"""The short list: it gives what the choice among all machines would give, or nothing, whatever changes meanwhile."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from flylab.published.network import rtt
from flylab.rules.routing import AppRow, Choice, Loads, Row, View, Wanted, choose
from flylab.rules.shortlist import Shortlist, listed
from flylab.wire.machine import Concurrency, MachineState, Port, Service

STATES = (MachineState.STARTED, MachineState.STOPPED, MachineState.STARTING, MachineState.STOPPING)
REGIONS = ("ams", "iad", "nrt")


def service(soft: int | None, hard: int | None, *, public: bool, autostart: bool) -> Service:
    return Service(
        internal_port=8080,
        autostart=autostart,
        ports=(Port(port=80, handlers=("http",)),) if public else (),
        concurrency=Concurrency(type="requests", soft_limit=soft, hard_limit=hard),
    )


limits = st.none() | st.integers(0, 3)
services = st.builds(service, limits, limits, public=st.integers(0, 5).map(bool), autostart=st.booleans())
rows = st.builds(
    Row,
    id=st.sampled_from("abcdef"),
    app=st.just("rooms"),
    region=st.sampled_from(REGIONS),
    state=st.sampled_from((*STATES[:1] * 4, *STATES)),
    version=st.just("1"),
    services=st.tuples(services),
    cordoned=st.integers(0, 5).map(lambda one: not one),
    healthy=st.integers(0, 5).map(bool),
)
steps = st.lists(
    st.tuples(st.just("put"), rows) | st.tuples(st.sampled_from(("drop", "load", "rest")), rows), max_size=12
)


@given(steps, st.integers())
def test_it_agrees_with_the_choice_among_all(changes, seed):
    view, loads = View(), Loads()
    view.put_app(AppRow(name="rooms", organization="personal"))
    listed = Shortlist("ams", rtt())
    wanted = Wanted(app="rooms")
    for what, row in changes:
        if what == "put":
            if (known := view.row(row.id)) is not None:
                view.drop(known.id)
            view.put(row)
        elif what == "drop":
            view.drop(row.id)
        elif what == "load":
            loads.reserve(row.id)
        elif loads.of(row.id):
            loads.release(row.id)
        found = listed.pick(view, wanted, loads, Random(seed))
        if found is not None:
            assert found == choose(view, loads, wanted, edge_region="ams", rtt=rtt(), rng=Random(seed))


wishes = st.builds(
    Wanted,
    app=st.sampled_from(("rooms", "rooms", "other")),
    regions=st.sampled_from(((), ("ams",), ("nrt", "ams"), ("eu",), ("any",), ("iad", "lhr"))),
    region_forced=st.booleans(),
    instance=st.none() | st.sampled_from("abcx"),
    prefer_instance=st.none() | st.sampled_from("abcx"),
    without=st.frozensets(st.sampled_from("abc"), max_size=2),
)


@given(st.lists(rows, max_size=8), st.lists(st.sampled_from("abcdef"), max_size=8), wishes, st.integers())
def test_with_any_wish_it_agrees_with_the_choice_among_all(put, busy, wanted, seed):
    view, loads = View(), Loads()
    for row in put:
        view.put(row)
    ready = listed(view, wanted, "ams", rtt())
    for machine in busy:
        loads.reserve(machine)
    free = [choice for machine, below, choice in ready if loads.of(machine) < below]
    if free:
        found = free[0] if len(free) == 1 else Random(seed).choice(free)
        assert found == choose(view, loads, wanted, edge_region="ams", rtt=rtt(), rng=Random(seed))


def test_a_wish_for_one_machine_is_met_up_to_its_hard_limit():
    view = View()
    for name, hard in (("a", 3), ("b", None)):
        services_of = (service(1, hard, public=True, autostart=True),)
        view.put(Row(id=name, app="rooms", region="nrt", state=STATES[0], version="1", services=services_of))
    for wish in ({"instance": "a"}, {"prefer_instance": "a"}):
        ((machine, below, _),) = listed(view, Wanted(app="rooms", **wish), "ams", rtt())
        assert (machine, below) == ("a", 3)
    ((_, below, _),) = listed(view, Wanted(app="rooms", instance="b"), "ams", rtt())
    assert below > 1_000_000
    assert [one[:2] for one in listed(view, Wanted(app="rooms", regions=("nrt",)), "ams", rtt())] == [
        ("a", 1),
        ("b", 1),
    ]


def test_it_decides_for_a_running_machine_below_its_limits_and_for_nothing_else():
    view, loads = View(), Loads()
    row = Row(
        id="a", app="rooms", region="ams", state=STATES[0], version="1",
        services=(service(1, 2, public=True, autostart=True),),
    )  # fmt: skip
    view.put(row)
    listed = Shortlist("ams", rtt())
    found = listed.pick(view, Wanted(app="rooms"), loads, Random(1))
    assert isinstance(found, Choice)
    assert found.row is row
    for wish in (
        Wanted(app="other"),
        Wanted(app="rooms", regions=("ams",)),
        Wanted(app="rooms", instance="a"),
        Wanted(app="rooms", prefer_instance="a"),
        Wanted(app="rooms", without=frozenset({"b"})),
    ):
        assert listed.pick(view, wish, loads, Random(1)) is None
    loads.reserve("a")
    assert listed.pick(view, Wanted(app="rooms"), loads, Random(1)) is None
