"""The volumes of all apps and their snapshots: what may be done with them, who has one, and when one is gone for good.

    created ⇄ (attached to one machine)      hydrating (a fork), restoring (a snapshot) ──Copied──► created
       └─ destroy ─► pending_destroy ─ 24 h ─► destroyed ─ its snapshots have expired ─► forgotten

A folder that something is copied from is never removed while the copy lasts.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from flylab.errors import RuleError
from flylab.rules import volume_orders as ask
from flylab.rules.actions import CopyFolder, DropFolder, FolderAction, Kept, MakeFolder
from flylab.rules.volume_making import VolumeSettings, check_retention, new_volume, short
from flylab.rules.volume_places import check_room
from flylab.rules.volume_records import SNAPSHOTS, VOLUMES, Shelf, SnapshotEntry, VolumeEntry
from flylab.wire.volume import VolumeState as S

_COPYING = (S.HYDRATING, S.RESTORING)
_GOING = (S.PENDING_DESTROY, S.DESTROYING, S.DESTROYED)

VolumeAction = FolderAction | Kept


class Volumes:
    """Every volume and snapshot of one platform; a volume has at most one machine, and a machine one volume."""

    def __init__(self, settings: VolumeSettings) -> None:
        self.settings = settings
        self._volumes = Shelf(VolumeEntry)
        self._snapshots = Shelf(SnapshotEntry)

    @property
    def collections(self) -> dict[str, Shelf[VolumeEntry] | Shelf[SnapshotEntry]]:
        return {VOLUMES: self._volumes, SNAPSHOTS: self._snapshots}

    # Looking

    def volume(self, app: str, volume_id: str) -> VolumeEntry:
        """One that is there; raises ``volume_not_found``."""
        entry = self._volumes.get(volume_id)
        if entry is None or entry.app != app or entry.orphan or entry.state is S.DESTROYED:
            raise RuleError("volume_not_found", "volume not found")
        return entry

    def volumes(self, app: str = "", *, deleted: bool = False) -> Iterator[VolumeEntry]:
        """Those of an app, or of all; ``deleted`` ones are seen for a while."""
        for entry in self._volumes:
            if app in ("", entry.app) and not entry.orphan and (deleted or entry.state is not S.DESTROYED):
                yield entry

    def snapshots(self, app: str, volume_id: str) -> list[SnapshotEntry]:
        """Those of a volume, newest first; they can still be seen when the volume is destroyed."""
        found = [each for each in self._snapshots if each.app == app and each.volume == volume_id and not each.orphan]
        entry = self._volumes.get(volume_id)
        if not found and (entry is None or entry.app != app or entry.orphan):
            raise RuleError("volume_not_found", "volume not found")
        return sorted(found, key=lambda each: (-each.created_at, each.id))

    def find(self, volume_id: str) -> VolumeEntry | None:
        """By id alone, whatever its state."""
        return self._volumes.get(volume_id)

    def folders(self) -> tuple[set[str], set[str], set[str]]:
        """Ids of the volumes that have a folder, of those that are still being copied, and of the snapshots."""
        alive = [entry for entry in self._volumes if entry.state is not S.DESTROYED]
        copying = {entry.id for entry in alive if entry.state in _COPYING}
        kept = {each.id for each in self._snapshots if each.status == "created"}
        return {entry.id for entry in alive} - copying, copying, kept

    def next_due(self) -> float | None:
        """When ``SweepVolumes`` has something to do or a backup is due, in seconds since the epoch."""
        due = [entry.destroy_at for entry in self._volumes if entry.state is S.PENDING_DESTROY]
        due += [self._forget_at(entry) for entry in self._tombs()]
        due += [each.expires_at for each in self._snapshots]
        due += [at for _, at in self._backups()]
        return min(due, default=None)

    def due_backups(self, now: float) -> list[VolumeEntry]:
        return [entry for entry, at in self._backups() if at <= now]

    def _backups(self) -> Iterator[tuple[VolumeEntry, float]]:
        every = self.settings.backups_every
        for entry in self._volumes if every > 0 else ():
            if entry.auto_backup_enabled and entry.state is S.CREATED and not entry.orphan:
                mine = [each for each in self._snapshots if each.volume == entry.id]
                if not any(each.status == "scheduled" for each in mine):
                    yield entry, max([entry.created_at, *(each.created_at for each in mine)]) + every

    # Changing

    def apply(self, event: ask.VolumeOrder, now: float) -> list[VolumeAction]:
        """Decide and change; raises ``RuleError`` and changes nothing when refused. The app was found to exist."""
        match event:
            case ask.CreateVolume():
                return self._create(event, now)
            case ask.UpdateVolume(app=app, id=key, snapshot_retention=days, auto_backup_enabled=backups):
                entry = self._usable(app, key)
                days = entry.snapshot_retention if days is None else check_retention(days, self.settings)
                backups = entry.auto_backup_enabled if backups is None else backups
                return self._put(replace(entry, snapshot_retention=days, auto_backup_enabled=backups), now)
            case ask.ExtendVolume(app=app, id=key, size_gb=size):
                return self._extend(self._usable(app, key), size, now)
            case ask.DestroyVolume(app=app, id=key):
                return self._destroy(self.volume(app, key), now)
            case ask.CreateSnapshot():
                return self._snapshot(event, now)
            case ask.Copied():
                return [*self._copied(event, now), *self._sweep(now)]
            case ask.SweepVolumes():
                return self._sweep(now)
            case _:
                raise AssertionError(f"no rule for {event}")

    def bind(self, entry: VolumeEntry, machine: str, now: float) -> list[VolumeAction]:
        """Give a volume that ``mounts.py`` found free to a machine, in the step that makes the machine."""
        return self._put(replace(entry, machine=machine), now)

    def detach(self, machine: str, now: float) -> list[VolumeAction]:
        """The machine is gone for good, and nothing of it writes any more."""
        found: list[VolumeAction] = []
        for entry in self._volumes:
            if entry.machine == machine:
                found += self._put(replace(entry, machine=""), now)
        return [*found, *self._sweep(now)] if found else []

    def drop_app(self, app: str, now: float) -> list[VolumeAction]:
        """All that an app has goes with it, at once or as soon as its machines have ended."""
        for entry in self._volumes:
            if entry.app == app:
                self._volumes.put(replace(entry, orphan=True, source=None if entry.failed else entry.source))
        for each in self._snapshots:
            if each.app == app:
                self._snapshots.put(replace(each, orphan=True))
        left = [Kept(VOLUMES, entry.id) for entry in self._volumes if entry.orphan]
        left += [Kept(SNAPSHOTS, each.id) for each in self._snapshots if each.orphan]
        return [*left, *self._sweep(now)]

    def recovered(self, machines: Collection[str], now: float) -> list[VolumeAction]:
        """After a restart: no process lives, copies begin anew, and a machine that is not there has no volume."""
        found: list[VolumeAction] = []
        for entry in self._volumes:
            machine = entry.machine if entry.machine in machines else ""
            source = entry.source if entry.state in _COPYING and not entry.orphan else None
            healed = replace(entry, machine=machine, source=source, failed="")
            if healed != entry:
                self._volumes.put(healed)
                found.append(Kept(VOLUMES, entry.id))
            if source is not None:
                found.append(CopyFolder(VOLUMES, entry.id, *source))
        for each in self._snapshots:
            if each.status == "scheduled" and each.orphan:
                self._snapshots.put(replace(each, status="failed"))
            elif each.status == "scheduled":
                found.append(CopyFolder(SNAPSHOTS, each.id, VOLUMES, each.volume))
        return [*found, *self._sweep(now)]

    def _put(self, entry: VolumeEntry, now: float) -> list[VolumeAction]:
        self._volumes.put(replace(entry, updated_at=now))
        return [Kept(VOLUMES, entry.id)]

    def _tombs(self) -> list[VolumeEntry]:
        """Destroyed ones that no snapshot is listed under, and into which nothing is still being copied."""
        listed = {each.volume for each in self._snapshots}
        gone = [entry for entry in self._volumes if entry.state is S.DESTROYED and entry.source is None]
        return [entry for entry in gone if entry.id not in listed]

    def _forget_at(self, entry: VolumeEntry) -> float:
        return entry.updated_at + self.settings.keep_destroyed

    def _usable(self, app: str, key: str) -> VolumeEntry:
        entry = self.volume(app, key)
        if entry.state is not S.CREATED:
            raise RuleError("failed_precondition", f"volume {key} cannot be used, current state: '{entry.state}'")
        return entry

    def _create(self, event: ask.CreateVolume, now: float) -> list[VolumeAction]:
        origin: VolumeEntry | SnapshotEntry | None = None
        if event.source and event.snapshot:
            raise RuleError("invalid_argument", "source_volume_id and snapshot_id cannot both be given")
        if event.source:
            origin = self._forked(event)
        elif event.snapshot:
            origin = self._restored(event.snapshot, event.within)
        entry = new_volume(event, origin, list(self.volumes()), self.settings, now)
        fill: FolderAction = CopyFolder(VOLUMES, entry.id, *entry.source) if entry.source else MakeFolder(entry.id)
        return [*self._put(entry, now), fill]

    def _forked(self, event: ask.CreateVolume) -> VolumeEntry:
        try:
            return self._usable(event.app, event.source)
        except RuleError as exc:
            if exc.code != "volume_not_found":
                raise
            raise RuleError("volume_gone", f"source_volume_id {short(event.source)}: volume not found") from exc

    def _restored(self, key: str, within: str) -> SnapshotEntry:
        snapshot = self._snapshots.get(key)
        if snapshot is None or snapshot.orphan or within not in ("", snapshot.app):
            raise RuleError("invalid_argument", f"snapshot_id {short(key)}: snapshot not found")
        if snapshot.status != "created":
            raise RuleError("failed_precondition", f"snapshot {key} cannot be restored, it is {snapshot.status}")
        return snapshot

    def _extend(self, entry: VolumeEntry, size_gb: int, now: float) -> list[VolumeAction]:
        if not entry.size_gb < size_gb <= self.settings.largest_gb:
            why = f"volumes only grow: more than {entry.size_gb} and at most {self.settings.largest_gb} is allowed"
            raise RuleError("invalid_argument", f"size_gb {short(size_gb)} is refused, {why}")
        check_room(list(self.volumes()), entry.region, size_gb - entry.size_gb, most_gb=self.settings.region_gb)
        return self._put(replace(entry, size_gb=size_gb), now)

    def _destroy(self, entry: VolumeEntry, now: float) -> list[VolumeAction]:
        if entry.machine:
            raise RuleError("volume_bound", f"volume is currently bound to machine: {entry.machine}")
        if entry.state in _GOING:
            return []
        due = now + self.settings.pending_destroy
        source = None if entry.failed else entry.source  # a copy that goes on still needs it
        pending = replace(entry, state=S.PENDING_DESTROY, destroy_at=due, source=source)
        return [*self._put(pending, now), *self._sweep(now)]

    def _snapshot(self, event: ask.CreateSnapshot, now: float) -> list[VolumeAction]:
        entry = self._usable(event.app, event.volume)
        if any(each.volume == entry.id and each.status == "scheduled" for each in self._snapshots):
            raise RuleError("snapshot_scheduled", f"a snapshot of volume {entry.id} is already scheduled")
        snapshot = SnapshotEntry(
            id=event.id,
            app=entry.app,
            volume=entry.id,
            name=entry.name,
            size_gb=entry.size_gb,
            created_at=now,
            retention_days=entry.snapshot_retention,
        )
        self._snapshots.put(snapshot)
        return [Kept(SNAPSHOTS, snapshot.id), CopyFolder(SNAPSHOTS, snapshot.id, VOLUMES, entry.id)]

    def _copied(self, event: ask.Copied, now: float) -> list[VolumeAction]:
        if snapshot := self._snapshots.get(event.id):
            status = "failed" if event.failed else "created"
            done = replace(snapshot, status=status, size=event.size, digest=event.digest, changed=event.changed)
            self._snapshots.put(done)
            return [Kept(SNAPSHOTS, event.id)]
        if (entry := self._volumes.get(event.id)) is None:
            return []
        if event.failed and entry.state in _COPYING and not entry.orphan:
            # It is tried again when the platform starts, and can be destroyed.
            return self._put(replace(entry, failed=event.failed), now)
        state = S.CREATED if entry.state in _COPYING else entry.state
        return self._put(replace(entry, state=state, source=None, changed=event.changed, failed=""), now)

    def _sweep(self, now: float) -> list[VolumeAction]:
        """Let go of whatever is due and is not being copied from."""
        found: list[VolumeAction] = []
        busy = {entry.source for entry in self._volumes if entry.source is not None}
        busy |= {(VOLUMES, each.volume) for each in self._snapshots if each.status == "scheduled"}
        for each in self._snapshots:
            over = each.orphan or now >= each.expires_at
            if over and each.status != "scheduled" and (SNAPSHOTS, each.id) not in busy:
                self._snapshots.drop(each.id)
                found += [Kept(SNAPSHOTS, each.id), DropFolder(SNAPSHOTS, each.id)]
        for entry in self._volumes:
            free = not entry.machine and (VOLUMES, entry.id) not in busy
            if entry.orphan and free and entry.source is None:
                self._volumes.drop(entry.id)
                found += [Kept(VOLUMES, entry.id), DropFolder(VOLUMES, entry.id)]
            elif entry.state is S.PENDING_DESTROY and free and now >= entry.destroy_at:
                found += [*self._put(replace(entry, state=S.DESTROYED), now), DropFolder(VOLUMES, entry.id)]
        for entry in self._tombs():
            if now >= self._forget_at(entry):
                self._volumes.drop(entry.id)
                found.append(Kept(VOLUMES, entry.id))
        return found
