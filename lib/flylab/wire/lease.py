"""A lease as the Machines API shows it: who may change a machine alone, and until when (machines-resource, leases)."""

from dataclasses import dataclass, field

from flylab.wire.fields import Fields, Json

NONCE_HEADER = "fly-machine-lease-nonce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to change one machine; ``expires_at`` in seconds since the epoch, ``nonce`` proves the right."""

    nonce: str = ""
    owner: str = ""
    description: str = ""
    expires_at: int = 0
    version: str = ""
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "lease") -> "Lease":
        """Read ``{"status": "success", "data": {…}}``, as the service answers, or the bare object of the document."""
        f = Fields(value, where)
        if (inner := f.take("data")) is not None:
            f = Fields(inner, f"{where}.data")
        return cls(
            nonce=f.text("nonce"),
            owner=f.text("owner"),
            description=f.text("description"),
            expires_at=f.integer("expires_at"),
            version=f.text("version"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        named = {"nonce": self.nonce, "expires_at": self.expires_at, "owner": self.owner}
        return {**named, "description": self.description, "version": self.version, **self.extra}

    def shown(self) -> Json:
        """What everybody may see of it, with ``include_leases``: not the nonce."""
        return {"owner": self.owner, "description": self.description, "expires_at": self.expires_at}
