"""What can be asked of volumes and their snapshots, or happen to them: events of ``Fleet.apply``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VolumeOrder:
    """What all of them are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume(VolumeOrder):
    """Id and region come from the caller; ``source`` is a volume to fork, ``snapshot`` one to restore.

    ``within`` is the app outside of which the asker's token shows no snapshot, empty without such a limit;
    ``for_compute`` says that a machine is going to be put beside it, so that a place with room for one is chosen.
    """

    id: str
    app: str
    name: str
    region: str
    size_gb: int | None = None
    encrypted: bool = True
    fstype: str = "ext4"
    snapshot: str = ""
    source: str = ""
    snapshot_retention: int | None = None
    auto_backup_enabled: bool = True
    unique_zone: bool = True
    unique_zone_app_wide: bool = False
    for_compute: bool = False
    within: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVolume(VolumeOrder):
    """What is ``None`` stays."""

    app: str
    id: str
    snapshot_retention: int | None = None
    auto_backup_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendVolume(VolumeOrder):
    app: str
    id: str
    size_gb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyVolume(VolumeOrder):
    app: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSnapshot(VolumeOrder):
    id: str
    app: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied(VolumeOrder):
    """The folder of a volume or snapshot was filled, or could not be (``failed`` says why).

    ``changed``: what it was copied from was written to meanwhile, so that it may show two moments at once.
    """

    id: str
    size: int = 0
    digest: str = ""
    changed: bool = False
    failed: str = ""


@dataclass(frozen=True, slots=True)
class SweepVolumes(VolumeOrder):
    """Time has passed: let go of what is due."""
