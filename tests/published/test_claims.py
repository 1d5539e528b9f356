"""Every published claim is complete, and the reader gives what the file says."""

import re

import pytest

from flylab.errors import UsageError
from flylab.published.claims import about, claim, claims

KINDS = {
    "vendor claim",
    "vendor spec",
    "vendor measurement",
    "measurement",
    "measurement (informal)",
    "paper",
    "community",
    "secondary",
    "derived",
}


@pytest.mark.parametrize("each", claims().values(), ids=lambda each: each.id)
def test_a_claim_says_what_where_from_when_and_how(each):
    assert re.fullmatch(r"c\d{3}", each.id)
    assert all((each.topic, each.claim, each.unit, each.statistic))
    assert each.value >= 0
    assert each.value_high is None or each.value_high > each.value
    assert each.source_title
    assert each.source_date
    assert each.source_address.startswith(("https://", "http://"))
    assert each.kind in KINDS
    assert each.status in ("read in source", "read in secondary source")


def test_the_replay_claim_reads_as_published():
    replay = claim("c016")
    assert (replay.value, replay.value_high, replay.unit, replay.text) == (10, None, "ms", "10 ms")
    assert replay.seconds == pytest.approx(0.01)
    assert replay.kind == "vendor claim"
    assert "2026-08-07" in replay.source
    assert replay in about("fly-replay")


def test_a_range_keeps_both_ends():
    assert claim("c011").text == "200-500 ms"


def test_what_is_not_a_time_is_not_turned_into_one():
    with pytest.raises(UsageError, match="regions"):
        _ = claim("c022").seconds


def test_an_unknown_id_is_named():
    with pytest.raises(UsageError, match="c999"):
        claim("c999")


@pytest.mark.parametrize(
    "topic",
    ["fly-start", "fly-create", "fly-suspend", "fly-wake", "fly-replay", "fly-api", "fly-autostop", "firecracker"],
)
def test_what_the_chapters_test_is_there(topic):
    assert about(topic)
