"""The colours of every figure and how each kind of number is drawn; nothing here knows of plotly.

One set of colours serves light pages and dark ones, so that a figure changes its theme without being drawn anew: each
colour of a mark has a contrast of at least 3 : 1 to both pages (WCAG 2.2, 1.4.11), text at least 4.5 : 1 to its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Provenance(StrEnum):
    """Where the numbers of a figure come from; each kind is drawn differently everywhere."""

    MEASURED = "measured"
    CONFIGURED = "configured"
    SIMULATED = "simulated"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Ink:
    """How one kind of number is drawn: areas by ``pattern``, points by ``open`` and ``symbol``, lines by ``dash``.

    ``area``, ``point`` and ``line`` say the same in words, for the footer: only what a figure holds is explained there.
    """

    color: str
    pattern: str
    symbol: str
    dash: str
    area: str
    point: str
    line: str
    meaning: str

    @property
    def open(self) -> bool:
        """Whether a point is drawn as its outline only."""
        return self.symbol.endswith("-open")

    def says(self, mark: str = "area") -> str:
        """``hatched: configured, an input``."""
        # A cell of a matrix is coloured by its number, so nothing is left to draw the kind with.
        look = {"dot": f"{self.point}: ", "line": f"{self.line}: ", "cell": ""}.get(mark, f"{self.area}: ")
        return look + self.meaning


# Found by search: the least distance between two of them, in OKLab and for the worst of normal sight and three kinds
# of colour blindness, is 0.10 (tests/kit/test_palette.py computes it); a seventh colour would bring it below that.
SERIES = ("#2079b8", "#c2701c", "#18a0c8", "#c02050", "#8020f8", "#889080")
# A second sign for each series, since a colour alone is no name; repeats after another number than the colours do.
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "hexagon", "star")
GREY = "#848b96"

INK: Mapping[Provenance, Ink] = {
    Provenance.MEASURED: Ink(SERIES[0], "", "circle", "solid", "solid", "filled points", "solid line", "measured here"),
    Provenance.CONFIGURED: Ink(
        GREY, "/", "square-open", "dash", "hatched", "open squares", "dashed line", "configured, an input"
    ),
    Provenance.SIMULATED: Ink(
        SERIES[4], "x", "triangle-up-open", "dot", "crossed", "open triangles", "dotted line", "simulated"
    ),
    Provenance.PUBLISHED: Ink(
        SERIES[1],
        ".",
        "diamond-open",
        "dashdot",
        "dotted area",
        "open diamonds",
        "dash-dotted line",
        "published by others",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The colours of one theme that are not those of marks."""

    name: str
    page: str
    text: str
    quiet: str
    grid: str


# The pages are those of the write-up's theme, Furo; JupyterLab's differ from them by a shade.
LIGHT = Page(name="light", page="#ffffff", text="#24292f", quiet="#57606a", grid="#dfe3e8")
DARK = Page(name="dark", page="#131416", text="#e3e7ec", quiet="#a2abb6", grid="#33383f")
PAGES: Mapping[str, Page] = {page.name: page for page in (LIGHT, DARK)}

LAND = "rgba(125,135,150,0.22)"
COAST = "rgba(125,135,150,0.45)"

# For areas of colour: from little to much, and from less through equal to more. Both run in lightness as well as in
# hue (a dark blue to a light yellow; blue against orange), so that they are read without seeing colour.
SCALE = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")
LESS_OR_MORE = ("#0b4f86", "#3b82bd", "#8fb8dc", "#f1efe9", "#eab580", "#cf7a2a", "#8a4208")
MISSING = "–"


def series(number: int) -> tuple[str, str]:
    """The colour and the symbol of a series, counted from 0; pairs repeat after 42."""
    return SERIES[number % len(SERIES)], SYMBOLS[number % len(SYMBOLS)]


def fade(color: str, alpha: float) -> str:
    """``#2079b8`` → ``rgba(32,121,184,0.2)``."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def luminance(color: str) -> float:
    """The relative luminance of ``#rrggbb`` as WCAG 2.2 defines it."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def on(scale: tuple[str, ...], share: float) -> str:
    """The colour at a place of a scale, 0 to 1."""
    place = min(max(share, 0.0), 1.0) * (len(scale) - 1)
    low = min(int(place), len(scale) - 2)
    part = place - low
    ends = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in scale[low : low + 2]]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(*ends, strict=True))


def legible(color: str) -> str:
    """Black or white, whichever is read better on a colour; the worse of all colours still gives 4.5 : 1."""
    return max("#000000", "#ffffff", key=lambda text: contrast(text, color))
