"""The method box says what the record says, failures included."""

from dataclasses import replace
from pathlib import Path

import pytest

from flylab.kit.method import MOST_KINDS, Method, counts
from flylab.kit.record import Record


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    made = Record("03-replay", target="local", seed=7, regions=["ams"], text="<b>")
    for ms in (1.0, 2.0):
        made.add("visit", "ams", ms)
    made.samples.append(replace(made.samples[0], outcome="gone"))
    return made


def test_everything_comes_from_the_record(record: Record, tmp_path: Path) -> None:
    path = record.save()
    bundle = Method(record)._repr_mimebundle_()
    text = bundle["text/plain"]
    assert "samples: visit 3, 1 failed" in text
    assert "seed 7" in text
    assert "regions = ['ams']" in text
    assert f"stored in: build/data/{path.name}" in text
    assert record.run.commit[:12] in text
    assert "&lt;b&gt;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert str(tmp_path) not in text


def test_many_kinds_are_summed_up_and_none_is_lost(record: Record) -> None:
    for number in range(20):
        record.add(f"kind {number}", "", 1.0)
    listed = counts(record)
    assert len(listed) == MOST_KINDS + 1
    assert listed[-1] == "13 more kinds 13, 0 failed"
