"""Reads what a chapter says about itself in its first cell: a new chapter is a new notebook file and nothing else."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flylab.errors import ParseError, UsageError
from flylab.kit import project

# The control room is no chapter of the story, so it has no number; it runs, and is published, like one.
NAME = re.compile(r"(\d\d-[a-z0-9]+(-[a-z0-9]+)*|control-room)\.ipynb")
COLUMNS = ("you get", "takes", "needs", "leaves behind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One notebook: its number, its title, the question it answers, and the four promises of its header table."""

    path: Path
    number: str
    title: str
    question: str
    promises: dict[str, str]
    alone: bool = False  # what it measures would suffer from chapters that run beside it
    full: dict[str, Any] = field(default_factory=dict)  # its parameters at the published size

    @property
    def name(self) -> str:
        return self.path.stem


def source(cell: dict[str, Any]) -> str:
    """A cell's text; the file format allows a list of lines as well."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def load(path: Path) -> Chapter:
    """Read one notebook's header; ParseError says what its first cell lacks."""
    if not NAME.fullmatch(path.name):
        raise ParseError("chapter", path.name, "a name looks like 03-replay.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    first = source(notebook["cells"][0]).strip()
    blocks = [block.strip() for block in first.split("\n\n")]
    if len(blocks) < 3 or not blocks[0].startswith("# "):
        raise ParseError("chapter", path.name, "the first cell is a title, a question and a table")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in blocks[-1].splitlines()]
    if len(rows) != 3 or tuple(rows[0]) != COLUMNS or len(rows[2]) != len(COLUMNS):
        raise ParseError("chapter", path.name, f"the table has one row and the columns {', '.join(COLUMNS)}")
    ours = notebook["metadata"].get("flylab", {})
    return Chapter(
        path=path,
        number=path.name[:2] if path.name[0].isdigit() else path.stem,
        title=blocks[0].removeprefix("# ").split(" · ", 1)[-1],
        question=" ".join(blocks[1].split()),
        promises=dict(zip(COLUMNS, rows[2], strict=True)),
        alone=bool(ours.get("alone", False)),
        full=dict(ours.get("full", {})),
    )


def find(wanted: list[str] | None = None, *, folder: Path | None = None) -> list[Chapter]:
    """All chapters in reading order, or those named by number (``03``) or by name (``03-replay``)."""
    folder = folder or project.root() / "notebooks"
    paths = sorted(path for path in folder.glob("*.ipynb") if NAME.fullmatch(path.name))
    found = [load(path) for path in paths]
    if not wanted:
        return found
    chosen = []
    for want in wanted:
        matching = [c for c in found if Path(want).name.removesuffix(".ipynb") in (c.number, c.name)]
        if not matching:
            raise UsageError(f"no chapter {want!r}; there are {', '.join(c.name for c in found) or 'none'}")
        chosen += [chapter for chapter in matching if chapter not in chosen]
    return chosen
