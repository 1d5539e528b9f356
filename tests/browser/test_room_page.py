"""The lobby's and the room's page in a real browser: people draw and talk together, and the page tells the truth."""

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.app.conftest import ROOT, Serve, serve  # noqa: F401 - the fixture of the room server's own tests
from tests.support import PICTURES, until

pytestmark = pytest.mark.browser

SCREENS = ROOT / "build" / "screens" / "room"
VIEWS = [(1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light"), (390, 844, "dark")]  # a laptop, a phone

# Whether anything lies over the drawing: with nothing selected, frames of what is not stored yet.
DASHED = """(() => {
    const probe = new OffscreenCanvas(marks.width, marks.height).getContext("2d", { willReadFrequently: true });
    probe.drawImage(marks, 0, 0);
    return probe.getImageData(0, 0, marks.width, marks.height).data.some((byte) => byte);
})()"""

# What a finger can hardly hit.
SMALL = """[...document.querySelectorAll('button, input, select, summary.button')]
    .filter((one) => one.checkVisibility() && (one.offsetHeight < 40 || one.offsetWidth < 40)
        && !one.closest('label')?.matches('.check'))
    .map((one) => one.outerHTML)"""

# What the browser itself reports about connections that a test cuts or refuses on purpose.
OFF = ("ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED")


class Watch:
    """Everything that a browser context asked for or complained about."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.requests: set[str] = set()
        context.on("console", lambda message: self.note(message.type, message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", lambda request: self.requests.add(httpx.URL(request.url).host))

    def note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def forgive(self, *texts: str) -> None:
        """These complaints were meant to happen."""
        self.complaints = [one for one in self.complaints if not any(text in one for text in texts)]

    async def page(self, address: str) -> Page:
        page: Page = await self.context.new_page()
        await page.goto(address)
        return page

    async def enter(self, address: str, name: str) -> Page:
        page = await self.page(address)
        await live(page)
        await page.fill("#name", name)
        await page.press("#name", "Enter")
        return page


@pytest.fixture
async def watch(browser: Any) -> AsyncIterator[Watch]:
    watch = Watch(browser)
    yield watch
    assert watch.requests <= {"127.0.0.1"}, "a page asked somebody else"
    assert watch.complaints == []


async def live(page: Page) -> None:
    await expect(page.locator("#state")).to_have_attribute("data-phase", "live", timeout=15_000)


async def say(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.press("#text", "Enter")


async def pixel(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the sheet is in the window."""
    left, top = await page.evaluate(
        """([x, y]) => {
            const [middle, level, scale] = sheet.dataset.view.split(" ").map(Number);
            const box = sheet.getBoundingClientRect();
            const { clientWidth, clientHeight } = sheet;
            const [left, top] = [box.left + clientWidth / 2, box.top + clientHeight / 2];
            return [left + (x - middle) * scale, top + (y - level) * scale];
        }""",
        [x, y],
    )
    return left, top


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float], *, drop: bool = True) -> None:
    await page.mouse.move(*await pixel(page, *start))
    await page.mouse.down()
    await page.mouse.move(*await pixel(page, *end), steps=6)
    if drop:
        await page.mouse.up()


