"""Every number and switch of the local platform: one frozen record for each component, changed by a TOML file."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flylab.errors import UsageError
from flylab.local.limits import LimitSettings
from flylab.rules.autostop import AutostopSettings
from flylab.rules.checks import CheckSettings
from flylab.rules.commands import ExecSettings
from flylab.rules.fleet import FleetSettings
from flylab.rules.leases import LeaseSettings
from flylab.rules.life import LifeSettings
from flylab.rules.placements import PlacementSettings
from flylab.rules.policies import PolicySettings
from flylab.rules.secrets import SecretSettings
from flylab.rules.volume_making import VolumeSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The connections of the Machines API; all our choice, Fly publishes none of these."""

    connections: int = 4096  # open at the same time, those of machines' own sockets included
    head_limit: int = 64 * 1024  # bytes; what arrives together with its end is taken
    head_time: float = 15.0  # seconds for a head to be there, from the connection's or its own first byte
    # Take any token for the organisation's, for clients whose token cannot be set. Off, for whatever else runs on this
    # computer could do the same.
    any_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """The control plane."""

    fleet: FleetSettings = field(default_factory=FleetSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    checks: CheckSettings = field(default_factory=CheckSettings)
    autostop: AutostopSettings = field(default_factory=AutostopSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    schedule_hour: float = 3600.0  # seconds that an hour of a machine's `schedule` has; shorter only to see it work
    exec: ExecSettings = field(default_factory=ExecSettings)
    placement: PlacementSettings = field(default_factory=PlacementSettings)
    policies: PolicySettings = field(default_factory=PolicySettings)
    autostart_counts: bool = True  # reported: the proxy's starts use up the rate of Machines_start too, then PM01
    wake_timeout: float = 60.0  # PM03 after that; our choice, Fly does not publish it
    stop_patience: float = 2.0  # our choice: how long machines may take to stop when the platform itself stops
    log_size: int = 8 * 1024 * 1024  # our choice: bytes that are kept of what a machine prints
    strict_wait: bool = False  # documented: a wait for stopped needs a version; flyctl sends none and works
    body_limit: int = 8 * 1024 * 1024  # our choice: the longest request body that the API reads
    # What a machine may see through its own `/.fly/api` is not published: assumed is all of its app but the secrets.
    machine_reads_app: bool = True
    remembered_exchanges: int = 1000  # our choice: how many the API shows as the recent ones


def read_tables(path: Path | None) -> dict[str, dict[str, object]]:
    """The tables of a settings file; raises ``UsageError`` with one sentence."""
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise UsageError(f"cannot read the settings file {path}: {exc}") from exc
    for name, table in document.items():
        if not isinstance(table, dict):
            raise UsageError(f"{path}: '{name}' stands outside of a table such as [platform]")
    return document


def overridden(settings: T, tables: dict[str, dict[str, object]], name: str) -> T:
    """``settings`` with the values of table ``name``, which is taken out of ``tables``."""
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        raise TypeError(f"{settings!r} is not a settings record")
    known = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    plain = {key: value for key, value in known.items() if not dataclasses.is_dataclass(value)}
    changes: dict[str, Any] = {}
    for key, value in tables.pop(name, {}).items():
        if key not in plain:
            raise UsageError(f"unknown setting '{name}.{key}'; known are {', '.join(sorted(plain))}")
        changes[key] = _fitting(f"{name}.{key}", value, plain[key])
    return dataclasses.replace(settings, **changes)


def platform_settings(tables: dict[str, dict[str, object]]) -> PlatformSettings:
    """From all tables but those of the edges; one for each part, named like it."""
    fleet = overridden(
        FleetSettings(
            life=overridden(LifeSettings(), tables, "life"),
            lease=overridden(LeaseSettings(), tables, "lease"),
            secrets=overridden(SecretSettings(), tables, "secrets"),
            volumes=overridden(VolumeSettings(), tables, "volumes"),
        ),
        tables,
        "fleet",
    )
    settings = overridden(
        PlatformSettings(
            fleet=fleet,
            api=overridden(ApiSettings(), tables, "api"),
            checks=overridden(CheckSettings(), tables, "checks"),
            autostop=overridden(AutostopSettings(), tables, "autostop"),
            limits=overridden(LimitSettings(), tables, "limits"),
            exec=overridden(ExecSettings(), tables, "exec"),
            placement=overridden(PlacementSettings(), tables, "placement"),
            policies=overridden(PolicySettings(), tables, "policies"),
        ),
        tables,
        "platform",
    )
    if settings.schedule_hour <= 0:
        raise UsageError(f"setting 'platform.schedule_hour' is {settings.schedule_hour:g}, it must be above 0")
    refuse_negative("autostop", settings.autostop, "period", "idle", "cordon_wait", "close_wait")
    return settings


def refuse_negative(table: str, settings: object, *names: str) -> None:
    """Raise ``UsageError`` when one of these numbers is below 0 or none at all (TOML knows nan)."""
    for name in names:
        value = getattr(settings, name)
        if not value >= 0:
            raise UsageError(f"setting '{table}.{name}' is {value:g}, it must not be below 0")


def refuse_unknown(tables: dict[str, dict[str, object]], known: tuple[str, ...]) -> None:
    """What is left belongs to no component."""
    for name in tables:
        raise UsageError(f"unknown table '[{name}]' in the settings file; known are {', '.join(known)}")


def _fitting(name: str, value: object, default: object) -> object:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(value)
    if type(value) is not type(default):
        raise UsageError(f"setting '{name}' is {value!r}, but a value like {default!r} is expected")
    return value
