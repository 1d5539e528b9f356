"""``flylab runs`` shows what is stored, with intervals, and says what it cannot."""

from pathlib import Path
from random import Random

import pytest

from flylab.__main__ import main
from flylab.clock import SimulatedClock
from flylab.measure import runs
from flylab.measure.sample import Sample


def sample(latency: float, what: str = "visit", outcome: str = "ok") -> Sample:
    return Sample(what=what, where="ams", scheduled=1.0, sent=1.001, finished=1.0 + latency, outcome=outcome)


def store(folder: Path, name: str, samples: list[Sample], *, epoch: float = 1_790_000_000.0, seed: int = 0) -> str:
    run = runs.begin(name, target="local", seed=seed, project=folder, clock=SimulatedClock(epoch=epoch))
    return runs.save(run, samples, folder / "data").stem


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    return tmp_path


def latencies(middle: float, n: int) -> list[Sample]:
    rng = Random(1)
    return [sample(rng.uniform(0.9, 1.1) * middle) for _ in range(n)]


def test_runs_are_listed_and_one_that_cannot_be_read_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out == f"no run is stored in {folder / 'data'}\n"
    second = store(folder, "03-replay", [sample(0.1)], epoch=1_790_000_100.0)
    first = store(folder, "05-latency", [sample(0.1)] * 2)
    assert main(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["run", first, second]
    assert "n 2" in lines[1]
    (folder / "data" / "bad.json").write_text("{")
    assert main(["runs", "list"]) == 1
    assert "bad.json" in capsys.readouterr().out


def test_a_run_is_shown_with_intervals_and_failures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = store(folder, "03-replay", [*latencies(0.1, 300), sample(9, outcome="503")])
    for asked in ("03-replay", name, name[:-4], str(folder / "data" / f"{name}.json")):
        assert main(["runs", "show", asked]) == 0
        text = capsys.readouterr().out
        assert "visit, ams: n 301, 1 failed" in text
        assert "outcomes: 503 1" in text
        assert "p50 " in text
        assert "p99 not given: n 300, 1000 are needed" in text
        assert "sent late, at most: 1 ms" in text


def test_two_runs_are_compared_and_what_else_differs_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = store(folder, "03-replay", [*latencies(0.1, 300), sample(1, "only")])
    b = store(folder, "04-boot", [*latencies(0.2, 300), sample(9, outcome="503")], seed=1)
    assert main(["runs", "compare", a, b]) == 0
    text = capsys.readouterr().out
    assert "they differ in seed as well" in text
    assert "× 2 (1.9" in text
    assert "p99 not given: n 300, 1000 are needed" in text
    assert "failed: 0 of 300 → 1 of 301" in text
    assert "only, ams\n  only in A" in text
    assert main(["runs", "compare", a, b]) == 0
    assert capsys.readouterr().out == text  # the resamples are seeded


@pytest.mark.parametrize("name", ["", "nothing", "0", "../data"])
def test_a_run_that_is_not_one_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    store(folder, "03-replay", [sample(1)])
    store(folder, "04-boot", [sample(1)])
    assert main(["runs", "show", name]) == 2
    assert f"there is no run {name!r}" in capsys.readouterr().err


def test_changed_samples_are_noticed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = store(folder, "03-replay", [sample(1)])
    part = folder / "data" / f"{name}.000.parquet"
    part.write_bytes(part.read_bytes() + b"x")
    assert main(["runs", "show", name]) == 1
    assert "changed after" in capsys.readouterr().err


def test_a_run_without_a_success_has_no_quantile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = store(folder, "03-replay", [sample(1, outcome="503")])
    assert main(["runs", "show", a]) == 0
    assert "p50" not in capsys.readouterr().out
    assert main(["runs", "compare", a, a]) == 0
    assert "no success to compare" in capsys.readouterr().out


def test_a_run_that_does_not_count_says_so_wherever_it_is_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.begin("late", target="local", seed=0, project=folder)
    name = runs.save(run, [sample(0.1)], folder / "data", valid=False).stem
    for words in (["list"], ["show", name], ["compare", name, name]):
        assert main(["runs", *words]) == 0
        assert "INVALID" in capsys.readouterr().out
