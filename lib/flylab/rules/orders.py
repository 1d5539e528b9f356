"""What can be asked of the fleet, or happen to it: the events of ``Fleet.apply``."""

from dataclasses import dataclass, field

from flylab.rules.leases import ReleaseLease, TakeLease
from flylab.rules.lifecycle import Happening
from flylab.rules.memory import SetMemoryLimit
from flylab.rules.metadata import SetMetadata
from flylab.rules.records import AppOrder
from flylab.rules.volume_orders import VolumeOrder
from flylab.wire.fields import Json
from flylab.wire.machine import MachineConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApp:
    id: str
    name: str
    organization: str
    network: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApp:
    name: str
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMachine:
    """Id and version come from the caller; ``launch`` starts it, ``cordoned`` keeps requests away from it."""

    id: str
    app: str
    name: str
    region: str
    config: MachineConfig
    version: str
    image_ref: Json = field(default_factory=dict)
    launch: bool = True
    cordoned: bool = False
    skip_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Happened:
    """Something of ``lifecycle.py`` happened to a machine."""

    machine: str
    what: Happening


@dataclass(frozen=True, slots=True)
class Leased:
    """Make or update a machine and take its lease (``lease_ttl``): both or neither, whenever the platform is killed."""

    what: CreateMachine | Happened
    lease: TakeLease

    @property
    def machine(self) -> str:
        return self.lease.machine


@dataclass(frozen=True, slots=True)
class Checked:
    """A check has run; ``round`` is that of ``Life.health`` when it began."""

    machine: str
    round: int
    name: str
    passed: bool
    output: str


@dataclass(frozen=True, slots=True)
class Migrate:
    """The machine comes up on another host: its 6PN address changes."""

    machine: str


@dataclass(frozen=True, slots=True)
class Cordon:
    machine: str
    on: bool


FleetEvent = (
    CreateApp | DeleteApp | CreateMachine | Happened | Leased | Checked | Cordon | SetMetadata | SetMemoryLimit
    | TakeLease | ReleaseLease | AppOrder | VolumeOrder | Migrate
)  # fmt: skip
