"""What a new volume is: checked against the rules of names and sizes, its defaults filled in, its place chosen."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.rules.volume_orders import CreateVolume
from flylab.rules.volume_places import check_room, choose_zone
from flylab.rules.volume_records import DAY, SNAPSHOTS, VOLUMES, SnapshotEntry, VolumeEntry
from flylab.wire.volume import VolumeState

_NAME = re.compile(r"[a-z0-9_]{1,30}")  # CurateLabs/graphforge issue 884 (2026-08), not in the document
_SHOWN = 40  # characters; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSettings:
    """The numbers of volumes; limits of 0 are switched off."""

    pending_destroy: float = DAY  # documented: 24 hours, then it is gone
    keep_destroyed: float = 300.0  # our choice, as for machines: seen with include_deleted for so long
    size_gb: int = 3  # openapi; flyctl itself asks for 1
    largest_gb: int = 500  # volumes/overview
    snapshot_retention: int = 5  # days; openapi
    longest_retention: int = 60  # days; the same
    backups_every: float = 0.0  # Fly: 86400, a day. Off: each one is a whole copy on this computer's disk; our choice
    region_gb: int = 0  # room for volumes in each region; beyond it 409, "no capacity"
    zones: int = 0  # zones in each region; volumes that want one each are refused beyond it, likewise
    zone_machines: int = 0  # machines beside volumes of one zone; beyond it 412, volume_placement_capacity
    extend_needs_restart: bool = False  # what extending a running machine's volume answers; our choice
    empty_region_is_full: bool = True  # a region "" is answered like a full one (superfly/flyctl issue 2871)
    # Documented by examples (machines/api/volumes-resource): what nobody has is null. False leaves such fields out, as
    # the types of the official document would have it.
    null_for_nobody: bool = True
    patience: float = 20.0  # seconds that a create waits for the copy of a fork or snapshot; our choice


def new_volume(
    event: CreateVolume,
    origin: VolumeEntry | SnapshotEntry | None,
    alive: Collection[VolumeEntry],
    settings: VolumeSettings,
    now: float,
) -> VolumeEntry:
    """The volume that is asked for; ``origin`` is what it is a copy of, ``alive`` are all that take up room."""
    if event.fstype != "ext4":  # fly-go volume_types.go also knows raw, a bare block device
        raise RuleError("invalid_argument", f"fstype '{short(event.fstype)}' is not offered here, only ext4 is")
    name = event.name or (origin.name if origin else "")
    if not _NAME.fullmatch(name):
        why = "1 to 30 lower-case letters, digits and underscores are allowed"
        raise RuleError("invalid_argument", f"volume name '{short(name)}' is invalid, {why}")
    size = event.size_gb if event.size_gb is not None else origin.size_gb if origin else settings.size_gb
    least = origin.size_gb if origin else 1
    if not least <= size <= settings.largest_gb:
        text = f"size_gb {short(size)} is not between {least} and {settings.largest_gb}"
        raise RuleError("invalid_argument", text)
    days = settings.snapshot_retention if event.snapshot_retention is None else event.snapshot_retention
    check_retention(days, settings)
    check_room(alive, event.region, size, most_gb=settings.region_gb)
    state, source, not_in = VolumeState.CREATED, None, ""
    if isinstance(origin, VolumeEntry):
        state, source, not_in = VolumeState.HYDRATING, (VOLUMES, origin.id), origin.zone
    elif isinstance(origin, SnapshotEntry):
        state, source = VolumeState.RESTORING, (SNAPSHOTS, origin.id)
    return VolumeEntry(
        id=event.id,
        app=event.app,
        name=name,
        region=event.region,
        zone=choose_zone(alive, event, name, not_in=not_in, zones=settings.zones, machines=settings.zone_machines),
        size_gb=size,
        encrypted=event.encrypted,
        fstype=event.fstype,
        state=state,
        created_at=now,
        updated_at=now,
        snapshot_retention=days,
        auto_backup_enabled=event.auto_backup_enabled,
        source=source,
    )


def check_retention(days: int, settings: VolumeSettings) -> int:
    """The days for which snapshots are kept, if that can be asked for."""
    if not 1 <= days <= settings.longest_retention:
        text = f"snapshot_retention {short(days)} is not between 1 and {settings.longest_retention}"
        raise RuleError("invalid_argument", text)
    return days


def short(value: object) -> str:
    """A value of somebody else's in a sentence, which it must not fill."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
