"""Makes docs/performance.md of what the benchmarks have found: `python benchmarks/page.py`.

It takes the last valid run of each benchmark from build/data into benchmarks/results when that is newer, and writes the
page from there. A benchmark that has no result there keeps the section that it has. `--check` writes nothing and says
whether the page is what the results give.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import frame
from comparison import generator, machines, replay, smooth, starts
from comparison import page as rooms
from proxies import page as edge
from roomload.peer import ROOT

PAGE = ROOT / "docs" / "performance.md"
Sections = Mapping[str, Callable[[frame.Found], str]]
# In the order of the page.
SECTIONS: Sections = {
    "rooms": rooms.section,
    "room-page": smooth.section,
    "machines": machines.section,
    "edge": edge.section,
    "replay-cost": replay.section,
    "cold-start": starts.section,
    "load": generator.section,
    "omission": generator.both_section,
}
KEPT = ("rivals",)  # results that have no section here: chapter 10 shows them
HEAD = """\
# How fast it is

Each section is made by `python benchmarks/page.py` from what its benchmark has stored: the last run that counts, of
which `benchmarks/results` has everything but the samples. A run is one command, measures in turn what it compares, and
leaves its samples under `build/data`, where `flylab runs list`, `show` and `compare` find them."""


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: from benchmarks/results/{name}.json -->", f"<!-- end of {name} -->"


def old(page: str, name: str) -> str:
    """The section that a page has, with its marks; empty when it has none. The first words of a mark are enough."""
    begin, (_, end) = page.find(f"<!-- {name}: "), marks(name)
    stop = page.find(end, begin)
    return page[begin : stop + len(end)] if begin >= 0 and stop >= 0 else ""


def whole(found: Mapping[str, frame.Found | None], page: str, sections: Sections = SECTIONS) -> str:
    """The page: a section of each result, and the old one of what has none."""
    parts = [HEAD]
    for name, section in sections.items():
        result = found.get(name)
        if result is None:
            parts.append(old(page, name))
        else:
            begin, end = marks(name)
            parts.append(f"{begin}\n{section(result['results'])}\n\n{source(name, result)}\n{end}")
    return "\n\n".join(part for part in parts if part) + "\n"


def source(name: str, result: frame.Found) -> str:
    """Which run a section is made of."""
    if not result["id"]:
        return f"A run from before runs were stored: of its samples none is left. `benchmarks/results/{name}.json`."
    samples = f"{result['n']:,} samples" if result["n"] else "no samples"
    changed = " with changes" if result["dirty"] else ""
    commit = f", commit {result['commit'][:9]}{changed}" if result["commit"] else ""
    return f"Run `{result['id']}`, {samples}{commit}: `benchmarks/results/{name}.json`."


def main(words: list[str] | None = None, sections: Sections = SECTIONS, results: Path = frame.RESULTS) -> int:
    parser = argparse.ArgumentParser(description="The page of what the benchmarks found.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when the page is not as the results are")
    parser.add_argument("--page", type=Path, default=PAGE, help="(default: docs/performance.md)")
    asked = parser.parse_args(words)
    present = asked.page.read_text() if asked.page.is_file() else ""
    # To check is to look at what is kept, and not at new runs.
    look = frame.kept if asked.check else frame.gather
    found = {name: look(name, results=results) for name in (*sections, *KEPT)}
    made = whole(found, present, sections)
    if asked.check:
        if made != present:
            print(f"{asked.page.name} is not what benchmarks/results gives: python benchmarks/page.py", file=sys.stderr)
        return int(made != present)
    asked.page.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
