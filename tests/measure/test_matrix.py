"""The matrix out of samples: the probe's own cost is taken off, failures are counted, differences are ordered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import UsageError
from flylab.measure.matrix import Known, matrix
from flylab.measure.rtt import WHAT, where
from flylab.measure.sample import Sample


def trip(a: str, b: str, ms: float, outcome: str = "ok") -> Sample:
    return Sample(what=WHAT, where=where(a, b), scheduled=1, sent=1, finished=1 + ms / 1000, outcome=outcome)


KNOWN = {("ams", "iad"): Known(configured=84.0, published=90.0), ("iad", "ams"): Known(configured=84.0)}
INSIDE = {"ams": 1.0, "iad": 1.0}
HOME = [trip("ams", "ams", 3.0), trip("ams", "ams", 4.0), trip("iad", "iad", 3.5)]


def test_what_the_probe_costs_within_a_region_is_taken_off_every_pair():
    found = matrix(
        [*HOME, *(trip("ams", "iad", ms) for ms in (86.0, 87.5, 90.0)), trip("iad", "ams", 96.5)], KNOWN, INSIDE
    )
    assert found.cost == pytest.approx(2.5)
    assert found.inside == 3
    there, back, home = found["ams", "iad"], found["iad", "ams"], found["iad", "iad"]
    assert (there.raw, there.observed, there.off, there.off_published) == pytest.approx((87.5, 85.0, 1.0, -5.0))
    assert (there.low, there.high) == pytest.approx((83.5, 87.5))
    assert (there.least, there.least_off) == pytest.approx((84.0, 0.0))
    assert back.off == pytest.approx(10.0)
    assert home.observed == pytest.approx(1.0)
    assert (home.off, back.off_published) == (None, None)
    assert [(cell.a, cell.b) for cell in found.worst(9)] == [("iad", "ams"), ("ams", "iad")]
    with pytest.raises(UsageError, match="from nrt to ams"):
        _ = found["nrt", "ams"]


def test_failures_are_counted_and_have_no_time():
    lost = [trip("ams", "iad", 10_000, "TimeoutError")] * 2
    found = matrix([*HOME, *lost, trip("iad", "ams", 5, "elsewhere"), trip("iad", "ams", 86.5)], KNOWN, INSIDE)
    assert (found["ams", "iad"].observed, found["ams", "iad"].off, found["ams", "iad"].failed) == (None, None, 2)
    assert (found["iad", "ams"].n, found["iad", "ams"].failed) == (2, 1)
    assert found["iad", "ams"].observed == pytest.approx(84.0)
    assert found.failed == 3
    assert (found["ams", "iad"].least, found["ams", "iad"].least_off) == (None, None)


@pytest.mark.parametrize("samples", [[], [trip("ams", "iad", 90)], [trip("ams", "ams", 3, "ConnectionResetError")]])
def test_without_a_trip_within_a_region_nothing_can_be_said(samples):
    with pytest.raises(UsageError, match="what the probe itself costs is not known"):
        matrix(samples, KNOWN, INSIDE)


@given(
    st.floats(0, 50),
    st.dictionaries(st.sampled_from([(a, b) for a in "xyz" for b in "xyz" if a != b]), st.floats(1, 400), min_size=1),
    st.integers(1, 5),
)
def test_distances_come_out_again_whatever_the_probe_costs(cost, distances, n):
    samples = [trip(a, a, cost + 1.0) for a in "xyz"]
    samples += [trip(a, b, ms + cost) for (a, b), ms in distances.items() for _ in range(n)]
    found = matrix(samples, {pair: Known(configured=ms) for pair, ms in distances.items()}, dict.fromkeys("xyz", 1.0))
    for pair, ms in distances.items():
        assert found[pair].observed == pytest.approx(ms, abs=1e-6)
        assert found[pair].off == pytest.approx(0, abs=1e-6)
        assert found[pair].least_off == pytest.approx(0, abs=1e-6)
        assert found[pair].n == n
