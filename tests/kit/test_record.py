"""What was measured is saved, read back, and summed up in one way only."""

from dataclasses import replace
from pathlib import Path

import pytest

from flylab.errors import UsageError
from flylab.kit.record import Record


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return Record("03-replay", target="local", regions=["ams"])


async def test_what_is_timed_is_kept_with_its_details_and_failures_count(record: Record) -> None:
    async with record.time("visit", "ams") as detail:
        detail["status"] = 200
    with pytest.raises(OSError, match="gone"):
        async with record.time("visit", "ams"):
            raise OSError("gone")
    path = record.save()
    assert path.parent.name == "data"
    assert path.name.startswith("03-replay-")
    first, second = record.of("visit")
    assert (first.outcome, first.detail) == ("ok", {"status": 200})
    assert second.outcome == "OSError"
    assert len(record.ms("visit")) == 1
    assert record.run.settings["regions"] == ["ams"]


def test_times_by_place_keep_their_order(record: Record) -> None:
    for place, ms in (("iad", 3.0), ("ams", 1.0), ("iad", 5.0)):
        record.add("hop", place, ms)
    assert {place: [round(value) for value in times] for place, times in record.by_place("hop").items()} == {
        "iad": [3, 5],
        "ams": [1],
    }
    assert record.text("hop") == "1.0, 3.0, 5.0 ms (too few for an interval, n = 3, 0 failed)"
    for ms in (2.0, 4.0, 6.0):
        record.add("hop", "nrt", ms)
    assert record.text("hop").startswith("3.0 ms at the median (95 % interval 1.0 to 5.0 ms, n = 6, 0 failed)")
    assert record.conditions().startswith("load ")


@pytest.mark.parametrize(("load", "busy"), [(None, False), (1.9, False), (2.0, True), (9.0, True)])
def test_a_computer_is_busy_when_all_its_cores_are(record: Record, load: float | None, busy: bool) -> None:
    record.run = replace(record.run, load_before=load, cores=2)
    assert record.busy is busy


def test_what_was_not_measured_cannot_be_shown(record: Record) -> None:
    with pytest.raises(UsageError, match="nothing called 'hop' was measured in 'ams'"):
        record.ms("hop", "ams")
