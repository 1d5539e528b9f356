"""Opens every page of a served site as readers do, wide and narrow, light, dark and printed, and says what is amiss."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from flylab.kit.sitecheck.limits import Finding, Limits

SIZES = {"wide": (1440, 900), "narrow": (360, 740)}
Theme = Literal["light", "dark"]
SHARED = ("plotly.min.js",)  # what all pages load once is not part of a page's weight
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = """async (rules) => {
  const { violations } = await axe.run(document, { ...rules, resultTypes: ["violations"] });
  const line = (text, most) => text.replace(/\\s+/g, " ").slice(0, most);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${line(html, 120)}: ${line(failureSummary, 200)}`));
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a page is opened. ``colors``: axe-core looks at them too, which takes it five times as long as the rest."""

    size: str
    theme: Theme
    colors: bool = False

    def __str__(self) -> str:
        return f"{self.size}, {self.theme}"


# The contrast of all text is computed in every view; axe-core's own look at it is needed once for each theme.
FULL = tuple(View(size=size, theme=theme, colors=size == "wide") for size in SIZES for theme in ("light", "dark"))


@dataclass(slots=True, kw_only=True)
class Seen:
    """One page after it was looked at."""

    page: str
    figures: int = 0
    weight: int = 0
    shift: float = 0.0
    findings: list[Finding] = field(default_factory=list)


async def site(
    context: Any,
    address: str,
    pages: Iterable[str],
    *,
    limits: Limits | None = None,
    views: Sequence[View] = FULL,
    paper: bool = True,
    pictures: Path | None = None,
    patience: float = 60_000,
) -> list[Seen]:
    """Look at each page in a Playwright context; ``pictures`` is a folder for screenshots and printed pages.

    ``patience`` is how many milliseconds the figures of a page may take (our choice, for a computer that is busy).
    """
    tab = await context.new_page()
    await tab.add_init_script(files(__package__).joinpath("probe.js").read_text("utf-8"))
    watch = _Watch(tab, address)
    try:
        looks = [_Look(tab, watch, f"{address}/{name}", name, limits or Limits(), pictures, patience) for name in pages]
        return [await each.all(views, paper=paper) for each in looks]
    finally:
        await tab.close()


class _Watch:
    """What a page asked for and complained about, since it was asked last."""

    def __init__(self, tab: Any, address: str) -> None:
        self.said: list[tuple[str, str]] = []
        self.own = (address, "data:", "blob:", "about:")
        tab.on(
            "request", lambda request: self._note("outside", request.url, amiss=not request.url.startswith(self.own))
        )
        tab.on("response", lambda answer: self._note("missing", answer.url, amiss=answer.status >= 400))
        tab.on("console", lambda line: self._note("console", line.text, amiss=line.type in ("error", "warning")))
        tab.on("pageerror", lambda error: self._note("console", str(error), amiss=True))

    def _note(self, rule: str, what: str, *, amiss: bool) -> None:
        if amiss:
            self.said.append((rule, what))

    def take(self) -> list[tuple[str, str]]:
        said, self.said = self.said, []
        return said


class _Look:
    """One page on its way through the views."""

    def __init__(
        self, tab: Any, watch: _Watch, url: str, page: str, limits: Limits, pictures: Path | None, patience: float
    ) -> None:
        self.tab, self.watch, self.url, self.limits = tab, watch, url, limits
        self.pictures, self.patience = pictures, patience
        self.seen = Seen(page=page)

    async def all(self, views: Sequence[View], *, paper: bool) -> Seen:
        for view in views:
            await self.view(view)
        if paper:
            await self.paper()
        return self.seen

    async def view(self, view: View) -> None:
        """Load the page as new, read it to its end, and measure it."""
        width, height = SIZES[view.size]
        await self.tab.emulate_media(media="screen", color_scheme=view.theme, reduced_motion="reduce")
        await self.tab.set_viewport_size({"width": width, "height": height})
        await self.tab.goto(self.url)
        await self.read(view.theme, str(view))
        shift = await self.tab.evaluate("probe.shifts()")
        weight = await self.tab.evaluate("(without) => probe.weight(without)", list(SHARED))
        self.seen.figures = await self.tab.locator(".plot").count()
        self.seen.shift = max(self.seen.shift, shift["sum"])
        self.seen.weight = max(self.seen.weight, weight["sum"])
        limits = self.limits
        if shift["sum"] >= limits.shift:
            self.found(view, "shift", [f"{shift['sum']:.3f}: {', '.join(shift['what'])}"])
        if weight["sum"] > limits.weight:
            largest = ", ".join(f"{name} {size:,}" for name, size in weight["parts"][:4])
            self.found(view, "weight", [f"{weight['sum']:,} bytes: {largest}"])
        self.found(view, "sideways", await self.tab.evaluate("probe.sideways()"))
        self.found(view, "contrast", await self.tab.evaluate(_CONTRAST, [limits.contrast, limits.large_contrast]))
        self.found(view, "cut", await self.tab.evaluate("probe.cut()"))
        self.found(view, "overlap", await self.tab.evaluate("probe.touching()"))
        self.found(view, "unsaid", await self.tab.evaluate("probe.unsaid()"))
        if view.size == "narrow":
            self.found(view, "text", await self.tab.evaluate("(least) => probe.small(least)", limits.text))
            self.found(view, "target", await self.tab.evaluate("(least) => probe.targets(least)", limits.target))
        self.found(view, "axe", await self.axe(colors=view.colors))
        await self.picture(f"{view.size}-{view.theme}")
        for rule, what in self.watch.take():
            self.found(view, rule, [what])

    async def paper(self) -> None:
        """Print the page out of the dark, where a dark page must become a light one."""
        width, height = self.limits.sheet
        await self.tab.emulate_media(media="screen", color_scheme="dark", reduced_motion="reduce")
        await self.tab.set_viewport_size({"width": width, "height": height})
        if not self.tab.url.startswith(self.url):
            await self.tab.goto(self.url)
            await self.read("dark", "print")
        await self.tab.emulate_media(media="print", color_scheme="dark", reduced_motion="reduce")
        await self.read("light", "print")
        limits = self.limits
        self.found("print", "sideways", await self.tab.evaluate("probe.sideways()"))
        self.found("print", "contrast", await self.tab.evaluate(_CONTRAST, [limits.contrast, limits.large_contrast]))
        self.found("print", "cut", await self.tab.evaluate("probe.cut()"))
        self.found("print", "paper", await self.tab.evaluate("(height) => probe.unprintable(height)", height))
        await self.picture("print")
        for rule, what in self.watch.take():
            self.found("print", rule, [what])

    async def read(self, theme: str, view: str) -> None:
        problem = await self.tab.evaluate("([theme, patience]) => probe.read(theme, patience)", [theme, self.patience])
        if problem:
            self.found(view, "drawn", [problem])

    async def axe(self, *, colors: bool) -> list[str]:
        """What axe-core complains about: rule, place, reason."""
        script = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
        await self.tab.evaluate(f"{script}; undefined")
        rules = {"runOnly": _TAGS, "rules": {"color-contrast": {"enabled": colors}}}
        found: list[str] = await self.tab.evaluate(_AXE, rules)
        return found

    async def picture(self, what: str) -> None:
        if self.pictures is None:
            return
        self.pictures.mkdir(parents=True, exist_ok=True)
        name = self.seen.page.removesuffix(".html").replace("/", "-")
        if what == "print":
            await self.tab.pdf(path=self.pictures / f"{name}.pdf", format="A4", print_background=True)
        else:
            await self.tab.screenshot(path=self.pictures / f"{name}-{what}.png", full_page=True)

    def found(self, view: object, rule: str, lines: Iterable[str]) -> None:
        page = self.seen.page
        self.seen.findings += [Finding(page=page, view=str(view), rule=rule, what=line) for line in lines]


_CONTRAST = "([normal, large]) => probe.contrast(normal, large)"
