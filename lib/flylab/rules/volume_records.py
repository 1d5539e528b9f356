"""Volumes and snapshots as they are kept and written down; what may be done with them is ``volumes.py``'s."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from flylab.wire.fields import Json
from flylab.wire.moment import format_moment
from flylab.wire.volume import GIGABYTE, Snapshot, Volume, VolumeState

VOLUMES = "volumes"  # the kinds of records, and the names of their folders
SNAPSHOTS = "snapshots"
DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeEntry:
    """A volume as the platform keeps it.

    ``source`` is (kind, id) of what its folder is being filled from, until it is. An ``orphan`` is of an app that was
    deleted: nobody can ask for it, and its folder goes when nobody uses it any more.
    """

    id: str
    app: str
    name: str
    region: str
    zone: str
    size_gb: int
    encrypted: bool
    fstype: str
    state: VolumeState
    created_at: float
    updated_at: float
    snapshot_retention: int
    auto_backup_enabled: bool
    machine: str = ""
    source: tuple[str, str] | None = None
    changed: bool = False
    failed: str = ""
    destroy_at: float = 0.0
    orphan: bool = False

    @classmethod
    def from_document(cls, document: Json) -> "VolumeEntry":
        source = document.get("source")
        fields = document | {"state": VolumeState(str(document["state"]))}
        if isinstance(source, list):
            fields["source"] = (str(source[0]), str(source[1]))
        return cls(**fields)  # type: ignore[arg-type]  # written by Shelf.document below, of the same format

    def show(self, bytes_used: int | None = None) -> Volume:
        """As the API shows it."""
        return Volume(
            id=self.id,
            name=self.name,
            state=self.state,
            size_gb=self.size_gb,
            region=self.region,
            zone=self.zone,
            encrypted=self.encrypted,
            fstype=self.fstype,
            attached_machine_id=self.machine,
            created_at=format_moment(self.created_at),
            snapshot_retention=self.snapshot_retention,
            auto_backup_enabled=self.auto_backup_enabled,
            bytes_used=bytes_used,
            extra={"changed_while_copied": True} if self.changed else {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEntry:
    """A snapshot as the platform keeps it; it outlives its volume."""

    id: str
    app: str
    volume: str
    name: str
    size_gb: int
    created_at: float
    retention_days: int
    status: str = "scheduled"  # then created or failed; the first word is the refusal's, the others are our choice
    size: int = 0
    digest: str = ""
    changed: bool = False
    orphan: bool = False

    @classmethod
    def from_document(cls, document: Json) -> "SnapshotEntry":
        return cls(**document)  # type: ignore[arg-type]  # written by Shelf.document below, of the same format

    @property
    def expires_at(self) -> float:
        return self.created_at + self.retention_days * DAY

    def show(self) -> Snapshot:
        return Snapshot(
            id=self.id,
            status=self.status,
            size=self.size,
            digest=self.digest,
            created_at=format_moment(self.created_at),
            retention_days=self.retention_days,
            volume_size=self.size_gb * GIGABYTE,
            extra={"changed_while_copied": True} if self.changed else {},
        )


E = TypeVar("E", VolumeEntry, SnapshotEntry)


class Shelf(Generic[E]):
    """A collection of records (``records.py``) by id, in the order in which they were made."""

    def __init__(self, kind: type[E]) -> None:
        self._kind: type[E] = kind
        self._entries: dict[str, E] = {}

    def rows(self) -> dict[str, E]:
        return self._entries

    def document(self, key: str) -> Json | None:
        return asdict(self._entries[key]) if key in self._entries else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._entries = {key: self._kind.from_document(document) for key, document in documents.items()}

    def __iter__(self) -> Iterator[E]:
        return iter(list(self._entries.values()))

    def get(self, key: str) -> E | None:
        return self._entries.get(key)

    def put(self, entry: E) -> None:
        self._entries[entry.id] = entry

    def drop(self, key: str) -> None:
        del self._entries[key]
