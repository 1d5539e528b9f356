"""What each type of figure draws, what it refuses, and that it copes with none, one, many, zero and huge."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.costs import Offer, Workload, bill
from flylab.errors import UsageError
from flylab.kit import charts, costing, maps, reference, timeline, waterfall
from flylab.kit.figures import (
    Figure,
    basis,
    comparison,
    cost_curves,
    ecdf,
    effects,
    formats,
    heat_map,
    histogram,
    over_time,
    phase_bars,
    world_map,
)
from flylab.kit.figures.data import records
from flylab.kit.figures.heatmap import by_geography
from flylab.measure.sample import Sample
from flylab.measure.stats import Floor, compare
from flylab.measure.summary import interval, quantile
from flylab.published.claims import claims

ABOUT = basis("measured", unit="ms", date="2026-11-24")
Rows = list[dict[str, Any]]
# One row that is right for each type, and the type.
DRAWN: dict[str, tuple[Callable[[Rows], Figure], dict[str, Any]]] = {
    "ecdf": (lambda rows: ecdf(rows, ABOUT), {"ms": 1.0, "variant": "a"}),
    "histogram": (lambda rows: histogram(rows, ABOUT), {"ms": 1.0}),
    "phase bars": (lambda rows: phase_bars(rows, ABOUT), {"variant": "a", "phase": "boot", "ms": 1.0}),
    "heat map": (lambda rows: heat_map(rows, ABOUT), {"from": "ams", "to": "iad", "ms": 1.0}),
    "world map": (lambda rows: world_map(rows, ABOUT), {"from": "ams", "to": "iad", "ms": 1.0}),
    "comparison": (lambda rows: comparison(rows, ABOUT), {"name": "a", "value": 1.0}),
    "over time": (lambda rows: over_time(rows, ABOUT), {"at": 0.0, "ms": 1.0}),
    "costs": (lambda rows: cost_curves(rows, ABOUT), {"offer": "a", "load": 1.0, "usd": 1.0}),
}
NUMBER = {"comparison": "value", "costs": "usd"}


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_can_be_drawn_and_says_so(name: str) -> None:
    make, _ = DRAWN[name]
    made = make([])
    assert made.n == 0
    assert made.rows == ()
    if name != "world map":
        assert any(each.text and "No" in each.text for each in made.plot.layout.annotations)


@pytest.mark.parametrize("name", DRAWN)
def test_one_row_is_a_figure(name: str) -> None:
    make, row = DRAWN[name]
    assert make([row]).n == 1


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "world map"])
@pytest.mark.parametrize("value", [0.0, 1e-9, 1e12])
def test_zero_and_huge_values_are_drawn(name: str, value: float) -> None:
    make, row = DRAWN[name]
    made = make([{**row, NUMBER.get(name, "ms"): value}])
    assert "nan" not in made.to_json().lower().split('"meta"')[0].replace("finance", "")
    assert made.title


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("value", [math.nan, math.inf, "12", True])
def test_what_is_no_number_is_refused_by_its_place(name: str, value: object) -> None:
    make, row = DRAWN[name]
    column = NUMBER.get(name, "ms")
    with pytest.raises(UsageError, match=rf"record 0: {column} is .*, and not a finite number"):
        make([{**row, column: value}])


@pytest.mark.parametrize("name", DRAWN)
def test_a_missing_column_is_named(name: str) -> None:
    make, row = DRAWN[name]
    column = next(iter(row))
    with pytest.raises(UsageError, match=rf"no column '{column}'|{column} is None"):
        make([{key: value for key, value in row.items() if key != column}])


@pytest.mark.parametrize("name", DRAWN)
def test_an_unknown_provenance_is_refused(name: str) -> None:
    make, row = DRAWN[name]
    with pytest.raises(UsageError, match="provenance is 'guessed'"):
        make([{**row, "provenance": "guessed"}])


@pytest.mark.parametrize("data", [{"ms": [1]}, "rows", 7, [3]])
def test_what_is_no_list_of_records_is_refused(data: object) -> None:
    with pytest.raises(UsageError, match=r"list of records|not a mapping"):
        records(data)


def test_arrow_tables_and_dataclasses_are_data_too() -> None:
    table = Table.from_pydict({
        "ms": Array([1.0, 3.0], type=DataType.float64()),
        "variant": Array(["a", "b"], type=DataType.string()),
    })  # fmt: skip
    assert ecdf(table, ABOUT).rows == ecdf([{"ms": 1.0, "variant": "a"}, {"ms": 3.0, "variant": "b"}], ABOUT).rows
    with pytest.raises(UsageError, match="no column 'took'; it has 'ms', 'variant'"):
        ecdf(table, ABOUT, value="took")
    sample = Sample(what="x", where="ams", scheduled=0.0, sent=0.0, finished=2.0)
    assert records([sample], "finished")[0]["finished"] == 2.0


def test_a_title_is_given_or_computed_from_the_table() -> None:
    rows = [{"ms": 1.0}]
    assert ecdf(rows, ABOUT, title="As given").title == "As given"
    assert ecdf(rows, ABOUT, title=lambda table: f"{table[0]['n']} value").title == "1 value"
    assert ecdf(rows, ABOUT).title == "Half of all took at most 1 ms"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=80))
def test_a_distribution_is_a_rising_curve_from_nothing_to_all(values: list[float]) -> None:
    made = ecdf([{"ms": value} for value in values], ABOUT)
    band, curve, _ = made.plot.data
    assert list(curve.x) == sorted(curve.x)
    assert list(curve.y) == sorted(curve.y)
    assert (curve.y[0], curve.y[-1], curve.x[-1]) == (0.0, 1.0, max(values))
    ordered = sorted(values)
    low, half = interval(ordered, 0.5), list(band.y).index(0.5)
    assert band.x[half] == low.low
    assert made.rows[0]["p50"] == quantile(ordered, 0.5)


def test_failures_are_counted_and_quantiles_wait_for_enough_values() -> None:
    rows = [{"ms": float(each), "variant": "a"} for each in range(300)]
    rows += [{"ms": None, "variant": "a", "outcome": "503"}] * 2
    made = ecdf(rows, ABOUT)
    (row,) = made.rows
    assert (row["n"], row["failed"], row["p99"]) == (302, 2, None)
    assert row["p95"] == 284.0
    assert "2 failed" in made.plot.data[1].name
    assert ecdf([{"ms": None, "outcome": "503"}], ABOUT).title == "Nothing was observed"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    made = histogram([{"ms": value} for value in values], ABOUT)
    assert sum(row["count"] for row in made.rows) == len(values)
    assert len(made.plot.data[0].x) <= 60


def test_phases_add_up_and_what_was_configured_is_hatched() -> None:
    rows = [
        {"variant": variant, "wake": wake, "phase": phase, "ms": ms + wake, "provenance": kind}
        for variant in ("stop", "suspend")
        for wake in range(9)
        for phase, ms, kind in (("spawn", 10.0, "measured"), ("pause", 20.0, "configured"))
    ]
    made = phase_bars(rows, ABOUT)
    spawn, pause, *_, whole = made.plot.data
    assert spawn.x[0] + pause.x[0] == pytest.approx(whole.x[0]) == pytest.approx(38.0)
    assert (spawn.marker.pattern.shape, pause.marker.pattern.shape) == (None, "/")
    assert (whole.x[0] - whole.error_x.arrayminus[0], whole.x[0] + whole.error_x.array[0]) == (30.0, 46.0)
    assert made.n == 18
    assert {key["name"] for key in made.plot.layout.meta["keys"]} >= {"spawn", "pause (configured)"}
    with pytest.raises(UsageError, match="a column 'wake' says which records belong together"):
        phase_bars([{"variant": "a", "phase": "x", "ms": 1.0}] * 2, ABOUT)


def test_a_matrix_goes_round_the_world_from_west_to_east() -> None:
    assert by_geography({"syd", "ams", "iad", "lax", "zzz", "gru", "jnb"}) == [
        "lax", "iad", "gru", "ams", "jnb", "syd", "zzz",
    ]  # fmt: skip
    rows = [{"from": "syd", "to": "lax", "ms": 140.0}, {"from": "lax", "to": "syd", "ms": 150.0}]
    made = heat_map(rows, ABOUT)
    assert [list(line) for line in made.plot.data[0].z] == [[None, 150.0], [140.0, None]]
    assert list(made.plot.layout.yaxis.ticktext) == ["lax", "syd"]
    with pytest.raises(UsageError, match="there is a value from syd to lax already"):
        heat_map([rows[0], rows[0]], ABOUT)


def test_a_matrix_of_differences_is_even_around_zero() -> None:
    rows = [
        {"from": "a", "to": "b", "ms": 12.0, "configured_ms": 10.0},
        {"from": "b", "to": "a", "ms": 9.0, "configured_ms": 10.0},
    ]
    made = heat_map(rows, ABOUT, mode="difference")
    cells = made.plot.data[0]
    assert (cells.zmin, cells.zmax) == (-2.0, 2.0)
    assert [row["difference"] for row in made.rows] == [2.0, -1.0]
    assert list(made.plot.data[1].text) == ["+2", "-1"]
    assert made.title.endswith("a → b: 2 ms above it")
    with pytest.raises(UsageError, match="no mode 'ratio'"):
        heat_map(rows, ABOUT, mode="ratio")


def test_numbers_in_small_cells_go_where_the_page_is_narrow() -> None:
    codes = [f"r{each:02d}" for each in range(9)]
    made = heat_map([{"from": a, "to": b, "ms": 1.0} for a in codes for b in codes], ABOUT)
    assert made.plot.layout.meta["narrow"]["traces"]["1"]["visible"] is False


def test_a_map_knows_its_regions_and_fetches_no_land() -> None:
    made = world_map([{"from": "ams", "to": "syd", "ms": 250.0}], ABOUT, machines={"syd": 3}, edges=["ams", "syd"])
    assert made.plot.layout.geo.visible is False
    assert made.plot.data[0].fill == "toself"
    assert made.title == "The longest way is ams → syd: 250 ms"
    assert [row.get("machines") for row in made.rows] == [None, 3, 0]
    with pytest.raises(UsageError, match="there is no region 'xyz'; there are ams"):
        world_map([], ABOUT, machines={"xyz": 1})


def test_labels_of_a_map_do_not_cover_each_other() -> None:
    made = maps.world("All", ABOUT, edges=["ams", "fra", "cdg", "lhr", "arn"])
    labels = made.plot.data[-1]
    assert len(set(labels.textposition)) >= 3
    assert (labels.marker.color, labels.marker.line.width) == (
        "rgba(0,0,0,0)",
        0,
    )  # what only keeps distance is not seen
    small = made.plot.layout.meta["narrow"]["traces"][str(len(made.plot.data) - 1)]
    assert 0 < sum(map(bool, small["text"])) <= sum(map(bool, labels.text)) == 5


def test_states_are_thick_or_thin_and_never_hatched() -> None:
    spans = [
        timeline.Span(machine="a", state=state, start=float(at), seconds=1.0)
        for at, state in enumerate(("starting", "started", "stopped", "haunted"))
    ]
    made = timeline.timeline("Title", spans, ABOUT)
    assert [trace.width for trace in made.plot.data] == [0.58, 0.44, 0.14, 0.34]
    assert all(trace.marker.pattern.shape is None for trace in made.plot.data)
    assert timeline.timeline("Title", [], ABOUT).n == 0


def test_unverified_figures_are_marked_wherever_they_are_drawn() -> None:
    rows = [
        {"name": "sure", "value": 1.0, "provenance": "published"},
        {"name": "doubtful", "value": 2.0, "provenance": "published", "status": "from memory, unverified"},
    ]
    made = comparison(rows, basis("published", unit="s", date="2022"))
    sure, doubtful = made.plot.data
    assert (sure.marker.symbol, doubtful.marker.symbol) == ("diamond-open", "diamond-x-open")
    assert list(made.plot.layout.yaxis.ticktext) == ["sure", "doubtful †"]
    assert "†: nobody could check it" in made.caption
    curves = cost_curves([{"offer": "a", "load": 1.0, "usd": 2.0, "verified": False}], basis("simulated", unit="USD"))
    assert curves.plot.layout.meta["keys"] == []
    assert "†" in curves.caption


def test_an_interval_holds_its_value_and_a_logarithm_has_no_zero() -> None:
    with pytest.raises(UsageError, match=r"record 0: 5 lies outside of its interval, 1\.0 to 4\.0"):
        comparison([{"name": "a", "value": 5.0, "low": 1.0, "high": 4.0}], ABOUT)
    with pytest.raises(UsageError, match=r"record 0: value is 0\.0, and a logarithmic axis begins above 0"):
        comparison([{"name": "a", "value": 0.0}], ABOUT, log=True)


def test_effects_stand_beside_the_noise() -> None:
    rng = Random(1)
    slow, fast = [rng.gauss(0.012, 0.001) for _ in range(200)], [rng.gauss(0.010, 0.001) for _ in range(200)]
    found = {"slower": compare(fast, slow, rng=rng, resamples=200), "same": compare(fast, fast, rng=rng, resamples=200)}
    made = effects(found, ABOUT, floor=Floor(effect=0.0005, n=30))
    assert made.title.startswith("1 of 2 differ, slower the most: +")
    assert made.n == 800
    band, zero = made.plot.layout.shapes
    assert (band.x0, band.x1, zero.x0) == (-0.5, 0.5, 0)
    assert effects({"same": found["same"]}, ABOUT).title == "No difference stands out from the noise"


def test_what_failed_has_a_strip_of_its_own_and_extremes_are_never_left_out() -> None:
    rng = Random(2)
    rows: Rows = [{"at": each / 100, "ms": rng.uniform(1, 2)} for each in range(6000)]
    rows[3210]["ms"] = 900.0
    rows += [{"at": 5.0, "ms": None, "outcome": "503"}, {"at": 6.0, "ms": None, "outcome": "ReadTimeout"}]
    made = over_time(rows, ABOUT)
    points, _, first, second = made.plot.data
    assert len(points.x) <= 2000
    assert max(points.y) == 900.0
    assert (first.yaxis, second.yaxis) == ("y2", "y2")
    assert made.title == "2 of 6,002 failed; the slowest took 900 ms, 32.1 s into the run"
    assert "of 6,000 points are drawn" in made.caption


def test_curves_of_costs_are_the_bills_and_their_bands() -> None:
    work = Workload()
    rows = costing.curve([Offer.FLY_STOP, Offer.LAMBDA], work, "rooms", [10.0, 1000.0])
    assert rows[1]["usd"] == bill(Offer.FLY_STOP, work).usd
    assert all(row["low"] <= row["usd"] <= row["high"] for row in rows)
    evens = costing.break_evens(list(costing.SHOWN), work, "rooms", 10.0, 1e6)
    for even in evens:
        at = Workload(rooms=even["rooms"])
        assert min(bill(offer, at).usd for offer in costing.SHOWN) == pytest.approx(even["usd"], rel=0.002)
    made = cost_curves(rows, basis("simulated", unit="USD"), load="rooms", break_evens=evens)
    assert {trace.line.dash for trace in made.plot.data if trace.mode == "lines+markers"} == {"dot"}
    assert made.plot.layout.xaxis.type == "log"
    with pytest.raises(UsageError, match="a workload has no 'doors'"):
        costing.curve([Offer.LAMBDA], work, "doors", [1.0])
    with pytest.raises(UsageError, match=r"by is 0\.5"):
        costing.curve([Offer.LAMBDA], work, "rooms", [1.0], by=0.5)


def test_a_phone_gets_no_more_marks_than_lie_beside_each_other() -> None:
    made = ecdf([{"ms": 9.0}, {"ms": 1300.0}], ABOUT, log=True)
    assert len(made.plot.layout.xaxis.tickvals) > 5
    few = made.plot.layout.meta["narrow"]["layout"]["xaxis"]
    assert list(few["ticktext"]) == ["10 ms", "100 ms", "1 s"]
    close = comparison([{"name": "a", "value": 1.1}, {"name": "b", "value": 95.0}], ABOUT, log=True)
    assert 2 <= len(close.plot.layout.meta["narrow"]["layout"]["xaxis"]["tickvals"]) <= 5
    assert "xaxis" not in ecdf([{"ms": 9.0}], ABOUT, log=True).plot.layout.meta["narrow"]["layout"]


def test_a_bill_of_nothing_has_a_linear_axis() -> None:
    rows = [{"offer": "a", "load": 0.0, "usd": 0.0}, {"offer": "a", "load": 10.0, "usd": 5.0}]
    assert cost_curves(rows, basis("simulated", unit="USD")).plot.layout.yaxis.type is None


def test_charts_of_nothing_and_of_unequal_rows() -> None:
    assert charts.dots("T", {"a": []}, ABOUT, x="ms").n == 0
    assert charts.grouped("T", [], {}, ABOUT, y="n").rows == ()
    assert waterfall.waterfall("T", {}, ABOUT).n == 0
    with pytest.raises(UsageError, match="'x' has 1 values for 2 rows"):
        charts.stacked("T", ["a", "b"], {"x": ("measured", [1.0])}, ABOUT, x="ms")


def test_published_claims_are_open_diamonds_with_their_sources() -> None:
    shown = list(claims().values())[:3]
    made = reference.chart("Title", [each for each in shown if each.unit in ("ms", "s")])
    assert all(trace.marker.symbol.startswith("diamond") for trace in made.plot.data)
    assert all(row["source"] for row in made.rows)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "ms", "0 ms"),
        (0.0004, "ms", "0.4 µs"),
        (0.42, "ms", "420 µs"),
        (4.2, "ms", "4.2 ms"),
        (999.6, "ms", "1 s"),
        (1000, "ms", "1 s"),
        (1234, "ms", "1.23 s"),
        (600, "s", "10 min"),
        (86400, "s", "24 h"),
        (-1500, "ms", "-1.5 s"),
        (0.5, "share", "50 %"),
        (0.004, "share", "0.4 %"),
        (0.05, "USD", "0.05 USD"),
        (12345.6, "USD", "12,300 USD"),
        (0.0012, "USD", "0.0012 USD"),
        (1234, "", "1,230"),
        (2.5e6, "", "2.5M"),
        (3e-9, "", "3.00e-09"),
        (1e18, "", "1.00e+18"),
    ],
)
def test_numbers_are_given_with_three_digits_and_a_unit_that_suits(value: float, unit: str, text: str) -> None:
    assert formats.quantity(value, unit) == text


@settings(max_examples=50, deadline=None)
@given(st.floats(1e-6, 1e9), st.floats(1.0, 1e9))
def test_a_logarithmic_axis_has_few_marks_and_at_least_two(low: float, times: float) -> None:
    marks, texts = formats.decades(low, low * times, "ms")
    assert 2 <= len(marks) <= 12
    assert len(marks) == len(texts)
