"""What may be done with volumes and snapshots, and what becomes of them."""

from typing import Any

import pytest

from flylab.errors import RuleError
from flylab.rules.actions import Action, CopyFolder, DropFolder, Kept, MakeFolder
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.orders import CreateApp, DeleteApp
from flylab.rules.volume_making import VolumeSettings
from flylab.rules.volume_orders import (
    Copied,
    CreateSnapshot,
    CreateVolume,
    DestroyVolume,
    ExtendVolume,
    SweepVolumes,
    UpdateVolume,
    VolumeOrder,
)
from flylab.rules.volume_records import DAY, SNAPSHOTS, VOLUMES
from flylab.rules.volumes import Volumes
from flylab.wire.volume import VolumeState as S


def fleet_with(*orders: VolumeOrder, **settings: Any) -> Fleet:
    fleet = Fleet(FleetSettings(volumes=VolumeSettings(**settings)), lambda _: "e")
    for name in ("a", "b"):
        fleet.apply(CreateApp(id=name, name=name, organization="personal"), 0.0)
    for order in orders:
        fleet.apply(order, 1.0)
    return fleet


def volume(key: str = "v", app: str = "a", **fields: Any) -> CreateVolume:
    return CreateVolume(**{"id": key, "app": app, "name": "data", "region": "ams"} | fields)


def snapshot(key: str = "s", of: str = "v") -> CreateSnapshot:
    return CreateSnapshot(id=key, app="a", volume=of)


def refused(fleet: Fleet, order: VolumeOrder, at: float = 2.0) -> RuleError:
    before = {kind: list(shelf) for kind, shelf in fleet.volumes.collections.items()}
    with pytest.raises(RuleError) as caught:
        fleet.apply(order, at)
    assert {kind: list(shelf) for kind, shelf in fleet.volumes.collections.items()} == before
    return caught.value


def state(fleet: Fleet, key: str = "v") -> str:
    return str(fleet.volumes.volume("a", key).state)


def test_openapi_defaults_of_a_new_volume() -> None:
    fleet = fleet_with()
    assert fleet.apply(volume(), 5.0) == [Kept(VOLUMES, "v"), MakeFolder("v")]
    shown = fleet.volumes.volume("a", "v").show(0).to_json()
    assert (shown["size_gb"], shown["snapshot_retention"], shown["encrypted"], shown["fstype"]) == (3, 5, True, "ext4")
    assert (shown["state"], shown["auto_backup_enabled"], shown["host_status"]) == ("created", True, "ok")
    assert fleet.show_app("a").volume_count == 1


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"name": ""}, "invalid_argument", "volume name '' is invalid"),
        ({"name": "a-b"}, "invalid_argument", "volume name 'a-b'"),
        ({"name": "a" * 31}, "invalid_argument", "1 to 30"),
        ({"name": "../x"}, "invalid_argument", "'../x'"),
        ({"size_gb": 0}, "invalid_argument", "size_gb 0 is not between 1 and 500"),
        ({"size_gb": 501}, "invalid_argument", "size_gb 501"),
        ({"size_gb": 10**99}, "invalid_argument", "0… is not between"),
        ({"snapshot_retention": 0}, "invalid_argument", "snapshot_retention 0 is not between 1 and 60"),
        ({"snapshot_retention": 61}, "invalid_argument", "snapshot_retention 61"),
        ({"fstype": "raw"}, "invalid_argument", "fstype 'raw'"),
        ({"source": "x", "snapshot": "y"}, "invalid_argument", "cannot both be given"),
        ({"source": "x"}, "volume_gone", "x: volume not found"),
        ({"source": "v2", "size_gb": 3}, "invalid_argument", "size_gb 3 is not between 4 and 500"),
        ({"source": "of-b"}, "volume_gone", "volume not found"),
        ({"snapshot": "x"}, "invalid_argument", "snapshot not found"),
        ({"snapshot": "s"}, "failed_precondition", "it is scheduled"),
        ({"app": "nowhere"}, "not_found", "app 'nowhere' not found"),
    ],
)
def test_bad_volumes_are_refused(fields: dict[str, Any], code: str, says: str) -> None:
    fleet = fleet_with(volume("v1"), volume("v2", size_gb=4), volume("of-b", "b"), snapshot(of="v1"))
    error = refused(fleet, volume(**fields))
    assert error.code == code
    assert says in error.text


def test_volumes_overview_it_grows_and_never_shrinks() -> None:
    fleet = fleet_with(volume())
    for size in (3, 2, 501):
        assert "volumes only grow" in refused(fleet, ExtendVolume(app="a", id="v", size_gb=size)).text
    fleet.apply(ExtendVolume(app="a", id="v", size_gb=4), 2.0)
    assert fleet.volumes.volume("a", "v").size_gb == 4
    assert refused(fleet, ExtendVolume(app="b", id="v", size_gb=5)).code == "volume_not_found"


