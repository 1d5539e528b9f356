"""How smooth and how light the room's page is, in a headless browser: `python benchmarks/room_page.py`.

The files come from a real room server. What the room says is played to the page by a WebSocket of our own inside the
browser (room_page.js): 2,000 shapes, 50 members whose cursors move with every message, every 40 ms as a room sends
them. So the figures are of the page alone, not of a server and 50 programs on the same two cores. Frames are those that
the browser drew while the page was busy with the load; the browser paints in software, without a GPU.

The table goes to stdout, every round to build/data (`flylab runs show bench-room-page`); `python benchmarks/page.py`
makes the page.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import frame
import psutil
from comparison.conditions import conditions, load, our_versions
from comparison.smooth import LOADS, SIZE, samples, table
from playwright.async_api import Browser, Page, async_playwright
from roomload.peer import ROOT

sys.path.insert(0, str(ROOT))  # the tests know where the browser is

from tests.support import CHROMIUM_ARGS, chromium_path

ROOM = (Path(__file__).parent / "room_page.js").read_text()
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--loads", default=",".join(LOADS), help="some of " + ", ".join(LOADS))
    parser.add_argument("--favoured", action="store_true", help="run before all others on the computer (Linux, root)")
    asked = parser.parse_args()
    loads = asked.loads.split(",")
    if unknown := sorted(set(loads) - set(LOADS)):
        parser.error(f"there is no load {unknown[0]!r}; there are {', '.join(LOADS)}")
    stored = frame.begin("room-page", vars(asked), whole=set(loads) == set(LOADS))
    favoured = frame.favour(asked)
    before = conditions()
    results = asyncio.run(run(asked.rounds, asked.seconds, loads)) | favoured
    results |= {"rounds": asked.rounds, "seconds": asked.seconds}
    results["conditions"] = [
        f"{before['at']}; {before['cpu']}, {before['cores']} cores, {before['kernel']}",
        f"load average over 1, 5 and 15 minutes before: {before['load_before']}; after: {load()}",
        f"our rooms: {our_versions()}, commit {before['commit']}",
    ]
    print(table(results))
    frame.keep(stored, results, samples(results), valid=True)


if __name__ == "__main__":
    main()
