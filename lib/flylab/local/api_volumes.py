"""The volumes of the Machines API and their snapshots (machines/api/volumes-resource, openapi)."""

from collections.abc import Sequence
from dataclasses import replace

from quart import Quart, Response, g

from flylab import ids
from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, flag, page, read_body
from flylab.rules.admission import admit_guest
from flylab.rules.volume_making import VolumeSettings
from flylab.rules.volume_orders import CreateSnapshot, CreateVolume, DestroyVolume, ExtendVolume, UpdateVolume
from flylab.rules.volume_records import VolumeEntry
from flylab.wire.fields import Fields, Json
from flylab.wire.machine import Guest, MachineConfig
from flylab.wire.volume import Volume, VolumeState

_VOLUMES = "/v1/apps/<app_name>/volumes"
_VOLUME = f"{_VOLUMES}/<volume_id>"
_MOST = 1000  # volumes on a page; openapi has it for the list of the organisation


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, volumes = control.platform, control.platform.fleet.volumes

    def find(app_name: str, volume_id: str) -> VolumeEntry:
        platform.fleet.app(app_name)
        return volumes.volume(app_name, volume_id)

    async def show(entry: VolumeEntry) -> Json:
        return (await shown(control, [entry]))[0]

    @api.get(_VOLUMES, endpoint="Volumes_list")
    async def list_volumes(app_name: str) -> Response:
        platform.fleet.app(app_name)
        part, cursor = page(list(volumes.volumes(app_name)), lambda entry: entry.id, _MOST)
        return answer(await shown(control, part), headers={"fly-next-cursor": cursor} if cursor else None)

    @api.post(_VOLUMES, endpoint="Volumes_create")
    async def create_volume(app_name: str) -> Response:
        platform.fleet.app(app_name)
        event = _read_create(await read_body(), app_name, control)
        platform.apply(event)
        return answer(await show(volumes.volume(app_name, event.id)))

    @api.get(_VOLUME, endpoint="Volumes_get_by_id")
    async def get_volume(app_name: str, volume_id: str) -> Response:
        return answer(await show(find(app_name, volume_id)))

    @api.put(_VOLUME, endpoint="Volumes_update")
    async def update_volume(app_name: str, volume_id: str) -> Response:
        f = await read_body()
        days = f.maybe_integer("snapshot_retention")
        backups = f.maybe("auto_backup_enabled", _switch)
        platform.apply(UpdateVolume(app=app_name, id=volume_id, snapshot_retention=days, auto_backup_enabled=backups))
        return answer(await show(find(app_name, volume_id)))

    @api.delete(_VOLUME, endpoint="Volume_delete")
    async def destroy_volume(app_name: str, volume_id: str) -> Response:
        entry = find(app_name, volume_id)
        platform.apply(DestroyVolume(app=app_name, id=volume_id))
        # Already gone when the settings keep nothing.
        left = volumes.find(volume_id) or replace(entry, state=VolumeState.DESTROYED)
        return answer(_told(left.show(), volumes.settings))

    @api.put(f"{_VOLUME}/extend", endpoint="Volumes_extend")
    async def extend_volume(app_name: str, volume_id: str) -> Response:
        size = (await read_body()).maybe_integer("size_gb")
        if size is None:
            raise RuleError("invalid_argument", "size_gb is missing")
        platform.apply(ExtendVolume(app=app_name, id=volume_id, size_gb=size))
        entry = find(app_name, volume_id)
        life = platform.fleet.find(entry.machine)
        restart = volumes.settings.extend_needs_restart and life is not None and life.running
        return answer({"volume": await show(entry), "needs_restart": restart})

    @api.get(f"{_VOLUME}/snapshots", endpoint="Volumes_list_snapshots")
    async def list_snapshots(app_name: str, volume_id: str) -> Response:
        platform.fleet.app(app_name)
        return answer([each.show().to_json() for each in volumes.snapshots(app_name, volume_id)])

    @api.post(f"{_VOLUME}/snapshots", endpoint="createVolumeSnapshot")
    async def create_snapshot(app_name: str, volume_id: str) -> Response:
        await read_body()
        key = ids.snapshot_id(platform.rng)
        platform.apply(CreateSnapshot(id=key, app=app_name, volume=volume_id))
        made = next(each for each in volumes.snapshots(app_name, volume_id) if each.id == key)
        return answer(made.show().to_json())


async def shown(control: Control, entries: Sequence[VolumeEntry]) -> list[Json]:
    """As the API shows them; how much each holds is measured, off the event loop, unless only a summary is wanted."""
    used: dict[str, int] = {}
    if not flag("summary"):
        there = [entry.id for entry in entries if entry.state is not VolumeState.DESTROYED]
        used = await control.platform.folders.measure(there)
    settings = control.platform.fleet.volumes.settings
    return [_told(entry.show(used.get(entry.id)), settings) for entry in entries]


async def settle(control: Control, app_name: str, region: str, config: MachineConfig) -> None:
    """Wait for copies into the volumes that a new machine may get; the rules decide about what is not ready then."""
    volumes = control.platform.fleet.volumes
    for mount in config.mounts:
        words = (mount.volume, mount.name)
        alike = [each for each in volumes.volumes(app_name) if each.region == region]
        alike = [each for each in alike if each.id in words or each.name in words]
        if not any(each.state is VolumeState.CREATED and not each.machine for each in alike):
            await control.platform.folders.settled([each.id for each in alike], volumes.settings.patience)


def _told(volume: Volume, settings: VolumeSettings) -> Json:
    told = volume.to_json()
    return told if settings.null_for_nobody else {key: value for key, value in told.items() if value is not None}


def _read_create(f: Fields, app_name: str, control: Control) -> CreateVolume:
    volumes = control.platform.fleet.volumes
    source, region = f.text("source_volume_id"), f.maybe_text("region")
    origin = volumes.find(source) if source else None
    if origin is not None and origin.app == app_name and not region:
        region = origin.region
    elif region is not None and not region.strip() and not source and volumes.settings.empty_region_is_full:
        raise RuleError("volume_region_full", "region '': no capacity")
    compute = f.maybe("compute", Guest.from_json)
    if compute is not None:
        admit_guest(compute)
    f.text("compute_image")
    return CreateVolume(
        id=ids.volume_id(control.platform.rng),
        app=app_name,
        name=f.text("name"),
        region=control.gate.region(region or "", control.catalogue, app_name, volume=True),
        size_gb=f.maybe_integer("size_gb"),
        encrypted=f.flag("encrypted", default=True),
        fstype=f.text("fstype") or "ext4",
        snapshot=f.text("snapshot_id"),
        source=source,
        snapshot_retention=f.maybe_integer("snapshot_retention"),
        auto_backup_enabled=f.flag("auto_backup_enabled", default=True),
        unique_zone=f.flag("require_unique_zone", default=True),
        unique_zone_app_wide=f.flag("unique_zone_app_wide"),
        for_compute=compute is not None,
        within="" if any(not holder.app for holder in g.holders) else app_name,
    )


def _switch(value: object, where: str) -> bool:
    return Fields({where: value}, "").flag(where)
