"""The sharp edges: what each is, how it is shown, how it is survived, who saw it; out of faults and chapters."""

import re
from collections.abc import Sequence
from pathlib import Path

from flylab.kit import project
from flylab.kit.chapters import Chapter, source
from flylab.kit.site import shown
from flylab.kit.site.collecting import Told, name, short
from flylab.kit.site.markup import escape, link, raw, slug, table, words
from flylab.rules.fault_names import KNOWN, Known, Where

TITLES = {
    Where.EDGE: "At the edges",
    Where.API: "At the Machines API",
    Where.MACHINE: "At machines",
    Where.VOLUME: "At volumes",
}
HEADING = "The sharp edge: "  # how a chapter calls a section that shows one


def page(pages: Sequence[Told], tests: Path | None = None) -> dict[str, str]:
    """What the template of the page is filled with."""
    seen = shown.tests(tests or project.root() / "tests")
    listed = {chapter.name: (chapter, page) for chapter, page in reversed(pages)}
    taught = shown.chapters([chapter for chapter, _ in listed.values()], KNOWN)
    sections = []
    for where, title in TITLES.items():
        of = [known for known in KNOWN.values() if known.where is where]
        rows = [_row(known, taught.get(known.name, []), seen.get(known.name, [])) for known in of]
        head = ["what happens", "how it is shown", "how it is survived", "where it was seen"]
        if rows:
            sections.append(f"## {title}\n\n{raw(table('edges', head, rows))}")
    index = ", ".join(link(f"#{known.name}", f"<code>{known.name}</code>") for known in KNOWN.values())
    return {"index": raw(f"<p>{index}</p>"), "chapters": _chapters(pages), "sections": "\n\n".join(sections)}


def _row(known: Known, chapters: Sequence[Chapter], tests: Sequence[str]) -> list[str]:
    first = f'<span id="{known.name}"><code>{known.name}</code></span><br>{words(known.what)}'
    return [first, _shown(known, chapters, tests), words(known.survive), sources(known.source)]


def _shown(known: Known, chapters: Sequence[Chapter], tests: Sequence[str]) -> str:
    how = f"<code>flylab faults arm {known.name}{command(known)}</code>" if known.armable else words(known.how)
    told = [link(f"{each.name}.html", escape(short(each))) for each in chapters]
    parts = [how, *([f"Shown in {', '.join(told)}."] if told else [])]
    if tests:
        items = "".join(f"<li>{words(test)}</li>" for test in tests)
        count = "One test" if len(tests) == 1 else f"{len(tests)} tests"
        parts.append(f"<details><summary>{count}</summary><ul>{items}</ul></details>")
    return "".join(f"<div>{part}</div>" for part in parts)


def command(known: Known) -> str:
    """The flags of an example: its value, and what it is aimed at."""
    # What cannot be aimed at a machine is a matter of regions rather than of apps.
    region = "machine" not in known.targets and "region" in known.targets
    target = " --region ams" if region else " --app blue"
    value = f" --value {known.value:g}" if isinstance(known.value, float) else ""
    return target + value


_PLACES = re.compile(
    r"(?P<site>(?:community\.fly\.io|fly\.io)/[\w./-]*\w)"
    r"|docs (?P<docs>[\w-]+(?:/[\w-]+)+)"
    r"|(?P<repo>[\w.-]+/[\w.-]+) (?P<kind>pull requests?|issues?) (?P<numbers>\d+(?:(?:, | and )\d+)*)"
)


def sources(text: str) -> str:
    """A row's source with links: forum threads, pages of the documentation, issues and pull requests."""
    shown, at = [], 0
    for match in _PLACES.finditer(text):
        shown += [escape(text[at : match.start()]), _source(match)]
        at = match.end()
    return "".join([*shown, escape(text[at:])])


def _source(match: re.Match[str]) -> str:
    if match["site"]:
        return link(f"https://{match['site']}", escape(match["site"]))
    if match["docs"]:
        return link(f"https://fly.io/docs/{match['docs']}/", escape(match[0]))
    kind = "pull" if match["kind"].startswith("pull") else "issues"
    base = f"https://github.com/{match['repo']}/{kind}/"
    numbers = re.sub(r"\d+", lambda found: link(f"{base}{found[0]}", found[0]), match["numbers"])
    return f"{escape(match['repo'])} {match['kind']} {numbers}"


def _chapters(pages: Sequence[Told]) -> str:
    """What chapters found of their own: sections whose heading begins with ``The sharp edge``."""
    items = []
    for chapter, page in pages:
        if page.target != "local" and any(other.name == chapter.name and p.target == "local" for other, p in pages):
            continue
        for cell in page.notebook["cells"]:
            text = source(cell) if cell["cell_type"] == "markdown" else ""
            for heading, body in re.findall(rf"^## ({HEADING}.+)\n+((?:.+\n?)+)", text, re.MULTILINE):
                title = heading.removeprefix(HEADING)
                way = f"{name(chapter, page)}.html#{slug(heading)}"
                told = words(" ".join(body.split()))
                items.append([link(way, escape(title)), told, escape(short(chapter))])
    if not items:
        return ""
    shown = table("edges", ["sharp edge", "what it is, and what helps", "shown in"], items)
    return f"## Found by the chapters\n\n{raw(shown)}"
