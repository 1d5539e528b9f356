"""The data behind the pages: every stored sample and the record of each run, copied as they are, with a manifest.

A record and its parts keep their names, so that ``flylab runs --folder DIR show`` reads a downloaded folder and the
hashes in the record can be checked. A CSV beside them holds the same samples for whoever has no reader of Parquet.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from flylab.kit import project, rivals
from flylab.kit.chapters import Chapter
from flylab.kit.publish import Page
from flylab.kit.site.collecting import PLACES, Told
from flylab.kit.site.markup import escape, link, raw, table
from flylab.measure import runs
from flylab.measure.runs import Run
from flylab.measure.sample import Sample

COLUMNS = ("what", "where", "scheduled", "sent", "finished", "outcome", "detail")
LICENCE = "MIT"  # that of the project, in LICENSE
PUBLISHED = "figures are their sources', named in each row; the collection is MIT"
FOLDER = "data"
_FORMATS = {".json": "JSON", ".parquet": "Parquet", ".csv": "CSV"}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One line of the manifest."""

    file: str
    what: str
    rows: int | None
    columns: str
    run: str
    target: str
    licence: str
    bytes: int
    sha256: str


def records(pages: Sequence[Told], data: Path) -> dict[tuple[str, str], Path]:
    """By chapter and target: the record of the newest run that is whole."""
    found = {}
    for chapter, page in pages:
        for path in sorted(data.glob(f"{chapter.name}-????????T??????.??????.json"), reverse=True):
            run = runs.read(path)
            if run.target == page.target and run.finished_at:
                found[chapter.name, page.target] = path
                break
    return found


def write(pages: Sequence[Told], kept: dict[tuple[str, str], Path], target: Path, published: Path) -> list[File]:
    """Everything that can be downloaded, into a folder of the site; the manifest's lines are returned."""
    shutil.rmtree(target / FOLDER, ignore_errors=True)
    files: list[File] = []
    for (_, where), record in kept.items():
        folder = target / FOLDER / where
        folder.mkdir(parents=True, exist_ok=True)
        files += _run(record, folder, where)
    (target / FOLDER).mkdir(parents=True, exist_ok=True)
    files += _results(pages, target / FOLDER)
    # The first of these is what the chapter shows.
    for stored in [path for name in rivals.STORED if (path := project.root() / name).is_file()][:1]:
        copy = Path(shutil.copy(stored, target / FOLDER / "other-room-servers.json"))
        head = list(json.loads(copy.read_text(encoding="utf-8")))
        files.append(_file(copy, "other room servers beside ours, as stored by the benchmark", None, head))
    for path in sorted(published.glob("*.csv")):
        (target / FOLDER / "published").mkdir(exist_ok=True)
        copy = Path(shutil.copy(path, target / FOLDER / "published"))
        with copy.open(encoding="utf-8", newline="") as lines:
            head, *rows = csv.reader(lines)
        files.append(_file(copy, "what others published", len(rows), head, licence=PUBLISHED))
    _manifest(files, target / FOLDER)
    return files


def _run(record: Path, folder: Path, target: str) -> list[File]:
    run, samples = runs.load(record)
    copies = [Path(shutil.copy(record, folder))]
    files = [_file(copies[0], "record of the run", None, [each.name for each in fields(Run)], run.id, target)]
    for part in run.parts:
        copy = Path(shutil.copy(record.with_name(part.file), folder))
        files.append(_file(copy, "samples", part.n, COLUMNS, run.id, target))
    path = folder / f"{run.id}.csv"
    _write(path, COLUMNS, (_row(sample) for sample in samples))
    files.append(_file(path, "the same samples", len(samples), COLUMNS, run.id, target))
    return files


def _row(sample: Sample) -> list[object]:
    value = sample.to_json()
    detail = json.dumps(value["detail"], separators=(",", ":")) if sample.detail else ""
    return [*(value[name] for name in COLUMNS[:-1]), detail]


