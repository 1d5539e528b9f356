"""Reads the parameters cell of a notebook and checks what a run wants to set there, before anything is started."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flylab.errors import UsageError
from flylab.kit import chapters, ranges
from flylab.kit.chapters import Chapter, source

_LINE = re.compile(r"^(?P<name>[a-z]\w*): (?P<type>int|float|bool|str|list) = (?P<default>.+?)  # (?P<help>\S.*)$")
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of a parameters cell; what ``meaning`` ends with may be a rule (``flylab.kit.ranges``)."""

    name: str
    type: str
    meaning: str

    def check(self, value: object) -> None:
        """UsageError, with name, value and rule, for a value of the wrong type or out of its range."""
        if not isinstance(value, _TYPES[self.type]) or (isinstance(value, bool) and self.type != "bool"):
            raise UsageError(f"parameter {self.name} is {value!r}; it must be of type {self.type}")
        ranges.check(self.name, value, self.meaning)


def read(chapter: Chapter) -> list[Parameter]:
    """The parameters of a chapter; UsageError when a line is not ``name: type = default  # what it means``."""
    notebook = json.loads(chapter.path.read_text(encoding="utf-8"))
    cells = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise UsageError(f"{chapter.name} has {len(cells)} cells tagged 'parameters' instead of one")
    found = []
    for line in source(cells[0]).splitlines():
        match = _LINE.match(line)
        if not match:
            raise UsageError(f"{chapter.name}: the parameter line {line!r} is not 'name: type = default  # meaning'")
        found.append(Parameter(match["name"], match["type"], match["help"]))
    return found


def declared(chapter: Chapter) -> dict[str, str]:
    """The parameters' names and types."""
    return {parameter.name: parameter.type for parameter in read(chapter)}


def demand(number: str, values: Mapping[str, Any]) -> None:
    """For a notebook, with its ``globals()``: UsageError when a parameter cannot be what it was set to."""
    (chapter,) = chapters.find([number])
    for parameter in read(chapter):
        if parameter.name not in values:
            raise UsageError(f"parameter {parameter.name} is not set; run the cell with the parameters first")
        parameter.check(values[parameter.name])


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


def check(chosen: list[Chapter], wanted: dict[str, Any], *, full: bool = False) -> dict[str, dict[str, Any]]:
    """The values for each chapter; UsageError for a name that no chapter has and for a value that it cannot be.

    With ``full`` they begin with the published size that the chapter's own metadata name.
    """
    known = {chapter.name: {each.name: each for each in read(chapter)} for chapter in chosen}
    for name in wanted:
        if not any(name in parameters for parameters in known.values()):
            there = sorted({parameter for parameters in known.values() for parameter in parameters})
            raise UsageError(f"no chosen chapter has a parameter {name!r}; there are {', '.join(there)}")
    values = {}
    for chapter in chosen:
        parameters = known[chapter.name]
        size = chapter.full if full else {}
        for name in size:
            if name not in parameters:
                raise UsageError(f"the full size of {chapter.name} sets {name!r}, which is not a parameter of it")
        values[chapter.name] = size | {name: value for name, value in wanted.items() if name in parameters}
        for name, value in values[chapter.name].items():
            parameters[name].check(value)
    return values
