"""How smooth and how light the room's page is, in a headless browser: `python benchmarks/room_page.py`.

The files come from a real room server. What the room says is played to the page by a WebSocket of our own inside the
browser (room_page.js): 2,000 shapes, 50 members whose cursors move with every message, every 40 ms as a room sends
them. So the figures are of the page alone, not of a server and 50 programs on the same two cores. Frames are those that
the browser drew while the page was busy with the load; the browser paints in software, without a GPU.

The table goes to stdout, everything to build/page.json; `--write docs/performance.md` makes the page's section from
there and measures nothing.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from comparison.conditions import conditions, load, our_versions
from playwright.async_api import Browser, Page, async_playwright
from roomload.peer import ROOT

sys.path.insert(0, str(ROOT))  # the tests know where the browser is

from tests.support import CHROMIUM_ARGS, chromium_path

RESULTS = ROOT / "build" / "page.json"
ROOM = (Path(__file__).parent / "room_page.js").read_text()
SIZE = {"width": 1280, "height": 800}
LOADS = {
    "cursors": "50 cursors move",
    "others": "… and 5 of them drag a shape each",
    "ours": "… and we drag 200 shapes",
    "pan": "… and we move the view",
    "zoom": "… and we zoom in and out",
}
PROMISED_FRAMES, PROMISED_MS, PROMISED_BYTES = 30, 300, 120_000
MARK = "page: written by benchmarks/room_page.py --write"

Result = dict[str, Any]


@asynccontextmanager
async def room_server() -> AsyncIterator[str]:
    """A room server of its own on a free port; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        cwd=ROOT,
        env={**os.environ, "PORT": "0", "PYTHONPATH": str(ROOT / "lib")},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[2]
    finally:
        process.terminate()
        await process.communicate()


async def opened(browser: Browser, address: str) -> Result:
    """The page of a new room, from a browser that has nothing of it: when it could be used, and what it weighed."""
    context = await browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{address}/rooms/b{time.monotonic_ns()}")
    await page.wait_for_selector('#state[data-phase="live"]')
    found: Result = await page.evaluate(
        """() => {
            const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
            const files = all.filter((one) => one.initiatorType !== "fetch");
            return {
                interactive: performance.getEntriesByName("interactive")[0].startTime, live: performance.now(),
                bytes: files.reduce((sum, one) => sum + one.decodedBodySize, 0), files: files.length,
            };
        }"""
    )
    await context.close()
    return found


async def smooth(browser: Browser, address: str, loads: list[str], seconds: float) -> dict[str, Result]:
    """Frames a second under each load, on one page."""
    context = await browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
    await context.add_init_script(ROOM)
    page = await context.new_page()
    await page.goto(f"{address}/rooms/benchmark")
    await page.wait_for_selector('#state[data-phase="live"]')
    results = {name: await frames(page, name, seconds) for name in loads}
    await context.close()
    return results


async def frames(page: Page, name: str, seconds: float) -> Result:
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def worked() -> float:
        metrics = (await session.send("Performance.getMetrics"))["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    before, spent = await worked(), browser_cpu()
    result: Result = await page.evaluate("([name, seconds]) => window.benchmark(name, seconds)", [name, seconds])
    gaps = sorted(result.pop("gaps"))
    count = max(1, len(gaps))
    return {
        "frames": len(gaps) / seconds,
        "p95_ms": gaps[int(0.95 * len(gaps))] if gaps else 0.0,
        "page_ms": 1e3 * (await worked() - before) / count,
        "browser_ms": 1e3 * (browser_cpu() - spent) / count,
        **result,
    }


def browser_cpu() -> float:
    """Seconds of CPU of all processes of the browser: the page's, and the one that paints."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in process.name().lower() or "headless" in process.name().lower():
                times = process.cpu_times()
                total += times.user + times.system
    return total


async def run(rounds: int, seconds: float, loads: list[str]) -> Result:
    path = chromium_path()
    if path is None:
        sys.exit("Chromium is needed, as for the tests in a browser.")
    opening: list[Result] = []
    drawing: dict[str, list[Result]] = {name: [] for name in loads}
    async with room_server() as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_ARGS)
        version = browser.version
        for _ in range(rounds):
            opening.append(await opened(browser, address))
            for name, result in (await smooth(browser, address, loads, seconds)).items():
                drawing[name].append(result)
                print(name, {key: round(value, 3) for key, value in result.items()}, file=sys.stderr)
        await browser.close()
    return {"opening": opening, "drawing": drawing, "browser": version}


def row(title: str, values: list[float], promised: str = "") -> str:
    shown = [f"{value:,.0f}" for value in (statistics.median(values), min(values), max(values))]
    return f"| {title} | {promised} | {shown[0]} ({shown[1]}–{shown[2]}) |"


def table(results: Result) -> str:
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


def section(results: Result) -> str:
    """The section of the page about performance."""
    said = "\n".join(f"- {line}" for line in results["conditions"])
    return f"""<!-- {MARK} -->
## The room's page

One run, {results["rounds"]} rounds of {results["seconds"]:g} s a load: 2,000 shapes and 50 members,
{SIZE["width"]} × {SIZE["height"]} pixels, headless Chromium {results["browser"]} that paints in software and draws at
most 60 frames a second. What the room says is played inside the browser, so that the page alone is measured.

{table(results)}

**Conditions.**

{said}

**Again:** `python benchmarks/room_page.py`
<!-- /page -->
"""


def write(path: Path, results: Result) -> None:
    """Put the section where it was, or at the end."""
    text = path.read_text()
    made = section(results)
    found = re.search(rf"<!-- {re.escape(MARK)} -->.*?<!-- /page -->\n", text, re.DOTALL)
    path.write_text(text[: found.start()] + made + text[found.end() :] if found else f"{text.rstrip()}\n\n{made}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--loads", default=",".join(LOADS), help="some of " + ", ".join(LOADS))
    parser.add_argument("--write", type=Path, help="write the section of this page from the last run")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.write, json.loads(RESULTS.read_text()))
        return
    before = conditions()
    results = asyncio.run(run(arguments.rounds, arguments.seconds, arguments.loads.split(",")))
    results |= {"rounds": arguments.rounds, "seconds": arguments.seconds}
    results["conditions"] = [
        f"{before['at']}; {before['cpu']}, {before['cores']} cores, {before['kernel']}",
        f"load average over 1, 5 and 15 minutes before: {before['load_before']}; after: {load()}",
        f"our rooms: {our_versions()}, commit {before['commit']}",
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
