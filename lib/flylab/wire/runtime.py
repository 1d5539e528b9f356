"""The FLY_* environment of a machine: one class writes it and reads it, so platform and app cannot disagree."""

from collections.abc import Mapping
from dataclasses import dataclass

from flylab.errors import ParseError

# name in the environment ↔ field (machines/runtime-environment); FLY_ALLOC_ID repeats the machine's id.
_NAMES = {
    "FLY_APP_NAME": "app",
    "FLY_MACHINE_ID": "machine_id",
    "FLY_ALLOC_ID": "machine_id",
    "FLY_REGION": "region",
    "FLY_PRIVATE_IP": "private_ip",
    "FLY_IMAGE_REF": "image_ref",
    "FLY_MACHINE_VERSION": "machine_version",
    "FLY_PROCESS_GROUP": "process_group",
    "FLY_VM_MEMORY_MB": "memory_mb",
    "PRIMARY_REGION": "primary_region",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a machine knows about itself; empty texts and a memory of 0 mean "not said" and are left out."""

    app: str = ""
    machine_id: str = ""
    region: str = ""
    private_ip: str = ""
    image_ref: str = ""
    machine_version: str = ""
    process_group: str = ""
    memory_mb: int = 0
    primary_region: str = ""

    def to_env(self) -> dict[str, str]:
        values = {name: getattr(self, field) for name, field in _NAMES.items()}
        return {name: str(value) for name, value in values.items() if value}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Runtime":
        """Read it from ``env``; outside a machine every field is empty."""
        memory = env.get("FLY_VM_MEMORY_MB", "")
        if memory and not memory.isdecimal():
            raise ParseError("FLY_VM_MEMORY_MB", memory, "a whole number is expected")
        found = {field: env[name] for name, field in _NAMES.items() if name in env and field != "memory_mb"}
        return cls(**found, memory_mb=int(memory or 0))

    @property
    def inside(self) -> bool:
        """Whether this process runs in a machine at all."""
        return bool(self.machine_id)
