"""The first page: question, answer, who should use what, the moving map, the figures, the chapters."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from flylab.kit.chapters import Chapter
from flylab.kit.publish import CHOICE_ID
from flylab.kit.results import FLY
from flylab.kit.site import answer, replayed
from flylab.kit.site.collecting import PLACES, Told, name, of, short
from flylab.kit.site.markup import escape, link, raw, table, words
from flylab.kit.verdict import Outcome, tally


def landing(template: Path, pages: list[Told], missing: list[Chapter], recording: Path | None = None) -> str:
    """The page's Markdown out of its template."""
    return Template(template.read_text(encoding="utf-8")).substitute(
        lead=raw(answer.lead(pages)),
        ran=raw(f'<p class="provenance">{words(ran(pages))}</p>'),
        cards=raw(answer.cards(pages)),
        choice=raw(choice(pages)),
        recording=replayed.section(recording),
        pictures=raw(answer.pictures(pages)),
        chapters=raw(chapters(pages, missing)),
        failed=raw(failed(pages)),
        local="\n".join(name(*told) for told in of("local", pages)),
        fly=_toctree("On Fly", [name(*told) for told in of("fly", pages)]),
    )


def ran(pages: Sequence[Told]) -> str:
    """Where and when, with the verdicts of each target counted by themselves."""
    today = datetime.now(UTC).date().isoformat()
    said = []
    for target, place in PLACES.items():
        told = of(target, list(pages))
        if told:
            counts = Counter(row["outcome"] for _, page in told for row in page.verdicts)
            said.append(f"Run on {place}: {len(told)} chapters. Verdicts: {tally(counts) or 'none yet'}.")
    return f"{' '.join(said)} Built {today} (UTC)."


def choice(pages: Sequence[Told]) -> str:
    """Who should use what, as the chapter decided it; empty when that was not run."""
    for chapter, page in pages:
        if page.choice:
            head = [escape(each) for each in page.choice["head"]]
            rows = [[_family(cells[0]), *map(escape, cells[1:])] for cells in page.choice["cells"]]
            way = link(f"{name(chapter, page)}.html#{CHOICE_ID}", escape(short(chapter)))
            note = (
                f"Decided by {way} from published round trips and prices (simulated); Durable Objects are given Fly's"
                " regions, which is generous. Starts: the shortest and the longest published, of different things."
            )
            return f'{table("choice", head, rows)}<p class="provenance">{note}</p>'
    return ""


def _family(first: str) -> str:
    family, _, kind = first.partition(" (")
    return f'{escape(family)}<br><small class="kind">{escape(kind.removesuffix(")"))}</small>'


def chapters(pages: Sequence[Told], missing: Sequence[Chapter]) -> str:
    """All chapters in reading order; with runs on Fly their verdicts have a column of their own."""
    fly = {chapter.name: (chapter, page) for chapter, page in of("fly", list(pages))}
    local = {chapter.name: (chapter, page) for chapter, page in of("local", list(pages))}
    every = {chapter.name: chapter for chapter in missing} | {chapter.name: chapter for chapter, _ in pages}
    head = ["chapter", "question", "takes", "verdicts", *(["verdicts on Fly"] if fly else [])]
    rows = []
    for key, chapter in sorted(every.items()):
        title = link(f"{key}.html", escape(chapter.title)) if key in local else escape(chapter.title)
        row = [title, words(chapter.question), escape(chapter.promises["takes"])]
        row.append(_tally(local[key]) if key in local else "not run")
        if fly:
            row.append(link(f"{FLY}/{key}.html", _tally(fly[key])) if key in fly else "not run")
        rows.append(row)
    return table("list", head, rows)


def _tally(told: Told) -> str:
    return tally(Counter(row["outcome"] for row in told[1].verdicts)) or "none"


def failed(pages: Sequence[Told]) -> str:
    """What was predicted and did not hold, in the words of the verdict tables; that is a result as well."""
    rows = [
        [
            link(f"{name(chapter, page)}.html", escape(f"{short(chapter)}, {PLACES[page.target]}")),
            escape(row["claim"]),
            escape(row["prediction"]),
            escape(row["result"]),
        ]
        for chapter, page in pages
        for row in page.verdicts
        if row["outcome"] == Outcome.FAILS
    ]
    if not rows:
        return "<p>Every claim that could be tested held in these runs.</p>"
    return table("failed", ["chapter", "claim", "prediction", "what came out"], rows)


def _toctree(caption: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    lines = "\n".join(names)
    return f"```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {caption}\n\n{lines}\n```"
