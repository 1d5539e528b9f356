"""The write-up in a browser: every page as readers get it, wide and narrow, light, dark and printed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flylab.kit import site, widgets
from flylab.kit.sitecheck import links, look
from flylab.kit.sitecheck.limits import REMARKS
from flylab.kit.sitecheck.look import View
from flylab.kit.sitecheck.serve import serving
from flylab.kit.verdict import Headline, Verdicts, documented
from tests.kit.executed import sources
from tests.kit.test_figures import MAKERS
from tests.kit.written import HEADER
from tests.support import PICTURES, ROOT

pytestmark = pytest.mark.browser

REAL = ROOT / "build" / "site"
MADE_FROM = ("site", "lib/flylab/kit", "build/executed")
FIGURES = ("world", "waterfall", "timeline", "dots", "stacked")
CODE = 'record = Record("01", target=target)  # a comment, a "text" and a number: 40\nawait record.run(40)'
WIDE, NARROW = View(size="wide", theme="light"), View(size="narrow", theme="dark")
FIRST = (View(size="wide", theme="dark", colors=True), View(size="narrow", theme="light"))
COLORS = View(size="wide", theme="light", colors=True)
PARTS = 3  # tests for the pages, so that none takes long where the computer is busy


def fresh() -> bool:
    """Whether the real site was built of what lies here now, as after `make demo`; then it is what is looked at."""
    made = REAL / "index.html"
    files = [path for name in MADE_FROM for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts]
    return made.exists() and all(path.stat().st_mtime <= made.stat().st_mtime for path in files if path.is_file())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real site where it is fresh, else one of a chapter with a figure of each kind, run on both targets."""
    if fresh():
        return REAL
    place = tmp_path_factory.mktemp("site")
    for target, executed in (("local", place / "executed"), ("fly", place / "executed" / "fly")):
        executed.mkdir(parents=True)
        (executed / "01-figures.ipynb").write_text(json.dumps(notebook(target)), encoding="utf-8")
    pages, missing = site.collect(place / "executed", sources(place / "notebooks", "01-figures"))
    return site.make(pages, missing, place)


def notebook(target: str) -> dict[str, Any]:
    """An executed chapter with everything that a page can hold."""
    verdicts = Verdicts("01", target=target)
    rule = documented(
        "monitoring/error-codes", "A request is replayed ten times at most, however often it is asked for"
    )
    verdicts.predict("chain", "The eleventh replay is refused as PA02.", rule)
    panel = widgets.Panel("Panel", [])
    panel.picture.value = widgets.rows(["", "what came back"], [["`one`", "two"]])
    shown: list[tuple[Any, list[str]]] = [(verdicts, [])]
    shown += [(MAKERS[name](), ["headline", "hide-input"] if name == "dots" else ["hide-input"]) for name in FIGURES]
    verdicts.result("chain", "instance=fc702ce96df1c3;region=ams;t=1795489013747399;state=blue@3", holds=True)
    shown += [
        (verdicts.table(), []),
        (panel, []),
        (Headline(text="It takes 3 ms", kind="measured", n=3, target=target), []),
    ]
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "header", "source": HEADER.format(number="01")}]
    for number, (what, tags) in enumerate(shown):
        bundle = json.loads(json.dumps(what._repr_mimebundle_(), default=str))
        output = {"output_type": "display_data", "data": bundle, "metadata": {}}
        cell = {"cell_type": "code", "id": f"c{number}", "source": CODE, "outputs": [output], "execution_count": number}
        cells.append(cell | {"metadata": {"tags": tags}})
    cells[0]["metadata"] = {}
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as where:
        yield where


@pytest.fixture
def names(folder: Path) -> list[str]:
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.html")]
    return sorted(set(found) - set(links.SPHINX))


def chapter(names: list[str]) -> str:
    return next(name for name in names if name[:2] == "01")


@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_troubles_a_reader(browser: Any, address: str, folder: Path, names: list[str], part: int) -> None:
    kept = ROOT / "build" / "screens" / ("site" if folder == REAL else "site-trial") if PICTURES else None
    # `make site` looks at all pages in all views; here the first page and a chapter get several, and any other one.
    first, shown, *rest = sorted(names, key=lambda name: (name != "index.html", name != chapter(names), name))
    asked = {first: (FIRST, False), shown: ((WIDE, NARROW), True)}
    asked |= {name: ((NARROW if name[:2].isdigit() else WIDE,), False) for name in rest}
    asked["reproduce.html"] = ((COLORS,), False)  # the smallest: axe-core looks at colours for long
    seen = []
    for name in list(asked)[part::PARTS]:
        views, paper = asked[name]
        seen += await look.site(browser, address, [name], views=views, paper=paper, pictures=kept)
    # Which labels come to lie on each other depends on what was measured.
    findings = [finding for page in seen for finding in page.findings if finding.rule not in REMARKS]
    assert [str(finding) for finding in findings] == []
    assert part != 1 or seen[0].figures > 0


def test_no_link_leads_nowhere_and_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    assert [str(finding) for finding in links.check(folder)] == []


async def test_figures_follow_their_reader(browser: Any, address: str, names: list[str]) -> None:
    """One browser for all of it: to start another takes as long as what is asked of it."""
    where = f"{address}/{chapter(names)}"
    page = await browser.new_page()
    await theme_is_chosen(page, where)
    await paper_is_light(page, where)
    await words_stand_in(browser.browser, where)


async def theme_is_chosen(page: Any, where: str) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto(where)
    plot = page.locator(".plot").first
    await plot.scroll_into_view_if_needed()
    color = "document.querySelector('.plot[data-drawn] text')?.style.fill"
    await page.wait_for_function(color, timeout=60_000)
    light = await page.evaluate(color)
    await page.evaluate("document.body.dataset.theme = 'dark'")
    await page.wait_for_function(f"{color} !== {light!r}", timeout=60_000)
    # A reader without eyes for it hears the text of the figure and the names of its buttons, and no letters.
    assert await plot.get_attribute("role") == "group"
    assert await plot.locator(".main-svg:not([aria-hidden=true])").count() == 0
    # Plotly would offer to upload the figure.
    titles = await page.eval_on_selector_all(".modebar-btn", "buttons => buttons.map(b => b.dataset.title || '')")
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]


async def paper_is_light(page: Any, where: str) -> None:
    """Who prints at once gets every figure, and goes on reading in their own theme."""
    await page.emulate_media(color_scheme="dark")
    await page.goto(where)
    await page.wait_for_function("self.Plotly && self.plotLand", timeout=60_000)  # loaded, and hardly anything is drawn
    drawn = "[...document.querySelectorAll('.plot')].map(({ dataset }) => dataset.theme ?? 'not drawn')"
    # What a browser does before it lays a page out for paper: promises are kept, and nothing else is waited for.
    keep = "for (let i = 0; i < 99; i++) await null"
    printed = await page.evaluate(f"async () => {{ dispatchEvent(new Event('beforeprint')); {keep}; return {drawn}; }}")
    assert set(printed) == {"light"}
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    await page.locator(".plot").first.scroll_into_view_if_needed()
    await page.wait_for_function("document.querySelector('.plot').dataset.theme === 'dark'", timeout=60_000)


async def words_stand_in(browser: Any, where: str) -> None:
    """Without scripts each figure is told in words."""
    context = await browser.new_context(java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(where)
        box = await page.locator(".plot").first.bounding_box()
        assert box
        assert 20 < box["height"] < 200  # a few lines, where the figure has hundreds of pixels
    finally:
        await context.close()
