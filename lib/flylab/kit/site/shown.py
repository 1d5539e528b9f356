"""Where a fault is shown: tests whose docstring begins with ``FAULT`` and its name, chapters whose code names it."""

import ast
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from flylab.kit.chapters import Chapter, source

_FAULT = re.compile(r"FAULT ([a-z0-9_,\s]+):")


@cache
def tests(folder: Path) -> dict[str, list[str]]:
    """By fault: the tests that show it, as ``words (file)``; none where the tests are not there."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "FAULT " not in text:
            continue
        for test in ast.parse(text).body:
            if isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)):
                said = _FAULT.match(ast.get_docstring(test) or "")
                words = test.name.removeprefix("test_").replace("_", " ")
                for name in re.findall(r"\w+", said[1]) if said else ():
                    found.setdefault(name, []).append(f"{words} (`{path.relative_to(folder.parent).as_posix()}`)")
    return found


def chapters(every: Iterable[Chapter], names: Iterable[str]) -> dict[str, list[Chapter]]:
    """By fault: the chapters in whose code its name stands as a text of its own."""
    found: dict[str, list[Chapter]] = {}
    wanted = set(names)
    for chapter in every:
        for name in sorted(wanted & _texts(chapter.path)):
            found.setdefault(name, []).append(chapter)
    return found


def _texts(path: Path) -> set[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join(source(cell) for cell in cells if cell["cell_type"] == "code")
    return set(re.findall(r"[\"']([a-z0-9_]+)[\"']", code))
