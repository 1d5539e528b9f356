"""What can be done with a drawing, by pointer and by keys, and that it can be taken along as a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.app.conftest import Serve, serve  # noqa: F401 - the fixture of the room server's own tests
from tests.browser.test_room_page import Watch, drag, draw, live, pixel, say, watch  # noqa: F401 - a fixture too
from tests.support import until

pytestmark = pytest.mark.browser

Shape = dict[str, Any]


async def saved(page: Page, kind: str = "json") -> bytes:
    """The file that the page makes of the drawing."""
    await page.click("#file summary")
    async with page.expect_download() as download:
        await page.click(f'[data-act="{kind}"]')
    return Path(await (await download.value).path()).read_bytes()


async def shapes(page: Page) -> list[Shape]:
    found: list[Shape] = json.loads(await saved(page))["shapes"]
    return found


async def only(page: Page) -> Shape:
    (shape,) = await shapes(page)
    return shape


async def grip(page: Page, x: float, y: float, out: tuple[float, float]) -> tuple[float, float]:
    """The place of the sheet that lies so many pixels beside another."""
    scale = float((await page.locator("#sheet").get_attribute("data-view") or "").split()[2])
    return x + out[0] / scale, y + out[1] / scale


async def view(page: Page) -> list[float]:
    return [float(part) for part in (await page.locator("#sheet").get_attribute("data-view") or "").split()]


async def test_a_shape_is_resized_turned_recoloured_copied_and_ordered(
    serve: Serve,  # noqa: F811
    watch: Watch,  # noqa: F811
) -> None:
    served = await serve()
    ada = await watch.enter(f"{served.address}/rooms/shapes", "Ada")
    await draw(ada, "rect", (-400, -200), (-200, -100))
    made = await only(ada)
    assert (made["x"], made["y"], made["w"], made["h"]) == (-400, -200, 200, 100)

    # The lower right handle, then with Shift; the round one, in steps; arrow keys do the same.
    corner = await grip(ada, -200, -100, (4, 4))
    await drag(ada, corner, (0, 0))
    grown = await only(ada)
    assert (grown["x"], grown["y"]) == (-400, -200)
    assert (grown["w"], grown["h"]) == pytest.approx((400, 200), abs=12)
    await ada.keyboard.down("Shift")
    await drag(ada, await grip(ada, grown["x"] + grown["w"], grown["y"] + grown["h"], (4, 4)), (200, -50))
    kept = await only(ada)
    assert kept["w"] / kept["h"] == pytest.approx(grown["w"] / grown["h"], abs=0.03)
    assert kept["w"] > 550
    middle = (kept["x"] + kept["w"] / 2, kept["y"] + kept["h"] / 2)
    await drag(ada, await grip(ada, middle[0], kept["y"], (0, -33)), (middle[0] + 400, middle[1] + 30))
    await ada.keyboard.up("Shift")
    assert (await only(ada))["r"] == 90
    await ada.focus("#sheet")
    await ada.keyboard.press(",")
    await ada.keyboard.press("Control+ArrowRight")
    turned = await only(ada)
    assert turned["r"] == 75
    assert turned["w"] > kept["w"]

    # Its look, and that of what comes next.
    await ada.click('[data-look="fill"] summary')
    await ada.click('[data-look="fill"] [title="Green"]')
    await ada.select_option('[data-look="sw"]', "8")
    await ada.select_option('[data-look="opacity"]', "0.5")
    looks = await only(ada)
    assert (looks["fill"], looks["sw"], looks["opacity"]) == ("#2f9e44", 8, 0.5)
    await draw(ada, "ellipse", (-100, -100), (100, 100))
    assert [(one["fill"], one["sw"]) for one in await shapes(ada)] == [("#2f9e44", 8)] * 2

    # Order, copies, and everything taken back in the end.
    await ada.click('[data-act="back"]')
    assert [one["kind"] for one in await shapes(ada)] == ["ellipse", "rect"]
    await ada.focus("#sheet")
    await ada.keyboard.press("}")
    await ada.keyboard.press("Control+d")
    copied = await shapes(ada)
    assert [one["kind"] for one in copied] == ["rect", "ellipse", "ellipse"]
    assert copied[2]["x"] - copied[1]["x"] == 20
    await ada.keyboard.press("Control+a")
    await ada.keyboard.press("Delete")
    await expect(ada.locator("#hint")).to_be_visible()
    await ada.keyboard.press("Control+z")
    await until(lambda: ada.locator("#hint").is_hidden())
    assert {one["id"]: one for one in await shapes(ada)} == {one["id"]: one for one in copied}


async def test_several_are_surrounded_moved_with_snapping_and_pasted_into_another_room(
    serve: Serve,  # noqa: F811
    watch: Watch,  # noqa: F811
) -> None:
    served = await serve()
    ada = await watch.enter(f"{served.address}/rooms/one", "Ada")
    await draw(ada, "rect", (-600, -300), (-500, -200))
    await draw(ada, "arrow", (-400, -300), (-300, -200))
    await draw(ada, "note", (200, 0), (400, 160))
    await ada.keyboard.press("Escape")  # out of the text
    await drag(ada, (-700, -400), (-200, -100))
    await expect(ada.locator("#looks")).to_be_visible()
    await drag(ada, (-550, -250), (-550, 53))  # 303 further down; the note's upper edge is at 0, its middle at 80
    rect, arrow, note = await shapes(ada)
    assert (rect["y"], arrow["y"]) == (0, 0), "both, and on a line with the note"
    assert (note["x"], note["y"]) == (200, 0)

    clip = await ada.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            document.dispatchEvent(new ClipboardEvent("cut", { clipboardData, bubbles: true, cancelable: true }));
            return clipboardData.getData("text/plain");
        }"""
    )
    assert [one["kind"] for one in await shapes(ada)] == ["note"]
    other = await watch.page(f"{served.address}/rooms/two")
    await live(other)
    for text in (clip, "just words"):
        await other.evaluate(
            """(text) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData("text/plain", text);
                document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
            }""",
            text,
        )
    assert [one["kind"] for one in await shapes(other)] == ["rect", "arrow", "text"]

    # All of it as a picture, and back from a file.
    assert (await saved(other, "png"))[:8] == b"\x89PNG\r\n\x1a\n"
    svg = (await saved(other, "svg")).decode()
    assert svg.startswith("<svg ")
    assert "just words" in svg
    assert svg.count("<path") == 3
    file = await saved(other)
    await ada.set_input_files("#import", {"name": "drawing.json", "mimeType": "application/json", "buffer": file})
    await until(lambda: ada.evaluate("document.getElementById('waits').textContent === '0'"))
    assert [one["kind"] for one in await shapes(ada)] == ["note", "rect", "arrow", "text"]
    await ada.set_input_files("#import", {"name": "x.json", "mimeType": "application/json", "buffer": b"[1]"})
    await expect(ada.locator("#note")).to_contain_text("The file x.json is no drawing that was saved here")


