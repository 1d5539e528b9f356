"""The moving map: a recording of the control room, played on the first page without a kernel."""

from pathlib import Path

from flylab.errors import ParseError, UsageError
from flylab.kit import control
from flylab.kit.control.recording import Recording
from flylab.kit.control.still import still
from flylab.kit.site.markup import raw

STYLE, RECORDING = "control.css", "control-room.json"
WORDS = (
    "Recorded in the control room while it was shown around: visitors come to their edges, machines wake, requests are"
    " replayed, and a host is lost. In the recording you can choose a step, a region or an exchange."
)


def static() -> Path:
    """Where the control room keeps what a browser runs."""
    return Path(control.__file__).parent / "static"


def find(build: Path) -> Path | None:
    """The recording, if one was made."""
    path = build / "recordings" / RECORDING
    return path if path.is_file() else None


def section(path: Path | None) -> str:
    """The part of the first page, in Markdown; nothing without a recording. ParseError for a broken one."""
    if path is None:
        return ""
    try:
        recording = Recording.load(path)
        shown = still(recording)
    except (UsageError, AttributeError, KeyError, TypeError) as error:
        raise ParseError("recording", path.name, str(error)) from error
    # The player takes the place of what is inside, which is all there is without JavaScript.
    button = '<button type="button" style="visibility:hidden">&#9654;&#xFE0E; Play the recording</button>'
    places = f'data-recording="_static/{RECORDING}" data-style="_static/{STYLE}"'
    player = (
        f'<div class="recording" {places}>{button}{shown}</div><script type="module" src="_static/landing.js"></script>'
    )
    return f"## The platform while it runs\n\n{WORDS}\n\n{raw(player)}"
