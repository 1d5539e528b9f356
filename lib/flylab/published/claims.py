"""Reader of ``claims.csv``: what others have published about starts, wakes, replays and limits, one claim per row.

Every row keeps its source, its date, its kind and how it was checked; a figure that shows one shows those too. What
could not be read in a source is not in the file.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from flylab.errors import UsageError

# What one of the unit is in seconds, for the rows that are times.
_SECONDS = {"ms": 0.001, "s": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One published figure; ``value_high`` is the upper end of a range or the highest percentile in ``statistic``.

    ``kind`` says who found it and how: vendor claim, vendor spec, vendor measurement, measurement,
    measurement (informal), paper, community, secondary, derived.
    """

    id: str
    topic: str
    claim: str
    value: float
    value_high: float | None
    unit: str
    statistic: str
    conditions: str
    source_title: str
    source_address: str
    source_date: str
    kind: str
    status: str

    @property
    def seconds(self) -> float:
        """The value in seconds; raises UsageError for a claim that is not about a time."""
        if self.unit not in _SECONDS:
            raise UsageError(f"claim {self.id} is in {self.unit}, which is not a time")
        return self.value * _SECONDS[self.unit]

    @property
    def from_secondary_source(self) -> bool:
        """True when the original was not read; shown wherever the figure is."""
        return self.status == "read in secondary source"

    @property
    def text(self) -> str:
        """The value as it is printed: ``10 ms``, ``200-500 ms``."""
        high = "" if self.value_high is None else f"-{self.value_high:g}"
        return f"{self.value:g}{high} {self.unit}"

    @property
    def source(self) -> str:
        """Title and date, for a line under a figure."""
        return f"{self.source_title}, {self.source_date}"


@cache
def claims() -> dict[str, Claim]:
    """All claims by id, in the order of the file."""
    text = files(__package__).joinpath("claims.csv").read_text(encoding="utf-8")
    return {row["id"]: _claim(row) for row in csv.DictReader(text.splitlines())}


def claim(claim_id: str) -> Claim:
    """One claim, for example ``claim("c016")``; raises UsageError for an id that is not in the file."""
    if claim_id not in claims():
        raise UsageError(f"there is no published claim {claim_id!r}")
    return claims()[claim_id]


def about(topic: str) -> tuple[Claim, ...]:
    """The claims on one topic, for example ``fly-replay``."""
    return tuple(each for each in claims().values() if each.topic == topic)


def _claim(row: dict[str, str]) -> Claim:
    value, high = float(row["value"]), row["value_high"]
    texts = {key: text for key, text in row.items() if key not in ("value", "value_high")}
    return Claim(value=value, value_high=float(high) if high else None, **texts)
