"""What a chapter's result came from, as digests that are kept in its executed copy: is that result still the chapter's?

A copy is marked after its chapter has run to the end, and only if nothing changed meanwhile. So a run that failed, was
stopped or was killed has no mark, and neither has a copy from before there were marks: none of them is ever skipped.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flylab.kit import project
from flylab.kit.chapters import Chapter

KEY = "flylab_sources"  # in the metadata of an executed copy
# Folders and files of the project that any chapter may use. The lock stands for what else is installed.
SHARED = {
    "lib": ("lib",),
    "app": ("app", "fly.toml"),
    "stored results": ("benchmarks/results",),
    "packages": ("constraints.txt", "pyproject.toml"),
}
_MADE = ("__pycache__", ".pyc", ".egg-info")  # what running and installing leave among the sources


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether an earlier result stands, and why it does or does not, in words."""

    stands: bool
    why: str


def shared(root: Path | None = None) -> dict[str, str]:
    """The digests of what all chapters have in common; read once for a suite."""
    top = root or project.root()
    found = {name: _of_files(top, [top / place for place in places]) for name, places in SHARED.items()}
    return {**found, "Python": ".".join(map(str, sys.version_info[:3]))}


def digests(chapter: Chapter, values: Mapping[str, Any], common: Mapping[str, str]) -> dict[str, str]:
    """Everything that a chapter's result comes from, each part by its name."""
    return {
        "notebook": _of(chapter.path.read_bytes()),
        "parameters": _of(json.dumps(values, sort_keys=True).encode()),
        **common,
        "platform": os.environ.get("FLYLAB_URL", "its own"),
    }


def mark(executed: Path, parts: Mapping[str, str], data: Iterable[Path]) -> None:
    """Write into an executed copy what it came from, and which files it was drawn from."""
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    notebook["metadata"][KEY] = {
        "parts": dict(parts),
        "data": sorted(file.name for file in data),
        "ran_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    whole = executed.with_suffix(".marked")
    whole.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
    whole.replace(executed)  # a copy is marked or not, also when this process is killed here


def kept(executed: Path, parts: Mapping[str, str], folder: Path) -> Kept:
    """Does the executed copy still tell what these sources would; ``folder`` is where its data are."""
    if not executed.is_file():
        return Kept(False, "there is no result")
    try:
        found = json.loads(executed.read_text(encoding="utf-8"))["metadata"].get(KEY)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Kept(False, "its executed copy cannot be read")
    if not isinstance(found, dict):
        return Kept(False, "its last run failed, was stopped, or did not record its sources")
    then = found.get("parts", {})
    changed = [name for name in dict.fromkeys([*parts, *then]) if parts.get(name) != then.get(name)]
    if changed:
        return Kept(False, f"changed: {', '.join(changed)}")
    gone = [name for name in found.get("data", []) if not (folder / name).is_file()]
    if gone:
        return Kept(False, f"{gone[0]} is missing")
    return Kept(True, f"nothing changed since its run of {str(found.get('ran_at', ''))[:16].replace('T', ' ')} UTC")


def _of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _of_files(top: Path, places: Iterable[Path]) -> str:
    """One digest of names and contents; what is not there counts as not there."""
    whole = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            name = file.relative_to(top).as_posix()
            if file.is_file() and not any(part.endswith(_MADE) for part in name.split("/")):
                content = file.read_bytes()
                whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()
