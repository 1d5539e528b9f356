"""Pages that tell row by row which fact about Fly is held by which tests, and which setting changes it.

The rows of a page are a text file, ``mark | rule | setting | tests``, under headings that begin with ``#``. A test is
``file:name``: the file by the letter that the page has for it, or as its path below tests/ without ``test_`` and
ending. A setting is ``[table] field`` of a settings file, an option of ``flylab up`` or ``fault`` and its name; several
are separated by commas. Two words stand for none: ``no switch``, and ``not here`` for what one computer cannot show.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from tests.facts import MARKS, ROOT

_DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
NO_SWITCH, NOT_HERE = "no switch", "not here"
WITHOUT = ("", NO_SWITCH, NOT_HERE)


@dataclasses.dataclass(frozen=True)
class Row:
    section: str
    mark: str
    rule: str
    setting: str
    tests: tuple[tuple[str, str], ...]  # file below tests/ and name

    @property
    def settings(self) -> tuple[str, ...]:
        return () if self.setting in WITHOUT else tuple(each.strip() for each in self.setting.split(","))


@dataclasses.dataclass(frozen=True)
class RowPage:
    """One page and the rows that it is made of."""

    page: Path
    data: Path
    head: str
    letters: dict[str, str] = dataclasses.field(default_factory=dict)

    def rows(self, text: str | None = None) -> Iterator[Row]:
        """The rows in the order of the file."""
        section = ""
        for line in (self.data.read_text(encoding="utf-8") if text is None else text).splitlines():
            if line.startswith("#"):
                section = line.removeprefix("#").strip()
                continue
            mark, rule, setting, tests = (part.strip() for part in line.split("|"))
            named = [each.strip().partition(":") for each in tests.split(",") if each.strip()]
            yield Row(
                section, mark, rule, setting, tuple((self._file(file), f"test_{name}") for file, _, name in named)
            )

    def render(self, found: list[Row]) -> str:
        """The page."""
        lines = [f"- {mark}: {meaning}" for mark, meaning in MARKS.items()]
        section = ""
        for row in found:
            if row.section != section:
                section = row.section
                lines += ["", f"## {section}", "", "| rule | mark | setting | tests |", "|---|---|---|---|"]
            tests = "; ".join(f"{name.removeprefix('test_').replace('_', ' ')} (`{file}`)" for file, name in row.tests)
            setting = ", ".join(f"`{each}`" for each in row.settings) or row.setting
            lines.append(f"| {row.rule} | {row.mark} | {setting} | {tests} |")
        return self.head + "\n".join(lines) + "\n"

    def write(self) -> None:
        self.page.write_text(self.render(list(self.rows())), encoding="utf-8")

    def _file(self, name: str) -> str:
        if name in self.letters:
            return self.letters[name]
        folder, _, file = name.rpartition("/")
        return f"{folder}/test_{file}.py"


def names_in(file: str, folder: Path = ROOT / "tests") -> set[str]:
    """The tests of a file."""
    return set(_DEFINITION.findall((folder / file).read_text(encoding="utf-8")))