async def test_the_view_moves_by_wheel_pinch_space_and_keys_and_says_what_was_missed(
    serve: Serve,  # noqa: F811
    watch: Watch,  # noqa: F811
) -> None:
    served = await serve()
    ada = await watch.enter(f"{served.address}/rooms/view", "Ada")
    bob = await watch.enter(f"{served.address}/rooms/view", "Bob")
    await bob.mouse.move(*await pixel(bob, 0, 0))
    x, y, scale = await view(bob)
    await bob.mouse.wheel(100, 60)
    await until(lambda: moved(bob, x + 100 / scale, y + 60 / scale), what="the wheel moves the view")
    await bob.keyboard.down("Control")
    await bob.mouse.wheel(0, -200)
    await bob.keyboard.up("Control")

    async def closer() -> bool:
        return (await view(bob))[2] > 1.2 * scale

    await until(closer, what="Ctrl and the wheel zoom")
    await bob.focus("#sheet")
    await bob.keyboard.press("0")
    await until(lambda: moved(bob, x, y), what="0 shows the whole sheet")
    await bob.keyboard.down(" ")
    start = await pixel(bob, 0, 0)
    await drag(bob, (0, 0), (300, 0))
    await bob.keyboard.up(" ")
    await until(lambda: moved(bob, -300, 0), what="Space and dragging move the view")
    assert await pixel(bob, -300, 0) == pytest.approx(start, abs=1)
    await draw(bob, "rect", (-400, -100), (-200, 100))  # still lands where the pointer is
    assert (await only(ada))["x"] == pytest.approx(-400, abs=3)

    cdp = await bob.context.new_cdp_session(bob)
    before = (await view(bob))[2]
    left, top = await pixel(bob, -300, -300)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 80), ("touchEnd", 0)):
        points = [{"x": left - apart, "y": top, "id": 0}, {"x": left + apart, "y": top, "id": 1}] if apart else []
        await cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def pinched() -> bool:
        return (await view(bob))[2] == pytest.approx(4 * before, rel=0.2)

    await until(pinched, what="two fingers zoom")
    assert len(await shapes(bob)) == 1, "and draw nothing"

    # What was said while the chat was out of sight is counted; the sheet of keys opens anywhere.
    await bob.set_viewport_size({"width": 390, "height": 700})
    below = "document.getElementById('log').getBoundingClientRect().bottom > innerHeight + 50"
    await until(lambda: bob.evaluate(below), what="the chat is out of sight")
    await say(ada, "are you there?")
    await expect(bob.locator("#unread")).to_have_text("1 new")
    assert (await bob.title()).startswith("(1) ")
    await bob.click("#unread")
    await expect(bob.locator("#unread")).to_be_hidden()
    await bob.focus("#sheet")
    await bob.keyboard.press("?")
    await expect(bob.locator("#help-window")).to_contain_text("Undo what you did")
    # What was said before somebody came is not new to them.
    late = await watch.context.new_page()
    await late.set_viewport_size({"width": 390, "height": 700})
    await late.goto(f"{served.address}/rooms/view")
    await live(late)
    await expect(late.locator("#log")).to_contain_text("are you there?")
    await expect(late.locator("#unread")).to_be_hidden()


async def moved(page: Page, x: float, y: float) -> bool:
    at = await view(page)
    return at[:2] == pytest.approx([x, y], abs=3)
