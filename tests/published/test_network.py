"""The published regions and round trips, and the formula for what nobody published."""

import statistics
from itertools import combinations

import pytest

from flylab.published.network import (
    FAR,
    NEAR,
    NEAR_KM,
    SAME_REGION_MS,
    Rtt,
    great_circle_km,
    published_pairs,
    regions,
    rtt,
)


def test_every_region_has_a_code_a_place_and_a_source():
    assert len({region.code for region in regions()}) == len(regions()) == 18
    for region in regions():
        assert -90 <= region.latitude <= 90
        assert -180 <= region.longitude <= 180
        assert region.source
        assert region.date
    assert [region.code for region in regions() if region.deprecated] == ["bom"]


def test_every_pair_of_regions_is_published_once_and_lies_between_its_extremes():
    assert {frozenset((pair.a, pair.b)) for pair in published_pairs()} == {
        frozenset(pair) for pair in combinations([region.code for region in regions()], 2)
    }
    for pair in published_pairs():
        assert 0 < pair.low_ms <= pair.rtt_ms <= pair.high_ms
        assert pair.source
        assert pair.date


def test_a_round_trip_is_symmetric_and_short_inside_a_region():
    table = rtt()
    assert table("ams", "iad") == table("iad", "ams") == 84.1
    assert table("ams", "ams") == SAME_REGION_MS
    assert len(table.codes) == 18


def test_a_pair_that_nobody_published_is_estimated_from_its_distance():
    places = {region.code: (region.latitude, region.longitude) for region in regions()}
    table = Rtt(pairs={}, places=places)
    assert great_circle_km(places["ams"], places["iad"]) == pytest.approx(6208, abs=30)
    assert table("ams", "iad") == pytest.approx(17.5 + 2 * 6208 / 200 * 1.575, rel=0.01)
    assert table("ams", "lhr") == pytest.approx(7.2 + 2 * 358 / 200 * 1.6, rel=0.01)
    with pytest.raises(KeyError):
        table("ams", "xyz")


@pytest.mark.parametrize(("constants", "near"), [(NEAR, True), (FAR, False)])
def test_the_formula_is_the_least_squares_line_through_the_published_pairs(constants, near):
    places = {region.code: (region.latitude, region.longitude) for region in regions()}
    points = [(2 * great_circle_km(places[pair.a], places[pair.b]) / 200, pair.rtt_ms) for pair in published_pairs()]
    chosen = [point for point in points if (point[0] * 100 < NEAR_KM) is near]
    slope, intercept = statistics.linear_regression(*zip(*chosen, strict=True))
    assert constants == (pytest.approx(intercept, abs=0.6), pytest.approx(slope, abs=0.02))
