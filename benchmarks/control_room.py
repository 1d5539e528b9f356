"""Whether the control room keeps up: 18 regions, 500 machines, 200 events a second, no graphics card.

    python benchmarks/control_room.py [--seconds 20] [--rate 200] [--machines 500]

A platform of its own process says so much; a feed in this one makes batches of it, as a kernel does, and a page draws
them. Told are the batches, what they cost here, and how many frames a second the page drew while it was told them. The
exit status is 1 where it drew fewer than 20 in the median second, or where batches were not bounded; the worst second
is told as well, and says more of the computer's other work than of the page.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import sys
import time
from types import SimpleNamespace
from typing import Any

from flylab.kit.control.bundle import script, style
from flylab.kit.control.feed import BATCHES, Feed
from flylab.kit.control.picture import Bounds
from flylab.kit.control.scene import scene
from flylab.published.network import regions

CODES = [region.code for region in regions()]
LEAST = 20  # frames in a second
LARGEST = 60_000  # bytes of a batch
SPENT = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
STATES = ("starting", "started", "stopping", "stopped")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Control room</title><style>%s</style><div></div>
<script type="module">
  %s
  const heard = {};
  const data = { scene: %s, caption: {}, recording: {} };
  const model = { get: (key) => data[key], on: (event, act) => (heard[event] = act), off() {}, send() {} };
  render({ model, el: document.querySelector("div") });
  self.hear = (batch) => heard["msg:custom"]({ batch, n: 1 });
  self.frames = [];
  self.tasks = [];
  const count = (now) => { frames.push(now); requestAnimationFrame(count); };
  requestAnimationFrame(count);
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask" });
</script></html>"""


def main() -> int:
    asked = arguments()
    if asked.serve:
        asyncio.run(serve(asked))
        return 0
    found = asyncio.run(measure(asked))
    print(json.dumps(found, indent=2))
    good = found["frames_median_second"] >= LEAST and found["largest_batch"] <= LARGEST
    good = good and found["batches_per_s"] <= BATCHES and found["most_exchanges"] <= Bounds().exchanges
    print("kept up" if good else "fell behind", file=sys.stderr)
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=200, help="events a second, half of them exchanges")
    parser.add_argument("--machines", type=int, default=500)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def measure(asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, *sys.argv[1:], "--serve"]
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    try:
        address = SimpleNamespace(api=(await server.stdout.readline()).decode().strip(), token="none")
        feed = Feed(SimpleNamespace(platform=SimpleNamespace(address=address)))
        async with asyncio.TaskGroup() as group, feed:
            return await group.create_task(watch(feed, asked))
    finally:
        server.kill()
        await server.wait()


