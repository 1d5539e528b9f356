"""The section of the page about the room's page, from what `benchmarks/room_page.py` has stored; pure."""

import statistics
from collections.abc import Iterator

import frame

from flylab.measure.sample import Sample

SIZE = {"width": 1280, "height": 800}
LOADS = {
    "cursors": "50 cursors move",
    "others": "… and 5 of them drag a shape each",
    "ours": "… and we drag 200 shapes",
    "pan": "… and we move the view",
    "zoom": "… and we zoom in and out",
}
PROMISED_FRAMES, PROMISED_MS, PROMISED_BYTES = 30, 300, 120_000


def samples(found: frame.Found) -> list[Sample]:
    """Every round's figures that are times; of frames the time of one."""
    return list(_samples(found))


def _samples(found: frame.Found) -> Iterator[Sample]:
    for number, opening in enumerate(found["opening"]):
        for name in ("interactive", "live"):
            yield frame.at(f"page {name}", "browser", float(number), opening[name] * 1e-3, round=number)
    for load, rounds in found["drawing"].items():
        for number, figures in enumerate(rounds):
            if figures["frames"]:
                yield frame.at(f"{load}: frame", "browser", float(number), 1 / figures["frames"], round=number)
            for name in ("p95_ms", "page_ms", "browser_ms"):
                yield frame.at(f"{load}: {name}", "browser", float(number), figures[name] * 1e-3, round=number)


def row(title: str, values: list[float], promised: str = "") -> str:
    shown = [f"{value:,.0f}" for value in (statistics.median(values), min(values), max(values))]
    return f"| {title} | {promised} | {shown[0]} ({shown[1]}–{shown[2]}) |"


def table(results: frame.Found) -> str:
    lines = ["| | promised | median (least–most) |", "|---|---|---:|"]
    for name, found in results["drawing"].items():
        lines.append(row(f"{LOADS[name]}: frames a second", [one["frames"] for one in found], f"≥ {PROMISED_FRAMES}"))
        lines.append(row("… 95 % of frames within, ms", [one["p95_ms"] for one in found]))
        lines.append(row("… CPU of the page's thread for a frame, ms", [one["page_ms"] for one in found]))
        lines.append(row("… CPU of the whole browser for a frame, ms", [one["browser_ms"] for one in found]))
    opening = results["opening"]
    usable = [one["interactive"] for one in opening]
    lines.append(row("page can be used, ms after it was asked for", usable, f"< {PROMISED_MS}"))
    lines.append(row("… and the room is there, ms", [one["live"] for one in opening]))
    lines.append(row("bytes, not compressed", [one["bytes"] for one in opening], f"< {PROMISED_BYTES:,}"))
    lines.append(row("files", [one["files"] for one in opening]))
    return "\n".join(lines)


def section(found: frame.Found) -> str:
    """The section, without its marks."""
    size = f"{SIZE['width']} × {SIZE['height']}"
    favoured = " --favoured" if found.get("favoured") else ""
    said = "\n".join(f"- {line}" for line in found["conditions"])
    return f"""## The room's page

One run, {found["rounds"]} rounds of {found["seconds"]:g} s a load: 2,000 shapes and 50 members, {size} pixels,
headless Chromium {found["browser"]} that paints in software and draws at most 60 frames a second. What the room says is
played inside the browser, so that the page alone is measured.{frame.favoured(found)}

{table(found)}

**Conditions.**

{said}

**Again:** `python benchmarks/room_page.py{favoured}`, then `python benchmarks/page.py`."""
