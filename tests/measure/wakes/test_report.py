"""What is said of many wakes: counts of everything, quantiles of what is sound, rows and bars that add up."""

from dataclasses import replace
from random import Random

import pytest

from flylab.measure.wakes import Wake, assemble
from flylab.measure.wakes.report import bars, cells, folded, pieces, rows, to_json, waits
from flylab.measure.wakes.shown import notes, table
from tests.measure.wakes.cases import RUNNING, STOP, at, event


def wakes(n: int = 30) -> list[Wake]:
    rng = Random(1)
    found = [assemble(STOP, variant="stop", warm_up=True)]
    for number in range(n):
        end = 240 + rng.uniform(0, 50)
        client = {**STOP.client, "answered": at(end), "welcomed": at(end + 60)}
        found.append(assemble(replace(STOP, client=client), variant="stop", burst=number))
        found.append(assemble(RUNNING, variant="always-on", burst=number, at_once=5))
    found.append(assemble(RUNNING, variant="stop", burst=99))
    found.append(assemble(STOP, variant="stop", outcome="503"))
    found.append(assemble(replace(STOP, events=[event("starting", -40)]), variant="stop"))
    return found


def test_everything_is_counted():
    stop, always = cells(wakes())
    assert (stop.variant, stop.at_once, stop.n, stop.failed, stop.marked, stop.warm_up) == ("stop", 1, 33, 2, 1, 1)
    assert stop.outcomes == {"ok": 31, "was running": 1, "503": 1}
    assert stop.whole.n == 31
    assert {part.n for part in stop.parts} == {30}
    assert (always.variant, always.n, always.failed) == ("always-on", 30, 0)
    assert [part.phase for part in always.parts] == [
        "connection", "request at the edge", "first byte", "first room message",
    ]  # fmt: skip


def test_bars_add_up_to_the_wakes_around_the_quantile():
    (name, bar), (other, _) = bars(wakes())
    assert (name, other) == ("stop", "always-on, 5 at once")
    assert sum(ms for _, ms, _ in bar) == pytest.approx(cells(wakes())[0].whole.value * 1000, rel=0.05)
    assert [piece[0::2] for piece in bar if piece[0].startswith(("seen by the proxy", "first byte"))] == [
        ("seen by the proxy: the proxy's pauses between tries", "configured"),
        ("first byte: round trips between regions", "configured"),
        ("first byte", "measured"),
    ]
    assert {provenance for _, _, provenance in bar} == {"measured", "configured"}


def test_pieces_are_those_of_wakes_that_count_and_each_has_one_provenance():
    found = pieces(wakes())
    assert len({piece["wake"] for piece in found}) == 60
    assert {piece["provenance"] for piece in found} == {"measured", "configured"}
    kinds = {(piece["phase"], piece["provenance"]) for piece in found}
    assert len(kinds) == len({phase for phase, _ in kinds})
    assert len({(piece["wake"], piece["phase"]) for piece in found}) == len(found)
    first = [piece["ms"] for piece in found if piece["wake"] == 1]
    assert sum(first) == pytest.approx(1000 * wakes()[2].whole)


def test_rows_hold_every_phase_and_every_failure():
    made = wakes(2)
    table_of = rows(made)
    assert {row["wake"] for row in table_of} == set(range(len(made)))
    assert len({tuple(row) for row in table_of}) == 1
    assert sum(row["ms"] for row in table_of if row["wake"] == 1) == pytest.approx(table_of[9]["whole_ms"])
    gone = rows([assemble(replace(STOP, client={}, trace={}, events=[], app={}), variant="stop", outcome="refused")])
    assert [(row["phase"], row["outcome"]) for row in gone] == [(None, "refused")]


def test_the_table_says_where_numbers_come_from_and_what_was_typed_in():
    lines = {row[0]: row[1:] for row in table(wakes())}
    assert lines["p50, ms"][:2] == ("stop ×1", "always-on ×5")
    assert lines["port open"] == ("135.0 n 30", "–", "app", "")
    assert lines["seen by the proxy"][2:] == ("edge trace", "configured: the proxy's pauses between tries")
    assert lines["first byte"][3] == "partly configured: round trips between regions"
    assert lines["failed"][:2] == ("1 was running, 1 503", "0")
    assert lines["do not add up"][0] == "1"
    assert lines["to warm up"][0] == "1"


def test_a_p95_is_shown_only_of_enough_wakes():
    lines = {row[0]: row[1:] for row in table(wakes(200))}
    assert lines["p50 (p95), ms"][0] == "stop ×1"
    assert lines["port open"][0] == "135.0 (135.0) n 200"
    assert "(" in lines["whole"][0]
    assert not [cell for row in table(wakes(198)) for cell in row if " (" in cell and "api" not in cell]


def test_notes_say_what_the_clocks_are_worth_and_what_does_not_add_up():
    text = "\n".join(notes([*wakes(), assemble(replace(STOP, ahead=(-0.01, 0.03)), variant="stop")]))
    assert "A p95 is given from 200 wakes on" in text
    assert "known to 20.0 ms either way" in text
    assert "Does not add up: accepted (api event) lies" in text
    armed = assemble(replace(STOP, trace={**STOP.trace, "faults": ["slow_port"]}), variant="stop")
    assert "slow_port" in "\n".join(notes([armed]))


def test_json_has_the_same():
    said = to_json(wakes())
    stop = said["cells"][0]
    assert (stop["n"], stop["failed"], stop["marked"]) == (33, 2, 1)
    assert [phase["phase"] for phase in stop["phases"]][-1] == "first room message"
    assert stop["whole"]["p50_ms"] == pytest.approx(325, abs=30)
    assert stop["whole"]["p95_is_an_estimate"] is False
    assert cells([]) == []
    assert to_json([])["cells"] == []
    assert table([])[0][0] == "p50, ms"


def test_folded_pieces_are_as_long_and_in_the_order_in_which_they_happen():
    found = pieces(wakes())
    few = folded(found)
    for number in (0, 1):
        before, after = ([row["ms"] for row in rows if row["wake"] == number] for rows in (found, few))
        assert sum(after) == pytest.approx(sum(before))
    names = list(dict.fromkeys(row["phase"] for row in few if row["provenance"] == "measured"))
    assert names[0] == "until the start"
    assert names[-1] == "first room message"
    assert len(names) <= 6


def test_waits_are_the_wholes_of_all_that_count():
    made = wakes(2)
    found = waits(made)
    assert len(found) == sum(not wake.warm_up for wake in made)
    assert {row["variant"] for row in found} == {"stop", "always-on, 5 at once"}
