"""What the API tells besides apps and machines: regions, secrets without their values, the end of a command."""

from dataclasses import dataclass, field

from flylab.wire.fields import Fields, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRegion:
    """One region of ``/platform/regions``; ``deprecated`` ones are still listed and refused at create."""

    code: str
    name: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    deprecated: bool = False
    nearest: bool = False
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "region", *, nearest: str = "") -> "PlatformRegion":
        """Read ``{"code": "ams", "name": "Amsterdam, Netherlands", "latitude": 52.37, …}``."""
        f = Fields(value, where)
        code = f.text("code")
        return cls(
            code=code,
            name=f.text("name"),
            latitude=_number(f.take("latitude")),
            longitude=_number(f.take("longitude")),
            deprecated=f.flag("deprecated"),
            nearest=code == nearest,
            extra=f.rest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInfo:
    """One secret of an app: the ``digest`` tells whether two values are the same, and nothing else of them."""

    name: str
    digest: str = ""
    created_at: str = ""
    updated_at: str = ""

    @classmethod
    def from_json(cls, value: object, where: str = "secret") -> "SecretInfo":
        """Read ``{"name": "KEY", "digest": "b9e37b7b239ee4ae", …}``; a value in it is dropped."""
        f = Fields(value, where)
        return cls(
            name=f.text("name"),
            digest=f.text("digest"),
            created_at=f.text("created_at"),
            updated_at=f.text("updated_at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """How a command in a machine ended; the call succeeds also when the command did not."""

    exit_code: int = 0
    exit_signal: int = 0
    stdout: str = ""
    stderr: str = ""
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "command") -> "Executed":
        """Read ``{"exit_code": 0, "stdout": "…"}``; fields that say nothing may be missing."""
        f = Fields(value, where)
        return cls(
            exit_code=f.integer("exit_code"),
            exit_signal=f.integer("exit_signal"),
            stdout=f.text("stdout"),
            stderr=f.text("stderr"),
            extra=f.rest(),
        )


def parse_regions(value: object) -> tuple[PlatformRegion, ...]:
    """Read the whole answer; the wire says ``Regions`` and ``Nearest``, the specification writes both small."""
    f = Fields(value, "regions answer")
    listed = f.take("Regions") or f.take("regions") or []
    nearest = f.text("Nearest") or f.text("nearest")
    rows = listed if isinstance(listed, list) else [listed]
    return tuple(PlatformRegion.from_json(row, f"regions[{i}]", nearest=nearest) for i, row in enumerate(rows))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
