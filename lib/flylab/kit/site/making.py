"""Writes the sources of the write-up and has Sphinx make pages of them; an older site stays until this one is whole."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

from flylab.errors import UsageError
from flylab.kit import chapters, project, publish
from flylab.kit.chapters import Chapter
from flylab.kit.figures import assets
from flylab.kit.results import FLY
from flylab.kit.site import answer, card, downloads, findings, methods, preview, replayed, sharp, web
from flylab.kit.site.collecting import Told, name, of
from flylab.kit.site.landing import landing
from flylab.kit.site.markup import raw

MARK = ".flylab-site"  # in a folder that was written by this command, and may be replaced by it
# Pages beside the first one and the chapters: what each is about, for search engines and previews.
ABOUT = {
    "sharp-edges": "What goes wrong on Fly Machines: causes, how each is shown and survived, and its source.",
    "findings": "What the chapters found, when, how it changed, and why.",
    "methods": "How everything here was measured: clocks, open loops, statistics, kinds of figures, machines, noise.",
    "data": "Every stored sample and run record behind these pages, as CSV, JSON and Parquet.",
    "reproduce": "One command runs all of it again on your own computer.",
}


def make(
    pages: list[Told], missing: list[Chapter], build: Path, *, out: Path | None = None, base_url: str = ""
) -> Path:
    """Build the site into ``out`` (``build/site``); UsageError with Sphinx's own words when it warns."""
    address = web.base(base_url)
    target = (out or build / "site").resolve()
    check(target, known=target == (build / "site").resolve())
    sources, made = build / "site-source", build / "site-made"
    for folder in (sources, made):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project.root() / "site", sources, ignore=shutil.ignore_patterns("__pycache__"))
    records = downloads.records(pages, build / "data")
    files = downloads.write(pages, records, made, project.root() / "lib" / "flylab" / "published")
    publish.write_tables((page for _, page in pages), made)
    _static(sources / "_static", pages, replayed.find(build))
    for told in pages:
        _chapter(told, pages, records, sources)
    _pages(sources, pages, missing, records, files, build)
    about = ABOUT | {name(*told): told[0].question for told in pages} | {"index": answer.plain(pages)}
    preview.write(sources, address, title=title(sources), about=about)
    _sphinx(sources, made, build / "site-doctrees", address)
    web.write_maps(made, address)
    (made / MARK).write_text("Written by flylab site, which may replace this folder.\n", encoding="utf-8")
    place(made, target)
    return target


def place(made: Path, target: Path) -> None:
    """Put a finished site where it goes, in place of an older one; UsageError where nothing can be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(made, target)
    except OSError as error:
        raise UsageError(f"--out is {str(target)!r}, which cannot be written: {error.strerror or error}") from error


def check(target: Path, *, known: bool = False) -> None:
    """Whether a folder may be replaced; UsageError for one that holds something else."""
    if target.exists() and not target.is_dir():
        raise UsageError(f"--out is {str(target)!r}, which is a file; it is a folder")
    if not known and target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise UsageError(f"--out is {str(target)!r}, which holds something else: name a new folder or an older site")


def title(sources: Path) -> str:
    """The first heading of the first page."""
    first = (sources / "index.md").read_text(encoding="utf-8").lstrip().splitlines()[0]
    return first.removeprefix("# ").strip()


def _static(folder: Path, pages: list[Told], recording: Path | None) -> None:
    assets.write(folder)
    card.draw(pages, folder / "card.png", title=title(folder.parent), question=answer.plain(pages))
    if recording is not None:
        shutil.copy(recording, folder / replayed.RECORDING)
        for script in replayed.static().iterdir():
            if script.is_file():
                shutil.copy(script, folder)


def _chapter(told: Told, pages: list[Told], records: dict[tuple[str, str], Path], sources: Path) -> None:
    chapter, page = told
    publish.unlink(page, {other.name for other, _ in of(page.target, pages)})
    up = "../" if page.target == "fly" else ""
    note = downloads.note(chapter, page, records.get((chapter.name, page.target)), up)
    cells = page.notebook["cells"]
    cells.insert(1, _markdown("run", raw(f'<p class="provenance">{note}{_other(told, pages, up)}</p>')))
    folder = sources / FLY if page.target == "fly" else sources
    folder.mkdir(exist_ok=True)
    (folder / chapter.path.name).write_text(json.dumps(page.notebook), encoding="utf-8")


def _other(told: Told, pages: list[Told], up: str) -> str:
    """The way to the same chapter on the other target."""
    chapter, page = told
    if not any(other.name == chapter.name and each.target != page.target for other, each in pages):
        return ""
    if page.target == "fly":
        return f' <a href="{up}{chapter.name}.html">The same on the local platform</a>.'
    return f' <a href="{FLY}/{chapter.name}.html">The same on Fly</a>.'


def _markdown(name: str, text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "id": f"site-{name}", "metadata": {}, "source": text}


def _pages(
    sources: Path,
    pages: list[Told],
    missing: list[Chapter],
    records: dict[tuple[str, str], Path],
    files: list[downloads.File],
    build: Path,
) -> None:
    entries = findings.load(sources / findings.FILE)
    filled = {
        "sharp-edges": sharp.page(pages),
        "findings": {"table": raw(findings.listed(entries, pages, records))},
        "methods": methods.page(records),
        "data": downloads.listed(files),
        "reproduce": {"count": str(len(chapters.find() if not missing else pages))},
    }
    for page, values in filled.items():
        path = sources / f"{page}.md"
        path.write_text(Template(path.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
    index = landing(sources / "index.md", pages, missing, replayed.find(build))
    (sources / "index.md").write_text(index, encoding="utf-8")


def _sphinx(sources: Path, made: Path, doctrees: Path, address: str) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-D",
        f"html_baseurl={address}",
    ]
    command += ["-d", str(doctrees), str(sources), str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"Sphinx was not content:\n{done.stderr.strip() or done.stdout.strip()}")
