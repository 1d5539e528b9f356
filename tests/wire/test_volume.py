"""Volumes, snapshots and mounts on the wire."""

import pytest

from flylab.errors import ParseError
from flylab.wire.machine import MachineConfig, Mount
from flylab.wire.volume import GIGABYTE, Snapshot, Volume, VolumeState, parse_volume_state

VOLUME = Volume(
    id="vol_ke628r677pwwmnpv",
    name="data",
    state=VolumeState.CREATED,
    size_gb=2,
    region="ams",
    zone="42b1",
    attached_machine_id="148e21d4b2c0a1",
    created_at="2026-11-27T08:17:23.861Z",
    bytes_used=4097,
)


def test_openapi_volume_has_every_field() -> None:
    sent = VOLUME.to_json()
    assert set(sent) == {
        "attached_alloc_id", "attached_machine_id", "auto_backup_enabled", "block_size", "blocks", "blocks_avail",
        "blocks_free", "bytes_total", "bytes_used", "created_at", "encrypted", "fstype", "host_dedication_key",
        "host_status", "id", "name", "region", "size_gb", "snapshot_retention", "state", "type", "zone",
    }  # fmt: skip
    assert (sent["blocks"], sent["blocks_free"], sent["bytes_total"]) == (524288, 524286, 2 * GIGABYTE)
    assert Volume.from_json(sent) == VOLUME


def test_more_than_the_size_leaves_nothing_free() -> None:
    sent = Volume(id="v", state=VolumeState.CREATED, size_gb=1, bytes_used=2 * GIGABYTE).to_json()
    assert (sent["blocks_free"], sent["bytes_used"]) == (0, 2 * GIGABYTE)


def test_documented_nobody_is_attached_when_the_field_is_null() -> None:
    """DOCUMENTED machines/api/volumes-resource: its examples have null; fly-go's IsAttached takes any text for one."""
    free = Volume(id="v", state=VolumeState.CREATED).to_json()
    assert (free["attached_machine_id"], free["attached_alloc_id"], free["host_dedication_key"]) == (None, None, "")
    assert "blocks" not in free
    for absent in ({}, {"attached_machine_id": None}, {"attached_machine_id": ""}):
        left = {key: value for key, value in free.items() if key != "attached_machine_id"} | absent
        assert Volume.from_json(left) == Volume(id="v", state=VolumeState.CREATED)
    assert Volume.from_json(free | {"attached_alloc_id": "a"}).to_json()["attached_alloc_id"] == "a"


def test_what_is_not_known_is_kept() -> None:
    sent = VOLUME.to_json() | {"host_dedication_id": "x"}
    assert Volume.from_json(sent).extra == {"host_dedication_id": "x"}
    snapshot = Snapshot.from_json({"id": "vs_1", "status": "created", "size": 5, "later": True})
    assert snapshot.to_json() == Snapshot.from_json(snapshot.to_json()).to_json()
    assert snapshot.extra == {"later": True}


def test_the_states_are_those_of_the_document_and_of_fly_go() -> None:
    """DOCUMENTED openapi Volume; OBSERVED-IN-CLIENT fly-go flaps/flaps_volumes.go: the last three."""
    assert {str(state) for state in VolumeState} == {
        "creating", "created", "extending", "restoring", "enabling_remote_export", "hydrating", "recovering",
        "scheduling_destroy", "pending_destroy", "destroyed", "fork_cleanup", "waiting_for_detach", "destroying",
    }  # fmt: skip


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ParseError, match=r"cannot read volume\.state 'dreaming'"):
        Volume.from_json({"id": "v", "state": "dreaming"})
    assert parse_volume_state("hydrating") is VolumeState.HYDRATING


def test_a_mount_comes_back_as_it_was_sent() -> None:
    sent = {
        "path": "/data", "volume": "vol_1", "name": "data", "size_gb": 3, "encrypted": False,
        "extend_threshold_percent": 80, "add_size_gb": 1, "size_gb_limit": 10,
    }  # fmt: skip
    assert Mount.from_json(sent).to_json() == sent
    assert MachineConfig.from_json({"mounts": [sent]}).to_json()["mounts"] == [sent]
    assert Mount.from_json({"path": "/data", "name": "data"}).to_json() == {"path": "/data", "name": "data"}
    with pytest.raises(ParseError, match="true or false"):
        Mount.from_json({"path": "/data", "encrypted": "yes"})
