"""What the API tells about itself: the regions that it offers."""

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


def parse_regions(value: object) -> tuple[PlatformRegion, ...]:
    """Read the whole answer; the wire says ``Regions`` and ``Nearest``, the specification writes both small."""
    f = Fields(value, "regions answer")
    listed = f.take("Regions") or f.take("regions") or []
    nearest = f.text("Nearest") or f.text("nearest")
    rows = listed if isinstance(listed, list) else [listed]
    return tuple(PlatformRegion.from_json(row, f"regions[{i}]", nearest=nearest) for i, row in enumerate(rows))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
