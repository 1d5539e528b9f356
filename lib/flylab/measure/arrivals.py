"""Arrivals as data: ``{"kind": "poisson", "rate": 50, "seconds": 30}`` is checked here and becomes moments."""

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from flylab.errors import UsageError
from flylab.measure.pacing import constant, poisson, ramp, recorded

# The fields of each kind; those in the second row may be left out.
FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "constant": (frozenset({"rate", "seconds"}), frozenset()),
    "poisson": (frozenset({"rate", "seconds"}), frozenset()),
    "ramp": (frozenset({"first", "last", "seconds"}), frozenset()),
    "recorded": (frozenset({"moments"}), frozenset({"speed"})),
}


def check(given: Mapping[str, Any]) -> None:
    """Raises UsageError for what are no arrivals, by the field's name."""
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise UsageError(f"arrivals are {', '.join(FIELDS)}, and not {kind!r}")
    needed, possible = FIELDS[kind]
    for name in sorted(needed - given.keys()):
        raise UsageError(f"{kind} arrivals need {name!r}")
    for name in sorted(given.keys() - needed - possible - {"kind"}):
        raise UsageError(f"{kind} arrivals have no {name!r}: they have {', '.join(sorted(needed | possible))}")
    for name in sorted((needed | possible) & given.keys() - {"moments"}):
        if not _is_number(given[name]):
            raise UsageError(f"{name!r} of {kind} arrivals is a number, and not {given[name]!r}")
    if kind == "recorded":
        seen = given["moments"]
        if not isinstance(seen, list | tuple) or not seen or not all(_is_number(each) for each in seen):
            raise UsageError("recorded arrivals need 'moments': a list of seconds, with at least one")
        for _ in moments(given, seed=0):  # each is looked at, whether it comes in order
            pass
    else:
        next(moments(given, seed=0), None)


def moments(given: Mapping[str, Any], *, seed: int) -> Iterator[float]:
    """When something is due, in seconds from the start; arrivals that were checked."""
    if given["kind"] == "constant":
        return constant(given["rate"], seconds=given["seconds"])
    if given["kind"] == "poisson":
        return poisson(given["rate"], seconds=given["seconds"], rng=random.Random(f"{seed} arrivals"))
    if given["kind"] == "ramp":
        return ramp(given["first"], given["last"], seconds=given["seconds"])
    return recorded(given["moments"], speed=given.get("speed", 1.0))


def length(given: Mapping[str, Any]) -> float:
    """How many seconds they go on."""
    if given["kind"] == "recorded":
        return float(given["moments"][-1] - given["moments"][0]) / float(given.get("speed", 1.0))
    return float(given["seconds"])


def most(given: Mapping[str, Any]) -> float:
    """How many there may be."""
    if given["kind"] == "recorded":
        return len(given["moments"])
    return max(float(given.get(name, 0)) for name in ("rate", "first", "last")) * length(given)


def _is_number(value: object) -> bool:
    # Python counts booleans among the integers; nobody means a rate of true.
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 and not math.isnan(value)
    )
