"""The lobby's and the room's page in a real browser: two people see each other, and the page tells the truth."""

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.app.conftest import ROOT, Serve, serve  # noqa: F401 - the fixture of the room server's own tests

pytestmark = pytest.mark.browser

SCREENS = ROOT / "build" / "screens" / "room"
VIEWS = [(1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light"), (390, 844, "dark")]


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

    async def page(self, address: str) -> Page:
        page: Page = await self.context.new_page()
        await page.goto(address)
        return page

    async def enter(self, address: str, name: str) -> Page:
        page = await self.page(address)
        await expect(page.locator("#state")).to_have_attribute("data-phase", "live")
        await page.fill("#name", name)
        await page.press("#name", "Enter")
        return page


@pytest.fixture
async def watch(browser: Any) -> AsyncIterator[Watch]:
    watch = Watch(browser)
    yield watch
    assert watch.requests <= {"127.0.0.1"}, "a page asked somebody else"
    assert watch.complaints == []


async def take_pictures(page: Page, name: str) -> None:
    """Screenshots at two widths and in both themes, kept for looking at; the page must fit its width."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width, height, scheme in VIEWS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} at {width}"
        await page.screenshot(path=SCREENS / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.set_viewport_size({"width": 1280, "height": 800})


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

    await ada.fill("#text", "see https://fly.io/docs/. <img src=x onerror=alert(1)>")
    await ada.press("#text", "Enter")
    line = bob.locator("#log .line")
    await expect(line.locator(".text")).to_have_text("see https://fly.io/docs/. <img src=x onerror=alert(1)>")
    await expect(line.locator("a")).to_have_attribute("href", "https://fly.io/docs/")
    await expect(line).not_to_have_class(re.compile("tentative"))
    await expect(ada.locator("#stored")).to_have_text("1")

    box = await bob.locator("#area").bounding_box()
    assert box is not None
    await bob.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    cursor = ada.locator(".cursor:not(.own)")
    await expect(cursor).to_have_count(1)
    await expect(cursor).to_contain_text("Bob")
    left, top = await cursor.evaluate("element => [element.style.left, element.style.top]")
    assert (round(float(left[:-1])), round(float(top[:-1]))) == (25, 50)
    await take_pictures(ada, "busy")

    await bob.focus("#area")
    await bob.keyboard.press("ArrowRight")
    await expect(cursor).to_have_attribute("style", re.compile(r"left: 27%"))

    await bob.close()
    await expect(ada.locator("#people")).not_to_contain_text("Bob")
    await expect(cursor).to_have_count(0)
    await expect(ada.locator("#hint")).to_contain_text("You are alone here")
    await take_pictures(ada, "alone")


async def test_what_was_said_while_the_machine_was_away_arrives_and_the_page_says_how_it_stands(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    first = await serve("m1", "ams", PORT=port)
    ada = await watch.enter(f"{first.address}/rooms/blue", "Ada")
    await ada.fill("#text", "before")
    await ada.press("#text", "Enter")
    await expect(ada.locator("#stored")).to_have_text("1")
    await first.stop()
    await expect(ada.locator("#state")).to_have_attribute("data-phase", "reconnecting")
    await ada.fill("#text", "said meanwhile")
    await ada.press("#text", "Enter")
    await expect(ada.locator("#log")).to_contain_text("sending…")
    await expect(ada.locator("#state")).to_contain_text("1 unsent")
    await take_pictures(ada, "reconnecting")

    await serve("m1", "ams", PORT=port)
    await expect(ada.locator("#state")).to_have_attribute("data-phase", "live", timeout=15_000)
    await expect(ada.locator("#log")).to_contain_text("The room started afresh here")
    await expect(ada.locator("#log .line")).to_have_count(1)
    await expect(ada.locator("#log .line")).to_contain_text("said meanwhile")
    await expect(ada.locator("#log")).not_to_contain_text("sending…")
    # The browser itself reports each connection that was refused meanwhile; that is not the page's complaint.
    watch.complaints = [text for text in watch.complaints if "ERR_CONNECTION_REFUSED" not in text]


async def test_the_lobby_teaches_creates_and_says_what_is_wrong(
    serve: Serve,  # noqa: F811
    watch: Watch,
    tmp_path: Path,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams", ROOMS_URL=tmp_path.as_uri(), ROOM_REGIONS="ams,iad,nrt")
    lobby = await watch.page(served.address)
    await expect(lobby.locator(".empty")).to_contain_text("No rooms yet.")
    await expect(lobby.locator("#unshared")).to_be_hidden()
    await expect(lobby.locator("#answered")).to_have_text("Answered by machine 148e21d4b2c0a1 in Amsterdam (ams).")
    await take_pictures(lobby, "lobby-empty")

    await lobby.fill("#room", "Not a name")
    await lobby.keyboard.press("Enter")
    await expect(lobby.locator("#create-note")).to_contain_text("cannot be a name")
    await lobby.fill("#room", "blue-note")
    await lobby.keyboard.press("Enter")
    await lobby.wait_for_url("**/rooms/blue-note")
    await expect(lobby.locator("#state")).to_have_attribute("data-phase", "live")

    other = await watch.page(served.address)
    row = other.locator("tbody tr")
    await expect(row).to_contain_text(re.compile("blue-note.*Amsterdam.*148e21d4b2c0a1.*just now.*1", re.DOTALL))
    await other.select_option("#region", "ams")
    await other.fill("#room", "blue-note")
    await other.click("#create button")
    await expect(other.locator("#create-note")).to_have_text("Room blue-note exists already, in ams. Open it")
    watch.complaints = [text for text in watch.complaints if "409 (Conflict)" not in text]
    await take_pictures(other, "lobby")
    await other.click("tbody a")
    await other.wait_for_url("**/rooms/blue-note")


async def test_pages_fit_a_narrow_phone_and_every_control_is_reached_by_keyboard(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve()
    page = await watch.enter(f"{served.address}/rooms/{'long-name-' * 6}end", "W" * 32)
    await page.fill("#text", "x" * 1_500)
    await page.press("#text", "Enter")
    await expect(page.locator("#stored")).to_have_text("1")
    for width in (360, 860, 861, 2560):
        await page.set_viewport_size({"width": width, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    reached = []
    await page.focus(".brand")
    for _ in range(7):
        reached.append(await page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        await page.keyboard.press("Tab")
    assert reached == ["A", "name", "share", "area", "log", "text", "BUTTON"]
    small = await page.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter(e => e.offsetHeight < 40).map(e => e.outerHTML)"
    )
    assert small == []


async def test_a_name_given_before_the_room_has_answered_is_the_name_the_others_see(
    serve: Serve,  # noqa: F811
    watch: Watch,
) -> None:
    served = await serve("148e21d4b2c0a1", "ams")
    other = await watch.enter(f"{served.address}/rooms/blue-note", "Ada")
    page = await watch.context.new_page()
    # Holds back what the room says until the name has changed.
    await page.add_init_script(
        "const on = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');"
        "const named = new Promise((resolve) => { window.renamed = resolve; });"
        "Object.defineProperty(WebSocket.prototype, 'onmessage', { ...on,"
        " set(hear) { on.set.call(this, (event) => named.then(() => hear(event))); } });"
    )
    await page.goto(f"{served.address}/rooms/blue-note")
    await expect(other.locator("#people li")).to_have_count(2)
    await page.fill("#name", "Grace")
    await page.press("#name", "Enter")
    await page.evaluate("window.renamed()")
    await expect(other.locator("#people")).to_contain_text("Grace")
