"""The answer on one screen: a sentence out of the verdicts, five figures out of the runs, and what each rests on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flylab.kit.chapters import Chapter
from flylab.kit.publish import HEADLINE_ID
from flylab.kit.site.collecting import PLACES, Told, long, name, of
from flylab.kit.site.markup import escape, link, words
from flylab.kit.verdict import Outcome

# What each part of the answer is about, and the chapter that finds it.
PARTS = {
    "03-replay": "What the header costs",
    "04-boot": "What a wake takes",
    "05-latency": "What a member feels",
    "06-scale-to-zero": "What rooms that sleep cost",
    "10-tradeoffs": "Where a room belongs",
}
MOST = 5
_NUMBER = re.compile(r"[-+]?\d[\d.,]*( of [\d.,]*\d)?( ?(?:ms|s|%|USD)\b| ?%)?")


@dataclass(slots=True)
class Part:
    """One figure of the answer: what it is about, and the run of it on each target."""

    label: str
    told: dict[str, Told] = field(default_factory=dict)

    @property
    def chapter(self) -> Chapter:
        return next(iter(self.told.values()))[0]


def parts(pages: Sequence[Told]) -> list[Part]:
    """The five parts, in the order of ``PARTS``; where one was not run, another chapter with a headline stands in."""
    found: dict[str, Part] = {}
    for chapter, page in pages:
        if page.headlines:
            part = found.setdefault(chapter.name, Part(PARTS.get(chapter.name, chapter.title)))
            part.told[page.target] = (chapter, page)
    first = [found[each] for each in PARTS if each in found]
    rest = [part for each, part in found.items() if each not in PARTS]
    return (first + rest)[:MOST]


def number(text: str) -> str:
    """The figure in a headline: its first number with a unit, or else its first number; empty without any."""
    found = [match[0].strip().rstrip(".,") for match in _NUMBER.finditer(text)]
    with_unit = [each for each in found if not each[-1].isdigit()]
    return (with_unit or found or [""])[0]


def cards(pages: Sequence[Told]) -> str:
    """Each part as a card; the two targets are named and stand below each other, and what was not run is said."""
    both = any(page.target == "fly" for _, page in pages)
    items = "".join(f"<li>{_card(part, both=both)}</li>" for part in parts(pages))
    return f'<ol class="answer{" both" if both else ""}">{items}</ol>' if items else ""


def _card(part: Part, *, both: bool) -> str:
    label = f"<h2>{escape(part.label)}</h2>"
    if not both:
        return label + _result(part.told["local"])
    results = []
    for target, place in PLACES.items():
        shown = _result(part.told[target]) if target in part.told else '<p class="provenance">not run</p>'
        results.append(f'<div class="on-{target}"><h3>{escape(place)}</h3>{shown}</div>')
    return f'{label}<div class="pair">{"".join(results)}</div>'


def _result(told: Told) -> str:
    chapter, page = told
    headline = page.headlines[-1]
    big = number(headline["text"])
    at = f"{name(chapter, page)}.html"
    evidence = f"{at}#{HEADLINE_ID}" if page.headline_figures else at
    shown = f'<p class="number" aria-hidden="true">{escape(big)}</p>' if big else ""
    return (
        f"{shown}<p>{escape(headline['text'])}</p>"
        f'<p class="provenance">{escape(provenance(headline))}</p>'
        f"<p>{link(evidence, f'How it was found: {escape(chapter.title)}')}</p>"
    )


def provenance(headline: dict[str, Any]) -> str:
    """``measured on the local platform, n = 40``; what was simulated or published ran nowhere."""
    where = f" on {PLACES[headline['target']]}" if headline["kind"] == "measured" else ""
    return f"{headline['kind']}{where}, n = {headline['n']:,}"


def sentence(pages: Sequence[Told], target: str) -> str:
    """The answer in words, put together from the verdicts of that target; empty when none of them was reached."""
    told = of(target, list(pages))
    return " ".join(said for said in (_rules(told, target), _money(told), _open(told, target)) if said)


def _rules(told: Sequence[Told], target: str) -> str:
    rows = [row for row in _rows(told, "03-replay") if row["outcome"] != Outcome.CANNOT]
    where = "on Fly" if target == "fly" else "on a local platform that is built from Fly's documentation"
    failed = [row for row in rows if row["outcome"] == Outcome.FAILS]
    if not rows:
        return ""
    if failed:
        return f"Not reliably: {len(failed)} of the {len(rows)} rules of `fly-replay` that were tested {where} failed."
    return f"Yes, for finding the room: all {len(rows)} rules of `fly-replay` that were tested held {where}."


def _money(told: Sequence[Told]) -> str:
    """Who costs least for how much use, as chapter 10 decided it."""
    rows = [row for _, page in told for row in page.choice.get("rows", []) if row["least"]]
    said = [f"with {row['name']} for rooms that are opened {row['least']}" for row in rows]
    if not said:
        return ""
    *others, last = said
    return f"A month costs least {', '.join(others)}{' and ' if others else ''}{last}."


def _open(told: Sequence[Told], target: str) -> str:
    count = sum(row["outcome"] == Outcome.CANNOT for _, page in told for row in page.verdicts)
    if not count or target == "fly":
        return ""
    many = "one claim stays" if count == 1 else f"{count} claims stay"
    return f"How fast Fly itself is cannot be found on one computer: {many} open."


def _rows(told: Sequence[Told], chapter: str) -> list[dict[str, str]]:
    return [row for found, page in told if found.name == chapter for row in page.verdicts]


def lead(pages: Sequence[Told]) -> str:
    """The sentence of each target that was run, named when there are two of them."""
    said = {target: found for target in PLACES if (found := sentence(pages, target))}
    if len(said) < 2:
        return "".join(f'<p class="lead">{words(found)}</p>' for found in said.values())
    return "".join(
        f'<p class="lead"><strong>On {PLACES[target]}.</strong> {words(found)}</p>' for target, found in said.items()
    )


def pictures(pages: Sequence[Told]) -> str:
    """The figure behind each part; those of the two targets stand side by side, each named."""
    both = any(page.target == "fly" for _, page in pages)
    return "".join(_picture(part, both=both) for part in parts(pages))


def _picture(part: Part, *, both: bool) -> str:
    shown = []
    for target, (chapter, page) in part.told.items():
        if page.headline_figures:
            head = f'<p class="provenance">{escape(PLACES[target])}</p>' if both else ""
            way = link(f"{name(chapter, page)}.html", escape(long(chapter)))
            shown.append(f'<div class="on-{target}">{head}{page.headline_figures[-1]}<p>{way}</p></div>')
    inner = "".join(shown)
    return (
        f'<section class="picture"><h3>{escape(part.label)}</h3><div class="pair">{inner}</div></section>'
        if shown
        else ""
    )


def plain(pages: Sequence[Told]) -> str:
    """The answer as plain words, for previews."""
    said = next((found for target in ("fly", "local") if (found := sentence(pages, target))), "")
    return said.replace("`", "") or "Rooms that sleep, wake and move, on machines that one response header finds."
