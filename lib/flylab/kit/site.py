"""``flylab site``: executed notebooks become a static write-up that asks nobody on the network for anything."""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from flylab.errors import UsageError
from flylab.kit import chapters, project, publish
from flylab.kit.chapters import Chapter
from flylab.kit.figures import theme
from flylab.kit.publish import Page
from flylab.kit.verdict import tally


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the site was built without a warning."""
    parser = argparse.ArgumentParser(prog="flylab site", description="Build the write-up from the executed chapters.")
    parser.parse_args(arguments)
    try:
        pages, missing = collect(project.build() / "executed")
        target = make(pages, missing, project.build())
    except UsageError as error:
        print(f"flylab site: {error}", file=sys.stderr)
        return 1
    for chapter, page in pages:
        for headline in page.headlines:
            print(f"{chapter.name:<14}{headline['text']}  ({headline['kind']}, n = {headline['n']})")
    if missing:
        print(f"not run, so not in it: {', '.join(chapter.name for chapter in missing)}")
    print(f"site: {target / 'index.html'}")
    return 0


def collect(executed: Path, folder: Path | None = None) -> tuple[list[tuple[Chapter, Page]], list[Chapter]]:
    """The chapters that were run, ready for the site, and those that were not."""
    there, missing = [], []
    for chapter in chapters.find(folder=folder):
        path = executed / chapter.path.name
        if path.exists():
            there.append((chapter, publish.page(path)))
        else:
            missing.append(chapter)
    if not there:
        raise UsageError("no chapter was run yet; run `flylab suite` first")
    return there, missing


def make(pages: list[tuple[Chapter, Page]], missing: list[Chapter], build: Path) -> Path:
    """Write Sphinx's sources and run it; UsageError with Sphinx's own words when it warns."""
    from plotly.offline import get_plotlyjs

    sources, target = build / "site-source", build / "site"
    for folder in (sources, target):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project.root() / "site", sources, ignore=shutil.ignore_patterns("__pycache__"))
    (sources / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    (sources / "_static" / "themes.js").write_text(theme.as_script(), encoding="utf-8")
    for chapter, page in pages:
        publish.unlink(page, {other.name for other, _ in pages})
        (sources / chapter.path.name).write_text(json.dumps(page.notebook), encoding="utf-8")
    (sources / "index.md").write_text(landing(sources / "index.md", pages, missing), encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-d", str(build / "site-doctrees"), str(sources), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"Sphinx was not content:\n{done.stderr.strip() or done.stdout.strip()}")
    return target


def landing(template: Path, pages: list[tuple[Chapter, Page]], missing: list[Chapter]) -> str:
    """The first page: headlines with links, the figures that carry them, and the table of chapters."""
    today = datetime.now(UTC).date().isoformat()
    counts = Counter(row["outcome"] for _, page in pages for row in page.verdicts)
    said = tally(counts)
    targets = sorted({headline["target"] for _, page in pages for headline in page.headlines})
    where = " and ".join("Fly" if name == "fly" else "the local platform" for name in targets) or "the local platform"
    ran = f"Run on {where}, {today} (UTC). Verdicts: {said or 'none yet'}."
    figures = "".join(figure for _, page in pages for figure in page.headline_figures)
    return Template(template.read_text(encoding="utf-8")).substitute(
        ran=ran,
        headlines=_raw(_headlines(pages)),
        figures=_raw(figures),
        chapters=_raw(_table(pages, missing)),
        pages="\n".join(chapter.name for chapter, _ in pages),
    )


def _headlines(pages: list[tuple[Chapter, Page]]) -> str:
    items = [
        f"<li><strong>{html.escape(headline['text'])}</strong>"
        f'<a href="{chapter.name}.html">{html.escape(chapter.title)}</a></li>'
        for chapter, page in pages
        for headline in page.headlines
    ]
    return f'<ul class="headlines">{"".join(items)}</ul>' if items else ""


def _table(pages: list[tuple[Chapter, Page]], missing: list[Chapter]) -> str:
    lines = []
    for chapter, page in pages:
        counts = Counter(row["outcome"] for row in page.verdicts)
        words = tally(counts)
        link = f'<a href="{chapter.name}.html">{html.escape(chapter.title)}</a>'
        lines.append((link, _words(chapter.question), html.escape(chapter.promises["takes"]), words))
    lines += [(html.escape(chapter.title), _words(chapter.question), "not run", "") for chapter in missing]
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("chapter", "question", "takes", "verdicts"))
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in lines
    )
    return f'<table class="chapters"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _words(text: str) -> str:
    """Markdown's `code` as HTML; a question holds nothing else that is marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _raw(text: str) -> str:
    return f"```{{raw}} html\n{text}\n```" if text else ""
