"""Rewrites an executed notebook for the site: figures as data, controls as they looked, no trace of the machinery.

myst-nb skips plotly's own type of output with only a warning, and a widget's state would pull a widget manager from
outside; so both are replaced here. An error output is refused: a site never shows half a run.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flylab.errors import UsageError
from flylab.kit.chapters import source
from flylab.kit.choice import CHOICE_MIME
from flylab.kit.figures.page import fragment
from flylab.kit.figures.table import as_csv
from flylab.kit.verdict import HEADLINE_MIME, MIME

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
HEADLINE_ID = "headline-figure"  # the anchor of the figure that carries the chapter's headline
CHOICE_ID = "choice"  # and that of the table of who should use what
TABLES = "figures"  # the folder of the site with the tables of figures
_LINK = re.compile(r"\[([^\]]+)\]\((\d\d-[a-z0-9-]+)\.ipynb\)")


@dataclass(slots=True)
class Page:
    """A notebook made ready, and what the landing page wants to know of it."""

    notebook: dict[str, Any]
    figures: list[str] = field(default_factory=list)
    headlines: list[dict[str, Any]] = field(default_factory=list)
    headline_figures: list[str] = field(default_factory=list)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    choice: dict[str, Any] = field(default_factory=dict)  # who should use what, of the chapter that decides it
    target: str = "local"
    targets: set[str] = field(default_factory=set)  # what verdicts and headline say of themselves
    up: str = ""  # the way from the page to the first one: "../" for a page in a folder
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # file → all rows of the table of a figure


def page(path: Path, *, up: str = "") -> Page:
    """Read one executed notebook; UsageError when it stopped at an error or was never run."""
    notebook, cells = _read(path)
    made = Page(notebook, up=up)
    cells = [cell for cell in cells if "injected-parameters" not in _tags(cell)]
    if not any(cell.get("outputs") for cell in cells):
        raise UsageError(f"{path.name} has no results; run `flylab suite {path.stem}` first")
    for cell in cells:
        tags = _tags(cell)
        # The cleanup cell is machinery; code that only draws is folded away by its own tag.
        kept_tags = [tag for tag in tags if tag.startswith(("hide-", "remove-"))]
        cell["metadata"] = {"tags": [*kept_tags, *(["remove-cell"] if "cleanup" in tags else [])]}
        cell["source"] = source(cell)
        if cell["cell_type"] == "code":
            cell["outputs"] = [kept for output in cell["outputs"] if (kept := _output(output, tags, made, path))]
    _mark_promises(cells)
    notebook["cells"] = cells
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return made


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The notebook and its cells; UsageError for a file that is none, such as one that a killed run left half."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read as a notebook; run `flylab suite {path.stem}` again") from error
    return notebook, cells


def _mark_promises(cells: list[dict[str, Any]]) -> None:
    """Name the table at the end of a chapter's first cell, so that a phone can show it line by line."""
    text, _, promises = source(cells[0]).strip().rpartition("\n\n")
    if cells[0]["cell_type"] == "markdown" and promises.startswith("|"):
        cells[0]["source"] = f"{text}\n\n:::{{container}} promises\n{promises}\n:::"


def _keep_table(plot: dict[str, Any], made: Page, path: Path) -> str:
    """The name of the file that gets all rows of a figure's table; empty for a figure without one."""
    rows = (plot["layout"].get("meta") or {}).get("table") or []
    if not rows:
        return ""
    # Pages in a folder are those of Fly, whose chapters have the same names.
    file = f"{TABLES}/{'fly-' if made.up else ''}{path.stem}-{len(made.figures) + 1}.csv"
    made.tables[file] = rows
    return file


def write_tables(pages: Iterable[Page], folder: Path) -> None:
    """Write the tables of all figures below the folder of the site."""
    (folder / TABLES).mkdir(parents=True, exist_ok=True)
    for made in pages:
        for file, rows in made.tables.items():
            (folder / file).write_text(as_csv(rows), encoding="utf-8")


def unlink(made: Page, there: set[str]) -> None:
    """Turn links to chapters that are not on the site into plain words."""
    for cell in made.notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _LINK.sub(lambda link: link[0] if link[2] in there else link[1], cell["source"])


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _output(output: dict[str, Any], tags: list[str], made: Page, path: Path) -> dict[str, Any] | None:
    """What the site shows of one output; None for what it leaves out."""
    if output["output_type"] == "error":
        raise UsageError(f"{path.name} stopped at an error ({output['ename']}); the site shows complete runs only")
    if output["output_type"] == "stream":
        return None if output["name"] == "stderr" or "%|" in source({"source": output["text"]}) else output
    data = output.get("data", {})
    made.verdicts += data.get(MIME, {}).get("rows", [])
    made.targets |= {data[kind]["target"] for kind in (MIME, HEADLINE_MIME) if "target" in data.get(kind, {})}
    if HEADLINE_MIME in data:
        made.headlines.append(data[HEADLINE_MIME])
    made.choice |= data.get(CHOICE_MIME, {})
    shown = data.get("text/html")
    if PLOTLY in data:
        file = _keep_table(data[PLOTLY], made, path)
        shown = fragment(data[PLOTLY], f"{made.up}{file}" if file else "")
        made.figures.append(shown)
        if "headline" in tags:
            made.headline_figures.append(fragment(data[PLOTLY], file))  # shown on the first page
            shown = f'<div id="{HEADLINE_ID}">{shown}</div>'
    elif CHOICE_MIME in data:
        shown = f'<div id="{CHOICE_ID}">{source({"source": shown or ""})}</div>'
    elif WIDGET in data and shown is None:
        return None
    if shown is None:
        return {**output, "data": {"text/plain": data.get("text/plain", "")}}
    return {**output, "metadata": {}, "data": {"text/html": shown}}
