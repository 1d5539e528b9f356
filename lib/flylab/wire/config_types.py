"""The types of the fields of a create or update request, from the official document, and whether a body keeps to them.

Most fields are only kept here and given back, so nobody else would notice a number where a text belongs; on Fly, Go's
decoder does. ``config_types.csv`` has one row for each field, in a notation of its own:

    string  integer  number  boolean  any        a value
    string(never always restart)                 one of these words, or none
    string|boolean                               either
    [File]  {string}                             a list, an object with names of any kind
    MachineGuest                                 an object with the fields of that schema
    string!                                      must be there

Fields that the document does not know may be anything.
"""

import csv
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files

from flylab.errors import ParseError

ROOT = "UpdateMachineRequest"
Check = Callable[[object, str], None]
_MEANS = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


def check_types(body: object) -> None:
    """Raise ``ParseError`` for the first field of a request's body that has another type than the document gives it."""
    _check_object(ROOT, body, "")


def _check_object(schema: str, value: object, where: str) -> None:
    if not isinstance(value, Mapping):
        raise ParseError(where or "body", value, "an object is expected")
    fields = _schemas()[schema]
    for key, item in value.items():
        # null counts as absent, as Go's decoder has it
        if item is not None and (kind := fields.get(key)) is not None:
            _check_of(kind)(item, f"{where}.{key}" if where else key)
    for key, kind in fields.items():
        if kind.endswith("!") and value.get(key) is None:
            raise ParseError(f"{where}.{key}", None, "it must be there")


def _check_list(check: Check, value: object, where: str) -> None:
    if not isinstance(value, list | tuple):
        raise ParseError(where, value, "a list is expected")
    for i, item in enumerate(value):
        if item is not None:
            check(item, f"{where}[{i}]")


def _check_map(check: Check, value: object, where: str) -> None:
    if not isinstance(value, Mapping):
        raise ParseError(where, value, "an object is expected")
    for key, item in value.items():
        if item is not None:
            check(item, f"{where}.{key}")


def _check_value(kinds: tuple[str, ...], words: tuple[str, ...], value: object, where: str) -> None:
    kind = _kind(value)
    if kind not in kinds and not (kind == "integer" and "number" in kinds):
        raise ParseError(where, value, f"{_joined([_MEANS[each] for each in kinds])} is expected")
    if kind == "string" and words and value not in words and value != "":
        raise ParseError(where, value, f"{_joined(list(words))} is expected")


def _check_nothing(value: object, where: str) -> None:
    """Anything will do."""


def _kind(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            return ""


def _joined(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


@cache
def _schemas() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    text = files(__package__).joinpath("config_types.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["schema"], {})[row["field"]] = row["type"]
    return found


@cache
def _check_of(kind: str) -> Check:
    kind = kind.removesuffix("!")
    if kind[0] in "[{":
        return partial(_check_list if kind[0] == "[" else _check_map, _check_of(kind[1:-1]))
    if kind == "any":
        return _check_nothing
    if kind in _schemas():
        return partial(_check_object, kind)
    named = [each.partition("(") for each in kind.split("|")]
    words = tuple(word for _, _, inside in named for word in inside.removesuffix(")").split())
    return partial(_check_value, tuple(name for name, _, _ in named), words)
