"""The control room's page in a browser: what it shows, that everybody can use it, and that it says what is wrong."""

from importlib.resources import files
from typing import Any

import pytest

from flylab.kit.control.picture import Picture
from flylab.kit.control.recording import Recording
from flylab.published.network import regions
from tests.kit.control.page import begin, open_page
from tests.kit.control.told import event, exchange, hop, listed
from tests.support import PICTURES, ROOT, until

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CODES = [region.code for region in regions()]
STATES = ("started", "stopped", "suspended", "starting", "failed")
WOKE = {"requested_ms": 6.0, "started_ms": 9.0, "reachable_ms": 40.0}


def picture() -> Picture:
    """60 machines in all regions and in all states, a few exchanges, and a fault."""
    made = Picture()
    made.world({"regions": CODES, "edges": CODES})
    made.listed([listed(f"m{n}", STATES[n % 5], region=CODES[n % len(CODES)]) for n in range(60)])
    made.fault([{"name": "slow_port", "app": "rooms", "struck": 2}])
    for number in range(12):
        made.exchange(exchange(f"plain {number}", path=f"/rooms/{number}"))
    replayed = hop("nrt", cause="replay", n=2, started_ms=2.0, ended_ms=240.0, configured_ms=180.0, woke=WOKE)
    made.exchange(exchange("woken", path="/rooms/blue", hops=[hop(outcome="replay"), replayed], total_ms=241.0))
    made.exchange(exchange("broken", path="/rooms/red", hops=[], status=404, code="PE01"))
    return made


async def flaws(page: Any, *, colours: bool = False) -> str:
    """What axe-core complains about; ``colours`` where nothing else has changed, which takes a fifth of the time."""
    await page.evaluate(AXE)
    rules = {"type": "rule", "values": ["color-contrast"]} if colours else RULES
    found = await page.evaluate("(rules) => axe.run(document, { runOnly: rules })", rules)
    return "\n".join(
        f"{one['id']}: {node['html'][:120]}: {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    )


async def shot(page: Any, name: str) -> None:
    if PICTURES:
        kept = ROOT / "build" / "screens" / "control"
        kept.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=kept / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
async def test_all_that_is_told_is_shown_and_everybody_can_use_it(browser: Any, scheme: str, width: int) -> None:
    page, wrong = await open_page(browser, color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 900})
    await begin(page)
    said = await page.evaluate("page.said")
    assert said[0]["t"] == "hello"
    world = picture()
    await page.evaluate("(batch) => page.hear(batch, 5)", world.whole(1000.0))
    await page.evaluate("(words) => page.caption(words)", {"title": "A wake", "text": "In Tokyo.", "step": 1, "of": 2})
    status = page.get_by_role("status")
    await until(status.inner_text, what="it says how it is")
    assert await status.inner_text() == "Live"
    assert await page.get_by_text("18 regions, 60 machines").is_visible()
    assert await page.get_by_text("slow_port (rooms), struck 2").is_visible()
    assert await page.get_by_text("1 of 2").is_visible()
    tokyo = page.get_by_role("button", name="nrt, Tokyo: 3 machines")
    await tokyo.wait_for()
    assert await page.locator(".fl-node").count() == 18
    # Signs of regions that lie close together do not cover each other, and none is cut off.
    boxes = await page.locator(".fl-node").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect()).map(box => [box.x, box.y, box.width])"
    )
    apart = [
        ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 - aw
        for place, (ax, ay, aw) in enumerate(boxes)
        for bx, by, _ in boxes[place + 1 :]
    ]
    assert min(apart) > -6
    assert min(x for x, _, _ in boxes) >= 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # By keyboard alone: to the map, over it, to a machine; to the list, down it, and to the hops of one exchange.
    await page.locator('.fl-node[tabindex="0"]').focus()
    await page.keyboard.press("End")
    east = await page.evaluate("document.activeElement.dataset.region")
    await page.keyboard.press("ArrowUp")
    assert east == "syd"
    assert await page.evaluate("document.activeElement.dataset.region") == "nrt"
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="nrt Tokyo: 3 machines").wait_for()
    machine = page.get_by_role("list", name="Machines in nrt").get_by_role("button").first
    await machine.press("Enter")
    rows = page.get_by_role("list", name="Exchanges, the newest first").get_by_role("button")
    await rows.first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_role("row", name="nrt replay, woken").wait_for()
    assert await page.get_by_text("241 ms, of which 188 ms configured").is_visible()
    assert await page.locator(".fl-track").nth(1).locator("i").evaluate_all("all => all.map(one => one.title)") == [
        "way there (configured): 90.0 ms",
        "waking (measured): 34.0 ms",
        "our own time (measured): 24.0 ms",
        "way back (configured): 90.0 ms",
    ]
    picked = [message for message in await page.evaluate("page.said") if message["t"] == "pick"]
    assert [message["region"] for message in picked] == ["nrt", "nrt"]
    assert picked[1]["machine"] in world.machines
    assert {"t": "seen", "n": 5} in await page.evaluate("page.said")
    assert not await flaws(page, colours=scheme == "dark")
    await shot(page, f"{scheme}-{width}")
    await page.get_by_role("button", name="Unusual only").click()
    await until(lambda: rows.filter(visible=True).count(), what="what is unusual")
    assert await rows.filter(visible=True).count() == 2
    await page.evaluate("self.end()")
    assert await page.locator(".fl-room").count() == 0
    assert wrong == []