def _results(pages: Sequence[Told], folder: Path) -> list[File]:
    """Headlines and verdicts of all chapters, as two tables and as one JSON."""
    headlines = [
        {"chapter": chapter.name, **headline} for chapter, page in pages for headline in page.headlines
    ]  # fmt: skip
    verdicts = [
        {"chapter": chapter.name, "target": page.target, **row} for chapter, page in pages for row in page.verdicts
    ]
    files = []
    for name, rows in (("headlines", headlines), ("verdicts", verdicts)):
        head = list(dict.fromkeys(key for row in rows for key in row)) or ["chapter"]
        path = folder / f"{name}.csv"
        _write(path, head, ([row.get(key, "") for key in head] for row in rows))
        files.append(_file(path, f"{name} of all chapters", len(rows), head))
    path = folder / "results.json"
    path.write_text(json.dumps({"headlines": headlines, "verdicts": verdicts}, indent=1) + "\n", encoding="utf-8")
    return [*files, _file(path, "the same as JSON", len(headlines) + len(verdicts), ["headlines", "verdicts"])]


def _write(path: Path, head: Sequence[str], rows: object) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)  # type: ignore[arg-type]


def _file(
    path: Path, what: str, rows: int | None, columns: Sequence[str], run: str = "", target: str = "", *,
    licence: str = LICENCE,
) -> File:  # fmt: skip
    content = path.read_bytes()
    at = path.as_posix().rsplit(f"/{FOLDER}/", 1)[1]
    return File(
        file=at, what=what, rows=rows, columns=" ".join(columns), run=run, target=target, licence=licence,
        bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def _manifest(files: Sequence[File], folder: Path) -> None:
    rows = [asdict(file) for file in files]
    (folder / "manifest.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    head = [each.name for each in fields(File)]
    _write(folder / "manifest.csv", head, ([row[key] for key in head] for row in rows))


def listed(files: Sequence[File]) -> dict[str, str]:
    """What the page of the data is filled with: a row for each run with its files, and the tables beside them."""
    runs_ = dict.fromkeys((file.target, file.run) for file in files if file.run)
    rows = [_run_row(target, run, [file for file in files if file.run == run]) for target, run in runs_]
    head = ["run", "on", "samples", "record", "samples", "the same samples"]
    others = [
        [_download(file), escape(file.what), "–" if file.rows is None else f"{file.rows:,}",
         escape(file.columns.replace(" ", ", ")), _size(file)]
        for file in files if not file.run
    ]  # fmt: skip
    tables = ["file", "what it is", "rows", "columns", "size"]
    return {
        "count": str(len(runs_)),
        "runs": raw(table("files", head, rows)) or "No run is stored beside these pages.",
        "tables": raw(table("files", tables, others)),
        "columns": ", ".join(f"`{name}`" for name in COLUMNS),
    }


def _run_row(target: str, run: str, of: Sequence[File]) -> list[str]:
    named = {suffix: [file for file in of if file.file.endswith(suffix)] for suffix in _FORMATS}
    name, _, when = run.rpartition("-")
    links = {
        suffix: ", ".join(_download(file, f"{_FORMATS[suffix]}, {_size(file)}") for file in found)
        for suffix, found in named.items()
    }
    first = f'<span id="{escape(run)}">{escape(name)}</span><br><small>{escape(when)}</small>'
    count = sum(file.rows or 0 for file in named[".csv"])
    return [first, PLACES[target], f"{count:,}", links[".json"], links[".parquet"] or "–", links[".csv"]]


def _download(file: File, text: str = "") -> str:
    return f'<a href="{FOLDER}/{escape(file.file)}" download>{escape(text or file.file)}</a>'


def _size(file: File) -> str:
    return f"{file.bytes / 1000:,.0f} KB" if file.bytes >= 1000 else f"{file.bytes} bytes"


def note(chapter: Chapter, page: Page, record: Path | None, up: str) -> str:
    """What stands below a chapter's header: where and when it was run, with which code, and where its data are."""
    if record is None:
        return escape(f"Run on {PLACES[page.target]}; no record of it is stored here.")
    run = runs.read(record)
    commit = f"{run.commit[:7] or 'unknown'}{' (changed)' if run.dirty else ''}"
    load = "" if run.load_before is None else f", load {run.load_before:.1f} before"
    when = f"{run.started_at[:16].replace('T', ' ')} UTC"
    said = f"Run on {PLACES[page.target]}, {when}, commit {commit}, {run.cpu}, {run.cores} cores{load}"
    data = link(f"{up}data.html#{run.id}", f"{run.n:,} samples to download")
    return f"{escape(said)}. {data}."
