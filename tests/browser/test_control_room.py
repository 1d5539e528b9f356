"""The control room in JupyterLab: it plays its story, its buttons work, and a stroke is seen on other continents."""

import re
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.browser import test_lab
from tests.support import ROOT, outside_requests, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 90_000.0  # ms for the whole story, which takes 20 s on two quiet cores
OWN_DWELL = "dwell=None if project.interactive() else dwell"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
OURS = {"include": [[".jp-OutputArea-output .widget-vbox"]], "exclude": [["iframe"]]}
lab = test_lab.lab


async def test_a_story_is_played_and_a_stroke_crosses_the_world(browser: Any, lab: str, tmp_path: Path) -> None:
    outside = outside_requests(browser)
    notebook = tmp_path / "notebooks" / "control-room.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert OWN_DWELL in text
    notebook.write_text(text.replace(OWN_DWELL, "dwell=0.5"), encoding="utf-8")  # nobody reads here
    await test_lab.ready(lab)
    page = await browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.set_viewport_size({"width": 1280, "height": 1100})
    await page.emulate_media(reduced_motion="reduce")  # a browser without a graphics card draws for its life
    await page.goto(f"{lab}/lab/tree/control-room.ipynb")
    await page.get_by_role("heading", name="Control room").wait_for(timeout=60_000)
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for(timeout=60_000)
    await run_all(page)
    kept = ROOT / "build" / "screens" / "control-room"
    kept.mkdir(parents=True, exist_ok=True)
    play = await test_lab.show(page, page.get_by_role("button", name="Play the story"))
    await play.evaluate("button => button.scrollIntoView({block: 'start'})")
    await page.screenshot(path=kept / "ready.png")

    await page.get_by_label("The story shows it").uncheck()  # they come later, and are most of what is drawn
    await play.click()
    status = page.get_by_role("status")
    frames = page.locator("iframe[title^='The room as seen from']")
    await page.get_by_text("A machine in").first.wait_for(timeout=SECONDS)
    await page.screenshot(path=kept / "playing.png")
    await status.get_by_text("The end: all 8 steps were seen to be so.").wait_for(timeout=SECONDS)
    assert await frames.count() == 0

    await page.get_by_role("button", name="Show the room").click()
    await stroke_is_seen(page, frames)
    await page.get_by_role("button", name="Show the room").evaluate("it => it.scrollIntoView({block: 'start'})")
    await page.screenshot(path=kept / "frames.png")

    await page.get_by_role("tab", name="Regions").click()
    await page.get_by_role("button", name="Fill it").click()
    await status.get_by_text("Tokyo is full").wait_for(timeout=20_000)
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_role("button", name="Disarm and mend all").click()
    await status.get_by_text("Disarmed 1 faults").wait_for(timeout=20_000)
    await page.screenshot(path=kept / "faults.png")
    assert await flaws(page) == []
    assert wrong == []
    assert outside == []


async def run_all(page: Any) -> None:
    """From the menu, again if need be: a kernel that says it is idle may not hear the first time."""
    from playwright.async_api import TimeoutError  # noqa: A004 -- its own, where there is a browser

    prompts = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"[*\d]"))

    async def runs() -> bool:
        await page.get_by_role("menuitem", name="Run", exact=True).click()
        await page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(TimeoutError):
            await prompts.first.wait_for(timeout=3_000)
        return bool(await prompts.count())

    await until(runs, 60.0, what="the cells run")


async def flaws(page: Any) -> list[str]:
    """What axe-core complains about in our output: rule and place. What is in the frames is the room's own page."""
    await page.evaluate(AXE)
    found = await page.evaluate("(where) => axe.run(where, { iframes: false, runOnly: ['wcag2a', 'wcag2aa'] })", OURS)
    assert found["passes"], "it looked at something"
    return [f"{one['id']}: {node['target']}" for one in found["violations"] for node in one["nodes"]]


async def stroke_is_seen(page: Any, frames: Any) -> None:
    """Draw in the first frame until both others have said how long a stroke took to come."""
    await frames.nth(2).wait_for(timeout=20_000)
    tokyo = frames.first.content_frame
    await page.locator(".fl-frame-state").filter(has_text="epoch").nth(2).wait_for(timeout=60_000)
    await frames.first.scroll_into_view_if_needed()
    await tokyo.get_by_role("button", name="Pen (P)").click()
    box = await tokyo.locator("#sheet").bounding_box()
    times = page.locator(".fl-frame-times li")

    async def seen() -> bool:
        await page.mouse.move(box["x"] + 40, box["y"] + 20)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 90, box["y"] + 60, steps=5)
        await page.mouse.up()
        await page.wait_for_timeout(300)
        return await times.count() >= 2

    await until(seen, 60.0, what="a stroke of Tokyo's came to Paris and to Ashburn")
    for said in await times.all_inner_texts():
        found = re.fullmatch(r"from Tokyo: (\d+) ms \(median (\d+) ms, n = \d+\)", said)
        assert found, said
        assert int(found[2]) >= 75  # half of the shorter configured round trip at least: it cannot be faster
