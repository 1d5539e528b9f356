"""What benchmarks share: figures become samples, the last run that counts is kept, and the page is made of what is."""

import json
import math
from pathlib import Path

import frame
import page
import pytest

from flylab.clock import SimulatedClock
from flylab.measure import runs
from flylab.measure.sample import Sample

EPOCH = 1_790_000_000.0


def test_figures_that_are_times_and_single_latencies_become_samples() -> None:
    results = {
        "plain": {
            "nginx": [{"per_s": 200.0, "cpu_us": 20.0, "busy": 0.5}, None],
            "edge": [{"valid": False, "ms": 1.0}],
        },
        "one": {"edge": [{"p50": 0.002, "latencies": [0.001, 0.003]}]},
        "chat": {"ours": [{"best": {"p99_ms": 4.0, "latencies": [0.004]}, "steps": [{"latencies": [1.0], "rate": 5}]}]},
    }
    found = frame.of_rounds(results)
    assert [(each.what, each.where, each.ok, pytest.approx(each.latency)) for each in found] == [
        ("plain: time each", "nginx", True, 0.005),
        ("plain: cpu_us", "nginx", True, 20e-6),
        ("plain", "nginx", False, 0.0),
        ("plain", "edge", False, 0.0),
        ("one: latency", "edge", True, 0.001),
        ("one: latency", "edge", True, 0.003),
        ("one: p50", "edge", True, 0.002),
        ("chat: latency", "ours", True, 0.004),
        ("chat: p99_ms", "ours", True, 0.004),
    ]
    assert [each.detail["round"] for each in found[:3]] == [0, 0, 1]
    assert "latencies" not in str(results)


def test_durations_one_after_the_other() -> None:
    first, second = frame.in_turn("list", "platform", [2.0, 4.0])
    assert (first.finished, second.scheduled, second.latency) == pytest.approx((0.002, 0.002, 0.004))


def test_what_is_no_number_is_null_in_what_is_stored() -> None:
    assert frame.finite({"a": [1.5, math.nan], "b": {"c": -math.inf, "d": "x", "e": True}}) == {
        "a": [1.5, None],
        "b": {"c": None, "d": "x", "e": True},
    }


def store(folder: Path, epoch: float, *, valid: bool, results: dict[str, object], name: str = "bench-load") -> str:
    one = Sample(what="x", where="y", scheduled=0, sent=0, finished=1)
    run = runs.begin(name, target="loopback", seed=0, project=folder, clock=SimulatedClock(epoch=epoch))
    return runs.save(run, [one], folder, valid=valid, results=results).stem


def test_the_last_run_that_counts_is_kept_without_its_samples(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "results"
    assert frame.gather("load", data=data, results=kept) is None
    assert not kept.exists()
    first = store(data, EPOCH, valid=True, results={"rate": 1})
    store(data, EPOCH + 10, valid=False, results={"rate": 2})
    store(data, EPOCH + 20, valid=True, results={"rate": 3}, name="bench-load-some")
    (data / "bench-load-20990101T000000.000000.json").write_text("{")
    found = frame.gather("load", data=data, results=kept)
    assert found is not None
    assert (found["id"], found["n"], found["results"]) == (first, 1, {"rate": 1})
    assert [part["n"] for part in found["parts"]] == [1]
    assert frame.gather("load", data=tmp_path / "none", results=kept) == found
    later = store(data, EPOCH + 30, valid=True, results={"rate": 4})
    assert (frame.gather("load", data=data, results=kept) or {})["id"] == later


def test_the_page_is_what_the_results_give(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/performance.md itself; `python benchmarks/page.py` makes it."""
    assert page.main(["--check"]) == 0, capsys.readouterr().err


def test_a_section_says_which_run_it_is_of_or_that_none_is_left() -> None:
    run = {"id": "bench-x-1", "n": 0, "dirty": True, "commit": "0123456789ab"}
    assert page.source("x", run) == (
        "Run `bench-x-1`, no samples, commit 012345678 with changes: `benchmarks/results/x.json`."
    )
    assert "of its samples none is left" in page.source("x", run | {"id": ""})


def test_a_page_that_was_changed_is_found_and_what_has_no_result_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Old\n\n<!-- quiet: written by hand -->\nOld section.\n<!-- end of quiet -->\n")
    sections = {"loud": lambda found: f"Loud: {found['rate']}", "quiet": lambda _: "never"}
    result = {"id": "bench-loud-1", "started_at": "2026", "n": 2, "dirty": False, "commit": "0123456789ab"}
    (tmp_path / "loud.json").write_text(json.dumps(result | {"results": {"rate": 7}}))
    words = ["--page", str(path)]
    assert page.main([*words, "--check"], sections, tmp_path) == 1
    assert "is not what benchmarks/results gives" in capsys.readouterr().err
    assert "# Old" in path.read_text()
    assert page.main(words, sections, tmp_path) == 0
    made = path.read_text()
    assert "Loud: 7\n\nRun `bench-loud-1`, 2 samples, commit 012345678: `benchmarks/results/loud.json`." in made
    assert made.endswith("<!-- quiet: written by hand -->\nOld section.\n<!-- end of quiet -->\n")
    assert page.main(words, sections, tmp_path) == 0
    assert path.read_text() == made
    assert page.main([*words, "--check"], sections, tmp_path) == 0
