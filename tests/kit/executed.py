"""Executed chapters as papermill leaves them, and the records of their runs, written without running anything."""

import json
from pathlib import Path
from typing import Any

from flylab.kit import publish
from flylab.kit.choice import CHOICE_MIME
from flylab.kit.verdict import HEADLINE_MIME, MIME
from flylab.measure import runs
from flylab.measure.sample import Sample
from tests.kit.test_figures import MAKERS
from tests.kit.written import HEADER


def sources(folder: Path, *names: str, extra: str = "") -> Path:
    """The chapters themselves: a header, and ``extra`` as a second cell of Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cells = [_markdown("header", HEADER.format(number=name[:2])), _markdown("more", extra or "Words.")]
        _write(folder / f"{name}.ipynb", cells)
    return folder


def executed(
    folder: Path,
    name: str,
    text: str = "",
    *,
    target: str = "local",
    verdicts: dict[str, str] | None = None,
    figure: bool = True,
    choice: dict[str, Any] | None = None,
    kind: str = "measured",
    extra: str = "",
) -> Path:
    """One executed copy: its headline ``text``, outcomes of claims by key, and a figure that carries the headline."""
    outputs: list[tuple[dict[str, Any], list[str]]] = []
    if figure:
        outputs.append(({publish.PLOTLY: json.loads(MAKERS["dots"]().to_json())}, ["headline"]))
    rows = [
        {"key": key, "claim": f"The claim {key}", "source": "a test", "prediction": "as claimed", "result": f"{key} so",
         "outcome": outcome}
        for key, outcome in (verdicts or {}).items()
    ]  # fmt: skip
    outputs.append(({MIME: {"chapter": name[:2], "target": target, "rows": rows}, "text/plain": "table"}, []))
    if text:
        headline = {"text": text, "kind": kind, "n": 7, "target": target}
        outputs.append(({HEADLINE_MIME: headline, "text/plain": text}, []))
    if choice:
        outputs.append(({CHOICE_MIME: choice, "text/plain": "choice"}, []))
    cells = [_markdown("header", HEADER.format(number=name[:2])), _markdown("more", extra or "Words.")]
    cells += [_code(f"c{at}", data, tags) for at, (data, tags) in enumerate(outputs)]
    folder.mkdir(parents=True, exist_ok=True)
    return _write(folder / f"{name}.ipynb", cells)


def stored(folder: Path, name: str, *, target: str = "local", n: int = 3) -> Path:
    """A finished run of that chapter."""
    samples = [
        Sample(what="wake", where="ams", scheduled=at, sent=at + 0.001, finished=at + 0.25, detail={"hops": [1, at]})
        for at in range(n - 1)
    ]
    samples.append(Sample(what="wake", where="ams", scheduled=n, sent=n, finished=n, outcome="ReadTimeout"))
    return runs.save(runs.begin(name, target=target, seed=1, settings={"n": n}), samples, folder)


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def _code(name: str, data: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    metadata = {"tags": tags}
    return {
        "cell_type": "code", "id": name, "metadata": metadata, "source": "run()", "outputs": [output],
        "execution_count": 1,
    }  # fmt: skip


def _write(path: Path, cells: list[dict[str, Any]]) -> Path:
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