def test_only_what_is_named_is_updated() -> None:
    fleet = fleet_with(volume())
    fleet.apply(UpdateVolume(app="a", id="v", snapshot_retention=60), 2.0)
    fleet.apply(UpdateVolume(app="a", id="v", auto_backup_enabled=False), 2.0)
    entry = fleet.volumes.volume("a", "v")
    assert (entry.snapshot_retention, entry.auto_backup_enabled) == (60, False)
    assert refused(fleet, UpdateVolume(app="a", id="v", snapshot_retention=0)).code == "invalid_argument"


def test_openapi_a_destroyed_volume_is_pending_for_24_hours() -> None:
    fleet = fleet_with(volume())
    fleet.apply(DestroyVolume(app="a", id="v"), 10.0)
    assert state(fleet) == "pending_destroy"
    assert fleet.apply(DestroyVolume(app="a", id="v"), 11.0) == []  # a repeat is safe
    for order in (
        ExtendVolume(app="a", id="v", size_gb=9),
        snapshot(),
        UpdateVolume(app="a", id="v"),
        volume(source="v"),
    ):
        assert refused(fleet, order).code == "failed_precondition"
    assert fleet.volumes.next_due() == 10.0 + DAY
    assert fleet.apply(SweepVolumes(), 9.0 + DAY) == []
    assert fleet.apply(SweepVolumes(), 10.0 + DAY) == [Kept(VOLUMES, "v"), DropFolder(VOLUMES, "v")]
    assert refused(fleet, DestroyVolume(app="a", id="v")).code == "volume_not_found"
    assert list(fleet.volumes.volumes("a")) == []
    assert [entry.state for entry in fleet.volumes.volumes("a", deleted=True)] == [S.DESTROYED]
    assert fleet.volumes.next_due() == 310.0 + DAY
    assert fleet.apply(SweepVolumes(), 310.0 + DAY) == [Kept(VOLUMES, "v")]
    assert list(fleet.volumes.volumes(deleted=True)) == []
    assert fleet.volumes.next_due() is None


def test_a_fork_is_hydrating_until_it_is_copied_and_keeps_what_it_is_copied_from() -> None:
    fleet = fleet_with(volume(size_gb=7), pending_destroy=0.0)
    actions = fleet.apply(volume("f", name="", source="v", region="iad"), 2.0)
    assert actions == [Kept(VOLUMES, "f"), CopyFolder(VOLUMES, "f", VOLUMES, "v")]
    entry = fleet.volumes.volume("a", "f")
    assert (entry.state, entry.name, entry.size_gb, entry.region) == (S.HYDRATING, "data", 7, "iad")
    assert fleet.apply(DestroyVolume(app="a", id="v"), 3.0) == [Kept(VOLUMES, "v")]
    assert fleet.apply(SweepVolumes(), 4.0) == []
    copied = fleet.apply(Copied(id="f", changed=True), 5.0)
    assert copied == [Kept(VOLUMES, "f"), Kept(VOLUMES, "v"), DropFolder(VOLUMES, "v")]
    assert fleet.volumes.volume("a", "f").show().extra == {"changed_while_copied": True}


def test_a_copy_that_failed_is_said_and_can_be_destroyed() -> None:
    fleet = fleet_with(volume(), volume("f", source="v"), pending_destroy=0.0)
    fleet.apply(Copied(id="f", failed="No space left on device"), 2.0)
    assert (state(fleet, "f"), fleet.volumes.volume("a", "f").failed) == ("hydrating", "No space left on device")
    fleet.apply(DestroyVolume(app="a", id="f"), 3.0)
    assert refused(fleet, DestroyVolume(app="a", id="f")).code == "volume_not_found"
    assert DropFolder(VOLUMES, "v") in fleet.apply(DestroyVolume(app="a", id="v"), 3.0)


def test_a_volume_is_destroyed_while_it_is_being_filled() -> None:
    fleet = fleet_with(volume(), volume("f", source="v"), pending_destroy=5.0)
    fleet.apply(DestroyVolume(app="a", id="f"), 2.0)
    fleet.apply(Copied(id="f"), 3.0)
    assert state(fleet, "f") == "pending_destroy"
    assert fleet.apply(Copied(id="nobody"), 3.0) == []


