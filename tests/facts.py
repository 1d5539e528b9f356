"""Writes docs/facts.md: facts about Fly that tests hold, with their marks, read from the first words of the tests.

    python -m tests.facts

A test that holds a fact begins its docstring with the mark and where the fact is from:
``DOCUMENTED networking/private-networking: the TTL in its example.``
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "facts.md"
MARKS = {
    "DOCUMENTED": "Fly's documentation or its official API document says so",
    "OBSERVED-IN-CLIENT": "a client that Fly publishes relies on it",
    "REPORTED": "somebody saw it: the default, which can be switched",
    "ASSUMED": "nobody says; a named setting",
}
_FACT = re.compile(rf"({'|'.join(MARKS)})\b[ :]*(.+)", re.DOTALL)
_HEAD = """# Facts about Fly that tests hold

Each test below begins with the fact's mark and its source; `python -m tests.facts` collects them here.

"""


@dataclass(frozen=True, order=True)
class Fact:
    mark: str
    test: str
    text: str


def facts(folder: Path = ROOT / "tests") -> list[Fact]:
    """Every fact of every test below ``folder``, in the order of the marks."""
    found = [fact for path in sorted(folder.rglob("test_*.py")) for fact in _facts(path, folder)]
    return sorted(found, key=lambda fact: (list(MARKS).index(fact.mark), fact.test))


def _facts(path: Path, folder: Path) -> Iterator[Fact]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or not node.name.startswith("test_"):
            continue
        said = _FACT.match(ast.get_docstring(node) or "")
        if said:
            file, name = path.relative_to(folder).as_posix(), node.name.removeprefix("test_").replace("_", " ")
            yield Fact(said[1], f"{name} (`{file}`)", " ".join(said[2].split()).replace("|", "\\|"))


def render(found: list[Fact]) -> str:
    """The page."""
    lines = [f"- {mark}: {meaning}" for mark, meaning in MARKS.items()]
    lines += ["", "| mark | source and fact | test |", "|---|---|---|"]
    lines += [f"| {fact.mark} | {fact.text} | {fact.test} |" for fact in found]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(facts()), encoding="utf-8")
