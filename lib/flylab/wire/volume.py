"""A volume, its snapshots and the mount of one in a machine, as the Machines API shows and takes them."""

from dataclasses import dataclass, field
from enum import StrEnum

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json, without_empty

GIGABYTE = 1 << 30
BLOCK = 4096  # bytes, what ext4 has on Fly (openapi, block_size)


class VolumeState(StrEnum):
    """Every state a volume can show (openapi; the last three are known to fly-go flaps/flaps_volumes.go)."""

    CREATING = "creating"
    CREATED = "created"
    EXTENDING = "extending"
    RESTORING = "restoring"
    ENABLING_REMOTE_EXPORT = "enabling_remote_export"
    HYDRATING = "hydrating"
    RECOVERING = "recovering"
    SCHEDULING_DESTROY = "scheduling_destroy"
    PENDING_DESTROY = "pending_destroy"
    DESTROYED = "destroyed"
    FORK_CLEANUP = "fork_cleanup"
    WAITING_FOR_DETACH = "waiting_for_detach"
    DESTROYING = "destroying"


def parse_volume_state(text: str, where: str = "state") -> VolumeState:
    try:
        return VolumeState(text)
    except ValueError:
        raise ParseError(where, text, "not a state of a volume") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Where a machine sees its volume: ``volume`` is an id (or a name, when it is asked for), ``path`` is absolute."""

    path: str
    volume: str = ""
    name: str = ""
    size_gb: int | None = None
    encrypted: bool | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "mount") -> "Mount":
        """Read ``{"volume": "vol_ke628r677pwwmnpv", "path": "/data", "extend_threshold_percent": 80, …}``."""
        f = Fields(value, where)
        return cls(
            path=f.text("path"),
            volume=f.text("volume"),
            name=f.text("name"),
            size_gb=f.maybe_integer("size_gb"),
            encrypted=f.maybe("encrypted", _flag),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        given = without_empty(volume=self.volume, name=self.name, size_gb=self.size_gb)
        encrypted = {} if self.encrypted is None else {"encrypted": self.encrypted}
        return {"path": self.path, **given, **encrypted, **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One volume; the sizes in blocks and bytes are absent from a summary and from a volume whose use is unknown."""

    id: str
    name: str = ""
    state: VolumeState
    size_gb: int = 0
    region: str = ""
    zone: str = ""
    encrypted: bool = True
    fstype: str = "ext4"
    attached_machine_id: str = ""
    created_at: str = ""
    snapshot_retention: int = 5
    auto_backup_enabled: bool = True
    host_status: str = "ok"
    bytes_used: int | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "volume") -> "Volume":
        f = Fields(value, where)
        return cls(
            id=f.text("id"),
            name=f.text("name"),
            state=parse_volume_state(f.text("state"), f.path("state")),
            size_gb=f.integer("size_gb"),
            region=f.text("region"),
            zone=f.text("zone"),
            encrypted=f.flag("encrypted"),
            fstype=f.text("fstype"),
            attached_machine_id=f.text("attached_machine_id"),
            created_at=f.text("created_at"),
            snapshot_retention=f.integer("snapshot_retention"),
            auto_backup_enabled=f.flag("auto_backup_enabled"),
            host_status=f.text("host_status", "ok"),
            bytes_used=f.maybe_integer("bytes_used"),
            extra={key: item for key, item in f.rest().items() if key not in _MEASURED and (key, item) not in _UNSAID},
        )

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "state": str(self.state),
            "size_gb": self.size_gb,
            "region": self.region,
            "zone": self.zone,
            "encrypted": self.encrypted,
            "fstype": self.fstype,
            "type": "local",
            # null when nobody has it, as in the examples of machines/api/volumes-resource, though the official document
            # has only texts there; fly-go takes any text, even an empty one, for an attachment.
            "attached_machine_id": self.attached_machine_id or None,
            **dict(_UNSAID),
            "created_at": self.created_at,
            "snapshot_retention": self.snapshot_retention,
            "auto_backup_enabled": self.auto_backup_enabled,
            "host_status": self.host_status,
            **self._measured(),
            **self.extra,
        }

    def _measured(self) -> Json:
        if self.bytes_used is None:
            return {}
        total = self.size_gb * GIGABYTE
        free = max(0, total - self.bytes_used) // BLOCK
        return {
            "block_size": BLOCK,
            "blocks": total // BLOCK,
            "blocks_free": free,
            "blocks_avail": free,
            "bytes_total": total,
            "bytes_used": self.bytes_used,
        }


_MEASURED = frozenset({"type", "block_size", "blocks", "blocks_free", "blocks_avail", "bytes_total"})
_UNSAID = (("attached_alloc_id", None), ("host_dedication_key", ""))  # what to_json writes for want of anything to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A copy of a volume; ``size`` in bytes of what is in it, ``volume_size`` in bytes of what it was taken from."""

    id: str
    status: str = ""
    size: int = 0
    digest: str = ""
    created_at: str = ""
    retention_days: int = 5
    volume_size: int = 0
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "snapshot") -> "Snapshot":
        f = Fields(value, where)
        return cls(
            id=f.text("id"),
            status=f.text("status"),
            size=f.integer("size"),
            digest=f.text("digest"),
            created_at=f.text("created_at"),
            retention_days=f.integer("retention_days"),
            volume_size=f.integer("volume_size"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "status": self.status,
            "size": self.size,
            "digest": self.digest,
            "created_at": self.created_at,
            "retention_days": self.retention_days,
            "volume_size": self.volume_size,
            **self.extra,
        }


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ParseError(where, value, "true or false is expected")
    return value
