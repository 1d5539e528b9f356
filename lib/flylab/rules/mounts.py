"""The mount of a volume in a machine: whether it can be there, which volume it is, and that it stays for life."""

from collections.abc import Iterable
from dataclasses import replace

from flylab.errors import RuleError
from flylab.rules.volume_places import zone_is_full
from flylab.rules.volume_records import VolumeEntry
from flylab.rules.volumes import Volumes
from flylab.wire.machine import MachineConfig, Mount
from flylab.wire.volume import VolumeState

_LONGEST_PART = 255  # bytes of one part of a path, on every file system in use (NAME_MAX)
_NUMBERS = ("extend_threshold_percent", "add_size_gb", "size_gb_limit", "add_size_percent", "min_add_size_gb")
_OURS = ".fly"  # where a machine finds what the platform itself puts there (reference/suspend-resume)


def check_mounts(config: MachineConfig) -> None:
    """Raise ``RuleError`` naming the first field of the mounts that no machine can have."""
    if len(config.mounts) > 1:
        text = f"config.mounts names {len(config.mounts)} volumes, a machine has at most one"
        raise RuleError("invalid_argument", text)
    for mount in config.mounts:
        parts = _check_path(mount.path)
        if not (mount.volume or mount.name):
            raise RuleError("invalid_argument", "config.mounts[0] names no volume: give its id as volume, or its name")
        for key in _NUMBERS:
            number = mount.extra.get(key)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise RuleError("invalid_argument", f"config.mounts[0].{key} {number!r} is not a number from 0 on")
        for i, file in enumerate(config.files):
            names = _parts(file.guest_path)
            if names == parts[: len(names)]:
                text = f"config.files[{i}].guest_path '{file.guest_path}' is where '{mount.path}' is mounted"
                raise RuleError("invalid_argument", text)


def _parts(path: str) -> list[str]:
    found: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del found[-1:]
        elif part not in ("", "."):
            found.append(part)
    return found


def _check_path(path: str) -> list[str]:
    where = f"config.mounts[0].path {path[:200]!r}"
    if not path.startswith("/"):
        raise RuleError("invalid_argument", f"{where} is not an absolute path")
    if ".." in path.split("/"):
        raise RuleError("invalid_argument", f"{where} has a part '..', which is not allowed")
    try:
        longest = max(len(part.encode()) for part in path.split("/"))
    except UnicodeEncodeError as exc:
        raise RuleError("invalid_argument", f"{where} has half of a surrogate pair, which is no character") from exc
    if "\0" in path or longest > _LONGEST_PART:
        text = f"{where} has a zero character, or a part of more than {_LONGEST_PART} bytes"
        raise RuleError("invalid_argument", text)
    parts = _parts(path)
    if not parts or parts[0] == _OURS:
        raise RuleError("invalid_argument", f"{where} cannot be a volume: / and /{_OURS} belong to the machine")
    return parts


def named(volumes: Volumes, app: str, mount: Mount) -> list[VolumeEntry]:
    """The volumes of an app that a mount may mean: one by its id, or all of a name; `volume` takes either."""
    alike = [each for each in volumes.volumes(app) if each.state is not VolumeState.PENDING_DESTROY]
    found = [each for each in alike if mount.volume and each.id == mount.volume]
    return found or [each for each in alike if each.name == (mount.volume or mount.name)]


def find_volume(volumes: Volumes, app: str, region: str, config: MachineConfig) -> VolumeEntry | None:
    """The free volume that a new machine of the app and region asks for, if it asks for any; nothing is taken yet."""
    if not config.mounts:
        return None
    mount = config.mounts[0]
    wanted = mount.volume or mount.name
    found = named(volumes, app, mount)
    if not found:
        raise RuleError("volume_gone", f"config.mounts[0] '{wanted[:80]}': volume not found")
    here = [each for each in found if each.region == region]
    if not here:
        others = ", ".join(sorted({each.region for each in found}))
        raise RuleError(
            "wrong_region", f"volume '{wanted}' is in the wrong region: {others}, and the machine in {region}"
        )
    entry = _free(here)
    if zone_is_full(list(volumes.volumes()), entry.region, entry.zone, most=volumes.settings.zone_machines):
        text = f"insufficient resources to create a machine beside volume {entry.id} in zone {entry.zone}"
        raise RuleError("volume_capacity", text)
    return entry


def _free(here: Iterable[VolumeEntry]) -> VolumeEntry:
    bound = copying = None
    for entry in here:
        if entry.machine:
            bound = entry
        elif entry.state is not VolumeState.CREATED:
            copying = entry
        else:
            return entry
    if copying is not None:
        why = f" ({copying.failed})" if copying.failed else ""
        text = f"volume {copying.id} cannot be mounted yet, current state: '{copying.state}'{why}"
        raise RuleError("failed_precondition", text)
    assert bound is not None
    raise RuleError("volume_bound", f"volume {bound.id} is currently bound to machine: {bound.machine}")


def mounted(config: MachineConfig, entry: VolumeEntry | None) -> MachineConfig:
    """The configuration with what is known of its volume filled in."""
    if entry is None:
        return config
    mount = config.mounts[0]
    given = replace(mount, volume=entry.id, name=entry.name, size_gb=entry.size_gb, encrypted=entry.encrypted)
    return replace(config, mounts=(given,))


def remounted(volumes: Volumes, held: tuple[Mount, ...], config: MachineConfig) -> MachineConfig:
    """A new configuration of a machine that has the mounts ``held``: its volume is fixed for life, its path is not."""
    if not held and not config.mounts:
        return config
    if not held:
        raise RuleError("invalid_argument", "config.mounts: a machine gets its volume when it is created, not later")
    mine = held[0]
    asked = config.mounts[0] if config.mounts else None
    same = asked and asked.volume in ("", mine.volume, mine.name) and asked.name in ("", mine.name)
    if asked is None or not same:
        text = f"config.mounts: the volume of a machine cannot change, it is {mine.volume}"
        raise RuleError("invalid_argument", text)
    return mounted(config, volumes.find(mine.volume))
