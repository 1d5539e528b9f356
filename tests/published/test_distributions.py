"""Published percentiles, phases and raw samples agree with themselves and with the claims of the same sources."""

import re
import statistics

import pytest

from flylab.errors import UsageError
from flylab.published.claims import MARKS, claims
from flylab.published.distributions import distribution, distributions, lambda_init
from flylab.published.lookup import rows

CURVES = [curve for curves in distributions().values() for curve in curves.values()]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: f"{curve.group} {curve.name}")
def test_a_curve_has_one_source_and_its_percentiles_rise(curve):
    assert curve.points
    assert curve.unit == "ms"
    assert curve.status in MARKS
    assert curve.kind
    assert re.fullmatch(r"20\d\d(-\d\d){0,2}", curve.date)
    assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S+", curve.address)
    names = [point.name for point in curve.points]
    assert len(set(names)) == len(names)
    assert all(point.value > 0 for point in curve.points)
    ordered = sorted(curve.percentiles.items())
    values = [value for _, value in ordered]
    # One scenario gives a range for p99 whose middle lies above that of p99.5, and says so.
    assert values == sorted(values) or any("p99.5 differs" in point.note for point in curve.points)
    assert bool(curve.phases) is (not curve.percentiles)


def test_all_rows_of_a_curve_share_its_source():
    for row in rows("distributions.csv"):
        curve = distribution(row["group"])[row["curve"]]
        assert (row["source"], row["address"], row["date"]) == (curve.source, curve.address, curve.date)
    assert sum(len(curve.points) for curve in CURVES) == len(list(rows("distributions.csv"))) == 122


def test_every_source_of_a_curve_is_one_of_a_claim():
    known = {claim.source_address.replace("www.", "") for claim in claims().values()}
    assert {curve.address.replace("www.", "") for curve in CURVES} <= known


def test_a_value_is_found_by_percentile_mean_and_phase():
    railway = distribution("openstatus-2024")["Railway"]
    assert (railway.at("mean"), railway.at(75), railway.at(99.0), railway.at("90")) == (381, 469, 850, 653)
    assert distribution("ec2-phases")["m7i.large cold launch"].at("boot to SSH") == 3217
    assert list(distribution("microvm-phases")["cold boot"].phases)[-1] == "wait for agent"
    with pytest.raises(UsageError, match=r"'Railway' called '99\.9'; the nearest"):
        railway.at(99.9)
    with pytest.raises(UsageError, match="no published distribution 'openstatus'; the nearest is 'openstatus-2024'"):
        distribution("openstatus")


def test_the_stalls_of_the_two_loops_are_those_that_are_reproduced():
    curves = distribution("co-scenarios")
    assert curves["1 s stall, open loop (mid of stated range)"].at(99) == 425
    assert curves["1 s stall, closed loop (mid of stated range)"].at(99) == 15.5


def test_lambda_rows_are_what_their_samples_say():
    for row in lambda_init():
        assert len(row.samples_ms) in (9, 10)
        assert statistics.mean(row.samples_ms) == pytest.approx(row.mean_ms, abs=0.02)
        assert statistics.median(row.samples_ms) == pytest.approx(row.median_ms, abs=0.02)
        assert (min(row.samples_ms), max(row.samples_ms)) == (row.min_ms, row.max_ms)
    keys = [(row.runtime, row.package, row.memory_mb, row.arch) for row in lambda_init()]
    assert len(set(keys)) == len(keys) == 620


def test_lambda_rows_agree_with_the_claims_about_them():
    found = re.compile(r"Lambda init duration, (\S+) (zip|image) (\d+) MB (\S+)")
    seen = 0
    for claim in claims().values():
        if claim.source_title.startswith("lambda-perf") and (match := found.match(claim.claim)):
            runtime, package, memory, arch = match.groups()
            (row,) = lambda_init(runtime=runtime, package=package, memory=int(memory), arch=arch)
            assert claim.value in (
                pytest.approx(row.mean_ms, abs=0.06),
                pytest.approx(row.median_ms, abs=0.06),
            )
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"runtime": "python3"}, "with runtime 'python3'; the nearest are 'python3.10', 'python3.11' and 'python3.12'"),
        ({"memory": 2048}, "with memory_mb '2048'"),
        ({"runtime": "bun layer(prov.al2)", "package": "image"}, "runtime bun layer.* package image together"),
    ],
)
def test_what_was_not_measured_is_named(asked, says):
    with pytest.raises(UsageError, match=says):
        lambda_init(**asked)
