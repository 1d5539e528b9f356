"""Where a volume is put: the room of its region, its zone, and the machines that fit beside it. All limits are off by
default; with them a platform can be made to be full."""

import hashlib
from collections.abc import Collection

from flylab.errors import RuleError
from flylab.rules.volume_orders import CreateVolume
from flylab.rules.volume_records import VolumeEntry


def check_room(volumes: Collection[VolumeEntry], region: str, more_gb: int, *, most_gb: int) -> None:
    """Raise ``volume_region_full`` when the region holds too much; a limit of 0 is none."""
    used = sum(entry.size_gb for entry in volumes if entry.region == region)
    if most_gb and used + more_gb > most_gb:
        raise RuleError("volume_region_full", f"region {region}, {more_gb} GB more: no capacity")


def zone_is_full(volumes: Collection[VolumeEntry], region: str, zone: str, *, most: int) -> bool:
    """Whether no machine can be put beside a volume there."""
    held = sum(1 for entry in volumes if entry.machine and (entry.region, entry.zone) == (region, zone))
    return bool(most) and held >= most


def choose_zone(
    volumes: Collection[VolumeEntry], event: CreateVolume, name: str, *, not_in: str, zones: int, machines: int
) -> str:
    """A zone of the region: another one than that of the volumes from which this one is to be kept apart.

    ``not_in`` is the zone of what it is a fork of; of ``zones`` and ``machines`` in each, 0 is as many as it takes.
    """
    here = [entry for entry in volumes if entry.region == event.region]
    apart = {not_in} if event.unique_zone else set()
    for entry in here:
        alike = entry.app == event.app and (event.unique_zone_app_wide or entry.name == name)
        full = event.for_compute and zone_is_full(here, event.region, entry.zone, most=machines)
        if full or (event.unique_zone and alike):
            apart.add(entry.zone)
    for number in range(zones or len(apart) + 1):
        # Four hex digits, as on Fly; they mean nothing.
        zone = hashlib.sha256(f"{event.region}/{number}".encode()).hexdigest()[:4]
        if zone not in apart:
            return zone
    raise RuleError("volume_region_full", f"region {event.region}, no zone is left for volume '{name}': no capacity")
