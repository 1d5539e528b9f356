"""Which machine takes a room next, or where one is made: the order, the bounds, and that lobbies agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pool import Bounds, Make, Nowhere, Use, order_regions, plan, template
from flylab.wire.config import MachineConfig
from flylab.wire.machine import Machine, MachineState, Mount
from flylab.wire.services import Port, Service

WEB = Service(internal_port=8080, ports=(Port(port=443, handlers=("tls", "http")),), autostart=True)
CONFIG = MachineConfig(image="rooms:1", services=(WEB,))
FEW = Bounds(most=20, most_per_region=2, regions=frozenset({"ams", "iad", "nrt"}))
NONE = Bounds(most=20, most_per_region=2, regions=frozenset())
ORDER = ("ams", "iad", "nrt")


def a_machine(name: str, region: str = "ams", state: MachineState = MachineState.STARTED, **more: object) -> Machine:
    return Machine(id=name, name=name, region=region, state=state, **{"config": CONFIG} | more)  # type: ignore[arg-type]


def decide(
    *machines: Machine,
    bounds: Bounds = FEW,
    tried: tuple[str, ...] = (),
    order: tuple[str, ...] = ORDER,
    edge: str = "ams",
    room: str = "blue",
) -> Use | Make | Nowhere:
    return plan(room, machines, order=order, bounds=bounds, tried=tried, edge=edge)


STOPPED, CREATED, STARTING = MachineState.STOPPED, MachineState.CREATED, MachineState.STARTING
ILL = {"name": "web", "status": "critical"}
NO_WEB = MachineConfig(image="rooms:1")
NO_AUTOSTART = MachineConfig(image="rooms:1", services=(Service(internal_port=8080, ports=WEB.ports),))


@pytest.mark.parametrize(
    ("machines", "use"),
    [
        ([a_machine("a"), a_machine("b", state=STOPPED)], Use(machine="a", region="ams")),
        ([a_machine("a", state=CREATED), a_machine("b", state=STOPPED)], Use(machine="b", region="ams")),
        ([a_machine("a", state=MachineState.SUSPENDED)], Use(machine="a", region="ams")),
        ([a_machine("a", state=CREATED)], Use(machine="a", region="ams", coming=True)),
        ([a_machine("a", state=STARTING)], Use(machine="a", region="ams", coming=True)),
        ([a_machine("a", "iad"), a_machine("b", state=STOPPED)], Use(machine="b", region="ams")),
        ([a_machine("a", cordoned=True), a_machine("b", state=STOPPED)], Use(machine="b", region="ams")),
        ([a_machine("a", host_status="unreachable"), a_machine("b", state=STOPPED)], Use(machine="b", region="ams")),
        ([a_machine("a", checks=(ILL,)), a_machine("b", state=STOPPED)], Use(machine="b", region="ams")),
    ],
)  # fmt: skip
def test_in_one_region_running_comes_first_then_stopped_then_coming(machines: list[Machine], use: Use) -> None:
    assert decide(*machines) == use


@pytest.mark.parametrize(
    "machine",
    [
        a_machine("a", config=NO_WEB),  # the proxy cannot reach it
        a_machine("a", state=STOPPED, config=NO_AUTOSTART),  # nobody would wake it
        a_machine("a", state=MachineState.FAILED),
        a_machine("a", state=MachineState.STOPPING),
        a_machine("a", state=MachineState.DESTROYED),
        a_machine("a", config=MachineConfig()),  # its host is away and its configuration with it
    ],
)
def test_a_machine_that_cannot_take_a_visitor_is_not_used(machine: Machine) -> None:
    assert isinstance(decide(machine, bounds=NONE), Nowhere)


def test_an_empty_region_gets_a_machine_of_the_first_free_name() -> None:
    assert decide() == Make(region="ams", name="rooms-ams-1")
    failed = a_machine("rooms-ams-1", state=MachineState.FAILED)
    assert decide(failed) == Make(region="ams", name="rooms-ams-2")
    gone = a_machine("rooms-ams-1", state=MachineState.DESTROYED)  # its name is free again
    assert decide(gone) == Make(region="ams", name="rooms-ams-1")


def test_a_region_at_its_bound_gives_way_to_the_next() -> None:
    busy = [a_machine("a", state=MachineState.FAILED), a_machine("b", state=MachineState.STOPPING)]
    assert decide(*busy) == Make(region="iad", name="rooms-iad-1")
    all_in_all = Bounds(most=2, most_per_region=9, regions=FEW.regions)
    assert isinstance(decide(*busy, bounds=all_in_all), Nowhere)


def test_a_region_where_none_may_be_made_gives_way_to_the_next() -> None:
    not_here = Bounds(most=20, most_per_region=2, regions=frozenset({"iad"}))
    assert decide(bounds=not_here) == Make(region="iad", name="rooms-iad-1")


def test_a_machine_nearly_as_near_is_spared_another_one() -> None:
    paris = ("cdg", "ams", "iad")
    bounds = Bounds(most=9, most_per_region=2, regions=frozenset(paris))
    assert decide(a_machine("a", "ams"), order=paris, edge="cdg", bounds=bounds) == Use(machine="a", region="ams")
    assert decide(a_machine("a", "iad"), order=paris, edge="cdg", bounds=bounds) == Make(
        region="cdg", name="rooms-cdg-1"
    )  # fmt: skip
    # Who asked for the region gets it.
    assert decide(a_machine("a", "ams"), order=paris, edge="", bounds=bounds) == Make(region="cdg", name="rooms-cdg-1")


def test_machines_that_turned_the_room_away_are_not_asked_again() -> None:
    machines = [a_machine(name) for name in "abcd"] + [a_machine("z", state=STOPPED)]
    first = decide(*machines)
    assert isinstance(first, Use)
    second = decide(*machines, tried=(first.machine,))
    assert isinstance(second, Use)
    assert second.machine not in (first.machine, "z")
    # After two full ones an empty one is asked before the third.
    assert decide(*machines, tried=(first.machine, second.machine)) == Use(machine="z", region="ams")
    assert isinstance(decide(*machines, tried=tuple("abcdz"), bounds=NONE), Nowhere)


def test_rooms_spread_over_the_machines_of_a_region() -> None:
    machines = [a_machine(name) for name in "abcd"]
    used = [decide(*machines, room=f"room-{n}") for n in range(200)]
    counts = [sum(use == Use(machine=name, region="ams") for use in used) for name in "abcd"]
    assert min(counts) > 20


machines = st.lists(
    st.builds(
        lambda number, region, state: a_machine(f"rooms-{region}-{number}", region, state),
        st.integers(1, 3),
        st.sampled_from(ORDER),
        st.sampled_from(MachineState),
    ),
    max_size=8,
    unique_by=lambda machine: machine.id,
)


@given(machines, st.permutations(range(8)), st.sets(st.sampled_from(["rooms-ams-1", "rooms-iad-2"])))
def test_two_lobbies_that_see_the_same_choose_the_same(fleet: list[Machine], order: list[int], tried: set[str]) -> None:
    shuffled = [fleet[i] for i in order if i < len(fleet)]
    assert decide(*fleet, tried=tuple(tried)) == decide(*shuffled, tried=tuple(tried))


@given(machines, st.integers(0, 4), st.integers(0, 12))
def test_the_bounds_hold_and_every_plan_makes_sense(fleet: list[Machine], a_region: int, in_all: int) -> None:
    bounds = Bounds(most=in_all, most_per_region=a_region, regions=frozenset({"ams", "nrt"}))
    gone = {MachineState.DESTROYED, MachineState.DESTROYING, MachineState.LAUNCH_FAILED}
    live = [machine for machine in fleet if machine.state not in gone]
    match decide(*fleet, bounds=bounds, tried=("rooms-ams-1",)):
        case Use(machine=used):
            assert used in {machine.id for machine in live} - {"rooms-ams-1"}
        case Make(region=region, name=name):
            assert region in bounds.regions
            assert name not in {machine.name for machine in live}
            assert len(live) < in_all
            assert sum(machine.region == region for machine in live) < a_region
            assert int(name.rpartition("-")[2]) <= a_region


def test_regions_are_asked_from_the_visitor_outwards() -> None:
    assert order_regions("lhr", (), wanted="", offered_here=("nrt", "iad", "ams")) == ["ams", "iad", "nrt"]
    assert order_regions("lhr", (), wanted="nrt", offered_here=("nrt", "iad", "ams"))[0] == "nrt"
    # From a wished region on, the next is the nearest to that one.
    assert order_regions("lhr", (), wanted="nrt", offered_here=("nrt", "sjc", "ams")) == ["nrt", "sjc", "ams"]
    assert order_regions("lhr", (a_machine("a", "gru"),), wanted="", offered_here=("ams",)) == ["ams", "gru"]
    assert order_regions("lhr", (), wanted="", offered_here=())[0] == "lhr"


def test_a_new_machine_is_like_the_one_that_was_changed_last() -> None:
    extra = {"standbys": ["m1"], "schedule": "daily", "dns": {"x": 1}}
    old = a_machine("a", updated_at="2026-01-01T00:00:00Z")
    mounts = (Mount(volume="vol_1", path="/data"),)
    config = MachineConfig(image="rooms:2", services=(WEB,), mounts=mounts, extra=extra)
    new = a_machine("b", updated_at="2026-02-01T00:00:00Z", config=config)
    broken = a_machine("c", updated_at="2026-03-01T00:00:00Z", config=MachineConfig())
    made = template([new, old, broken])
    assert made is not None
    assert (made.image, made.mounts, made.extra) == ("rooms:2", (), {"dns": {"x": 1}})
    assert template([broken]) is None
    assert template([]) is None
