"""What `benchmarks/cold_start.py` makes of its starts, and that it can start its programs."""

import sys

import cold_start
import pytest
from comparison import starts
from comparison.starts import BARE, PLATFORM, ROOM

from flylab.measure.sample import Sample

OTHER = cold_start.REFERENCE


def start(what: str, way: str, number: int, ms: float, outcome: str = "ok", **detail: float) -> Sample:
    return Sample(
        what=what, where=way, scheduled=1, sent=1, finished=1 + ms / 1000, outcome=outcome,
        detail={"round": number, **detail},
    )  # fmt: skip


SAMPLES = [
    *(start(OTHER, BARE, number, 40 + number, cpu_ms=20.0) for number in range(1, 8)),
    *(start(ROOM, BARE, number, 2 * (40 + number), cpu_ms=90.0) for number in range(1, 8)),
    *(start(ROOM, PLATFORM, number, 150, pauses_ms=30.0) for number in range(1, 8)),
    start(OTHER, PLATFORM, 1, 100, "503"),
]
ABOUT = {
    "at": "2026-01-02T03:04+00:00", "cpu": "a", "cores": 2, "kernel": "Linux", "versions": "Quart 1",
    "load_before": [1.0, 1.0, 1.0], "load_after": [1.0, 1.0, 1.0], "favoured": False,
}  # fmt: skip


def test_rows_have_medians_ratios_within_rounds_and_failures() -> None:
    found = starts.folded(SAMPLES, [OTHER, ROOM], 7)
    other, room = found["rows"]
    assert other[BARE]["ms"][0] == pytest.approx(44)
    assert other[BARE]["ratio"][0] == pytest.approx(2.0)
    assert (other[PLATFORM]["n"], other[PLATFORM]["failed"], other[PLATFORM]["ms"]) == (1, 1, None)
    assert room[PLATFORM]["pauses_ms"] == [30, 30, 30]
    assert room[BARE]["ratio"] is None
    text = starts.section(ABOUT | found)
    assert f"| {OTHER} | 44 (42–46) | 20 (20–20) | 2.0 (2.0–2.0) | – | – | – | 1 |" in text
    assert "7 rounds" in text


def test_every_program_answers_as_a_bare_process() -> None:
    found = cold_start.Found()
    mine = cold_start.programs()
    assert {program.name for program in mine} >= {OTHER, cold_start.HEALTH, ROOM}
    for program in mine:
        cold_start.bare(program, found, 1)
    assert [(sample.what, sample.outcome) for sample in found.samples] == [(each.name, "ok") for each in mine]
    assert all(0 < sample.detail["cpu_ms"] < 1000 * cold_start.START for sample in found.samples)


def test_a_program_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roomload.peer.START", 0.2)
    found = cold_start.Found()
    cold_start.bare(cold_start.Program("silent", (sys.executable, "-S", "-c", "pass")), found, 1)
    assert [sample.outcome for sample in found.samples] == ["ConnectionRefusedError"]


def test_without_a_round_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cold_start.main(["--rounds", "0"])
    assert "there must be a round" in capsys.readouterr().err
