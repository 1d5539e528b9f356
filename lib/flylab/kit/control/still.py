"""A recording as a picture and words, for pages without JavaScript: its last map, and its steps as a list; pure."""

import html
from collections import Counter
from typing import Any

from flylab.kit.control.recording import Recording
from flylab.kit.control.scene import scene
from flylab.kit.figures.palette import COAST, LAND, SERIES

_STARTED, _OTHERS = SERIES[0], "none"


def still(recording: Recording) -> str:
    """One ``div``: an SVG with its alternative text, and an ordered list of the captions."""
    regions, counts, started = _last(recording)
    made = scene(regions)
    shown = [code for code in made["places"] if counts[code]]
    said = ", ".join(f"{counts[code]} in {made['places'][code]['city']}" for code in shown)
    label = f"World map: {len(made['places'])} regions, machines: {said or 'none'}"
    width, height = made["width"], made["height"]
    marks = "".join(_mark(place, counts[code], started[code], code) for code, place in made["places"].items())
    names = "".join(_name(made["places"][code], code, width, height) for code in shown)
    svg = (
        f'<svg role="img" aria-label="{html.escape(label, quote=True)}" '
        f'viewBox="0 0 {width} {height}" style="display:block;width:100%;height:auto">'
        f'<path d="{made["land"]}" fill="{LAND}" stroke="{COAST}"/>{marks}</svg>'
    )
    # What is said of a step twice begins alike; the last time it says what came of it.
    said_of = {caption["title"]: caption["text"] for caption in recording.captions}
    steps = "".join(
        f"<li><strong>{html.escape(title)}.</strong> {html.escape(text)}</li>" for title, text in said_of.items()
    )
    drawn = f'<div style="position:relative;max-width:1100px">{svg}{names}</div>'
    return f'<div class="fl-still">{drawn}{f"<ol>{steps}</ol>" if steps else ""}</div>'


def _last(recording: Recording) -> tuple[list[str], Counter[str], Counter[str]]:
    machines: dict[str, dict[str, Any]] = {}
    regions: list[str] = []
    for frame in recording.frames:
        batch = frame["batch"]
        if batch.get("whole"):
            machines.clear()
        for machine_id in batch.get("gone") or []:
            machines.pop(machine_id, None)
        machines.update({machine["id"]: machine for machine in batch.get("machines") or []})
        regions = (batch.get("about") or {}).get("regions") or regions
    counts = Counter(machine["region"] for machine in machines.values())
    return regions, counts, Counter(each["region"] for each in machines.values() if each["state"] == "started")


def _mark(place: dict[str, Any], count: int, started: int, code: str) -> str:
    """A region as a dot, a small one where it has an edge alone."""
    fill = _STARTED if started else _OTHERS
    radius = 8 + 3 * min(count, 6) if count else 5
    line = 'stroke="currentColor" stroke-width="2"'
    title = f"<title>{html.escape(code)}</title>"
    return f'<circle cx="{place["x"]}" cy="{place["y"]}" r="{radius}" fill="{fill}" {line}>{title}</circle>'


def _name(place: dict[str, Any], code: str, width: int, height: int) -> str:
    """The name of a region beside its dot, as text of the page: within the picture it would shrink on a phone.

    Only regions with machines have one, for names of neighbours would lie over each other.
    """
    left, top = 100 * place["x"] / width, 100 * place["y"] / height
    style = (
        f"position:absolute;left:{left:.1f}%;top:{top:.1f}%;transform:translate(.6em,-50%);font-size:13px;line-height:1"
    )
    return f'<span aria-hidden="true" style="{style}">{html.escape(code)}</span>'
