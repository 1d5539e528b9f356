"""The changelog of findings: dated entries that are kept in the repository, and what the last run says beside them.

An entry repeats a headline word for word. Its *form* is the headline without its numbers: as long as a chapter's
headline keeps its form, entries can be compared; a new form is a new finding and wants an entry of its own.
"""

import ast
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date as Day
from pathlib import Path

from flylab.errors import ParseError
from flylab.kit.chapters import source
from flylab.kit.publish import Page
from flylab.kit.site.answer import provenance
from flylab.kit.site.collecting import PLACES, Told, long, name
from flylab.kit.site.markup import escape, link, words
from flylab.measure import runs

FILE = "findings.toml"
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?")
_TARGETS, _KINDS = ("local", "fly"), ("measured", "simulated", "configured", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One entry: what a chapter said on a day, and why that differs from what it said before."""

    date: Day
    chapter: str
    text: str
    kind: str
    n: int
    why: str
    target: str = "local"


def load(path: Path) -> list[Finding]:
    """All entries, the newest first; ParseError names the entry and what is wrong with it."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParseError("findings", path.name, str(error)) from error
    # Of one day the last in the file is the newest.
    entries = reversed([_entry(each) for each in value.get("finding", [])])
    return sorted(entries, key=lambda each: each.date, reverse=True)


def _entry(value: object) -> Finding:
    known = {each.name for each in fields(Finding)}
    if not isinstance(value, dict) or set(value) - known:
        raise ParseError("finding", str(value), f"it has the fields {', '.join(sorted(known))} and no other")
    missing = known - {"target"} - set(value)
    if missing:
        raise ParseError("finding", str(value), f"{', '.join(sorted(missing))} is missing")
    entry = Finding(**value)
    if type(entry.date) is not Day:
        raise ParseError("finding", str(value), "date is a day such as 2026-11-27, without quotes")
    if entry.kind not in _KINDS or entry.target not in _TARGETS:
        raise ParseError("finding", str(value), f"kind is one of {', '.join(_KINDS)}, target local or fly")
    return entry


def form(text: str) -> str:
    """A headline without its numbers: ``A replay adds # ms of our own time``."""
    return _NUMBER.sub("#", text)


def wanted(entries: Sequence[Finding], pages: Sequence[Told], today: Day) -> list[str]:
    """An entry to fill in for each headline whose words are not those of the newest one, as it stands in the file."""
    found = []
    for chapter, page in pages:
        of = [each for each in entries if (each.chapter, each.target) == (chapter.name, page.target)]
        for headline in page.headlines[-1:]:
            if not of or form(of[0].text) != form(headline["text"]):
                fields_ = {"chapter": chapter.name, "text": headline["text"], "kind": headline["kind"]}
                lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields_.items()]
                lines += [f"n = {headline['n']}", *(['target = "fly"'] if page.target == "fly" else [])]
                found.append("\n".join(["[[finding]]", f"date = {today}", *lines, 'why = ""']))
    return found


def written(path: Path) -> str:
    """The headline of a notebook's source as a pattern; what the run fills in may be anything."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        code = source(cell)
        if cell["cell_type"] == "code" and "Headline(" in code:
            for node in ast.walk(ast.parse(code)):
                match node:
                    case ast.Assign(targets=[ast.Name(id="text")], value=ast.JoinedStr() | ast.Constant() as value):
                        return _pattern(value)
    raise ParseError("chapter", path.name, "the headline's text is assigned to `text` in the cell of Headline(…)")


def _pattern(value: ast.JoinedStr | ast.Constant) -> str:
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+?" for part in parts)


def listed(
    entries: Sequence[Finding], pages: Sequence[Told], records: Mapping[tuple[str, str], Path] | None = None
) -> str:
    """For each chapter and target what it says now, and what it said, the newest first."""
    parts, kept = [], records or {}
    for chapter, page in pages:
        of = [each for each in entries if (each.chapter, each.target) == (chapter.name, page.target)]
        if not page.headlines and not of:
            continue
        title = escape(long(chapter))
        place = f", on {PLACES[page.target]}" if page.target == "fly" else ""
        head = f'<h2 class="small">{link(f"{name(chapter, page)}.html", title)}{place}</h2>'
        parts.append(f"<section>{head}{_now(page, of, kept.get((chapter.name, page.target)))}")
        items = "".join(
            f'<li><time datetime="{each.date}">{each.date}</time> {escape(each.text)}'
            f'<p class="provenance">{_kind(each)}. {words(each.why)}</p></li>'
            for each in of
        )
        parts.append(f'<ol class="history">{items}</ol></section>' if of else "</section>")
    return "".join(parts)


def _now(page: Page, of: Sequence[Finding], record: Path | None) -> str:
    if not page.headlines:
        return ""
    now = page.headlines[-1]
    told = f"{escape(provenance(now))}; {_changed(now['text'], of)}"
    # What is measured on a busy computer is to be read with that in mind, above all where it changed.
    load = runs.read(record).load_before if record is not None and now["kind"] == "measured" else None
    told += "" if load is None else f"; the load of the computer was {load:.1f} when it began"
    return f'<p class="now">{escape(now["text"])}</p><p class="provenance">This run, {told}.</p>'


def _kind(entry: Finding) -> str:
    return escape(provenance({"kind": entry.kind, "target": entry.target, "n": entry.n}))


def _changed(text: str, before: Sequence[Finding]) -> str:
    if not before:
        return "a first run: nothing to compare it with"
    last = before[0]
    if form(text) != form(last.text):
        return f"says something else than on {last.date}, so the numbers cannot be compared"
    pairs = [
        (old, new)
        for old, new in zip(_numbers(last.text), _numbers(text), strict=True)
        if old != new
    ]  # fmt: skip
    if not pairs:
        return f"the same as on {last.date}"
    return f"since {last.date}: {', '.join(f'{old} → {new}' for old, new in pairs)}"


def _numbers(text: str) -> list[str]:
    return [match[0] for match in _NUMBER.finditer(text)]
