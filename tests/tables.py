"""Writes docs/faults.md and docs/codes.md: tables made of what the product knows and of the tests that show it.

    python -m tests.tables

A test that shows a fault begins its docstring with ``FAULT`` and the names: ``FAULT slow_port, early_port: …``. Tests
that show a code have it in their text.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from flylab.rules.fault_names import API_FAULTS, EDGE_FAULTS, Known
from flylab.wire.codes import CODES
from flylab.wire.proxy_codes import PROXY_CODES, ProxyCode

ROOT = Path(__file__).resolve().parents[1]
FAULTS, CODES_PAGE = ROOT / "docs" / "faults.md", ROOT / "docs" / "codes.md"
PRODUCT = ROOT / "lib" / "flylab"
_FAULT = re.compile(r"FAULT ([a-z0-9_,\s]+):")
_BEGIN, _END = "<!-- table: python -m tests.tables -->\n", "<!-- end of table -->\n"
_FEW = 2  # tests named for each code; our choice


def faults_shown(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """By fault: the tests whose docstring names it, as ``words (`file`)``."""
    found: dict[str, list[str]] = {}
    for shown in _tests(folder):
        for name in shown.faults:
            found.setdefault(name, []).append(shown.test)
    return found


def codes_shown(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """By code: the first tests that have it in their text; those of the edge's rules and of real machines first."""
    found: dict[str, list[str]] = {}
    near = ("rules/test_exchange", "rules/test_routing", "local/test_up", "local/test_walk", "local/test_edge")
    for shown in sorted(_tests(folder), key=lambda shown: not shown.file.startswith(near)):
        for code in shown.codes:
            found.setdefault(code, []).append(shown.test)
    return found


def codes_in_use(folder: Path = PRODUCT) -> set[str]:
    """The codes that the rules and edges themselves say; fault values do not count."""
    paths = [*folder.joinpath("rules").glob("*.py"), *folder.joinpath("local").glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in paths if not path.name.startswith("fault")]
    return {code for text in texts for code in re.findall(r'"(P[A-Z]\d\d)"', text)}


def _codes_in(value: object) -> set[str]:
    return set(re.findall(r"\bP[A-Z]\d\d\b", value)) & PROXY_CODES.keys() if isinstance(value, str) else set()


@dataclass(frozen=True)
class _Shown:
    """What one test shows: its file, what the tables call it, and the faults and codes that it names."""

    file: str
    test: str
    faults: tuple[str, ...]
    codes: frozenset[str]


@cache  # to read all tests takes a second or two, and several tables want it
def _tests(folder: Path) -> tuple[_Shown, ...]:
    return tuple(shown for path in sorted(folder.rglob("test_*.py")) for shown in _read(path, folder))


def _read(path: Path, folder: Path) -> Iterator[_Shown]:
    file = path.relative_to(folder).as_posix()
    for test in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)) and test.name.startswith("test_"):
            said = _FAULT.match(ast.get_docstring(test) or "")
            words = {
                word for node in ast.walk(test) if isinstance(node, ast.Constant) for word in _codes_in(node.value)
            }
            yield _Shown(
                file,
                f"{test.name.removeprefix('test_').replace('_', ' ')} (`{file}`)",
                tuple(re.split(r"[,\s]+", said[1].strip())) if said else (),
                frozenset(words),
            )


def fault_table() -> str:
    tests = faults_shown()
    lines: list[str] = []
    for title, listed in (("At the edges", EDGE_FAULTS), ("At the Machines API and at machines", API_FAULTS)):
        lines += [f"### {title}", "", "| fault | what happens | aimed at, value | how it is survived | seen |"]
        lines += ["|---|---|---|---|---|", *(_fault_row(known) for known in listed), ""]
    lines += ["### Tests that show them", "", "| fault | tests |", "|---|---|"]
    lines += [f"| `{known.name}` | {'; '.join(tests.get(known.name, []))} |" for known in (*EDGE_FAULTS, *API_FAULTS)]
    return "\n".join(lines) + "\n"


def _fault_row(known: Known) -> str:
    if known.how:
        how = f"not armed: {known.how}"
    else:
        value = f"{known.value:g}" if isinstance(known.value, float) else known.value
        words = f" ({', '.join(known.words)})" if known.words else ""
        unit = f" {known.unit}" if known.unit and not known.words else ""
        how = ", ".join(known.targets) + (f"; value {value}{unit}{words}" if value is not None else "")
    cells = (f"`{known.name}`", known.what, how, known.survive, known.source)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def code_table() -> str:
    tests, said = codes_shown(), codes_in_use()
    lines = ["| code | status | meaning | when here | setting | test |", "|---|---|---|---|---|---|"]
    known = (code if code.name in said else replace(code, here="", setting="") for code in PROXY_CODES.values())
    lines += [_code_row(code, tests.get(code.name, [])) for code in known]
    return "\n".join(lines) + "\n"


def _code_row(code: ProxyCode, tests: list[str]) -> str:
    status = str(404 if code.name == "PE01" else CODES[code.name].http) if code.here else ""
    setting = f"`{code.setting}`" if code.setting else ""
    shown = "; ".join(tests[:_FEW]) if code.here else ""
    return f"| {code.name} | {status} | {code.meaning} | {code.here or 'not here'} | {setting} | {shown} |"


PAGES: dict[Path, Callable[[], str]] = {FAULTS: fault_table, CODES_PAGE: code_table}


def renewed(page: Path) -> str:
    """The page with its table as it is now; what stands around the table is written by hand."""
    head, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return head + _BEGIN + "\n" + PAGES[page]() + "\n" + _END + tail


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(renewed(each), encoding="utf-8")
