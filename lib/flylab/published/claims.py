"""Reader of ``claims.csv``: what others have published about starts, wakes, replays and limits, one claim per row.

Every row keeps its source, its date, its kind and how it was checked, and whoever shows one shows those too. What was
written from memory, and what was looked for and not found, is in the file as well: ``text`` and ``mark`` say so.
"""

from dataclasses import dataclass
from functools import cache

from flylab.errors import UsageError
from flylab.published.lookup import rows, unknown

# What one of the unit is in seconds, for the rows that are times.
_SECONDS = {"ms": 0.001, "s": 1.0}
# How a row was checked, and what is said of its figure wherever that is shown.
MARKS = {
    "read in source": "",
    "read in secondary source": "from a secondary source",
    "from memory, unverified": "unverified",
    "not found": "not found",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One published figure; ``value_high`` is the upper end of a range or the highest percentile in ``statistic``.

    ``kind`` says who found it and how: vendor claim, vendor spec, vendor measurement, measurement,
    measurement (informal), paper, community, secondary, derived, gap. A gap has no value: it was looked for.
    """

    id: str
    topic: str
    claim: str
    value: float | None
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
        return self._seconds(self.value)

    @property
    def seconds_high(self) -> float | None:
        """The upper end in seconds, where there is one."""
        return None if self.value_high is None else self._seconds(self.value_high)

    def _seconds(self, value: float | None) -> float:
        if value is None:
            raise UsageError(f"claim {self.id} has no value: {self.claim} was looked for and not found")
        if self.unit not in _SECONDS:
            raise UsageError(f"claim {self.id} is in {self.unit}, which is not a time")
        return value * _SECONDS[self.unit]

    @property
    def verified(self) -> bool:
        """False for what nobody could check; such a value is never presented as a finding."""
        return self.status in ("read in source", "read in secondary source")

    @property
    def from_secondary_source(self) -> bool:
        """True when the original was not read."""
        return self.status == "read in secondary source"

    @property
    def mark(self) -> str:
        """What is said of the figure wherever it is shown; empty for what was read in its source."""
        return MARKS[self.status]

    @property
    def text(self) -> str:
        """The value as it is printed, with its mark: ``10 ms``, ``200-500 ms``, ``146 ms (unverified)``."""
        if self.value is None:
            return self.mark
        high = "" if self.value_high is None else f"-{self.value_high:g}"
        return f"{self.value:g}{high} {self.unit}" + (f" ({self.mark})" if self.mark else "")

    @property
    def source(self) -> str:
        """Title and date, for a line under a figure."""
        return ", ".join(part for part in (self.source_title, self.source_date) if part) or "no source"


@cache
def claims() -> dict[str, Claim]:
    """All claims by id, in the order of the file."""
    return {row["id"]: _claim(row) for row in rows("claims.csv")}


def claim(claim_id: str) -> Claim:
    """One claim, for example ``claim("c016")``; raises UsageError for an id that is not in the file."""
    if claim_id not in claims():
        raise unknown("claim", claim_id, claims())
    return claims()[claim_id]


def about(topic: str) -> tuple[Claim, ...]:
    """The claims on one topic, for example ``fly-replay``."""
    return tuple(each for each in claims().values() if each.topic == topic)


def _claim(row: dict[str, str]) -> Claim:
    texts = {key: text for key, text in row.items() if key not in ("value", "value_high")}
    return Claim(value=_number(row["value"]), value_high=_number(row["value_high"]), **texts)


def _number(text: str) -> float | None:
    return float(text) if text else None