def test_snapshots_are_scheduled_created_and_expire() -> None:
    fleet = fleet_with(volume(snapshot_retention=2))
    assert fleet.apply(snapshot(), 10.0) == [Kept(SNAPSHOTS, "s"), CopyFolder(SNAPSHOTS, "s", VOLUMES, "v")]
    assert refused(fleet, snapshot("s2")).code == "snapshot_scheduled"
    fleet.apply(Copied(id="s", size=4096, digest="d", changed=True), 11.0)
    fleet.apply(snapshot("s2"), 20.0)
    fleet.apply(Copied(id="s2", failed="x"), 20.0)
    shown = [each.show() for each in fleet.volumes.snapshots("a", "v")]
    assert [(each.id, each.status, each.size) for each in shown] == [("s2", "failed", 0), ("s", "created", 4096)]
    assert (shown[1].retention_days, shown[1].volume_size, shown[1].extra) == (
        2,
        3 << 30,
        {"changed_while_copied": True},
    )
    assert fleet.volumes.next_due() == 10.0 + 2 * DAY
    assert DropFolder(SNAPSHOTS, "s") in fleet.apply(SweepVolumes(), 10.0 + 2 * DAY)
    assert [each.id for each in fleet.volumes.snapshots("a", "v")] == ["s2"]


def test_a_snapshot_outlives_its_volume_and_is_restored_into_another_app() -> None:
    fleet = fleet_with(volume(name="db", size_gb=4), snapshot(), Copied(id="s"), pending_destroy=0.0)
    fleet.apply(DestroyVolume(app="a", id="v"), 2.0)
    fleet.apply(SweepVolumes(), 1000.0)
    assert [each.id for each in fleet.volumes.snapshots("a", "v")] == ["s"]
    assert fleet.volumes.next_due() == 1.0 + 5 * DAY  # no busy waiting for a record that its snapshots hold
    actions = fleet.apply(volume("r", "b", name="", snapshot="s"), 1001.0)
    assert actions == [Kept(VOLUMES, "r"), CopyFolder(VOLUMES, "r", SNAPSHOTS, "s")]
    restored = fleet.volumes.volume("b", "r")
    assert (restored.state, restored.name, restored.size_gb) == (S.RESTORING, "db", 4)
    assert fleet.apply(SweepVolumes(), 6 * DAY) == []  # it expires when nothing is copied from it any more
    assert DropFolder(SNAPSHOTS, "s") in fleet.apply(Copied(id="r"), 6 * DAY)
    for app, key in (("b", "v"), ("a", "nothing")):
        with pytest.raises(RuleError, match="volume not found"):
            fleet.volumes.snapshots(app, key)


def test_backups_are_due_once_a_period_where_they_are_wanted() -> None:
    fleet = fleet_with(volume(), volume("w", auto_backup_enabled=False), backups_every=100.0)
    assert fleet.volumes.next_due() == 101.0
    assert fleet.volumes.due_backups(100.0) == []
    assert [entry.id for entry in fleet.volumes.due_backups(101.0)] == ["v"]
    fleet.apply(snapshot(), 101.0)
    assert fleet.volumes.due_backups(500.0) == []
    fleet.apply(Copied(id="s"), 102.0)
    assert fleet.volumes.due_backups(200.0) == []
    assert [entry.id for entry in fleet.volumes.due_backups(201.0)] == ["v"]
    assert fleet_with(volume()).volumes.due_backups(1e12) == []


def test_volumes_of_one_name_are_in_zones_of_their_own() -> None:
    fleet = fleet_with(volume(), volume("same"), volume("other", name="logs"), volume("any", unique_zone=False))
    zone = {entry.id: entry.zone for entry in fleet.volumes.volumes()}
    assert len({zone["v"], zone["same"]}) == 2
    assert zone["other"] == zone["any"] == zone["v"]
    fleet.apply(volume("wide", name="x", unique_zone_app_wide=True), 2.0)
    assert fleet.volumes.volume("a", "wide").zone not in (zone["v"], zone["same"])
    fleet.apply(volume("fork", name="forked", source="v"), 2.0)
    assert fleet.volumes.volume("a", "fork").zone != zone["v"]


def test_fly_go_a_full_region_says_no_capacity_at_the_end() -> None:
    fleet = fleet_with(volume(), zones=1)
    fleet.apply(volume("x", unique_zone=False), 2.0)
    errors = [refused(fleet, volume("w"))]
    fleet = fleet_with(volume(size_gb=5), region_gb=6)
    errors += [refused(fleet, volume("w", size_gb=2)), refused(fleet, ExtendVolume(app="a", id="v", size_gb=7))]
    for error in errors:
        assert error.code == "volume_region_full"
        assert error.text.endswith("no capacity")
    fleet.apply(volume("w", size_gb=2, region="iad"), 2.0)


