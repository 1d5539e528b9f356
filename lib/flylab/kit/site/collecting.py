"""Reads what was run: executed chapters of the local platform, and those of Fly beside them, which are never mixed."""

from pathlib import Path

from flylab.errors import UsageError
from flylab.kit import chapters, publish, results
from flylab.kit.chapters import Chapter
from flylab.kit.publish import Page
from flylab.kit.results import FLY

Told = tuple[Chapter, Page]
PLACES = {"local": "the local platform", "fly": "Fly"}


def collect(executed: Path, folder: Path | None = None) -> tuple[list[Told], list[Chapter]]:
    """The chapters that were run, ready for the site, and those that were not run on the local platform."""
    there, missing = [], []
    every = chapters.find(folder=folder)
    for target in PLACES:
        for chapter in every:
            path = results.executed(executed, chapter.name, target)
            if path.exists():
                there.append((chapter, _page(path, target)))
            elif target == "local":
                missing.append(chapter)
    if not there:
        raise UsageError("no chapter was run yet; run `flylab suite` first")
    return there, missing


def of(target: str, pages: list[Told]) -> list[Told]:
    """Those of one target, in reading order."""
    return [told for told in pages if told[1].target == target]


def name(chapter: Chapter, page: Page) -> str:
    """What Sphinx calls its page: ``03-replay``, or ``fly/03-replay``."""
    return f"{FLY}/{chapter.name}" if page.target == "fly" else chapter.name


def short(chapter: Chapter) -> str:
    """How a sentence names it: ``chapter 03``, or its title where it has no number."""
    return f"chapter {chapter.number}" if chapter.number.isdigit() else chapter.title


def long(chapter: Chapter) -> str:
    """Its title with its number: ``03 · Send a visitor to the right machine``."""
    return f"{chapter.number} · {chapter.title}" if chapter.number.isdigit() else chapter.title


def _page(path: Path, target: str) -> Page:
    made = publish.page(path, up="../" if target == FLY else "")
    if made.targets - {target}:
        told = " and ".join(sorted(made.targets))
        raise UsageError(f"{path} was run with target={told}: only runs with target={target} belong into {path.parent}")
    made.target = target
    return made
