"""What keeps people from using a page: axe-core finds nothing, on the lobby and on a room in all its states."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.app.conftest import Serve, serve  # noqa: F401 - the fixture of the room server's own tests
from tests.browser.test_room_page import Watch, draw, live, say, watch  # noqa: F401 - a fixture too

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def flaws(page: Page) -> str:
    """What axe-core complains about: rule, place, reason."""
    # The page's policy lets no script in that is not its own, so this one comes as the browser's.
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE})
    found: dict[str, Any] = await page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    await session.detach()
    return "\n".join(
        f"{one['id']}: {node['html'][:120]}: {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(
    serve: Serve,  # noqa: F811
    watch: Watch,  # noqa: F811
    tmp_path: Path,
    scheme: Any,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams", ROOMS_URL=tmp_path.as_uri())
    page = await watch.context.new_page()
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.goto(f"{served.address}/rooms/blue-note")
    await live(page)
    assert not await flaws(page), "an empty room"
    await say(page, "see https://fly.io/docs/")
    await draw(page, "rect", (-600, -300), (-400, -200))
    await expect(page.locator("#looks")).to_be_visible()
    await page.click('[data-look="fill"] summary')
    assert not await flaws(page), "something is selected, and a menu open"
    await page.keyboard.press("Escape")
    for opened, window in (('[data-act="help"]', "#help-window"), ("#share", "#share-window")):
        await page.click(opened)
        await expect(page.locator(window)).to_be_visible()
        assert not await flaws(page), window
        await page.keyboard.press("Escape")
        await expect(page.locator(window)).to_be_hidden()
    await page.click("#sleep")
    await expect(page.locator("#wake")).to_be_visible()
    assert not await flaws(page), "the room sleeps"
    await page.set_viewport_size({"width": 390, "height": 844})
    assert not await flaws(page), "a phone"
    await page.goto(served.address)
    await expect(page.locator("tbody tr")).to_have_count(1)
    assert not await flaws(page), "the lobby"


async def test_the_page_works_in_a_frame_of_a_notebook(
    serve: Serve,  # noqa: F811
    watch: Watch,  # noqa: F811
) -> None:
    served = await serve()
    frame = f'<title>A notebook</title><iframe width="900" height="600" src="{served.address}/rooms/framed"></iframe>'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(frame)}\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + frame).encode())
        writer.close()

    # Of this computer as a notebook is: a browser keeps pages from elsewhere away from servers here.
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as notebook:
        page = await watch.context.new_page()
        await page.goto(f"http://localhost:{notebook.sockets[0].getsockname()[1]}/lab")
        room = page.frame_locator("iframe")
        await expect(room.locator("#state")).to_have_attribute("data-phase", "live", timeout=15_000)
        await room.locator('[data-tool="rect"]').click()
        await room.locator("#sheet").click()
        await expect(room.locator("#seq")).to_have_text("2")
        await expect(room.locator("#waits")).to_have_text("0")
        await page.close()
    watch.requests.discard("localhost")
    watch.forgive("favicon")
