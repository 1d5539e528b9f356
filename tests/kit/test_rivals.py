"""Other room servers beside ours: from what is kept, or a failure in one sentence."""

import json

import pytest

from flylab.errors import UsageError
from flylab.kit import project, rivals

RESULTS = {
    "cpu": "x", "cores": 2, "rounds": 1, "left_out": ["workerd is left out: there is no npm."],
    "titles": {"flylab": "our rooms", "ws": "ws on Node"}, "versions": {"flylab": "1", "ws": "8"},
    "results": {
        "cold": {"flylab": [{"ms": 150.0}, {"ms": 170.0}], "ws": [{"ms": 130.0, "valid": False}]},
        "chat50": {"flylab": [{"p99_ms": 2.0}]},
    },
}  # fmt: skip


def test_medians_and_what_was_not_asked():
    found = rivals.Beside(results=RESULTS, date="2026-11-27", stored=True)
    head, *rows = found.table()._repr_mimebundle_()["text/plain"].splitlines()
    assert head == "server | cold start, ms | a line to 50 members: p99, ms | version"
    assert rows == ["our rooms | 160.0 (n = 2) | 2.0 (n = 1) | 1", "ws on Node | does not count | – | 8"]
    assert found.says().startswith("Stored: 1 round(s) on 2026-11-27")
    assert "workerd is left out" in found.says()


def test_what_is_kept_is_read():
    paths = [project.root() / name for name in rivals.STORED]
    kept = json.loads(next(path for path in paths if path.is_file()).read_text())
    found = rivals.stored()
    assert found.date == kept["started_at"][:10]
    # Everybody who is in the run was asked for both, so a dash would be a figure that is called otherwise there.
    _, *rows = found.table()._repr_mimebundle_()["text/plain"].splitlines()
    assert len(rows) > 1
    assert not any("–" in row for row in rows), rows


def test_nothing_kept_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"no benchmarks/results/rivals.json: `benchmarks/rooms.py --name rivals`"):
        rivals.stored()


def test_a_benchmark_that_fails_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"benchmarks/rooms.py ended with 2: .*rooms.py"):
        rivals.measured("workerd")


def test_whoever_is_not_in_a_run_is_named():
    found = rivals.Beside(results={**RESULTS, "left_out": []}, date="2026-11-27", stored=True)
    assert "workerd is not in this run. deno is not in this run." in found.says()
    there = {**RESULTS, "left_out": [], "titles": {"flylab": "ours", "workerd": "w", "deno": "d"}}
    assert "not in this run" not in rivals.Beside(results=there, date="2026-11-27", stored=True).says()
