"""A run is saved with its circumstances, whole or not at all, and read back as it was."""

import json
import subprocess

import pytest

from flylab.clock import SimulatedClock
from flylab.errors import ParseError, UsageError
from flylab.measure import runs
from flylab.measure.sample import Sample

SAMPLES = [
    Sample(what="replay", where="ams→iad", scheduled=0.1 * n, sent=0.1 * n, finished=0.1 * n + 0.02, detail={"n": n})
    for n in range(5)
]


def begin(tmp_path, name="03-replay", clock=None):
    return runs.begin(name, target="local", seed=7, settings={"regions": ["ams"]}, project=tmp_path, clock=clock)


def test_what_was_saved_is_read_back(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path / "data")
    run, samples = runs.load(record)
    assert samples == SAMPLES
    assert (run.name, run.target, run.seed, run.n, run.settings) == ("03-replay", "local", 7, 5, {"regions": ["ams"]})
    assert run.python
    assert run.packages["httpx"]
    assert run.cores > 0
    assert run.kernel
    assert run.started_at <= run.finished_at
    assert sorted(path.suffix for path in (tmp_path / "data").iterdir()) == [".json", ".jsonl"]


def test_without_a_repository_no_commit_is_claimed(tmp_path):
    run = begin(tmp_path)
    assert (run.commit, run.dirty) == ("", None)


def test_the_commit_and_whether_it_was_changed_are_noted(tmp_path):
    def git(*words):
        who = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "first")
    clean = begin(tmp_path)
    (tmp_path / "file").write_text("two")
    changed = begin(tmp_path)
    assert len(clean.commit) == 40
    assert (clean.dirty, changed.dirty) == (False, True)


def test_the_newest_run_of_a_name_is_found(tmp_path):
    clock = SimulatedClock()
    first = runs.save(begin(tmp_path, clock=clock), [], tmp_path)
    later = SimulatedClock(epoch=clock.wall() + 1)
    second = runs.save(begin(tmp_path, clock=later), [], tmp_path)
    runs.save(begin(tmp_path, name="03-replay-extra", clock=later), [], tmp_path)
    assert first != second
    assert runs.latest(tmp_path, "03-replay") == second
    assert runs.latest(tmp_path, "04-boot") is None


def test_samples_that_were_changed_are_noticed(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    lines = record.with_suffix(".jsonl")
    lines.write_text(lines.read_text().replace("0.02", "0.01"))
    with pytest.raises(ParseError, match="changed after"):
        runs.load(record)


def test_a_record_without_samples_cannot_be_read(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    record.with_suffix(".jsonl").unlink()
    with pytest.raises(ParseError, match="run"):
        runs.load(record)


def test_a_newer_record_with_more_fields_is_read(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    record.write_text(json.dumps(json.loads(record.read_text()) | {"weather": "rain"}))
    assert runs.load(record)[0].n == 5


def test_a_failed_write_leaves_nothing(tmp_path):
    target = tmp_path / "data"
    target.write_text("a file where the folder should be")
    with pytest.raises(FileExistsError):
        runs.save(begin(tmp_path), SAMPLES, target)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "two words"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be called"):
        begin(tmp_path, name=name)
