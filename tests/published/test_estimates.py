"""The estimate for missing pairs: fitted anew, and its error computed with regions left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.published.estimates import Fit, as_used, checked, distance_km, errors, expected_share, fit, left_out
from flylab.published.network import FAR, NEAR, NEAR_KM, PublishedPair, estimate_ms, published_pairs, regions

CODES = st.sampled_from([region.code for region in regions()])


def pair(a: str, b: str, ms: float) -> PublishedPair:
    return PublishedPair(a=a, b=b, rtt_ms=ms, low_ms=ms, high_ms=ms, source="made up", date="2026-11")


def test_the_constants_in_use_are_the_fit():
    found = fit(published_pairs())
    for line, used in ((found.near, NEAR), (found.far, FAR)):
        assert used == (pytest.approx(line[0], abs=0.2), pytest.approx(line[1], abs=0.006))


@given(st.floats(0, 50), st.floats(1, 3), st.floats(0, 50), st.floats(1, 3))
def test_a_fit_finds_the_lines_that_made_the_pairs(near_ms, near, far_ms, far):
    made = Fit((near_ms, near), (far_ms, far))
    exact = [pair(each.a, each.b, made.ms(distance_km(each))) for each in published_pairs()]
    found = fit(exact)
    assert (*found.near, *found.far) == pytest.approx((near_ms, near, far_ms, far), rel=1e-6, abs=1e-6)
    assert errors(exact, lambda each: found.ms(distance_km(each))).mean_ms == pytest.approx(0, abs=1e-6)


def test_every_pair_is_judged_once_for_each_end_that_may_be_missing():
    near, far = left_out()
    assert near.n + far.n == 2 * len(published_pairs())
    assert near.n == 2 * sum(distance_km(each) < NEAR_KM for each in published_pairs())


def test_left_out_regions_are_estimated_worse_than_those_the_line_was_fitted_to():
    fitted = fit(published_pairs())
    for judged, far_off in zip(left_out(), (False, True), strict=True):
        kept = [each for each in published_pairs() if (distance_km(each) >= NEAR_KM) is far_off]
        assert judged.mean_ms > errors(kept, lambda each: fitted.ms(distance_km(each))).mean_ms


def test_the_error_is_about_what_was_found_when_the_table_was_made():
    # With one line for all distances it was 14.9 % at the median, and 37 % for nine of ten.
    near, far = left_out()
    assert 0.08 < near.median_share < far.median_share < 0.2
    assert expected_share(1000) == near.p90_share < expected_share(9000) == far.p90_share < 0.45
    assert far.worst == ("gru", "jnb")
    assert as_used().mean_ms == pytest.approx(25.7, abs=0.5)


def test_errors_name_the_pair_that_is_farthest_off():
    pairs = [pair("ams", "fra", 10.0), pair("ams", "iad", 100.0)]
    found = errors(pairs, lambda each: each.rtt_ms + (5 if each.b == "fra" else -20))
    assert (found.worst, found.worst_ms, found.mean_ms) == (("ams", "iad"), -20, 12.5)
    assert found.median_share == pytest.approx(0.35)


def test_the_table_agrees_with_flys_network_where_it_can_be_checked():
    found = checked()
    assert found.n == 9
    assert found.mean_ms == pytest.approx(7.4, abs=0.1)
    assert abs(found.worst_ms) == pytest.approx(19, abs=1)
    assert "nrt" in found.worst


@given(CODES, CODES)
def test_the_formula_never_goes_below_light(a, b):
    for each in published_pairs():
        if {each.a, each.b} == {a, b}:
            assert estimate_ms(distance_km(each)) > 2 * distance_km(each) / 200