def test_an_app_takes_its_volumes_and_snapshots_along() -> None:
    fleet = fleet_with(volume(), snapshot(), Copied(id="s"), volume("of-b", "b"))
    actions: list[Action] = fleet.apply(DeleteApp(name="a"), 3.0)
    assert {DropFolder(VOLUMES, "v"), DropFolder(SNAPSHOTS, "s"), Kept(VOLUMES, "v"), Kept(SNAPSHOTS, "s")} <= set(
        actions
    )
    fleet.apply(CreateApp(id="3", name="a", organization="personal"), 4.0)
    assert [entry.id for entry in fleet.volumes.volumes()] == ["of-b"]
    assert refused(fleet, volume("r", snapshot="s")).text == "snapshot_id s: snapshot not found"


def test_of_a_deleted_app_stays_hidden_what_is_still_copied_from() -> None:
    fleet = fleet_with(volume(), snapshot(), Copied(id="s"), volume("r", "b", snapshot="s"), volume("f", source="v"))
    fleet.apply(snapshot("s2"), 2.0)
    assert not [each for each in fleet.apply(DeleteApp(name="a"), 3.0) if isinstance(each, DropFolder)]
    fleet.apply(CreateApp(id="3", name="a", organization="personal"), 4.0)
    assert list(fleet.volumes.volumes("a", deleted=True)) == []
    assert refused(fleet, DestroyVolume(app="a", id="v")).code == "volume_not_found"
    with pytest.raises(RuleError):
        fleet.volumes.snapshots("a", "v")
    assert fleet.apply(Copied(id="r"), 5.0)[1:] == [Kept(SNAPSHOTS, "s"), DropFolder(SNAPSHOTS, "s")]
    assert DropFolder(SNAPSHOTS, "s2") in fleet.apply(Copied(id="s2"), 5.0)
    actions = fleet.apply(Copied(id="f", failed="stopped"), 5.0)
    assert {DropFolder(VOLUMES, "f"), DropFolder(VOLUMES, "v")} <= {*actions, *fleet.apply(SweepVolumes(), 5.0)}
    assert [entry.id for entry in fleet.volumes.volumes()] == ["r"]


def test_a_restart_begins_copies_anew() -> None:
    before = fleet_with(
        volume(), volume("f", source="v"), volume("g", source="v"), snapshot(), volume("w"), snapshot("t", "w")
    )
    before.apply(DestroyVolume(app="a", id="g"), 2.0)
    written = {
        kind: {entry.id: shelf.document(entry.id) or {} for entry in shelf}
        for kind, shelf in before.volumes.collections.items()
    }
    written[SNAPSHOTS]["t"] = written[SNAPSHOTS]["t"] | {"orphan": True}
    written[VOLUMES]["w"] = written[VOLUMES]["w"] | {"orphan": True, "machine": "gone"}
    after = Volumes(VolumeSettings())
    for kind, shelf in after.collections.items():
        shelf.restore(written[kind])
    actions = after.recovered(set(), 3.0)
    assert [each for each in actions if isinstance(each, CopyFolder)] == [
        CopyFolder(VOLUMES, "f", VOLUMES, "v"), CopyFolder(SNAPSHOTS, "s", VOLUMES, "v"),
    ]  # fmt: skip
    assert [each for each in actions if isinstance(each, DropFolder)] == [
        DropFolder(SNAPSHOTS, "t"), DropFolder(VOLUMES, "w"),
    ]  # fmt: skip
    assert after.folders() == ({"v", "g"}, {"f"}, set())
    assert after.apply(Copied(id="s"), 4.0) == [Kept(SNAPSHOTS, "s")]
    assert after.collections[VOLUMES].document("w") is None


def test_a_copy_that_failed_is_made_again_after_a_restart() -> None:
    before = fleet_with(volume(), volume("f", source="v"), Copied(id="f", failed="disk full"))
    after = Volumes(VolumeSettings())
    for kind, shelf in before.volumes.collections.items():
        after.collections[kind].restore({entry.id: shelf.document(entry.id) or {} for entry in shelf})
    assert after.recovered(set(), 3.0) == [Kept(VOLUMES, "f"), CopyFolder(VOLUMES, "f", VOLUMES, "v")]
    assert after.volume("a", "f").failed == ""
    assert not [each for each in after.drop_app("a", 4.0) if isinstance(each, DropFolder)]  # it is being copied from


def test_every_order_has_a_rule() -> None:
    with pytest.raises(AssertionError, match="no rule for"):
        Volumes(VolumeSettings()).apply(VolumeOrder(), 1.0)
    assert Volumes(VolumeSettings()).detach("m", 1.0) == []
