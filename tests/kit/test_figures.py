"""Every figure says what it is, as a picture, in words and as a table, and makes no browser fetch anything."""

import csv
import io
import json
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import pytest

from flylab.errors import UsageError
from flylab.kit import charts, figures, geo, maps, timeline, waterfall
from flylab.kit.figures import Figure, Sheet, assets, basis, page, theme
from flylab.kit.figures.examples import TYPES
from flylab.kit.figures.table import FEW, as_csv, thinned
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
MAKERS: dict[str, Callable[[], Figure]] = {
    "dots": lambda: charts.dots("A title", {"ams": [1, 2], "iad": [3]}, ABOUT, x="ms"),
    "stacked": lambda: charts.stacked(
        "A title", ["a"], {"x": ("measured", [1]), "y": ("configured", [2])}, ABOUT, x="ms"
    ),
    "world": lambda: maps.world("A title", ABOUT, machines={"ams": 2}, edges=["iad"]),
    "timeline": lambda: timeline.timeline("A title", SPANS, ABOUT),
    "waterfall": lambda: waterfall.waterfall("A title", {"fra": TRACE}, ABOUT),
}


@pytest.fixture(scope="module")
def examples() -> dict[str, Figure]:
    return {name: make() for name, make in TYPES.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_figure_carries_kind_n_unit_and_date(name: str) -> None:
    made = MAKERS[name]()
    (caption,) = [a.text for a in made.plot.layout.annotations if a.name == "caption"]
    for words in ("measured here", "configured, an input", "n = 3", "unit: ms", "2026-11-24", "local platform"):
        assert words in caption.replace("<br>", " ")
    assert (made.title, made.n, made.unit, made.date) == ("A title", 3, "ms", "2026-11-24")
    assert made.provenance == ABOUT.kinds
    assert made.plot.layout.meta["kinds"] == ["measured", "configured"]


@pytest.mark.parametrize("name", TYPES)
def test_a_figure_is_also_a_text_and_a_table(name: str, examples: dict[str, Figure]) -> None:
    made = examples[name]
    assert made.title in made.alt or made.title.rstrip(".") in made.alt
    assert made.caption in made.alt
    assert made.rows
    assert made.n > 0
    shown = made.table()._repr_mimebundle_()
    assert shown["text/html"].count("<tr>") == min(len(made.rows), 400) + 1
    assert len(shown["text/plain"].splitlines()) == len(made.rows) + 1


@pytest.mark.parametrize("name", TYPES)
def test_a_figure_works_without_a_network(name: str, examples: dict[str, Figure]) -> None:
    text = examples[name].to_json()
    assert "http" not in text
    for fetched in ('"choropleth"', '"locationmode"', '"showcoastlines":true', '"scattermap'):
        assert fetched not in text
    assert all(geo.visible is False for geo in [examples[name].plot.layout.geo] if "geo" in name)


@pytest.mark.parametrize("name", TYPES)
def test_what_a_narrow_page_changes_is_there_to_be_changed(name: str, examples: dict[str, Figure]) -> None:
    """Applied as the write-up's script does, the result is a figure that plotly accepts."""
    made = json.loads(examples[name].to_json())
    narrow = made["layout"].pop("meta")["narrow"]
    for place, changes in narrow["traces"].items():
        trace = made["data"][int(place)]
        assert not set(changes) - set(go.Figure(data=[trace]).data[0]._valid_props)
        trace.update(changes)
    go.Figure(data=made["data"], layout=made["layout"]).update_layout(narrow["layout"])
    assert narrow["area"] >= 100


@pytest.mark.parametrize("name", TYPES)
def test_only_what_was_configured_is_hatched(name: str, examples: dict[str, Figure]) -> None:
    hatched = [trace for trace in examples[name].plot.data if trace.type == "bar" and trace.marker.pattern.shape]
    keys = {key["name"]: key["kind"] for key in examples[name].plot.layout.meta["keys"]}
    assert all(trace.marker.pattern.shape == "/" and keys[trace.name] == "configured" for trace in hatched)


@pytest.mark.parametrize("name", TYPES)
def test_a_legend_names_each_group_once(name: str, examples: dict[str, Figure]) -> None:
    made = examples[name].plot
    shown = [trace.legendgroup for trace in made.data if trace.legendgroup and trace.showlegend]
    assert len(shown) == len(set(shown))
    if made.layout.meta["keys"]:
        assert set(shown) == {key["name"] for key in made.layout.meta["keys"]}


def test_a_cell_shows_the_plot_and_says_it_in_words() -> None:
    made = MAKERS["dots"]()
    bundle = made._repr_mimebundle_()
    assert bundle["application/vnd.plotly.v1+json"]["layout"]["meta"]["alt"] == made.alt
    assert bundle["text/plain"] == made.alt
    assert "text/html" not in bundle


def test_no_figure_offers_to_upload_itself() -> None:
    renderer = pio.renderers["plotly_mimetype"]
    assert renderer.config["showSendToCloud"] is False
    assert pio.renderers.default == "plotly_mimetype"


@pytest.mark.parametrize(("kinds", "n", "unit"), [((), 1, "ms"), (("measured",), 0, "ms"), (("measured",), 1, "")])
def test_a_figure_without_its_basis_is_refused(kinds: tuple[str, ...], n: int, unit: str) -> None:
    with pytest.raises(ValueError, match="states its kinds"):
        basis(*kinds, n=n, unit=unit)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="guessed"):
        basis("guessed", n=1, unit="ms")


