"""The colours can be told apart by everybody and on both pages: computed, not believed."""

import itertools
import math

import pytest

from flylab.kit.figures import palette
from flylab.kit.figures.palette import DARK, GREY, INK, LESS_OR_MORE, LIGHT, PAGES, SCALE, SERIES, SYMBOLS, Provenance

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
# table 1, severity 1.0; applied to linear RGB.
SIGHTS = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
APART = 0.10  # in OKLab; 0.02 is what is just noticed side by side


def seen(color: str, sight: str) -> tuple[float, float, float]:
    """A colour as it is seen, in OKLab (Ottosson 2020), whose distances are even."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    mixed = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in SIGHTS[sight])
    red, green, blue = (min(max(each, 0.0), 1.0) for each in mixed)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_series_look_alike(sight: str) -> None:
    distances = {
        (one, other): math.dist(seen(one, sight), seen(other, sight))
        for one, other in itertools.combinations(SERIES, 2)
    }
    assert min(distances.values()) >= APART, min(distances, key=lambda pair: distances[pair])


def test_the_simulation_tells_what_cannot_be_told_apart() -> None:
    """Red and green of one lightness, as a check of the check."""
    assert math.dist(seen("#c05028", "deuteranopia"), seen("#7f7a28", "deuteranopia")) < APART
    assert math.dist(seen("#c05028", "normal"), seen("#7f7a28", "normal")) > APART


@pytest.mark.parametrize("color", [*SERIES, GREY, *(ink.color for ink in INK.values())])
@pytest.mark.parametrize("page", PAGES)
def test_marks_stand_out_on_both_pages(color: str, page: str) -> None:
    assert palette.contrast(color, PAGES[page].page) >= 3.0


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_text_can_be_read_on_its_page(page: palette.Page) -> None:
    assert palette.contrast(page.text, page.page) >= 4.5
    assert palette.contrast(page.quiet, page.page) >= 4.5


@pytest.mark.parametrize("scale", [SCALE, LESS_OR_MORE])
def test_numbers_in_cells_can_be_read_on_every_colour(scale: tuple[str, ...]) -> None:
    for step in range(101):
        color = palette.on(scale, step / 100)
        assert palette.contrast(palette.legible(color), color) >= 4.5, color


@pytest.mark.parametrize("sight", SIGHTS)
def test_a_scale_runs_in_lightness_for_everybody(sight: str) -> None:
    lightness = [seen(color, sight)[0] for color in SCALE]
    assert lightness == sorted(lightness)
    half = len(LESS_OR_MORE) // 2
    rising = [seen(color, sight)[0] for color in LESS_OR_MORE[: half + 1]]
    falling = [seen(color, sight)[0] for color in LESS_OR_MORE[half:]]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_the_four_kinds_differ_by_more_than_colour() -> None:
    for look in ("pattern", "symbol", "dash", "area", "point", "line", "meaning"):
        assert len({getattr(ink, look) for ink in INK.values()}) == len(Provenance), look
    assert [kind for kind in Provenance if INK[kind].pattern == "/"] == [Provenance.CONFIGURED]
    assert [kind for kind in Provenance if not INK[kind].open] == [Provenance.MEASURED]


def test_a_series_has_a_sign_besides_its_colour() -> None:
    pairs = [palette.series(number) for number in range(len(SERIES) * len(SYMBOLS))]
    assert len(set(pairs)) == len(pairs)


def test_contrast_is_that_of_the_standard() -> None:
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert palette.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_places_of_a_scale() -> None:
    assert palette.on(("#000000", "#ffffff"), 0.5) == "#808080"
    assert [palette.on(SCALE, share) for share in (-1, 0, 1, 2)] == [SCALE[0], SCALE[0], SCALE[-1], SCALE[-1]]
    assert palette.fade("#2079b8", 0.2) == "rgba(32,121,184,0.2)"
