"""The metadata of a machine: merged key by key, with the preconditions that a request may have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flylab.errors import RuleError
from flylab.rules.life import Life
from flylab.wire.machine import MachineConfig
from flylab.wire.moment import format_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetadata:
    """Keys not named stay, an empty text or ``None`` removes; the other two are preconditions when not empty."""

    machine: str
    values: Mapping[str, str | None]
    updated_at: str = ""
    version: str = ""


def with_metadata(life: Life, event: SetMetadata) -> MachineConfig:
    """The configuration of the machine after that; its version stays."""
    if event.version and event.version != life.version:
        raise RuleError("failed_precondition", f"machine_version is {life.version}, not {event.version}")
    if event.updated_at and event.updated_at != (at := format_moment(life.updated_at)):
        raise RuleError("failed_precondition", f"the machine was updated at {at}, not {event.updated_at}")
    kept = {key: value for key, value in life.config.metadata.items() if key not in event.values}
    given = {key: value for key, value in event.values.items() if value}
    return replace(life.config, metadata=kept | given)