def test_published_numbers_carry_no_place() -> None:
    assert "local platform" not in basis("published", n=1, unit="ms", date="2022").caption()


def test_a_kind_is_explained_as_it_is_drawn() -> None:
    about = basis("configured", n=1, unit="ms")
    assert about.caption().startswith("hatched: configured")
    assert about.caption("line").startswith("dashed line: configured")
    assert about.caption("dot").startswith("open squares: configured")
    assert about.caption("cell").startswith("configured")


def test_the_median_is_that_of_the_summary() -> None:
    assert figures.median([4, 1, 2, 3]) == summary.quantile([1, 2, 3, 4], 0.5) == 2


def test_an_empty_figure_in_our_look() -> None:
    assert figures.figure("A title", ABOUT).layout.meta["title"] == "A title"


def test_long_names_wrap_beside_their_row_and_stand_above_it_on_a_phone() -> None:
    sheet = Sheet(ABOUT, area=0)
    name = "a name that is longer than what fits beside a row, and than a phone is wide"
    sheet.named_rows([name, "b"])
    (first, second) = sheet.plot.layout.yaxis.ticktext
    assert first.replace("<br>", " ") == name
    assert second == "b"
    (above, _) = sheet.narrow["annotations"]
    assert above["text"].endswith("…")
    assert len(above["text"]) <= 52
    assert sheet.narrow["yaxis"]["showticklabels"] is False


def test_names_are_shown_letter_by_letter() -> None:
    made = charts.stacked("a < b & c", ["<b>row</b>"], {"x<y": ("measured", [1])}, ABOUT, x="ms")
    assert made.plot.layout.title.text == "a &lt; b &amp; c"
    assert list(made.plot.layout.yaxis.ticktext) == ["&lt;b>row&lt;/b>"]
    assert made.plot.data[0].name == "x&lt;y"
    assert ">a &lt; b &amp; c</figcaption>" in page.fragment(json.loads(made.to_json()))


def test_a_page_holds_title_plot_legend_footer_and_table() -> None:
    text = page.fragment(json.loads(MAKERS["stacked"]().to_json()))
    drawn = json.loads(text.split('application/json">')[1].split("</script>")[0])
    assert ">A title</figcaption>" in text
    assert text.count("<button") == 2
    assert "hatched: configured, an input" in text
    assert "<summary>The numbers (2 rows)</summary>" in text
    assert not {"template", "title", "meta", "height", "legend"} & set(drawn["layout"])
    assert re.search(r'style="--wide:\d+px;--narrow:\d+px"', text)  # known before anything is drawn


