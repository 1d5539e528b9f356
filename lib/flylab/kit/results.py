"""Where a chapter's results are: those of runs on Fly have a folder of their own, and neither run removes the other."""

from pathlib import Path

from flylab.errors import ParseError
from flylab.measure import runs

FLY = "fly"


def executed(folder: Path, name: str, target: str) -> Path:
    """The executed copy of a chapter below ``build/executed``: ``03-replay.ipynb``, or ``fly/03-replay.ipynb``."""
    return (folder / FLY if target == FLY else folder) / f"{name}.ipynb"


def stored(data: Path, name: str, target: str) -> list[Path]:
    """The records below ``build/data`` of that chapter's runs on that target, each with its samples."""
    found: list[Path] = []
    for record in data.glob(f"{name}-????????T??????.??????.json"):
        try:
            run = runs.read(record)
        except ParseError:
            continue  # nobody can tell whose it is, so it stays for somebody to look at
        if run.target == target:
            found += sorted(data.glob(f"{record.stem}.*"))  # also a part that a killed run has not named yet
    return found
