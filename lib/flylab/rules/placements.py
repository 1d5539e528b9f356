"""Where machines could be placed: what ``/platform/placements`` answers before anybody makes one.

A computer has no hosts that fill up, so only the number of machines a region may be asked for is limited. How Fly
weighs is not published: without weights the regions are filled in the order in which they are named, and where spread
weighs more than region the machines are dealt out one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flylab.errors import ParseError, RuleError
from flylab.rules.admission import Catalogue, admit_guest
from flylab.wire.fields import Fields, Json
from flylab.wire.machine import Guest
from flylab.wire.regions import ALIASES, ANY, regions_of

WEIGHTS = {"region": 50, "spread": 1}  # the documented defaults
_DEFAULT = Guest(cpu_kind="performance", cpus=1, memory_mb=2048)  # documented: a performance-1x machine
_MOST = 2**63 - 1  # Go's integers


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSettings:
    per_region: int = 100  # machines; our choice, Fly's is a number of each organisation


@dataclass(frozen=True, slots=True)
class Placement:
    """How many of the machines fit into a region."""

    region: str
    count: int

    def to_json(self, *, capitals: bool) -> Json:
        """Capitals on the wire, small letters in the official document; ``concurrency`` is not explained anywhere."""
        told: Json = {"region": self.region, "count": self.count, "concurrency": self.count}
        return {key.capitalize(): value for key, value in told.items()} if capitals else told


def place(f: Fields, catalogue: Catalogue, settings: PlacementSettings) -> list[Placement]:
    """The answer to the body of a request; a region without room is left out. Raises what a create would raise."""
    admit_guest(f.maybe("compute", Guest.from_json) or _DEFAULT)
    count, wanted = f.integer("count"), f.text("region")
    _in_range("count", count)
    f.text("volume_name")
    _in_range("volume_size_bytes", f.integer("volume_size_bytes"))
    weights = WEIGHTS | _weights(f.mapping("weights"))
    codes = _codes(wanted, catalogue)
    if not count:
        return [Placement(code, settings.per_region) for code in codes]
    most = min(count, settings.per_region * len(codes))
    if weights["spread"] > weights["region"]:
        whole, rest = divmod(most, len(codes))
        placed = [Placement(code, whole + (i < rest)) for i, code in enumerate(codes)]
    else:
        placed = []
        for code in codes:
            placed.append(Placement(code, min(most, settings.per_region)))
            most -= placed[-1].count
    return [placement for placement in placed if placement.count]


def _codes(text: str, catalogue: Catalogue) -> list[str]:
    """The regions of an expression such as ``lhr,eu``, in order; without one all, the nearest first."""
    found: list[str] = []
    for word in [word.strip().lower() for word in text.split(",") if word.strip()] or [ANY]:
        known = word in ALIASES or word == ANY or word in catalogue.published or word in catalogue.regions
        if not known:
            raise RuleError("invalid_argument", f"region '{word}' is unknown")
        found += [code for code in regions_of(word, catalogue.regions) if code in catalogue.regions]
    return list(dict.fromkeys(found))


def _weights(given: Mapping[str, object]) -> dict[str, int]:
    for name, weight in given.items():
        if isinstance(weight, bool) or not isinstance(weight, int):
            raise ParseError(f"weights.{name}", weight, "a whole number is expected")
    return {name: int(str(weight)) for name, weight in given.items()}


def _in_range(name: str, value: int) -> None:
    if not 0 <= value <= _MOST:
        raise RuleError("invalid_argument", f"{name} {value} is not between 0 and {_MOST}")
