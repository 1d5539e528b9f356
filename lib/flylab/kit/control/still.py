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
    marks = "".join(_mark(place, counts[code], started[code], code) for code, place in made["places"].items())
    svg = (
        f'<svg role="img" aria-label="{html.escape(label, quote=True)}" '
        f'viewBox="0 0 {made["width"]} {made["height"]}" style="width:100%;height:auto;max-width:1100px">'
        f'<path d="{made["land"]}" fill="{LAND}" stroke="{COAST}"/>{marks}</svg>'
    )
    steps = "".join(
        f"<li><strong>{html.escape(caption['title'])}</strong> {html.escape(caption['text'])}</li>"
        for caption in recording.captions
    )
    return f'<div class="fl-still">{svg}{f"<ol>{steps}</ol>" if steps else ""}</div>'


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
    """A region as a dot; its name stands beside it where it has machines, for those of edges alone would overlap."""
    x, y = place["x"], place["y"]
    fill = _STARTED if started else _OTHERS
    radius = 8 + 3 * min(count, 6) if count else 5
    title = f"<title>{html.escape(code)}</title>"
    line = 'stroke="currentColor" stroke-width="2"'
    dot = f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" {line}>{title}</circle>'
    if not count:
        return dot
    return f'{dot}<text x="{x + radius + 6}" y="{y + 9}" font-size="28" fill="currentColor">{html.escape(code)}</text>'
