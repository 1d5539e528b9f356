"""One armed fault as `/_flylab/faults` takes and shows it; Fly's own API has nothing of the kind."""

from dataclasses import dataclass

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json, without_empty

Value = float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Which trouble, for whom and how often; an empty target stands for any.

    ``seconds`` is how long it stays armed and ``count`` how often it strikes at most, 0 for ever. ``id``, ``struck``
    and ``until`` are told by the platform; what those who arm say of them counts for nothing.
    """

    name: str
    app: str = ""
    region: str = ""
    machine: str = ""
    volume: str = ""
    probability: float = 1.0
    count: int = 0
    seed: int | None = None
    seconds: float = 0.0
    value: Value | None = None
    id: str = ""
    struck: int = 0
    until: str = ""

    @classmethod
    def from_json(cls, value: object, where: str = "fault") -> "Fault":
        """Read ``{"name": "slow_port", "machine": "148e…", "count": 1, "value": 12}``; unknown fields are refused."""
        f = Fields(value, where)
        found = cls(
            name=f.text("name"),
            app=f.text("app"),
            region=f.text("region"),
            machine=f.text("machine"),
            volume=f.text("volume"),
            probability=_number(f, "probability", 1.0),
            count=f.integer("count"),
            seed=f.maybe_integer("seed"),
            seconds=_number(f, "seconds", 0.0),
            value=_value(f),
            id=f.text("id"),
            struck=f.integer("struck"),
            until=f.text("until"),
        )
        for key in f.rest():
            raise ParseError(f.path(key), key, "a fault has no such field")
        return found

    def to_json(self) -> Json:
        """With ``struck`` always; what says nothing is left out."""
        plain = {"name": self.name, "app": self.app, "region": self.region, "machine": self.machine}
        sure: Json = {"id": self.id, "name": self.name, "probability": self.probability, "struck": self.struck}
        more = {"volume": self.volume, "seed": self.seed, "value": self.value, "until": self.until}
        often = {"count": self.count or None, "seconds": self.seconds or None}
        return sure | without_empty(**plain, **more, **often)

    @property
    def aimed(self) -> str:
        """``app blue, region ams``, or ``anything``."""
        given = {"app": self.app, "region": self.region, "machine": self.machine, "volume": self.volume}
        return ", ".join(f"{kind} {name}" for kind, name in given.items() if name) or "anything"


def _number(f: Fields, key: str, default: float) -> float:
    value = f.take(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ParseError(f.path(key), value, "a number is expected")
    try:
        return float(value)
    except OverflowError as exc:
        raise ParseError(f.path(key), value, "it is too large") from exc


def _value(f: Fields) -> Value | None:
    value = f.take("value")
    if value is None or isinstance(value, str):
        return value
    return _number(Fields({"value": value}, f.where), "value", 0.0)