def test_a_long_table_is_thinned_says_so_and_names_the_file_with_all_rows() -> None:
    rows = [{"ms": float(each)} for each in range(1000)]
    meta = {"title": "Many", "table": rows}
    text = page.fragment({"data": [], "layout": {"meta": meta}}, download="figures/a&b.csv")
    assert "<summary>The numbers (1,000 rows)</summary>" in text
    assert "Shown are 60 of 1,000 rows" in text
    assert '<a href="figures/a&amp;b.csv" download>All 1,000 rows as CSV</a>' in text
    assert text.count("<tr>") == 61  # with the head
    assert {">0</td>", ">999</td>"} <= set(re.findall(r">\d+</td>", text))
    assert "All of them are in the data of the run" in page.fragment({"data": [], "layout": {"meta": meta}})
    short = page.fragment({"data": [], "layout": {"meta": {**meta, "table": rows[:60]}}}, download="a.csv")
    assert "Shown are" not in short
    assert ">This table as CSV</a>" in short
    assert short.count("<tr>") == 61


def test_what_is_drawn_has_the_digits_that_can_be_seen_and_times_keep_all() -> None:
    data = [{"x": [0.123456789012, 1234567.891, 5, None, True], "y": "0.123456789012"}]
    text = page.fragment({"data": data, "layout": {}})
    drawn = json.loads(text.split('application/json">')[1].split("</script>")[0])
    assert drawn["data"] == [{"x": [0.123457, 1234567.891, 5, None, True], "y": "0.123456789012"}]


def test_the_land_of_a_map_is_named_and_not_repeated() -> None:
    plot = json.loads(MAKERS["world"]().to_json())
    text = page.fragment(plot)
    drawn = json.loads(text.split('application/json">')[1].split("</script>")[0])
    assert [trace.get("land") for trace in drawn["data"]].count(True) == 1
    assert len(text) < 12_000
    steps = [json.loads(part.split(")")[0]) for part in assets.land().split("places(")[1:]]
    assert len(steps) == 2
    for given, outline in zip(steps, geo.outline(), strict=True):
        known = [each for each in given if each is not None]
        back = iter(total / 10 for total in accumulate(known))
        assert [None if each is None else next(back) for each in given] == outline


def test_a_table_as_csv_has_every_row_and_every_digit() -> None:
    rows = [{"a": 0.12345678901234566, "b": 'say "no", twice'}, {"a": None, "c": 3}]
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert read[0] == {"a": "0.12345678901234566", "b": 'say "no", twice', "c": ""}
    assert read[1] == {"a": "", "b": "", "c": "3"}


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 400, 12_345])
def test_thinning_keeps_both_ends_and_the_order(count: int) -> None:
    rows = [{"n": number} for number in range(count)]
    kept = [row["n"] for row in thinned(rows)]
    assert len(kept) == min(count, FEW)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert kept == sorted(set(kept))


def test_a_figure_of_another_library_is_shown_with_what_it_says() -> None:
    text = page.fragment({"data": [], "layout": {"title": {"text": "Theirs"}}})
    assert "Theirs" in text
    assert "<details>" not in text


def test_themes_are_chosen_by_name_by_the_environment_and_by_the_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FLYLAB_THEME", "JPY_SESSION_NAME", "JUPYTERLAB_SETTINGS_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert theme.current().name == "light"
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", "03-replay.ipynb")
    assert theme.current().name == "light"
    settings = tmp_path / "lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{\n  // a remark\n  "theme": "JupyterLab Dark"\n}')
    assert theme.current().name == "dark"
    settings.write_text('{"theme": "JupyterLab Dark", "adaptive-theme": true}')
    assert theme.current().name == "light"
    monkeypatch.setenv("FLYLAB_THEME", "dark")
    assert theme.current().name == "dark"
    try:
        figures.use("light")
        assert theme.current().name == "light"
    finally:
        figures.use("auto")
    with pytest.raises(UsageError, match="no theme 'sepia'"):
        figures.use("sepia")


def test_the_themes_of_the_write_up_differ_and_have_its_background() -> None:
    themes = json.loads(theme.as_script().partition("self.plotThemes = ")[2].rstrip(";\n"))
    assert set(themes) == {"light", "dark"}
    assert themes["light"]["layout"]["font"]["color"] != themes["dark"]["layout"]["font"]["color"]
    assert themes["dark"]["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
