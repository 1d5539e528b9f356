"""Writes docs/replay-coverage.md: each rule of replays with its mark, its setting and the tests that hold it.

    python -m tests.replay_coverage

The rows are in tests/data/replay-rows.txt: mark | rule | setting | tests, a test by the letter of its file below.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from flylab.local.replay_options import exchange_settings
from flylab.rules.limits import ExchangeSettings
from tests.facts import MARKS, ROOT

PAGE = ROOT / "docs" / "replay-coverage.md"
ROWS = ROOT / "tests" / "data" / "replay-rows.txt"
FILES = {
    "a": "wire/test_regions.py",
    "c": "rules/test_replay_cache.py",
    "d": "wire/test_duration.py",
    "e": "local/test_edge.py",
    "f": "local/test_transforming.py",
    "g": "rules/test_upgrades.py",
    "j": "wire/test_replay.py",
    "k": "wire/test_replay_cache.py",
    "l": "local/test_latency.py",
    "o": "rules/test_routing.py",
    "q": "wire/test_codes.py",
    "r": "rules/test_replaying.py",
    "s": "rules/test_services.py",
    "t": "wire/test_transform.py",
    "u": "local/test_up_replay.py",
    "w": "local/test_walk.py",
    "x": "rules/test_exchange.py",
}
# Each table of the settings file that a row may name.
TABLES = {"replay": "replay", "replay_cache": "cache", "statuses": "statuses", "upgrades": "upgrades", "exchange": ""}
_DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
_HEAD = """# What holds of replays

Every rule of `fly-replay` that is documented, that clients rely on, that somebody reported, or that is assumed here,
with the setting that changes it (`flylab up --settings FILE`) and the tests that hold it.
[replay.md](replay.md) is the page for users. `python -m tests.replay_coverage` writes this one.

"""


@dataclasses.dataclass(frozen=True)
class Row:
    section: str
    mark: str
    rule: str
    setting: str
    tests: tuple[tuple[str, str], ...]  # file below tests/ and name


def rows(text: str | None = None) -> Iterator[Row]:
    """The rows in the order of the file."""
    section = ""
    for line in (ROWS.read_text(encoding="utf-8") if text is None else text).splitlines():
        if line.startswith("#"):
            section = line.removeprefix("#").strip()
            continue
        mark, rule, setting, tests = (part.strip() for part in line.split("|"))
        named = [each.strip().partition(":") for each in tests.split(",")]
        yield Row(section, mark, rule, setting, tuple((FILES[file], f"test_{name}") for file, _, name in named))


def render(found: list[Row]) -> str:
    """The page."""
    lines = [f"- {mark}: {meaning}" for mark, meaning in MARKS.items()]
    section = ""
    for row in found:
        if row.section != section:
            section = row.section
            lines += ["", f"## {section}", "", "| rule | mark | setting | tests |", "|---|---|---|---|"]
        tests = "; ".join(f"{name.removeprefix('test_').replace('_', ' ')} (`{file}`)" for file, name in row.tests)
        setting = f"`{row.setting}`" if row.setting else ""
        lines.append(f"| {row.rule} | {row.mark} | {setting} | {tests} |")
    return _HEAD + "\n".join(lines) + "\n"


def is_setting(text: str) -> bool:
    """Whether ``[table] field`` can stand in a settings file."""
    table, _, field = text.removeprefix("[").partition("] ")
    settings: object = exchange_settings({})
    if name := TABLES[table]:
        settings = getattr(settings, name)
    assert dataclasses.is_dataclass(settings)
    assert isinstance(settings, ExchangeSettings) or table != "exchange"
    return field in {each.name for each in dataclasses.fields(settings)}


def names_in(file: str, folder: Path = ROOT / "tests") -> set[str]:
    """The tests of a file."""
    return set(_DEFINITION.findall((folder / file).read_text(encoding="utf-8")))


if __name__ == "__main__":
    PAGE.write_text(render(list(rows())), encoding="utf-8")
