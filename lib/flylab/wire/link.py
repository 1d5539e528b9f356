"""A disturbed link between two regions as `/_flylab/links` takes and shows it; Fly's API has nothing of the kind."""

import math
from dataclasses import dataclass

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Between the edge of either region and the machines of the other: ``added_ms`` more for a round trip, or cut."""

    a: str
    b: str
    added_ms: float = 0.0
    cut: bool = False

    @classmethod
    def from_json(cls, value: object, where: str = "link") -> "Link":
        """Read ``{"a": "ams", "b": "nrt", "added_ms": 300}``; unknown fields are refused."""
        f = Fields(value, where)
        found = cls(a=f.text("a"), b=f.text("b"), added_ms=_ms(f), cut=f.flag("cut"))
        for key in f.rest():
            raise ParseError(f.path(key), key, "a link has no such field")
        return found

    def to_json(self) -> Json:
        return {"a": self.a, "b": self.b, "added_ms": self.added_ms, "cut": self.cut}

    def __str__(self) -> str:
        """``ams–nrt cut``, or ``ams–nrt +300 ms``."""
        return f"{self.a}–{self.b} " + ("cut" if self.cut else f"+{self.added_ms:g} ms")


def _ms(f: Fields) -> float:
    value = f.take("added_ms")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ParseError(f.path("added_ms"), value, "a number of milliseconds is expected")
    return float(value)
