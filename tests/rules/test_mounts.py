"""Which mounts a machine can have, which volume it gets, and that it keeps that volume for life."""

from typing import Any

import pytest

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.actions import Kept
from flylab.rules.fleet import Fleet
from flylab.rules.mounts import check_mounts
from flylab.rules.orders import CreateMachine, DeleteApp, Happened
from flylab.rules.volume_orders import Copied, CreateVolume, DestroyVolume, ExtendVolume
from flylab.rules.volume_records import VOLUMES
from flylab.wire.machine import File, MachineConfig, Mount
from tests.rules.test_volumes import fleet_with, volume


def config(*mounts: Mount, **fields: Any) -> MachineConfig:
    return MachineConfig(image="local/sleep", mounts=mounts, **fields)


def machine(key: str, *mounts: Mount, region: str = "ams", app: str = "a") -> CreateMachine:
    return CreateMachine(
        id=key, app=app, name=key, region=region, config=config(*mounts), version=f"v-{key}", launch=False
    )


DATA = Mount(path="/data", volume="v")


@pytest.mark.parametrize(
    ("mounts", "says"),
    [
        ([DATA, DATA], "a machine has at most one"),
        ([Mount(path="/data")], "names no volume"),
        ([Mount(path="", name="d")], "is not an absolute path"),
        ([Mount(path="data", name="d")], "'data' is not an absolute path"),
        ([Mount(path="/a/../../etc", name="d")], "has a part '..'"),
        ([Mount(path="/", name="d")], "/ and /.fly belong to the machine"),
        ([Mount(path="//./", name="d")], "/ and /.fly belong to the machine"),
        ([Mount(path="/.fly/api", name="d")], "/ and /.fly belong to the machine"),
        ([Mount(path="/a\0b", name="d")], "zero character"),
        ([Mount(path="/" + "a" * 256, name="d")], "255 bytes"),
        ([Mount(path="/\ud800", name="d")], "surrogate"),
        ([Mount(path="/data", name="d", extra={"add_size_gb": "1"})], "add_size_gb '1' is not a number"),
        ([Mount(path="/data", name="d", extra={"extend_threshold_percent": -1})], "extend_threshold_percent -1"),
    ],
)
def test_bad_mounts_are_refused(mounts: list[Mount], says: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_mounts(config(*mounts))
    assert caught.value.code == "invalid_argument"
    assert says in caught.value.text


@pytest.mark.parametrize("path", ["/data/db", "/data", "/data/x/../db"])
def test_a_file_is_not_where_the_volume_is(path: str) -> None:
    mount = Mount(path="/data/db", name="d")
    with pytest.raises(RuleError, match="is where '/data/db' is mounted"):
        check_mounts(config(mount, files=(File(guest_path=path, raw_value=""),)))


def test_good_mounts_are_taken() -> None:
    check_mounts(config())
    extra = {"extend_threshold_percent": 80, "add_size_gb": 1, "size_gb_limit": 10}
    check_mounts(config(Mount(path="/data", name="d", extra=extra), files=(File(guest_path="/data/x"),)))


@pytest.mark.parametrize("mount", [DATA, Mount(path="/data", volume="data"), Mount(path="/data", name="data")])
def test_a_volume_is_asked_for_by_id_or_by_name(mount: Mount) -> None:
    fleet = fleet_with(volume(size_gb=4))
    actions = fleet.apply(machine("m", mount), 2.0)
    assert Kept(VOLUMES, "v") in actions
    given = Mount(path="/data", volume="v", name="data", size_gb=4, encrypted=True)
    life = fleet.machine("a", "m")
    assert life.config.mounts == (given,)
    assert life.versions[-1][1].mounts == (given,)
    assert fleet.volumes.volume("a", "v").machine == "m"


def test_a_name_picks_a_free_one_of_the_region() -> None:
    fleet = fleet_with(volume("v1"), volume("v2"), volume("far", region="iad"), volume("new", source="v1"))
    named = Mount(path="/data", name="data")
    for key in ("m1", "m2"):
        fleet.apply(machine(key, named), 2.0)
    assert [fleet.volumes.volume("a", key).machine for key in ("v1", "v2", "far")] == ["m1", "m2", ""]
    assert refused(fleet, machine("m3", named)).code == "failed_precondition"
    fleet.apply(Copied(id="new"), 3.0)
    fleet.apply(machine("m3", named), 3.0)
    error = refused(fleet, machine("m4", named))
    assert (error.code, "currently bound to machine: m3" in error.text) == ("volume_bound", True)


def refused(fleet: Fleet, order: CreateMachine | Happened) -> RuleError:
    held = {entry.id: entry.machine for entry in fleet.volumes.volumes()}
    machines = len(list(fleet.machines()))
    with pytest.raises(RuleError) as caught:
        fleet.apply(order, 3.0)
    assert {entry.id: entry.machine for entry in fleet.volumes.volumes()} == held
    assert len(list(fleet.machines())) == machines
    return caught.value


def test_reported_texts_of_refused_mounts() -> None:
    fleet = fleet_with(volume(), volume("far", region="iad"), volume("of-b", "b"), volume("gone", name="gone"))
    fleet.apply(DestroyVolume(app="a", id="gone"), 2.0)
    for wanted in ("nothing", "of-b", "gone"):
        error = refused(fleet, machine("m", Mount(path="/data", volume=wanted)))
        assert (error.code, "volume not found" in error.text) == ("volume_gone", True)
    error = refused(fleet, machine("m", Mount(path="/data", volume="far")))
    assert error.code == "wrong_region"
    for word in ("wrong region", "ams", "iad"):
        assert word in error.text
    fleet.apply(CreateVolume(id="f", app="a", name="f", region="ams", source="v"), 2.0)
    fleet.apply(Copied(id="f", failed="disk full"), 2.0)
    error = refused(fleet, machine("m", Mount(path="/data", volume="f")))
    assert (error.code, "current state: 'hydrating' (disk full)" in error.text) == ("failed_precondition", True)


def test_a_zone_can_be_full() -> None:
    fleet = fleet_with(volume(), volume("w", name="w"), zone_machines=1)
    fleet.apply(machine("m", DATA), 2.0)
    error = refused(fleet, machine("m2", Mount(path="/w", volume="w")))
    assert (error.code, "insufficient resources" in error.text) == ("volume_capacity", True)
    # A volume that is made with the size of its machine is put where that fits.
    fleet.apply(volume("x", name="x", for_compute=True), 2.0)
    fleet.apply(machine("m2", Mount(path="/x", volume="x")), 2.0)


def update(*mounts: Mount) -> Happened:
    return Happened("m", on.Update(config(*mounts), "v2", {}))


def test_mr_the_volume_of_a_machine_is_fixed_for_life() -> None:
    fleet = fleet_with(volume(), volume("w"))
    fleet.apply(machine("m", DATA), 2.0)
    wanted = [(), (Mount(path="/data", volume="w"),), (Mount(path="/data", volume="v", name="x"),)]
    for mounts in wanted:
        assert "cannot change, it is v" in refused(fleet, update(*mounts)).text
    fleet.apply(ExtendVolume(app="a", id="v", size_gb=8), 3.0)
    fleet.apply(update(Mount(path="/elsewhere", name="data")), 3.0)
    assert fleet.machine("a", "m").config.mounts[0] == Mount(
        path="/elsewhere", volume="v", name="data", size_gb=8, encrypted=True
    )
    fleet.apply(machine("plain"), 3.0)
    assert "when it is created" in refused(fleet, Happened("plain", on.Update(config(DATA), "v2", {}))).text
    fleet.apply(Happened("plain", on.Update(config(), "v2", {})), 3.0)


def test_a_volume_is_free_when_its_machine_is_destroyed_and_not_before() -> None:
    fleet = fleet_with(volume())
    fleet.apply(machine("m", DATA), 2.0)
    for event in (on.Start(), on.Started(), on.Stop(), on.Exited(), on.Destroy()):
        fleet.apply(Happened("m", event), 3.0)
        with pytest.raises(RuleError, match="volume is currently bound to machine: m"):
            fleet.apply(DestroyVolume(app="a", id="v"), 3.0)
    assert Kept(VOLUMES, "v") in fleet.apply(Happened("m", on.Removed()), 4.0)
    fleet.apply(machine("m2", DATA), 5.0)
    assert fleet.volumes.volume("a", "v").machine == "m2"


def test_the_volume_of_a_deleted_app_goes_after_its_machine() -> None:
    fleet = fleet_with(volume())
    fleet.apply(machine("m", DATA), 2.0)
    for event in (on.Start(), on.Started()):
        fleet.apply(Happened("m", event), 2.0)
    actions = fleet.apply(DeleteApp(name="a", force=True), 3.0)
    assert fleet.volumes.find("v") is not None
    assert Kept(VOLUMES, "v") in actions
    fleet.apply(Happened("m", on.Exited(signal=9)), 3.0)
    fleet.apply(Happened("m", on.Removed()), 3.0)
    assert fleet.volumes.find("v") is None
