"""Reads a load from JSON: each field by its name and type, mixes by name, recorded arrivals from a file beside it."""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from importlib import resources
from pathlib import Path
from typing import Any

from flylab.errors import ParseError, UsageError
from flylab.measure import runs
from flylab.measure.plan import Deed, Plan, Rooms

LARGEST = 64 << 20  # bytes of a plan or of recorded arrivals: a million moments are some 20 MB; our choice


def read(path: Path) -> Plan:
    """Read a file of JSON; raises ParseError for what is no plan, UsageError for one that cannot be carried out."""
    return from_json(_file(path), beside=path.parent)


def from_json(value: object, *, beside: Path | None = None) -> Plan:
    """Read a plan; ``beside`` is the folder from which files that it names are found."""
    given = _object(value, "the plan", Plan)
    given["arrivals"] = _arrivals(given["arrivals"], beside)
    mix = given["mix"]
    if isinstance(mix, str):
        mix = named(mix)
    if not isinstance(mix, list | tuple):
        raise ParseError("load", mix, f"'mix' is a list of deeds, or one of {', '.join(mixes())}")
    given["mix"] = tuple(Deed(**_object(deed, f"mix[{place}]", Deed)) for place, deed in enumerate(mix))
    given["rooms"] = Rooms(**_object(given.get("rooms", {}), "rooms", Rooms))
    return Plan(**given)


def mixes() -> Mapping[str, list[dict[str, Any]]]:
    """The mixes that have a name; that of a meeting has a cursor that moves most of the time (our choice)."""
    found: dict[str, list[dict[str, Any]]] = json.loads(
        resources.files("flylab.measure").joinpath("mixes.json").read_text(encoding="utf-8")
    )
    return found


def named(name: str) -> list[dict[str, Any]]:
    """One of them."""
    if name not in (known := mixes()):
        raise UsageError(f"a mix by name is {', '.join(known)}, and not {name!r}")
    return known[name]


def _arrivals(value: object, beside: Path | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ParseError("load", value, "'arrivals' is an object")
    given = dict(value)
    if given.get("kind") == "recorded" and "file" in given:
        if "moments" in given:
            raise UsageError("recorded arrivals have 'moments' or a 'file' with them, and not both")
        name = given.pop("file")
        if not isinstance(name, str) or beside is None:
            raise UsageError(f"recorded arrivals cannot be read from {name!r}")
        given["moments"] = _recorded(beside / name)
    return given


def _recorded(path: Path) -> list[Any]:
    """A list of seconds, or the record of a run: when its requests were due, whatever the answers were."""
    value = _file(path)
    if isinstance(value, dict) and "started_at" in value:
        return sorted(sample.scheduled for sample in runs.load(path)[1])
    if not isinstance(value, list):
        raise ParseError("arrivals", str(path), "a list of seconds or the record of a run is expected")
    return value


def _file(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ParseError("load", str(path), f"it is larger than {LARGEST >> 20} MB")
        return json.loads(content)
    except (OSError, ValueError, RecursionError) as exc:
        raise ParseError("load", str(path), str(exc)) from exc


def _object(value: object, where: str, kind: Any) -> dict[str, Any]:
    """A copy whose fields are those of the dataclass and have their types."""
    if not isinstance(value, Mapping):
        raise ParseError("load", value, f"{where} is an object")
    known = {field.name: field for field in fields(kind)}
    for name in value:
        if name not in known:
            raise ParseError("load", name, f"{where} has no such field; it has {', '.join(known)}")
    for name, field in known.items():
        if name not in value and field.default is MISSING and field.default_factory is MISSING:
            raise ParseError("load", dict(value), f"{where} needs {name!r}")
    return {name: _typed(item, f"{where}: {name!r}", known[name].type) for name, item in value.items()}


def _typed(value: Any, where: str, kind: Any) -> Any:
    wanted = ""
    if kind is str and not isinstance(value, str):
        wanted = "a text"
    elif kind is int and (isinstance(value, bool) or not isinstance(value, int)):
        wanted = "a whole number"
    elif kind is float and (isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)):
        wanted = "a number"
    elif kind == Mapping[str, str] and not (
        isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair)
    ):
        wanted = "an object of texts"
    if wanted:
        raise ParseError("load", value, f"{where} is {wanted}")
    return value
