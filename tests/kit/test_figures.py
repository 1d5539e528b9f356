"""Every figure says what it is, and none of them can make a browser fetch or upload anything."""

import json
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import pytest

from flylab.kit import charts, figures, maps, timeline, waterfall
from flylab.kit.figures import Provenance, basis
from flylab.measure import summary

ABOUT = basis("measured", "configured", n=3, unit="ms", date="2026-11-24", note="Two visitors.")
TRACE: dict[str, Any] = {
    "edge": "ams",
    "total_ms": 104.0,
    "hops": [
        {"n": 1, "region": "ams", "started_ms": 0.0, "ended_ms": 3.0, "configured_ms": 1.0, "outcome": "replay"},
        {
            "n": 2,
            "region": "iad",
            "started_ms": 3.0,
            "ended_ms": 104.0,
            "configured_ms": 90.0,
            "outcome": "response",
            "woke": {"requested_ms": 48.0, "started_ms": 49.0, "reachable_ms": 55.0},
        },
    ],
}
SPANS = [
    timeline.Span(machine="a", state="starting", start=0.0, seconds=0.1),
    timeline.Span(machine="a", state="started", start=0.1, seconds=0.4),
    timeline.Span(machine="a", state="haunted", start=0.5, seconds=0.4),
]
MAKERS: dict[str, Callable[[], go.Figure]] = {
    "figure": lambda: figures.figure("A title", ABOUT),
    "dots": lambda: charts.dots("A title", {"ams": [1, 2], "iad": [3]}, ABOUT, x="ms"),
    "stacked": lambda: charts.stacked(
        "A title", ["a"], {"x": ("measured", [1]), "y": ("configured", [2])}, ABOUT, x="ms"
    ),
    "world": lambda: maps.world("A title", ABOUT, machines={"ams": 2}, edges=["iad"], hops=[("ams", "nrt")]),
    "timeline": lambda: timeline.timeline("A title", SPANS, ABOUT),
    "waterfall": lambda: waterfall.waterfall("A title", {"fra": TRACE}, ABOUT),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_figure_carries_kind_n_unit_and_date(name: str) -> None:
    fig = MAKERS[name]()
    (caption,) = [a.text for a in fig.layout.annotations if a.name == "caption"]
    for words in ("measured here", "configured, an input", "n = 3", "unit: ms", "2026-11-24", "local platform"):
        assert words in caption.replace("<br>", " ")
    assert fig.layout.meta["title"] == "A title"
    assert fig.layout.meta["kinds"] == ["measured", "configured"]


@pytest.mark.parametrize("name", MAKERS)
def test_a_figure_works_without_a_network(name: str) -> None:
    text = json.dumps(json.loads(MAKERS[name]().to_json()))
    assert "http" not in text
    assert '"choropleth"' not in text
    assert '"locationmode"' not in text
    assert '"showcoastlines": true' not in text


def test_the_map_shows_no_layer_that_would_be_fetched() -> None:
    geo = MAKERS["world"]().layout.geo
    assert geo.visible is False


def test_no_figure_offers_to_upload_itself() -> None:
    renderer = pio.renderers["plotly_mimetype"]
    assert renderer.config["showSendToCloud"] is False
    assert pio.renderers.default == "plotly_mimetype"


def test_the_four_kinds_differ_by_more_than_colour() -> None:
    assert len({(ink.pattern, ink.symbol) for ink in figures.INK.values()}) == len(Provenance)
    assert len({ink.pattern for ink in figures.INK.values()}) == len(Provenance)
    assert len({ink.symbol for ink in figures.INK.values()}) == len(Provenance)


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", [*figures.SERIES, *(ink.color for ink in figures.INK.values()), figures.TEXT])
@pytest.mark.parametrize("page", ["#ffffff", "#131416"])
def test_colours_stand_out_on_light_and_on_dark(color: str, page: str) -> None:
    """Three to one, what WCAG 2.2 asks of graphics; the site gives text its own colours."""
    light, dark = sorted((_luminance(color), _luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3.0


@pytest.mark.parametrize(("kinds", "n", "unit"), [((), 1, "ms"), (("measured",), 0, "ms"), (("measured",), 1, "")])
def test_a_figure_without_its_basis_is_refused(kinds: tuple[str, ...], n: int, unit: str) -> None:
    with pytest.raises(ValueError, match="states its kinds"):
        basis(*kinds, n=n, unit=unit)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="guessed"):
        basis("guessed", n=1, unit="ms")


def test_published_numbers_carry_no_place() -> None:
    assert "local platform" not in basis("published", n=1, unit="ms", date="2022").caption()


def test_the_median_is_that_of_the_summary() -> None:
    assert figures.median([4, 1, 2, 3]) == summary.quantile([1, 2, 3, 4], 0.5) == 2
