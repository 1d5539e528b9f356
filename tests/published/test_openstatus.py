"""The openstatus table: its rows are consistent where they can be, and the prediction is arithmetic on round trips."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.published.claims import MARKS
from flylab.published.lookup import rows
from flylab.published.network import rtt
from flylab.published.openstatus import (
    AT_AN_EDGE,
    DIRECT,
    ONE_REGION,
    STATISTICS,
    errors,
    first_byte_errors,
    predicted,
    published,
    sites,
    summary,
    trip,
    unaccounted,
)

SITES = {"ams", "gru", "hkg", "iad", "jnb", "syd"}


def test_every_provider_was_asked_from_the_same_six_sites():
    assert {row["curve"] for row in rows("openstatus_sites.csv")} >= set(ONE_REGION)
    for curve in {row["curve"] for row in rows("openstatus_sites.csv")}:
        assert {site.site for site in sites(curve)} == SITES
        assert len({site.app_region for site in sites(curve)}) == 1
        for site in sites(curve):
            assert site.status in MARKS
            assert re.fullmatch(r"https://\S+", site.address)
            assert site.total_ms > 0


def test_round_trips_outside_of_flys_regions_have_their_source():
    for row in rows("openstatus_rtt.csv"):
        assert 0 < float(row["low_ms"]) <= float(row["rtt_ms"]) <= float(row["high_ms"])
        assert "https://" in row["source"]
        assert row["date"] == "2020-07"
    assert trip("ams", "fra").ms == rtt()("ams", "fra")
    assert trip("hkg", "fra") == trip("fra", "hkg")
    with pytest.raises(UsageError, match="hkg and jnb"):
        trip("hkg", "jnb")


def test_the_page_adds_up_where_it_was_not_copied_wrong():
    assert abs(unaccounted("Koyeb")) < 10
    assert abs(unaccounted("Railway")) < 1
    assert unaccounted("Render") < -50
    for koyeb, render in zip(sites("Koyeb"), sites("Render"), strict=True):
        assert render.first_byte_ms == koyeb.first_byte_ms
        assert "those of the Koyeb table" in render.note


@pytest.mark.parametrize(("curve", "many"), list(product(ONE_REGION, (DIRECT, AT_AN_EDGE))))
def test_a_prediction_is_so_many_round_trips_and_no_parameter(curve, many):
    for site, found in predicted(curve, many).items():
        once = trip(site, sites(curve)[0].app_region)
        assert found.ms == pytest.approx(many * once.ms)
        assert found.low_ms <= found.ms <= found.high_ms


def test_statistics_over_sites_that_are_asked_equally_often():
    assert summary([10, 20, 30, 40, 50, 60]) == {"mean": 35, "75": 50, "90": 60, "95": 60, "99": 60}
    assert set(summary([1])) == set(STATISTICS)


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=30))
def test_statistics_are_values_and_rise(values):
    found = summary(values)
    assert found["75"] <= found["90"] <= found["95"] <= found["99"] == max(values)
    assert found["75"] in values
    assert sum(value <= found["75"] for value in values) >= 0.75 * len(values)


def test_the_errors_are_what_they_are():
    off = {curve: errors(curve, DIRECT) for curve in ONE_REGION}
    assert {curve: round(100 * each["mean"]) for curve, each in off.items()} == {
        "Koyeb": -15,
        "Railway": 34,
        "Render": 2,
    }
    for curve in ONE_REGION:
        assert all(share < 0 for share in errors(curve, AT_AN_EDGE).values())
        assert off[curve]["99"] == pytest.approx(
            3 * max(t.ms for t in predicted(curve, 1).values()) / published(curve).at(99) - 1
        )
    assert max(abs(ms) for ms in first_byte_errors("Railway").values()) < 90


def test_what_was_not_in_one_region_is_not_predicted():
    with pytest.raises(UsageError, match="'Cloudflare Workers' was not in one region"):
        predicted("Cloudflare Workers", 1)
    with pytest.raises(UsageError, match="table of phases of 'Rendre'; the nearest is 'Render'"):
        predicted("Rendre", 1)