async def test_what_is_wrong_is_said_and_the_last_picture_stays(browser: Any) -> None:
    page, wrong = await open_page(browser, reduced_motion="reduce")
    await page.clock.install()
    await begin(page)
    world, status = picture(), page.get_by_role("status")

    lamps: dict[str, str] = {}

    async def says(words: str) -> None:
        await page.clock.run_for(300)
        assert words in await status.inner_text()
        state = await page.locator(".fl-room").get_attribute("data-state")
        lamps[state] = await page.locator(".fl-lamp").evaluate("lamp => getComputedStyle(lamp).backgroundColor")

    async def hear(batch: dict[str, Any]) -> None:
        await page.evaluate("(batch) => page.hear(batch)", batch)

    await hear(world.whole(1000.0))
    await says("Live")
    world.lost()
    await hear(world.take(1001.0))
    await says("The platform is gone, and is looked for. This is how it was at")
    assert not await flaws(page, colours=True)
    world.world({"regions": CODES[:2]})
    world.listed([listed()])
    await hear(world.take(1002.0))
    await says("Live")
    assert await page.get_by_text("2 regions, 1 machine").is_visible()
    assert await page.locator(".fl-node").count() == 2
    await page.clock.run_for(8_000)
    await says("No word from the kernel since")
    await hear(world.take(1003.0))
    await says("Live")
    await page.evaluate("(batch) => page.hear(batch, 1, 'another page')", picture().whole(1004.0))
    await says("Live")
    assert await page.get_by_text("2 regions, 1 machine").is_visible()  # that was not for this one
    world.ended()
    await hear(world.take(1005.0))
    await says("The control room was closed at")
    await page.clock.run_for(8_000)
    await says("The control room was closed at")  # and no longer waited for
    await page.evaluate("page.fire('comm_live_update')")
    await says("The kernel that drew this is gone: run the notebook again.")
    assert set(lamps) == {"live", "lost", "silent", "gone", "ended"}
    assert lamps["gone"] == lamps["lost"]
    assert len({lamps[state] for state in ("live", "lost", "silent", "ended")}) == 4
    assert not await flaws(page, colours=True)
    assert wrong == []


async def test_a_recording_plays_without_a_kernel(browser: Any) -> None:
    world = picture()
    recording = Recording(began=1000.0)
    recording.hear(world.whole(1000.0))
    world.take(1000.0)
    for number in range(20):
        world.exchange(exchange(f"later {number}", edge="nrt", hops=[hop("sjc")]))
        world.machine(event("m0", ("stopped", "started")[number % 2]))
        recording.hear(world.take(1000.1 + number / 10))
    recording.captions = [
        {"at": 0.0, "title": "Before", "text": "All is calm.", "step": 1, "of": 2},
        {"at": 1.0, "title": "After", "text": "Visitors come.", "step": 2, "of": 2},
        {"at": 1.2, "title": "After", "text": "They came.", "step": 2, "of": 2},
    ]
    told = recording.to_json()

    page, wrong = await open_page(browser, reduced_motion="reduce")
    await page.evaluate("(recording) => page.play(recording)", told)
    button = page.locator(".fl-play")
    assert await button.inner_text() == "Play"  # whoever wants no motion gets none unasked
    await page.get_by_text("All is calm.").wait_for()
    assert not await flaws(page)
    await page.get_by_role("button", name="After").click()
    await page.get_by_text("Visitors come.").wait_for()
    assert await page.locator(".fl-steps button").all_inner_texts() == ["Before", "After"]
    await page.get_by_role("slider").press("Home")
    await page.get_by_text("All is calm.").wait_for()
    await button.click()
    await page.wait_for_function("player.shown > 1.2")  # it waits for whoever reads
    assert await page.get_by_text("All is calm.").is_visible()
    await page.get_by_text("Visitors come.").wait_for(timeout=40_000)
    await page.get_by_role("button", name="Again").wait_for(timeout=40_000)
    assert await page.locator(".fl-tail li:visible").count() == 10
    assert "As recorded" in await page.get_by_role("status").inner_text()
    await shot(page, "recording")
    await page.evaluate("player.destroy()")
    assert await page.get_by_text("A still.").is_visible()  # what was there before

    # With motion it begins by itself where it is seen, draws arcs, and stops where it is not.
    page, more = await open_page(browser, reduced_motion="no-preference")
    await page.evaluate("document.querySelector('h2').style.marginBottom = '4000px'")
    await page.evaluate("(recording) => page.play(recording)", told)
    assert await page.evaluate("player.at") == 0
    await page.locator(".fl-player").scroll_into_view_if_needed()
    await page.wait_for_function("player.at > 0.5 && player.view.map.arcs.drawn > 0", timeout=40_000)
    await page.evaluate("scrollTo(0, 0)")
    await page.wait_for_function("!player.playing", timeout=40_000)
    assert wrong + more == []
