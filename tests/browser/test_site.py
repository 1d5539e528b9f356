"""The write-up in a browser: wide and narrow, light and dark; nothing from outside, nothing broken, nothing cut off."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flylab.kit import site
from tests.kit.trial import Trial
from tests.kit.written import chapter
from tests.support import PICTURES, ROOT, is_outside

pytestmark = pytest.mark.browser

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DRAWN = "document.querySelectorAll('.plot[data-drawn]').length"
FIGURES = """
from flylab.kit import figures, maps, widgets
from flylab.kit.verdict import Headline, Verdicts, documented
from tests.kit.test_figures import MAKERS
"""
VERDICTS = """
verdicts = Verdicts("01")
rule = documented("monitoring/error-codes", "A request is replayed at most ten times, however often it is asked for")
verdicts.predict("chain", "The eleventh replay is refused as PA02.", rule)
verdicts.result("chain", "instance=fc702ce96df1c3;region=ams;t=1795489013747399;state=blue@3", holds=True)
verdicts.table()
"""
REAL = ROOT / "build" / "site"
SIZES = {"wide": 1280, "narrow": 390}


@pytest.fixture(scope="module")
def trial_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of one chapter that holds one figure of each kind, a table and a panel."""
    trial = Trial(tmp_path_factory.mktemp("site"))
    names = ("world", "waterfall", "timeline", "dots", "stacked")
    cells = [FIGURES, *(f"MAKERS['{name}']()" for name in names), VERDICTS, "widgets.Panel('Panel', [])"]
    headline = "Headline(text='It works', kind='measured', n=3)"
    chapter(trial.notebooks, "01-figures.ipynb", f"import sys; sys.path.insert(0, {str(ROOT)!r})", *cells, headline)
    code, _, err = trial.run()
    assert code == 0, err
    pages, missing = site.collect(trial.build / "executed", trial.notebooks)
    made = site.make(pages, missing, trial.build)
    trial.close()
    return made


@pytest.fixture(params=["trial", "real"], scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    """The trial site, and the real one where it was built."""
    if request.param == "trial":
        return Path(request.getfixturevalue("trial_site"))
    if not (REAL / "index.html").exists():
        pytest.skip("the site was not built here: run make demo")
    return REAL


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def kept(folder: Path) -> Path:
    """Where to leave the screenshots for somebody to look at."""
    name = "site" if folder == REAL else "site-trial"
    (ROOT / "build" / "screens" / name).mkdir(parents=True, exist_ok=True)
    return ROOT / "build" / "screens" / name


@pytest.fixture
def chapters_of(folder: Path) -> list[str]:
    return ["index.html", *sorted(path.name for path in folder.glob("[0-9][0-9]-*.html"))]


async def read(page: Any, address: str) -> dict[str, int]:
    """Open a page, scroll to every figure as a reader does, and say how many were drawn."""
    await page.goto(address)
    await page.evaluate("document.fonts.ready")
    count = await page.locator(".plot").count()
    for number in range(count):
        await page.locator(".plot").nth(number).scroll_into_view_if_needed()
    await page.wait_for_function(f"{DRAWN} === {count}", timeout=60_000)
    return {"figures": count, "labelled": await page.locator(".plot[aria-label]").count()}


@pytest.mark.parametrize("size", SIZES)
async def test_every_page_is_whole_and_asks_nobody(
    browser: Any, address: str, chapters_of: list[str], kept: Path, size: str
) -> None:
    page = await browser.new_page()
    await page.set_viewport_size({"width": SIZES[size], "height": 900})
    outside: list[str] = []
    failed: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if is_outside(request.url) else None)
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    total = 0
    for name in chapters_of:
        await page.emulate_media(color_scheme="light")
        seen = await read(page, f"{address}/{name}")
        total += seen["figures"]
        assert seen["labelled"] == seen["figures"], name
        await page.evaluate("window.scrollTo(0, 0)")
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(WIDER) == 0, (name, scheme)
            if PICTURES:
                await page.screenshot(path=kept / f"{name.removesuffix('.html')}-{size}-{scheme}.png", full_page=True)
    assert total >= 5
    assert (outside, failed, said) == ([], [], [])


async def test_figures_follow_the_theme_that_the_reader_chooses(
    browser: Any, address: str, chapters_of: list[str]
) -> None:
    page = await browser.new_page()
    await page.emulate_media(color_scheme="light")
    await read(page, f"{address}/{chapters_of[1]}")
    color = "document.querySelector('.plot[data-drawn] text').style.fill"
    light = await page.evaluate(color)
    await page.evaluate("document.body.dataset.theme = 'dark'")
    # What is out of sight takes the new theme when the reader comes back to it.
    await page.locator(".plot").first.scroll_into_view_if_needed()
    await page.wait_for_function(f"{color} !== {light!r}", timeout=60_000)


async def test_no_figure_offers_to_upload_itself(browser: Any, address: str, chapters_of: list[str]) -> None:
    page = await browser.new_page()
    await read(page, f"{address}/{chapters_of[1]}")
    titles = await page.eval_on_selector_all(".modebar-btn", "buttons => buttons.map(b => b.dataset.title || '')")
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]
