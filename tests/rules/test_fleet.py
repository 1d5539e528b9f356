"""Apps and machines together: names, deletion, metadata, what comes back after a restart."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.actions import (
    Action,
    AppChanged,
    AppDropped,
    Changed,
    Forgotten,
    LaunchNext,
    Noted,
    Remove,
    Terminate,
)
from flylab.rules.apps import AppEntry
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.leases import ReleaseLease, TakeLease
from flylab.rules.life import Life, LifeSettings
from flylab.rules.memory import SetMemoryLimit
from flylab.rules.metadata import SetMetadata
from flylab.rules.orders import Cordon, CreateApp, CreateMachine, DeleteApp, FleetEvent, Happened
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S

CONFIG = MachineConfig(image="local/sleep", metadata={"a": "1", "b": "2"})


def new_fleet(*events: FleetEvent) -> Fleet:
    numbers = count(1)
    fleet = Fleet(FleetSettings(), lambda _: f"e{next(numbers)}")
    for event in (CreateApp(id="1", name="rooms", organization="personal"), *events):
        fleet.apply(event, 1.0)
    return fleet


def machine(machine_id: str, name: str = "", app: str = "rooms") -> CreateMachine:
    name = name or f"name-{machine_id}"
    return CreateMachine(id=machine_id, app=app, name=name, region="ams", config=CONFIG, version=f"v-{machine_id}")


def start(machine_id: str) -> tuple[FleetEvent, ...]:
    return (machine(machine_id), Happened(machine_id, on.Start()), Happened(machine_id, on.Started()))


def kinds(actions: list[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


def refusal(fleet: Fleet, event: FleetEvent) -> str:
    with pytest.raises(RuleError) as caught:
        fleet.apply(event, 2.0)
    return caught.value.code


@pytest.mark.parametrize("name", ["", "Rooms", "a_b", "a" * 63, "a.b", "ä", "a b"])
def test_malformed_names_are_refused(name: str) -> None:
    assert refusal(new_fleet(), CreateApp(id="2", name=name, organization="personal")) == "unprocessable"


@given(st.from_regex(r"[a-z0-9-]{1,62}", fullmatch=True))
def test_good_names_are_taken_once(name: str) -> None:
    fleet = Fleet(FleetSettings(), lambda _: "e")
    assert fleet.apply(CreateApp(id="1", name=name, organization="o"), 1.0) == [AppChanged(name)]
    assert refusal(fleet, CreateApp(id="2", name=name, organization="o")) == "name_taken"


def test_the_same_idempotency_key_returns_the_first_app() -> None:
    fleet = new_fleet(CreateApp(id="2", name="lobby", organization="o", idempotency_key="k"))
    for name in ("lobby", ""):
        assert fleet.apply(CreateApp(id="3", name=name, organization="o", idempotency_key="k"), 2.0) == []
    assert refusal(fleet, CreateApp(id="3", name="other", organization="o", idempotency_key="k")) == "unprocessable"
    assert [app.name for app in fleet.apps("o")] == ["lobby"]


def test_an_app_shows_how_it_is() -> None:
    fleet = new_fleet()
    assert fleet.show_app("rooms").status == "pending"
    for event in start("m1"):
        fleet.apply(event, 2.0)
    shown = fleet.show_app("rooms")
    assert (shown.status, shown.machine_count, shown.organization) == ("deployed", 1, "personal")
    fleet.apply(Happened("m1", on.Stop()), 3.0)
    fleet.apply(Happened("m1", on.Exited()), 3.0)
    assert fleet.show_app("rooms").status == "suspended"


def test_what_does_not_exist_is_not_found() -> None:
    fleet = new_fleet(machine("m1"), CreateApp(id="2", name="lobby", organization="o"))
    assert refusal(fleet, machine("m2", app="nowhere")) == "not_found"
    assert refusal(fleet, DeleteApp(name="nowhere")) == "not_found"
    assert refusal(fleet, Happened("m9", on.Start())) == "machine_not_found"
    assert refusal(fleet, Cordon("m9", True)) == "machine_not_found"
    with pytest.raises(RuleError, match="machine not found"):
        fleet.machine("lobby", "m1")
    assert fleet.find("m9") is None


def test_a_machine_is_created_and_launched_in_two_steps() -> None:
    fleet = new_fleet()
    actions = fleet.apply(machine("148e21d4b2c0a1"), 2.0)
    assert kinds(actions) == [Noted, Changed, LaunchNext]
    life = fleet.machine("rooms", "148e21d4b2c0a1")
    assert life.state is S.CREATED
    stays = fleet.apply(CreateMachine(**{**fields(machine("m2")), "launch": False, "cordoned": True}), 2.0)
    assert kinds(stays) == [Noted, Changed]
    assert fleet.machine("rooms", "m2").cordoned


def fields(event: CreateMachine) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def test_names_of_machines_are_unique_while_they_live() -> None:
    fleet = new_fleet(machine("m1", "blue"), CreateApp(id="2", name="lobby", organization="o"))
    with pytest.raises(RuleError, match="machine ID m1") as caught:
        fleet.apply(machine("m2", "blue"), 2.0)
    assert caught.value.code == "already_exists"
    fleet.apply(machine("m3", "blue", app="lobby"), 2.0)
    fleet.apply(Happened("m1", on.Destroy()), 2.0)
    fleet.apply(Happened("m1", on.Removed()), 2.0)
    fleet.apply(machine("m2", "blue"), 2.0)


def test_destroyed_machines_are_forgotten_after_a_while() -> None:
    fleet = new_fleet(machine("m1"), Happened("m1", on.Destroy()), Happened("m1", on.Removed()))
    assert fleet.machine("rooms", "m1").state is S.DESTROYED
    keep = FleetSettings().keep_destroyed
    assert Forgotten("m1") not in fleet.apply(machine("m2"), 1.0 + keep)
    assert Forgotten("m1") in fleet.apply(machine("m3"), 1.5 + keep)
    with pytest.raises(RuleError):
        fleet.machine("rooms", "m1")


def test_an_app_with_running_machines_needs_force() -> None:
    fleet = new_fleet(*start("m1"))
    assert refusal(fleet, DeleteApp(name="rooms")) == "failed_precondition"
    actions = fleet.apply(DeleteApp(name="rooms", force=True), 3.0)
    assert kinds(actions) == [Terminate, Noted, Forgotten, AppDropped]
    assert [*fleet.machines()] == []
    # Its name is free at once, while the driver still has work with its machine.
    fleet.apply(CreateApp(id="2", name="rooms", organization="personal"), 3.0)
    assert fleet.find("m1") is not None
    assert kinds(fleet.apply(Happened("m1", on.Exited(0, 9)), 3.0)) == [Remove, Noted]
    assert kinds(fleet.apply(Happened("m1", on.Removed()), 3.0)) == [Noted]
    assert fleet.find("m1") is None


def test_an_app_with_resting_machines_goes_without_force() -> None:
    fleet = new_fleet(machine("m1"), machine("m2"), Happened("m2", on.Destroy()), Happened("m2", on.Removed()))
    actions = fleet.apply(DeleteApp(name="rooms"), 3.0)
    assert kinds(actions) == [Remove, Noted, Forgotten, Forgotten, AppDropped]


@pytest.mark.parametrize(
    ("setting", "launch", "starts"), [(False, True, False), (True, True, True), (True, False, False)]
)
def test_an_update_starts_a_stopped_machine_if_that_is_wanted(setting: bool, launch: bool, starts: bool) -> None:
    fleet = Fleet(FleetSettings(life=LifeSettings(update_starts=setting)), lambda _: "e")
    for event in (CreateApp(id="1", name="rooms", organization="o"), *start("m1")):
        fleet.apply(event, 1.0)
    update = on.Update(CONFIG, "v2", {}, launch=launch)
    assert LaunchNext("m1") not in fleet.apply(Happened("m1", update), 1.0)  # it runs: it is replaced
    for what in (on.Exited(), on.Started(), on.Stop(), on.Exited()):
        fleet.apply(Happened("m1", what), 1.0)
    assert (LaunchNext("m1") in fleet.apply(Happened("m1", update), 2.0)) is starts


def test_metadata_is_merged() -> None:
    fleet = new_fleet(machine("m1"))
    assert fleet.apply(SetMetadata(machine="m1", values={"b": "3", "c": "4", "a": None, "x": ""}), 2.0) == [
        Changed("m1")
    ]
    life = fleet.machine("rooms", "m1")
    assert (life.config.metadata, life.version, life.updated_at) == ({"b": "3", "c": "4"}, "v-m1", 2.0)


def test_metadata_has_preconditions() -> None:
    fleet = new_fleet(machine("m1"))
    updated_at = fleet.machine("rooms", "m1").machine().updated_at
    assert refusal(fleet, SetMetadata(machine="m1", values={}, version="v0")) == "failed_precondition"
    assert (
        refusal(fleet, SetMetadata(machine="m1", values={}, updated_at="2020-01-01T00:00:00Z")) == "failed_precondition"
    )
    fleet.apply(SetMetadata(machine="m1", values={"c": "1"}, version="v-m1", updated_at=updated_at), 2.0)


def test_a_cordon_keeps_and_goes() -> None:
    fleet = new_fleet(machine("m1"))
    for cordoned in (True, True, False):
        assert fleet.apply(Cordon("m1", cordoned), 2.0) == [Changed("m1")]
        assert fleet.machine("rooms", "m1").cordoned is cordoned


def test_a_platform_that_comes_back_finds_its_machines_stopped() -> None:
    before = new_fleet(*start("m1"), machine("m2"), *start("m3"), Happened("m3", on.ForceDestroy()), machine("m4"))
    for what in (on.Destroy(), on.Removed()):
        before.apply(Happened("m4", what), 2.0)
    after = Fleet(FleetSettings(), lambda _: "e")
    actions = after.restore(before.apps(), before.machines(), {}, 9.0)
    states = {life.id: life.state for life in after.machines()}
    assert states == {"m1": S.STOPPED, "m2": S.CREATED, "m3": S.DESTROYING, "m4": S.DESTROYED}
    assert [action for action in actions if isinstance(action, Remove)] == [Remove("m3")]
    assert after.app("rooms") == AppEntry(
        id="1", name="rooms", organization="personal", network="", created_at=1.0, idempotency_key=""
    )


names = st.sampled_from(["blue", "red"])
ids = st.sampled_from(["m1", "m2", "m3", "m4"])
WHAT = [on.Start(), on.Started(), on.Stop(), on.Exited(), on.Destroy(), on.Removed()]
orders: st.SearchStrategy[FleetEvent] = st.one_of(
    st.builds(CreateApp, id=st.just("x"), name=st.sampled_from(["rooms", "lobby", "BAD"]), organization=st.just("o")),
    st.builds(DeleteApp, name=st.sampled_from(["rooms", "lobby"]), force=st.booleans()),
    st.builds(machine, ids, names, st.sampled_from(["rooms", "lobby"])),
    st.builds(Happened, ids, st.sampled_from(WHAT)),
    st.builds(Cordon, ids, st.booleans()),
    st.builds(TakeLease, machine=ids, nonce=st.just("n"), owner=st.just("o"), ttl=st.integers(0, 9)),
    st.builds(ReleaseLease, machine=ids, given=st.sampled_from(["", "n"])),
    st.builds(SetMemoryLimit, ids, st.integers(0, 300)),
    st.builds(SetMetadata, machine=ids, values=st.just({"k": "v"}), version=st.sampled_from(["", "v-m1"])),
)  # fmt: skip


@given(st.lists(orders, max_size=40))
def test_a_refused_order_changes_nothing_and_names_stay_unique(events: list[FleetEvent]) -> None:
    fleet, used = new_fleet(), set()
    for event in events:
        if isinstance(event, CreateMachine):
            if event.id in used:
                continue  # ids are never given out twice
            used.add(event.id)
        before = everything(fleet)
        try:
            fleet.apply(event, 2.0)
        except RuleError:
            assert everything(fleet) == before
        living = [(life.app, life.name) for life in fleet.machines() if life.state is not S.DESTROYED]
        assert len(living) == len(set(living))
        alive = {life.id for life in fleet.machines() if life.state is not S.DESTROYED} | ids_of_leaving(fleet)
        for machine_id in {"m1", "m2", "m3", "m4"} - alive:
            assert fleet.leases.document(machine_id) is None
            assert fleet.memory.document(machine_id) is None
        assert {life.app for life in fleet.machines()} <= {app.name for app in fleet.apps()}


def ids_of_leaving(fleet: Fleet) -> set[str]:
    """Machines of deleted apps that the driver still has work with."""
    return {each for each in ("m1", "m2", "m3", "m4") if (life := fleet.find(each)) and life.state is not S.DESTROYED}


def everything(fleet: Fleet) -> tuple[str, ...]:
    lives: list[Life] = [*fleet.machines()]
    kept = [collection.document(each) for collection in fleet.records.values() for each in ("m1", "m2", "m3", "m4")]
    return repr(fleet.apps()), repr(lives), repr(kept)


def test_a_deleted_app_takes_leases_and_limits_of_its_machines_along_at_once() -> None:
    fleet = new_fleet(*start("m1"), SetMemoryLimit("m1", 100), TakeLease(machine="m1", nonce="n", owner="o", ttl=30))
    fleet.apply(DeleteApp(name="rooms", force=True), 2.0)  # the process of the machine has not ended yet
    assert [kind for kind, records in fleet.records.items() if records.rows()] == []


def test_machines_that_are_alike_share_what_is_equal_and_stay_themselves() -> None:
    fleet = new_fleet(machine("m1"))
    config = MachineConfig(image="local/sleep", metadata={"a": "1", "b": "2"}, env={"A": "1"})
    fleet.apply(CreateMachine(**{**fields(machine("m2")), "config": config}), 2.0)  # type: ignore[arg-type]
    one, two = (fleet.machine("rooms", key).config for key in ("m1", "m2"))
    assert (two, two.metadata is one.metadata) == (config, True)
    fleet.apply(SetMetadata(machine="m2", values={"a": "9"}), 3.0)
    assert one.metadata == {"a": "1", "b": "2"}
    fleet.apply(Happened("m1", on.Update(config, "v2", {})), 3.0)
    assert fleet.machine("rooms", "m1").versions[-1] == ("v2", config)
