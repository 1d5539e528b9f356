"""A chapter says about itself what the suite and the site need."""

import json
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import ParseError, UsageError
from flylab.kit import chapters

HEADER = """# 03 · Replay

Does it work, and what
does it cost?

| you get | takes | needs | leaves behind |
|---|---|---|---|
| a waterfall | 20 s | nothing | nothing |
"""


def write(folder: Path, name: str, header: str = HEADER, **cell: Any) -> Path:
    path = folder / name
    cells = [{"cell_type": "markdown", "metadata": {}, "source": header}]
    path.write_text(json.dumps({"cells": cells + ([cell] if cell else []), "metadata": {}}), encoding="utf-8")
    return path


def test_the_header_is_read(tmp_path: Path) -> None:
    chapter = chapters.load(write(tmp_path, "03-replay.ipynb"))
    assert (chapter.number, chapter.name, chapter.title) == ("03", "03-replay", "Replay")
    assert chapter.question == "Does it work, and what does it cost?"
    assert chapter.promises["takes"] == "20 s"


@pytest.mark.parametrize(
    "header", ["Replay\n\nWhat?\n\n| a |", "# Replay\n\nWhat?", HEADER.replace("takes", "lasts"), HEADER + "| x |"]
)
def test_a_header_that_lacks_something_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(ParseError, match=r"03-replay\.ipynb"):
        chapters.load(write(tmp_path, "03-replay.ipynb", header))


def test_chapters_are_found_in_reading_order_by_number_or_name(tmp_path: Path) -> None:
    for name in ("10-late.ipynb", "03-replay.ipynb", "scratch.ipynb"):
        write(tmp_path, name)
    assert [c.name for c in chapters.find(folder=tmp_path)] == ["03-replay", "10-late"]
    assert [c.name for c in chapters.find(["10", "03-replay", "10-late"], folder=tmp_path)] == ["10-late", "03-replay"]


def test_an_unknown_chapter_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path, "03-replay.ipynb")
    with pytest.raises(UsageError, match="no chapter '7'; there are 03-replay"):
        chapters.find(["7"], folder=tmp_path)
