"""Writes lib/flylab/wire/config_types.csv: the types of all fields in the body of a create or update request.

    python -m tests.config_types

They are read from the official document (tests/openapi.py); where Fly takes more than that document says, the exception
is listed here with its source.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import openapi

FILE = Path(__file__).resolve().parents[1] / "lib" / "flylab" / "wire" / "config_types.csv"
ROOT = "UpdateMachineRequest"  # has all that CreateMachineRequest has, with the same types
_PREFIX = "#/components/schemas/"
# Text such as 10s, or a whole number of nanoseconds (machines/api/machines-resource).
_DURATION = "string|integer"
EXCEPTIONS = {
    ("MachineCheck", "grace_period"): _DURATION,
    ("MachineCheck", "interval"): _DURATION,
    ("MachineCheck", "timeout"): _DURATION,
    ("MachineServiceCheck", "grace_period"): _DURATION,
    ("MachineServiceCheck", "interval"): _DURATION,
    ("MachineServiceCheck", "timeout"): _DURATION,
    ("StopConfig", "timeout"): _DURATION,
    # "Accepts a string (new format) or a boolean (old format)", says its description.
    ("MachineService", "autostop"): "string(off stop suspend)|boolean",
    # With the one more that fly.toml's kill_signal may be (reference/configuration).
    ("StopConfig", "signal"): "string(SIGHUP SIGINT SIGQUIT SIGKILL SIGUSR1 SIGUSR2 SIGTERM SIGSTOP)",
}


def rows(root: str = ROOT) -> list[tuple[str, str, str]]:
    """Schema, field and type of every field below the two requests, in the order in which they are met."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop(0)
        if _bare(name) in found:
            continue
        schema = openapi.document()["components"]["schemas"][name]
        fields = schema.get("properties", {})
        required = schema.get("required", ())
        found[_bare(name)] = [
            (_bare(name), key, _type(_bare(name), key, said) + "!" * (key in required)) for key, said in fields.items()
        ]
        waiting += [below for said in fields.values() for below in _objects(said)]
    return [row for fields in found.values() for row in fields]


def render() -> str:
    """The file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("schema", "field", "type"), *rows()])
    return out.getvalue()


def _bare(name: str) -> str:
    return name.removeprefix("fly.")


def _type(schema: str, key: str, said: dict[str, Any]) -> str:
    return EXCEPTIONS.get((schema, key)) or _written(said)


def _written(said: dict[str, Any]) -> str:
    """``[MachineCheck]``, ``{string}``, ``string(always never)`` …"""
    said = _followed(said)
    if name := said.get("x-name"):
        return str(name)
    match said.get("type"):
        case "array":
            return f"[{_written(said['items'])}]"
        case "object" if isinstance(said.get("additionalProperties"), dict):
            return f"{{{_written(said['additionalProperties'])}}}"
        case "object":
            return "any"  # what the generator of the document (swag) writes for Go's `any`
        case "string" if words := said.get("enum"):
            return f"string({' '.join(words)})"
        case kind:
            return str(kind)


def _followed(said: dict[str, Any]) -> dict[str, Any]:
    """Without ``allOf`` around it; a reference to an object as ``x-name``, one to a list of words as those words."""
    if "allOf" in said:
        [said] = said["allOf"]
    if "$ref" not in said:
        return said
    name = said["$ref"].removeprefix(_PREFIX)
    schema: dict[str, Any] = openapi.document()["components"]["schemas"][name]
    return {"x-name": _bare(name), "x-full": name} if schema["type"] == "object" else schema


def _objects(said: dict[str, Any]) -> Iterator[str]:
    """The schemas of objects that it is made of."""
    said = _followed(said)
    if name := said.get("x-full"):
        yield name
    for below in (said.get("items"), said.get("additionalProperties")):
        if isinstance(below, dict):
            yield from _objects(below)


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