async def draw(page: Page, tool: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    await page.click(f'[data-tool="{tool}"]')
    await drag(page, start, end)


async def painted(page: Page, x: float, y: float) -> bool:
    """Whether something is drawn at this place of the sheet, or marked over it."""
    alpha = await page.evaluate(
        """([x, y]) => {
            const [middle, level, scale] = sheet.dataset.view.split(" ").map(Number);
            const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            for (const layer of [canvas, marks]) {
                const ratio = layer.width / sheet.clientWidth;
                const left = layer.width / 2 + (x - middle) * scale * ratio;
                const top = layer.height / 2 + (y - level) * scale * ratio;
                probe.drawImage(layer, left, top, 1, 1, 0, 0, 1, 1);
            }
            return probe.getImageData(0, 0, 1, 1).data[3];
        }""",
        [x, y],
    )
    return bool(alpha)


async def sees(page: Page, *places: tuple[float, float]) -> None:
    for place in places:
        await until(lambda place=place: painted(page, *place), what=f"something is drawn at {place}")


async def sees_nothing(page: Page, *places: tuple[float, float]) -> None:
    async def blank(place: tuple[float, float]) -> bool:
        return not await painted(page, *place)

    for place in places:
        await until(lambda place=place: blank(place), what=f"nothing is drawn at {place}")


async def take_pictures(page: Page, name: str) -> None:
    """Screenshots at two widths and in both themes, kept for looking at; the page must fit its width."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width, height, scheme in VIEWS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} at {width}"
        if PICTURES:
            await page.screenshot(path=SCREENS / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.set_viewport_size({"width": 1280, "height": 800})


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


async def test_two_people_in_one_room_see_what_the_other_says_and_where_the_other_points(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams")
    ada = await watch.enter(f"{served.address}/rooms/blue-note", "Ada")
    bob = await watch.enter(f"{served.address}/rooms/blue-note", "Bob")
    await expect(ada.locator("#people")).to_contain_text("Bob")
    lobby = await watch.page(served.address)
    await expect(lobby.locator("#unshared")).to_contain_text("ROOMS_URL")  # the rooms are in this machine's memory
    await lobby.close()

    await say(ada, "see https://fly.io/docs/. <img src=x onerror=alert(1)>")
    line = bob.locator("#log .line")
    await expect(line.locator(".text")).to_have_text("see https://fly.io/docs/. <img src=x onerror=alert(1)>")
    await expect(line.locator("a")).to_have_attribute("href", "https://fly.io/docs/")
    await expect(line).not_to_have_class(re.compile("tentative"))
    await expect(ada.locator("#waits")).to_have_text("0")
    stored = await ada.locator("#stored").text_content()
    assert stored == await ada.locator("#seq").text_content()

    await bob.mouse.move(*await pixel(bob, -400, 0))
    cursor = ada.locator(".cursor:not(.own)")
    await expect(cursor).to_have_count(1)
    await expect(cursor).to_contain_text("Bob")
    left, top = await pixel(ada, -400, 0)

    async def pointed(left: float, top: float) -> bool:
        box = await cursor.bounding_box()
        return box is not None and abs(box["x"] - left) <= 2 and abs(box["y"] - top) <= 2

    await until(lambda: pointed(left, top), what="the cursor is where Bob points")
    await expect(bob.locator(".cursor.own")).to_have_css("opacity", "0")

    await bob.focus("#sheet")
    await bob.keyboard.press("ArrowRight")
    left, top = await pixel(ada, -384, 0)
    await until(lambda: pointed(left, top), what="the cursor has moved")

    await bob.close()
    await expect(ada.locator("#people")).not_to_contain_text("Bob")
    await expect(cursor).to_have_count(0)
    await expect(ada.locator("#hint")).to_contain_text("You are alone here")
    await take_pictures(ada, "alone")


async def test_two_people_draw_drag_and_undo_across_each_other(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams", ROOMS_URL=tmp_path.as_uri())
    ada = await watch.enter(f"{served.address}/rooms/blue-note", "Ada")
    bob = await watch.enter(f"{served.address}/rooms/blue-note", "Bob")

    await draw(ada, "rect", (-600, -300), (-400, -200))
    await draw(bob, "ellipse", (-200, -300), (0, -200))
    await draw(ada, "pen", (-600, 100), (-200, 100))
    await ada.click('[data-tool="select"]')
    for page in (ada, bob):
        await sees(page, (-500, -250), (-100, -250), (-400, 100))
        await expect(page.locator("#waits")).to_have_text("0")

    # A note is written on at once; the other sees it while it is being written.
    await draw(bob, "note", (200, -300), (420, -140))
    await bob.keyboard.type("Ship it")
    await sees(ada, (300, -160))
    await bob.keyboard.press("Escape")
    await expect(bob.locator("#editor")).to_be_hidden()

    # What is dragged is seen live, and moving is one step to take back.
    await drag(ada, (-500, -250), (-500, 350), drop=False)
    await sees(bob, (-500, 350))
    await sees_nothing(bob, (-500, -250))
    await ada.mouse.up()
    await expect(ada.locator("#waits")).to_have_text("0")
    await sees(bob, (-500, 350))

    # Everybody takes back their own: Bob's undo leaves Ada's move alone, although it came later.
    await bob.focus("#sheet")
    for _ in range(2):  # the text, then the note
        await bob.keyboard.press("Control+z")
    await sees_nothing(ada, (300, -160))
    await sees(bob, (-500, 350), (-100, -250))
    await ada.focus("#sheet")
    await ada.keyboard.press("Control+z")
    await sees(bob, (-500, -250))
    await sees_nothing(bob, (-500, 350))
    await ada.keyboard.press("Control+Shift+z")
    await sees(bob, (-500, 350))
    await bob.click('[data-act="undo"]')
    await sees_nothing(ada, (-100, -250))
    await bob.click('[data-act="undo"]')
    await expect(bob.locator("#note")).to_contain_text("left to take back")
    await bob.click('[data-act="redo"]')
    await sees(ada, (-100, -250))

    # By keyboard alone: pick what is there, move it, delete it.
    await ada.mouse.click(*await pixel(ada, -500, 350))
    await ada.keyboard.press("ArrowUp")
    await sees(bob, (-500, 290))
    await ada.keyboard.press("Delete")
    await sees_nothing(bob, (-500, 340))

    await take_pictures(ada, "busy")
    await ada.reload()
    await live(ada)
    await sees(ada, (-100, -250), (-400, 100))
    await sees_nothing(ada, (-500, 340))


async def test_everything_can_be_drawn_by_keyboard(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve()
    ada = await watch.enter(f"{served.address}/rooms/keys", "Ada")
    await ada.focus("#sheet")
    await ada.keyboard.press("r")
    await ada.keyboard.press("Enter")
    await sees(ada, (0, 0))
    await ada.keyboard.press("Escape")
    for _ in range(20):
        await ada.keyboard.press("ArrowLeft")
    await ada.keyboard.press("t")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#editor")).to_be_focused()
    await ada.keyboard.type("hello")
    await ada.keyboard.press("Control+Enter")
    await expect(ada.locator("#sheet")).to_be_focused()
    await expect(ada.locator("#seq")).not_to_have_text("0")
    await until(lambda: ada.evaluate("document.getElementById('waits').textContent === '0'"))
    await ada.reload()
    await live(ada)
    await sees(ada, (0, 0))


async def test_what_was_done_while_the_machine_was_away_arrives_once_and_the_page_says_how_it_stands(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    port = free_port()
    first = await serve("m1", "ams", PORT=port, ROOMS_URL=tmp_path.as_uri())
    ada = await watch.enter(f"{first.address}/rooms/blue", "Ada")
    await say(ada, "before")
    await draw(ada, "rect", (-600, -300), (-400, -200))
    await expect(ada.locator("#waits")).to_have_text("0")
    await first.stop()
    await expect(ada.locator("#state")).to_have_attribute("data-phase", "reconnecting")
    await say(ada, "said meanwhile")
    await draw(ada, "rect", (200, 0), (400, 100))
    await sees(ada, (300, 50))
    await expect(ada.locator("#log")).to_contain_text("sending…")
    await expect(ada.locator("#state")).to_contain_text("2 not stored yet")
    await ada.keyboard.press("Escape")
    await until(lambda: ada.evaluate(DASHED), what="a dashed frame around the shape that is not stored yet")
    await take_pictures(ada, "reconnecting")

    await serve("m1", "ams", PORT=port, ROOMS_URL=tmp_path.as_uri())
    await live(ada)
    await expect(ada.locator("#epoch")).to_have_text("2")
    await expect(ada.locator("#waits")).to_have_text("0")
    await expect(ada.locator("#log .line .text")).to_have_text(["before", "said meanwhile"])
    await expect(ada.locator("#log")).not_to_contain_text("sending…")
    await expect(ada.locator("#log")).not_to_contain_text("afresh")
    assert not await ada.evaluate(DASHED)
    bob = await watch.enter(f"{first.address}/rooms/blue", "Bob")
    await expect(bob.locator("#log .line .text")).to_have_text(["before", "said meanwhile"])
    await sees(bob, (-500, -250), (300, 50))
    watch.forgive(*OFF)


async def test_a_room_that_was_only_in_memory_says_that_it_started_afresh(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    port = free_port()
    first = await serve(PORT=port)
    ada = await watch.enter(f"{first.address}/rooms/blue", "Ada")
    for text in ("one", "two", "three"):
        await say(ada, text)
    await expect(ada.locator("#waits")).to_have_text("0")
    await first.stop()
    await serve(PORT=port)
    await live(ada)
    await expect(ada.locator("#log")).to_contain_text("The room started afresh here")
    await expect(ada.locator("#log .line")).to_have_count(0)
    watch.forgive(*OFF)


async def test_two_people_work_on_while_one_of_them_is_offline_and_both_find_all_of_it(
    serve: Serve,  # noqa: F811
    watch: Watch,
    browser: Any,
    tmp_path: Path,
) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    ada = await watch.enter(f"{served.address}/rooms/blue", "Ada")
    apart = await browser.browser.new_context() if browser.browser else browser
    far = Watch(apart)
    bob = await far.enter(f"{served.address}/rooms/blue", "Bob")
    await apart.set_offline(True)
    await expect(bob.locator("#state")).to_have_attribute("data-phase", "offline")
    await say(bob, "from the tunnel")
    await draw(bob, "rect", (200, 0), (400, 100))
    await bob.keyboard.press("Control+z")
    await draw(bob, "ellipse", (200, 0), (400, 100))
    await expect(bob.locator("#state")).to_contain_text("Offline · 4 not stored yet")
    await take_pictures(bob, "offline")
    await say(ada, "at the desk")
    await draw(ada, "rect", (-600, -300), (-400, -200))
    await expect(ada.locator("#people")).not_to_contain_text("Bob")

    await bob.keyboard.press("Escape")  # or the handles of what is selected would be seen too
    await apart.set_offline(False)
    await live(bob)
    for page in (ada, bob):
        await expect(page.locator("#waits")).to_have_text("0")
        await expect(page.locator("#log .line .text")).to_have_text(["at the desk", "from the tunnel"])
        await sees(page, (-500, -250), (300, 50))
        await sees_nothing(page, (203, 3))  # the rectangle's corner: it was taken back
    await expect(bob.locator("#looks")).to_be_hidden()
    await bob.mouse.click(*await pixel(bob, 300, 50))
    await expect(bob.locator("#looks")).to_be_visible()  # it could not be loaded before
    await apart.close()


async def test_a_private_room_opens_by_its_links_alone_each_for_what_it_is_for(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams", ROOMS_URL=tmp_path.as_uri())
    ada = await watch.page(served.address)
    await ada.click("#private")
    await ada.wait_for_url("**/rooms/*?k=*")
    await live(ada)
    bare = ada.url.partition("?")[0]
    assert re.fullmatch(r"[a-z0-9]{22}", bare.rpartition("/")[2])
    await draw(ada, "rect", (-600, -300), (-400, -200))

    await ada.click("#share")
    await expect(ada.locator('[name="edit"]')).to_have_value(ada.url)
    view = await ada.locator('[name="view"]').input_value()
    assert view.startswith(f"{bare}?k=")
    await expect(ada.locator("#public")).to_have_value("")
    await take_pictures(ada, "share")
    await ada.keyboard.press("Escape")

    eve = await watch.page(view)
    await live(eve)
    await expect(eve.locator("#state")).to_contain_text("read-only")
    await expect(eve.locator("#text")).to_be_disabled()
    await take_pictures(eve, "read-only")
    await expect(eve.locator('[data-tool="pen"]')).to_be_disabled()
    await sees(eve, (-500, -250))
    await drag(eve, (-500, -250), (300, 300))
    await expect(ada.locator("#people")).to_contain_text("looks on")
    await sees(ada, (-500, -250))

    stranger = await watch.page(bare)
    await expect(stranger.locator("#state")).to_have_attribute("data-phase", "ended", timeout=15_000)
    await expect(stranger.locator("#state")).to_contain_text(re.compile("private|link"))
    lobby = await watch.page(served.address)
    await expect(lobby.locator(".empty")).to_be_visible()

    # Ada replaces the link to look on: Eve is out, and so is whoever has her link; Ada stays.
    await ada.click("#share")
    await ada.click('[data-revoke="view"]')
    await expect(ada.locator('[name="view"]')).not_to_have_value(view)
    await expect(eve.locator("#state")).to_have_attribute("data-phase", "ended")
    was = ada.url
    await ada.click('[data-revoke="edit"]')
    await expect(ada.locator('[name="edit"]')).not_to_have_value(was)
    await until(lambda: ada.url != was, what="the address is the new link")
    await ada.reload()
    await live(ada)
    await ada.click("#share")
    await ada.select_option("#public", "view")
    await stranger.click("#wake")
    await live(stranger)
    await expect(stranger.locator("#state")).to_contain_text("read-only")
    watch.forgive("403", "WebSocket connection to")


async def test_a_room_that_is_put_to_sleep_waits_for_somebody_to_wake_it(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    ada = await watch.enter(f"{served.address}/rooms/blue", "Ada")
    await draw(ada, "rect", (-600, -300), (-400, -200))
    await expect(ada.locator("#waits")).to_have_text("0")
    await ada.click("#sleep")
    await expect(ada.locator("#state")).to_have_text("The room was put to sleep")
    await take_pictures(ada, "asleep")
    lobby = await watch.page(served.address)
    await expect(lobby.locator("tbody tr")).to_contain_text("asleep")
    await ada.click("#wake")
    await live(ada)
    await expect(ada.locator("#epoch")).to_have_text("2")
    await sees(ada, (-500, -250))


async def test_the_lobby_teaches_creates_and_says_what_is_wrong(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams", ROOMS_URL=tmp_path.as_uri(), ROOM_REGIONS="ams,iad,nrt")
    lobby = await watch.page(served.address)
    await expect(lobby.locator(".empty")).to_contain_text("No public rooms yet.")
    await expect(lobby.locator("#unshared")).to_be_hidden()
    await expect(lobby.locator("#answered")).to_have_text("Answered by machine 148e21d4b2c0a1 in Amsterdam (ams).")
    await take_pictures(lobby, "lobby-empty")

    await lobby.fill("#room", "Not a name")
    await lobby.keyboard.press("Enter")
    await expect(lobby.locator("#create-note")).to_contain_text("cannot be a name")
    await lobby.fill("#room", "blue-note")
    await lobby.keyboard.press("Enter")
    await lobby.wait_for_url("**/rooms/blue-note")
    await live(lobby)

    other = await watch.page(served.address)
    row = other.locator("tbody tr")
    await expect(row).to_contain_text(re.compile("blue-note.*Amsterdam.*148e21d4b2c0a1.*awake.*just now.*1", re.DOTALL))
    await expect(other.locator("#paid")).to_contain_text(
        "At least 1 machine runs now, for $0.0030 an hour: Fly’s published"
    )
    await other.select_option("#region", "ams")
    await other.fill("#room", "blue-note")
    await other.click('#create [type="submit"]')
    await expect(other.locator("#create-note")).to_have_text("Room blue-note exists already, in ams. Open it")
    watch.forgive("409 (Conflict)")
    await take_pictures(other, "lobby")
    await other.click("tbody a")
    await other.wait_for_url("**/rooms/blue-note")


async def test_pages_fit_a_narrow_phone_and_every_control_is_reached_by_keyboard(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve()
    page = await watch.enter(f"{served.address}/rooms/{'long-name-' * 6}end", "W" * 32)
    await say(page, "x" * 1_500)
    await expect(page.locator("#log .line")).to_have_count(1)
    for width in (360, 860, 861, 1000, 1101, 3840):
        await page.set_viewport_size({"width": width, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    await page.set_viewport_size({"width": 360, "height": 700})
    assert await page.evaluate(SMALL) == []
    reached = []
    await page.focus(".brand")
    for _ in range(27):
        reached.append(
            await page.evaluate(
                "(e => e.id || e.dataset.tool || e.dataset.act || e.tagName.toLowerCase())(document.activeElement)"
            )
        )
        await page.keyboard.press("Tab")
    tools = ["select", "pen", "rect", "ellipse", "line", "arrow", "note", "text"]
    assert reached[:5] == ["a", "name", "summary", "share", "help"]
    assert reached[5:19] == [*tools, "sheet", "undo", "redo", "grid", "out", "fit"]
    assert reached[19:27] == ["in", "summary", "region", "button", "sleep", "log", "text", "button"]
    # Nor is what comes up when something is selected or asked for too small or too wide.
    await draw(page, "rect", (-600, -300), (-400, -200))
    await page.click('[data-look="fill"] summary')
    await expect(page.locator('[data-look="fill"] button').first).to_be_visible()
    assert await page.evaluate(SMALL) == []
    looks, board = await page.locator("#looks").bounding_box(), await page.locator(".board").bounding_box()
    assert looks is not None
    assert board is not None
    assert looks["height"] < 60, "it is in one row"
    assert board["x"] <= looks["x"]
    assert looks["x"] + looks["width"] <= board["x"] + board["width"]
    await page.click("#share")
    await expect(page.locator("#share-window")).to_be_visible()
    assert await page.evaluate(SMALL) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_finger_draws_as_a_mouse_does(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve()
    page = await watch.enter(f"{served.address}/rooms/touch", "Ada")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.click('[data-tool="rect"]')
    cdp = await page.context.new_cdp_session(page)
    places = [await pixel(page, x, y) for x, y in ((-600, -300), (-200, 0), (0, 200))]
    kinds = ["touchStart", "touchMove", "touchMove"]
    for kind, (x, y) in zip(kinds, places, strict=True):
        await cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    await cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await sees(page, (-300, 0), (-590, -290), (-10, 190))
    assert await page.evaluate("scrollY") == 0, "the page moved under the finger"


async def test_a_name_given_before_the_room_has_answered_is_the_name_the_others_see(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams")
    other = await watch.enter(f"{served.address}/rooms/blue-note", "Ada")
    page = await watch.context.new_page()
    # Holds back what the room says until the name has changed; meanwhile the page says that it waits.
    await page.add_init_script(
        "const on = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');"
        "const named = new Promise((resolve) => { window.renamed = resolve; });"
        "Object.defineProperty(WebSocket.prototype, 'onmessage', { ...on,"
        " set(hear) { window.hear = (messages) => hear({ data: JSON.stringify(messages) });"
        " on.set.call(this, (event) => named.then(() => hear(event))); } });"
    )
    await page.goto(f"{served.address}/rooms/blue-note")
    await expect(page.locator("#state")).to_have_text("No answer yet, the room may be waking…")
    await take_pictures(page, "waking")
    await expect(other.locator("#people li")).to_have_count(2)
    await page.fill("#name", "Grace")
    await page.press("#name", "Enter")
    await page.evaluate("window.renamed()")
    await expect(other.locator("#people")).to_contain_text("Grace")
    await page.evaluate("window.hear([{ t: 'moved', region: 'nrt', machine: 'm2' }])")
    await expect(page.locator("#state")).to_have_text("The room moved to Tokyo (nrt), following…")
    await take_pictures(page, "moved")
