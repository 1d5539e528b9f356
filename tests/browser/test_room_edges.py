"""The page behind two regional edges of the local platform: a visitor is replayed, the room moves, its machine dies."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from flylab.client import Client
from flylab.client.health import healthy
from flylab.wire.flytoml import read_flytoml
from tests.browser.test_room_page import Watch, drag, draw, say, sees, sees_nothing
from tests.support import until

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
ARGUMENTS = ("up", "--regions", "ams,nrt,iad", "--api-port", "0", "--edge-port", "0", "--latency", "off", "--json")


@pytest.fixture
async def platform(nothing_left: None) -> AsyncIterator[dict[str, Any]]:
    """A local platform with edges in three regions, as its own process."""
    kept = ("PATH", "HOME", "PYTHONPATH")  # the last where another checkout is installed
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flylab", *ARGUMENTS, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        up = json.loads(await process.stdout.readline())
    yield up
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        await process.communicate()


async def work_on_the_same(ada: Any, kenji: Any, ian: Any) -> None:
    """Three people draw, drag one shape at once, take back their own, and leave the drawing as it was before."""
    await draw(ian, "ellipse", (0, 100), (200, 300))
    for page in (ada, kenji):
        await sees(page, (100, 200))
        await page.click('[data-tool="select"]')
    # All three take hold of it; who lets go last has it, for everybody.
    ways = {ada: (-300, 200), kenji: (300, 200), ian: (100, -250)}
    held = (100, 200)
    for page, end in ways.items():
        await sees(page, held)  # where the one before is dragging it
        await drag(page, held, end, drop=False)
        held = end
    for page in (ian, kenji, ada):
        await page.mouse.up()
        await stored(page)
        await page.keyboard.press("Escape")  # or its frame would be seen where it is not
    for page in (ada, kenji, ian):
        await sees(page, ways[ada])
        await sees_nothing(page, ways[kenji], ways[ian], (100, 200))
    # Everybody takes back what they did and nothing else, so it goes the same way back.
    for page, place in ((ada, ways[kenji]), (kenji, ways[ian]), (ian, (100, 200))):
        await page.focus("#sheet")
        await page.keyboard.press("Control+z")
        for other in (ada, kenji, ian):
            await sees(other, place)
    await ian.keyboard.press("Control+z")
    for page in (ada, kenji, ian):
        await sees_nothing(page, (100, 200), *ways.values())
        await sees(page, (-500, -250))


async def lives(page: Any, place: str, *, seconds: float = 15) -> None:
    """The page says that the room lives there, however it got there."""
    await expect(page.locator("#state")).to_have_text(
        re.compile(rf"^Live in {re.escape(place)}(, replayed from [a-z]+)?$"), timeout=1e3 * seconds
    )


async def stored(page: Any) -> None:
    """Everything that was done on this page is stored; what was done just now is drawn with the next frame."""
    nothing_waits = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
        done(waits.textContent === '0');
    })))"""
    await until(lambda: page.evaluate(nothing_waits), what="everything is stored")


async def test_a_visitor_from_tokyo_is_replayed_moves_the_room_there_and_nothing_is_lost_when_it_dies(
    platform: dict[str, Any], browser: Any, tmp_path: Path
) -> None:
    config = read_flytoml(ROOT / "fly.toml").machine_config("local/room")
    config = replace(config, env={**config.env, "ROOMS_URL": (tmp_path / "rooms").as_uri()})
    machines = {}
    async with Client(platform["api"], platform["token"]) as api:
        await api.create_app("rooms")
        for region in ("ams", "nrt"):
            machines[region] = await api.create_machine("rooms", config, region=region)
        for (
            machine
        ) in machines.values():  # until its check passes the edge sends nobody there: the room would be elsewhere
            await api.wait("rooms", machine.id, "started")
            assert await healthy(api, "rooms", machine.id) == []

    def address(region: str) -> str:
        return f"http://rooms.localhost:{httpx.URL(platform['edges'][region]).port}"

    watch = Watch(browser)

    async def enter(region: str, name: str) -> Any:
        page = await browser.new_page()
        await page.goto(f"{address(region)}/rooms/blue-note")
        await lives(page, "Amsterdam (ams)")
        await page.fill("#name", name)
        await page.press("#name", "Enter")
        return page

    ada = await enter("ams", "Ada")
    kenji = await enter("nrt", "Kenji")
    ian = await enter("iad", "Ian")  # there is an edge in Ashburn, and no machine
    await expect(ada.locator("#path")).to_contain_text("The edge chose the right machine")
    path = kenji.locator("#path")
    await expect(path).to_contain_text("Tokyo (nrt)")
    await expect(path).to_contain_text(f"{machines['nrt'].id} in Tokyo")
    await expect(path).to_contain_text(f"{machines['ams'].id} in Amsterdam")
    await expect(kenji.locator("#state")).to_have_text("Live in Amsterdam (ams), replayed from nrt")
    await expect(ada.locator("#people")).to_contain_text("Tokyo")

    await say(kenji, "konnichiwa")
    await draw(kenji, "rect", (-600, -300), (-400, -200))
    await sees(ada, (-500, -250))
    await expect(ada.locator("#log")).to_contain_text("konnichiwa")
    await kenji.set_viewport_size({"width": 1280, "height": 800})
    (ROOT / "build" / "screens" / "room").mkdir(parents=True, exist_ok=True)
    await kenji.screenshot(path=ROOT / "build" / "screens" / "room" / "replayed.png")

    await work_on_the_same(ada, kenji, ian)
    await expect(kenji.locator("#path")).to_contain_text("asked again just now")
    await expect(kenji.locator("#places figcaption")).to_contain_text("1 in Ashburn")
    await kenji.locator(".world").screenshot(path=ROOT / "build" / "screens" / "room" / "map.png")

    # Kenji moves the room to Tokyo: both are taken along, and nothing is missing there or counted twice.
    for page in (ada, kenji, ian):
        await expect(page.locator("#waits")).to_have_text("0")
    await kenji.select_option("#region", "nrt")
    await kenji.click('#move [type="submit"]')
    for page in (ada, kenji, ian):
        await lives(page, "Tokyo (nrt)")
        await expect(page.locator("#epoch")).to_have_text("2")
        await expect(page.locator("#path")).to_contain_text(f"{machines['nrt'].id} in Tokyo")
    await expect(ada.locator("#path")).to_contain_text(f"{machines['ams'].id} in Amsterdam")
    await expect(ada.locator("#state")).to_have_text("Live in Tokyo (nrt), replayed from ams")
    await say(ada, "here we are")
    await expect(kenji.locator("#log .line .text")).to_have_text(["konnichiwa", "here we are"])
    await expect(ada.locator("#waits")).to_have_text("0")

    # The machine in Tokyo is destroyed with the room on it: the other one takes the room over as it was stored.
    async with Client(platform["api"], platform["token"]) as api:
        await api.destroy("rooms", machines["nrt"].id, force=True)
    await say(ada, "said into the void")
    for page in (ada, kenji, ian):
        await lives(page, "Amsterdam (ams)", seconds=30)
        await expect(page.locator("#log .line .text")).to_have_text(["konnichiwa", "here we are", "said into the void"])
        await expect(page.locator("#log")).not_to_contain_text("afresh")
        await expect(page.locator("#epoch")).to_have_text("3")
        await expect(page.locator("#waits")).to_have_text("0")
        await sees(page, (-500, -250))
    # What the browser itself says of sockets that a dying machine cut, and nothing else.
    watch.forgive("WebSocket connection to", "Failed to load resource")
    assert watch.complaints == []
    assert watch.requests <= {"rooms.localhost"}
