"""The ``[[mounts]]`` of a ``fly.toml``: where a machine sees a volume, and what volume a deployment makes for it."""

import re
from dataclasses import dataclass

from flylab.errors import ParseError
from flylab.wire.fields import Fields, without_empty
from flylab.wire.tables import Grouped
from flylab.wire.volume import Mount

_SIZE = re.compile(r"(\d{1,9})\s*(?:gb?)?", re.IGNORECASE)
# The most and least of each (flyctl, internal/appconfig); threshold in percent, the other two in GB.
_EXTENDS = {
    "auto_extend_size_threshold": (50, 99, "extend_threshold_percent"),
    "auto_extend_size_increment": (1, 100, "add_size_gb"),
    "auto_extend_size_limit": (1, 500, "size_gb_limit"),
}
_LONGEST_RETENTION = 60  # days (reference/configuration)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """``mount`` is what a machine asks for; the rest is how a volume of that name is created when there is none."""

    mount: Mount
    size_gb: int = 1
    snapshot_retention: int = 5
    auto_backup_enabled: bool = True


def read_mount(f: Fields) -> Grouped[VolumeMount]:
    """Read ``source = "data"``, ``destination = "/data"`` and what may stand beside them."""
    source, path = f.text("source"), f.text("destination")
    if not source:
        raise ParseError(f.path("source"), source, "the name of a volume is expected")
    if not path.startswith("/") or not path.strip("/"):
        raise ParseError(f.path("destination"), path, "an absolute path below / is expected")
    days = f.integer("snapshot_retention", 5)
    _between(f.path("snapshot_retention"), days, 1, _LONGEST_RETENTION)
    read = VolumeMount(
        mount=Mount(path=path, name=source, extra=dict(_extends(f))),
        size_gb=_gigabytes(f.take("initial_size"), f.path("initial_size")) or 1,
        snapshot_retention=days,
        auto_backup_enabled=f.flag("scheduled_snapshots", default=True),
    )
    return Grouped(f.texts("processes"), read)


def _extends(f: Fields) -> dict[str, int]:
    threshold = f.maybe_integer("auto_extend_size_threshold")
    sizes = [(key, f.take(key)) for key in ("auto_extend_size_increment", "auto_extend_size_limit")]
    given: dict[str, object] = {"auto_extend_size_threshold": threshold}
    given |= {key: _gigabytes(value, f.path(key)) for key, value in sizes}
    found: dict[str, int] = {}
    for key, (least, most, name) in _EXTENDS.items():
        if isinstance(value := given[key], int):
            _between(f.path(key), value, least, most)
            found[name] = value
    if found and len(found) < len(_EXTENDS):
        raise ParseError(f.path("auto_extend_size"), without_empty(**given), f"give all of {', '.join(_EXTENDS)}")
    return found


def _gigabytes(value: object, where: str) -> int | None:
    """``10``, ``"10"`` or ``"10gb"`` in GB; None when nothing is said."""
    if value is None:
        return None
    found = None if isinstance(value, bool) else _SIZE.fullmatch(str(value))
    if found is None or int(found[1]) == 0:
        raise ParseError(where, value, "a size such as 10 or '10gb' is expected")
    return int(found[1])


def _between(where: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ParseError(where, value, f"between {least} and {most} is possible")