async def watch(feed: Feed, asked: argparse.Namespace) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    batches: asyncio.Queue[Any] = asyncio.Queue()
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = await browser.new_page(viewport={"width": asked.width, "height": 900})
        await page.set_content(PAGE % (style(), script(), json.dumps(scene())))
        await page.wait_for_function("Boolean(self.hear)")
        await page.evaluate("batch => hear(batch)", feed.picture.whole(feed.clock.wall()))
        await page.wait_for_function("document.querySelectorAll('.fl-node').length === 18")
        feed.listen(batches.put_nowait)
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})  # processor time, not the clock
        start = await spent(session)
        sizes, most, cpu, began = [], 0, time.process_time(), time.monotonic()
        told = 0.0  # seconds of processor time that telling the browser took, which a kernel does otherwise
        before = feed.picture.totals["requests"]
        await page.evaluate("frames.length = tasks.length = 0")
        while time.monotonic() - began < asked.seconds:
            due = [await batches.get()]
            while not batches.empty():  # a browser is told in turn, a kernel does not wait for it
                due.append(batches.get_nowait())
            sizes += [len(json.dumps(batch)) for batch in due]
            most = max(most, *(len(batch["exchanges"]) for batch in due), 0)
            here = time.process_time()
            await page.evaluate("batches => batches.forEach(hear)", due)
            told += time.process_time() - here
        took = time.monotonic() - began
        end = await spent(session)
        frames, tasks = await page.evaluate("[frames, tasks]")
        await browser.close()
    seconds = [sum(1 for at in frames if n <= (at - frames[0]) / 1000 < n + 1) for n in range(int(took) - 1)]
    return {
        "regions": len(CODES),
        "machines": len(feed.picture.machines),
        "exchanges_per_s": round((feed.picture.totals["requests"] - before) / took, 1),
        "batches_per_s": round(len(sizes) / took, 1),
        "median_batch": sorted(sizes)[len(sizes) // 2],
        "largest_batch": max(sizes),
        "most_exchanges": most,
        "feed_busy": round((time.process_time() - cpu - told) / took, 3),
        "frames_median_second": sorted(seconds)[len(seconds) // 2],
        "frames_worst_second": min(seconds),
        "page_busy": {key: round((end[key] - start[key]) / took, 3) for key in SPENT},
        "longest_task_ms": round(max(tasks, default=0.0), 1),
    }


async def spent(session: Any) -> dict[str, float]:
    """Seconds that the page's main thread has worked, in all and on what."""
    told = await session.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in told["metrics"] if each["name"] in SPENT}


async def serve(asked: argparse.Namespace) -> None:
    """Speak as a platform does, as much as is asked for, until the reader of our output is gone."""
    rng = random.Random(7)
    followers: dict[str, set[asyncio.StreamWriter]] = {"events": set(), "exchanges": set()}
    guest = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}
    machines = [
        {"id": f"m{n}", "name": f"room-{n}", "app": "rooms", "region": CODES[n % len(CODES)], "state": "started"}
        for n in range(asked.machines)
    ]
    answers = {
        "platform": {"regions": CODES, "edges": dict.fromkeys(CODES, ""), "faults": []},
        "machines": [machine | {"guest": guest} for machine in machines],
        "faults": {"faults": []},
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):  # whoever follows us leaves as it likes
            await speak(reader, writer)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            name = head.split()[1].decode().rpartition("/")[2]
            if name in followers:
                writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n: following\n\n")
                followers[name].add(writer)
                await reader.read()
                return
            body = json.dumps(answers[name]).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    number, began = 0, time.monotonic()
    while True:
        await asyncio.sleep(0.01)
        while number < asked.rate * (time.monotonic() - began):
            number += 1
            machine = rng.choice(machines)
            if number % 2:
                event = {"type": "start", "machine": machine["id"], "at": time.time()}
                told = "events", {**machine, **event, "state": rng.choice(STATES)}
            else:
                told = "exchanges", record(number, machine, rng)
            line = b"data: " + json.dumps(told[1]).encode() + b"\n\n"
            for writer in followers[told[0]]:
                writer.write(line)


def record(number: int, machine: dict[str, str], rng: random.Random) -> dict[str, Any]:
    """One exchange: half are served at once, some are replayed, some of these wake a machine, a few are refused."""
    chance, edge = rng.random(), rng.choice(CODES)
    woke = {"requested_ms": 8.0, "started_ms": 12.0, "reachable_ms": 90.0}
    last = {"n": 1, "machine": machine["id"], "app": "rooms", "region": machine["region"], "cause": "route"}
    last |= {"wanted": "", "started_ms": 0.2, "ended_ms": 180.0, "configured_ms": 160.0, "woke": None, "tries": 1}
    last |= {"outcome": "response", "status": 200, "code": None}
    hops = [last]
    if chance > 0.5:
        hops = [{**last, "outcome": "replay"}, {**last, "n": 2, "cause": "replay", "region": rng.choice(CODES)}]
        hops[1]["woke"] = woke if chance > 0.8 else None
    refused = {"status": 503, "code": "PR03", "hops": []} if chance > 0.97 else {}
    told = {"id": f"x{number}", "edge": edge, "app": "rooms", "method": "GET", "path": f"/rooms/{number % 40}"}
    return {**told, "status": 200, "started_at": time.time() - 0.18, "total_ms": 181.0, "hops": hops, **refused}


if __name__ == "__main__":
    sys.exit(main())
