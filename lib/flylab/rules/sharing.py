"""Machines of one app are mostly alike: what is equal in two configurations is kept once, for it never changes."""

from dataclasses import fields, replace
from typing import Any

from flylab.wire.config import MachineConfig
from flylab.wire.fields import Json

_FIELDS = tuple(field.name for field in fields(MachineConfig))
NOTHING: Json = {}  # of all events that have nothing to say; whoever shows it copies it


def shared(config: MachineConfig, like: MachineConfig) -> MachineConfig:
    """An equal configuration, made of the parts of ``like`` where those are equal, or ``like`` itself."""
    same: dict[str, Any] = {}
    for name in _FIELDS:
        part = getattr(like, name)
        # Equal is not enough where 1 stands for true, and what prints alike is written alike.
        if part == getattr(config, name) and repr(part) == repr(getattr(config, name)):
            same[name] = part
    return like if len(same) == len(_FIELDS) else replace(config, **same)
