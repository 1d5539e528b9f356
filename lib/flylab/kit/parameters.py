"""Reads the parameters cell of a notebook and checks what a run wants to set there, before anything is started."""

import json
import re
from typing import Any

from flylab.errors import UsageError
from flylab.kit.chapters import Chapter, source

_LINE = re.compile(r"^(?P<name>[a-z]\w*): (?P<type>int|float|bool|str|list) = (?P<default>.+?)  # (?P<help>\S.*)$")
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
}


def declared(chapter: Chapter) -> dict[str, str]:
    """The parameters' names and types; UsageError when a line is not ``name: type = default  # what it means``."""
    notebook = json.loads(chapter.path.read_text(encoding="utf-8"))
    cells = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise UsageError(f"{chapter.name} has {len(cells)} cells tagged 'parameters' instead of one")
    found = {}
    for line in source(cells[0]).splitlines():
        match = _LINE.match(line)
        if not match:
            raise UsageError(f"{chapter.name}: the parameter line {line!r} is not 'name: type = default  # meaning'")
        found[match["name"]] = match["type"]
    return found


def parse(settings: list[str]) -> dict[str, Any]:
    """``name=value`` pairs; a value is JSON if it can be, else text."""
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"{setting!r} is not name=value")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def check(chapters: list[Chapter], wanted: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The values for each chapter; UsageError for a name that no chapter has and for a value of the wrong type."""
    known = {chapter.name: declared(chapter) for chapter in chapters}
    for name, value in wanted.items():
        kinds = {types[name] for types in known.values() if name in types}
        if not kinds:
            there = sorted({parameter for types in known.values() for parameter in types})
            raise UsageError(f"no chosen chapter has a parameter {name!r}; there are {', '.join(there)}")
        for kind in kinds:
            if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
                raise UsageError(f"parameter {name} is {value!r}; it must be of type {kind}")
    return {name: {key: value for key, value in wanted.items() if key in types} for name, types in known.items()}
