"""The moving map: a recording of the control room, played on the first page without a kernel."""

import json
from pathlib import Path
from typing import Any

from flylab.errors import ParseError
from flylab.kit.site.markup import escape, raw

SCRIPT, STYLE, RECORDING = "control.js", "control.css", "control-room.json"
WORDS = (
    "Recorded in the control room while it was shown around: visitors come to their edges, machines wake, requests are"
    " replayed, and a host is lost. Choose a step, a region or an exchange."
)


def static() -> Path:
    """Where the control room keeps what a browser runs."""
    return Path(__file__).resolve().parents[1] / "control" / "static"


def find(build: Path) -> Path | None:
    """The recording that was made, if this version can also play one."""
    path = build / "data" / RECORDING
    return path if path.is_file() and (static() / SCRIPT).is_file() else None


def read(path: Path) -> dict[str, Any]:
    """The recording; ParseError says what is wrong with it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParseError("recording", path.name, str(error)) from error
    if not isinstance(value, dict) or not isinstance(value.get("frames"), list):
        raise ParseError("recording", path.name, "an object with frames is expected")
    return value


def steps(recording: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and explanation of each step, each once and in order."""
    captions = [each for each in recording.get("captions", []) if isinstance(each, dict)]
    found = ((str(each.get("title", "")), str(each.get("text", ""))) for each in captions)
    return [each for each in dict.fromkeys(found) if any(each)]


def section(path: Path | None) -> str:
    """The part of the first page, in Markdown; nothing without a recording."""
    if path is None:
        return ""
    recording = read(path)
    items = "".join(f"<li><strong>{escape(title)}</strong> {escape(text)}</li>" for title, text in steps(recording))
    about = f'<p class="provenance">{escape(recording.get("about", ""))}</p>'
    # What is inside is for those without JavaScript; the player takes its place.
    player = (
        f'<link rel="stylesheet" href="_static/{STYLE}">'
        f'<div class="recording" data-recording="_static/{RECORDING}"><ol>{items}</ol>{about}</div>'
        '<script type="module" src="_static/landing.js"></script>'
    )
    return f"## The platform while it runs\n\n{WORDS}\n\n{raw(player)}"
