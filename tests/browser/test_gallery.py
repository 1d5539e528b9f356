"""Every type of figure in a browser, on a desk and a phone, light and dark: nothing cut off, nothing from outside."""

from pathlib import Path
from typing import Any

import pytest

from flylab.kit.figures import gallery
from flylab.kit.figures.examples import TYPES
from tests.support import is_outside

pytestmark = pytest.mark.browser

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What is drawn and reaches out of its figure by more than a pixel of rounding.
CUT_OFF = """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
  const box = plot.getBoundingClientRect();
  return [...plot.querySelectorAll('text')]
    .filter(text => text.textContent.trim() && text.getBoundingClientRect().width > 0)
    .filter(text => {
      const own = text.getBoundingClientRect();
      const across = own.left < box.left - 1 || own.right > box.right + 1;
      return across || own.top < box.top - 1 || own.bottom > box.bottom + 1;
    })
    .map(text => plot.closest('section').id + ': ' + text.textContent);
})"""
# Names of rows that touch each other, and numbers of one axis that do.
TOUCHING = """() => [...document.querySelectorAll('.plot')].flatMap(plot =>
  ['.xaxislayer-above', '.yaxislayer-above'].flatMap(layer => {
    const boxes = [...plot.querySelectorAll(layer + ' .xtick text, ' + layer + ' .ytick text')]
      .map(text => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
    return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
      .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
      .map(([other]) => plot.closest('section').id + ': ' + one + ' / ' + other));
  }))"""
FILL = "getComputedStyle(document.querySelector('#dots .plot text')).fill"


async def drawn(page: Any, width: str) -> None:
    for number in range(len(TYPES)):
        await page.locator(".plot").nth(number).scroll_into_view_if_needed()
    count = f"document.querySelectorAll('.plot[data-drawn={width}]').length"
    await page.wait_for_function(f"{count} === {len(TYPES)}", timeout=60_000)
    await page.evaluate("window.scrollTo(0, 0)")


async def test_every_type_is_whole_in_both_themes_and_at_both_widths(browser: Any, tmp_path: Path) -> None:
    address = gallery.write(tmp_path / "gallery").as_uri()
    page = await browser.new_page()
    said: list[str] = []
    page.on("request", lambda request: said.append(request.url) if is_outside(request.url) else None)
    page.on("requestfailed", lambda request: said.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(address)
    # One page that changes its width and its theme, as a reader's does: what is drawn then is drawn anew.
    for width, size in (("wide", 1280), ("narrow", 390)):
        await page.set_viewport_size({"width": size, "height": 900})
        await drawn(page, width)
        assert await page.evaluate(CUT_OFF) == []
        assert await page.evaluate(TOUCHING) == []
        assert await page.evaluate(WIDER) == 0
    await page.locator("#dots .plot").scroll_into_view_if_needed()
    light = await page.evaluate(FILL)
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(f"{FILL} !== {light!r}", timeout=60_000)
    # A name in the legend is a button that hides what it stands for, and shows it again.
    button = page.locator("#stacked button[data-group='imports']")
    bars = "document.querySelectorAll('#stacked .barlayer .trace.bars').length"
    three = await page.evaluate(bars)
    await button.click()
    await page.wait_for_function(f"{bars} === {three - 1}", timeout=60_000)
    assert await button.get_attribute("aria-pressed") == "false"
    await button.press("Enter")
    await page.wait_for_function(f"{bars} === {three}", timeout=60_000)
    assert said == []
