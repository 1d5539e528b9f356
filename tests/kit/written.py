"""Small chapters for tests, written to a folder of the test's own."""

import json
from pathlib import Path
from typing import Any

HEADER = """# {number} · Trial

Does this run?

| you get | takes | needs | leaves behind |
|---|---|---|---|
| nothing | 1 s | nothing | nothing |
"""


def chapter(
    folder: Path,
    name: str,
    *cells: str,
    parameters: str = "runs: int = 1  # how often",
    full: dict[str, Any] | None = None,
) -> Path:
    """A notebook with a header, a parameters cell and the given code cells."""
    folder.mkdir(parents=True, exist_ok=True)
    code = [(parameters, ["parameters"]), *((cell, []) for cell in cells)]
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "header", "metadata": {}, "source": HEADER.format(number=name[:2])},
            *(
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {"tags": tags},
                    "source": text,
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (text, tags) in enumerate(code)
            ),
        ],
        "metadata": {
            "flylab": {"full": full or {}},
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / name
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path
