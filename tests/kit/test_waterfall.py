"""A trace is folded into pieces that add up to what it says."""

import pytest

from flylab.kit import waterfall
from tests.kit.test_figures import TRACE


def test_the_pieces_of_a_hop_add_up_to_the_hop() -> None:
    for hop in TRACE["hops"]:
        pieces = [piece for piece in waterfall.segments(TRACE) if piece.hop == hop["n"]]
        assert sum(piece.ms for piece in pieces) == pytest.approx(hop["ended_ms"] - hop["started_ms"])
        assert pieces[0].start_ms == hop["started_ms"]
        assert pieces[-1].start_ms + pieces[-1].ms == pytest.approx(hop["ended_ms"])


def test_the_wake_and_our_own_time_stand_between_the_two_ways() -> None:
    second = [(piece.kind, piece.ms) for piece in waterfall.segments(TRACE) if piece.hop == 2]
    assert second == [("out", 45.0), ("wake", 7.0), ("own", 4.0), ("back", 45.0)]


def test_what_was_configured_is_never_longer_than_what_passed() -> None:
    hop = {"n": 1, "region": "iad", "started_ms": 0.0, "ended_ms": 10.0, "configured_ms": 90.0, "outcome": "error"}
    pieces = waterfall.segments({"hops": [hop]})
    assert sum(piece.ms for piece in pieces) == pytest.approx(10.0)
    assert all(piece.ms > 0 for piece in pieces)


def test_our_own_time_is_what_is_left_without_the_configured_delays() -> None:
    assert waterfall.own_ms(TRACE) == pytest.approx(13.0)
    assert waterfall.table({"fra": TRACE}) == [
        {"visitor": "fra", "hops": 2, "total_ms": 104.0, "configured_ms": 91.0, "own_ms": 13.0}
    ]


def test_every_hop_starts_at_the_visitors_edge() -> None:
    assert waterfall.path(TRACE) == [("ams", "ams"), ("ams", "iad")]


def test_the_small_picture_says_in_words_what_it_shows_and_escapes() -> None:
    hop = {**TRACE["hops"][0], "region": "<b>"}
    drawn = waterfall.svg({**TRACE, "hops": [hop, TRACE["hops"][1]]})
    assert 'aria-label="2 hops, 104.0 ms in all"' in drawn
    assert "<b>" not in drawn
    assert "configured" in drawn


def test_an_exchange_without_hops_can_be_drawn() -> None:
    empty = {"edge": "ams", "total_ms": 0.0, "hops": []}
    assert waterfall.segments(empty) == []
    assert "0 hops" in waterfall.svg(empty)
