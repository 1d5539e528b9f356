"""A machine and an app as the Machines API shows them, and the states a machine can be in.

The server, the client and the rules all use these classes, so a wrong field name breaks every side at once.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from flylab.errors import ParseError
from flylab.wire.config import File, Guest, Init, MachineConfig, Restart, StopConfig
from flylab.wire.fields import Fields, Json, read_object, without_empty
from flylab.wire.lease import Lease
from flylab.wire.services import Concurrency, Port, Service
from flylab.wire.volume import Mount

__all__ = [
    "App",
    "Concurrency",
    "Event",
    "File",
    "Guest",
    "Init",
    "Machine",
    "MachineConfig",
    "MachineState",
    "Mount",
    "Port",
    "Restart",
    "Service",
    "StopConfig",
    "parse_state",
]


class MachineState(StrEnum):
    """Every state a machine, or a version of one, can show (machines/machine-states)."""

    CREATED = "created"
    CREATING = "creating"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    RESTARTING = "restarting"
    REPLACING = "replacing"
    UPDATING = "updating"
    FAILED = "failed"
    LAUNCH_FAILED = "launch_failed"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    REPLACED = "replaced"
    MIGRATED = "migrated"


def parse_state(text: str, where: str = "state") -> MachineState:
    try:
        return MachineState(text)
    except ValueError:
        raise ParseError(where, text, "not a state of a machine") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a machine; ``timestamp`` in milliseconds since the epoch, ``status`` a state."""

    id: str
    type: str
    status: str
    source: str = ""
    timestamp: int = 0
    request: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "event") -> "Event":
        f = Fields(value, where)
        return cls(
            id=f.text("id"),
            type=f.text("type"),
            status=f.text("status"),
            source=f.text("source"),
            timestamp=f.integer("timestamp"),
            request=f.mapping("request"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        named = {"id": self.id, "type": self.type, "status": self.status, "source": self.source}
        return {**named, "timestamp": self.timestamp, **without_empty(request=dict(self.request)), **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine; ``instance_id`` is the same value as ``version`` on the wire, new at every update."""

    id: str
    name: str = ""
    state: MachineState
    region: str = ""
    instance_id: str = ""
    private_ip: str = ""
    image_ref: Json = field(default_factory=dict)
    config: MachineConfig = field(default_factory=MachineConfig)
    events: tuple[Event, ...] = ()
    created_at: str = ""
    updated_at: str = ""
    cordoned: bool = False
    host_status: str = "ok"
    checks: tuple[Json, ...] = ()
    nonce: str = ""  # of the lease that was taken with ``lease_ttl``, in the answer to that request alone
    lease: Lease | None = None  # who holds it, when ``include_leases`` asked for that
    extra: Json = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.instance_id

    @classmethod
    def from_json(cls, value: object, where: str = "machine") -> "Machine":
        f = Fields(value, where)
        state = parse_state(f.text("state"), f.path("state"))
        instance_id, version = f.text("instance_id"), f.text("version")
        return cls(
            id=f.text("id"),
            name=f.text("name"),
            state=state,
            region=f.text("region"),
            instance_id=version or instance_id,
            private_ip=f.text("private_ip"),
            image_ref=f.mapping("image_ref"),
            config=f.maybe("config", MachineConfig.from_json) or MachineConfig(),
            events=f.items("events", Event.from_json),
            created_at=f.text("created_at"),
            updated_at=f.text("updated_at"),
            cordoned=f.flag("cordoned"),
            host_status=f.text("host_status", "ok"),
            checks=f.items("checks", read_object),
            nonce=f.text("nonce"),
            lease=f.maybe("lease", Lease.from_json),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "state": str(self.state),
            "region": self.region,
            "version": self.instance_id,
            "instance_id": self.instance_id,
            "private_ip": self.private_ip,
            "image_ref": dict(self.image_ref),
            # What is known of the configuration while the host cannot be asked (fly-go machine_types.go).
            "config" if self.host_status == "ok" else "incomplete_config": self.config.to_json(),
            "events": [event.to_json() for event in self.events],
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "cordoned": self.cordoned,
            "host_status": self.host_status,
            **without_empty(
                checks=[dict(check) for check in self.checks], nonce=self.nonce, lease=self.lease and self.lease.shown()
            ),
            **self.extra,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app; ``organization`` is the slug of the organisation that it belongs to."""

    id: str = ""
    name: str
    organization: str = ""
    organization_name: str = ""
    network: str = ""
    status: str = ""
    machine_count: int = 0
    volume_count: int = 0
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "app") -> "App":
        f = Fields(value, where)
        owner = Fields(f.mapping("organization"), f.path("organization"))
        return cls(
            id=f.text("id"),
            name=f.text("name"),
            organization=owner.text("slug"),
            organization_name=owner.text("name"),
            network=f.text("network"),
            status=f.text("status"),
            machine_count=f.integer("machine_count"),
            volume_count=f.integer("volume_count"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "organization": {"name": self.organization_name, "slug": self.organization},
            "network": self.network,
            "machine_count": self.machine_count,
            "volume_count": self.volume_count,
            **self.extra,
        }
