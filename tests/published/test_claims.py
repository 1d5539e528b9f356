"""Every published claim is complete, and the reader gives what the file says."""

import re

import pytest

from flylab.errors import UsageError
from flylab.published.claims import MARKS, about, claim, claims

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
    "gap",
}
UNITS = set("ms s % MB GB MiB x Machine regions areas sites users messages req/s write/s VM/s Mbit/s".split())
# 2024, 2024-02, 2024-02-19, 2024-25, "2022 and 2024", "2026 (copy undated)", "undated (2025-26)"
DATE = r"(20\d\d(-\d\d){0,2}|20\d\d and 20\d\d|undated)( \([^()]+\))?"
ADDRESS = r"https?://[a-z0-9.-]+\.[a-z]+(/[^\s<>\"]*)?"


@pytest.mark.parametrize("each", claims().values(), ids=lambda each: each.id)
def test_a_claim_says_what_where_from_when_and_how(each):
    assert re.fullmatch(r"c\d{3}", each.id)
    assert all((each.topic, each.claim))
    assert each.kind in KINDS
    assert each.status in MARKS
    if each.kind == "gap":
        assert (each.value, each.unit, each.source_address, each.status) == (None, "", "", "not found")
        return
    assert each.statistic
    assert each.unit in UNITS
    assert each.value >= 0
    assert each.value_high is None or each.value_high > each.value
    assert each.source_title
    assert re.fullmatch(DATE, each.source_date)
    assert re.fullmatch(ADDRESS, each.source_address)


def test_ids_are_in_order_and_none_is_left_out():
    assert list(claims()) == [f"c{number:03d}" for number in range(1, 161)]


def test_what_nobody_could_check_is_there_and_says_so_wherever_it_is_shown():
    assert [each.id for each in claims().values() if not each.verified] == ["c052", "c112", "c134"]
    memory, gap, second, read = (claim(each) for each in ("c052", "c112", "c063", "c016"))
    assert memory.text == "146 ms (unverified)"
    assert gap.text == "not found"
    assert gap.source == "no source"
    assert second.verified
    assert second.text.endswith("% (from a secondary source)")
    assert read.text == "10 ms"


def test_a_gap_is_not_a_time():
    with pytest.raises(UsageError, match="c112 has no value"):
        _ = claim("c112").seconds


def test_the_replay_claim_reads_as_published():
    replay = claim("c016")
    assert (replay.value, replay.value_high, replay.unit, replay.text) == (10, None, "ms", "10 ms")
    assert replay.seconds == pytest.approx(0.01)
    assert replay.kind == "vendor claim"
    assert "2026-08-07" in replay.source
    assert replay in about("fly-replay")


def test_a_range_keeps_both_ends():
    assert claim("c011").text == "200-500 ms"
    assert claim("c011").seconds_high == pytest.approx(0.5)
    assert claim("c016").seconds_high is None


def test_what_is_not_a_time_is_not_turned_into_one():
    with pytest.raises(UsageError, match="regions"):
        _ = claim("c022").seconds


def test_an_unknown_id_is_named():
    with pytest.raises(UsageError, match="no published claim 'c999'; the nearest are"):
        claim("c999")
    with pytest.raises(UsageError, match="'c16'; the nearest is 'c160'"):
        claim("c16")
    with pytest.raises(UsageError, match=r"no published claim ''$"):
        claim("")


@pytest.mark.parametrize(
    "topic",
    ["fly-start", "fly-create", "fly-suspend", "fly-wake", "fly-replay", "fly-api", "fly-autostop", "firecracker"],
)
def test_what_the_chapters_test_is_there(topic):
    assert about(topic)
