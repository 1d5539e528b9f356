"""A run is saved with its circumstances, whole or not at all, and read back as it was."""

import hashlib
import json
import multiprocessing
import subprocess

import pytest

from flylab.clock import SimulatedClock
from flylab.errors import ParseError, UsageError
from flylab.measure import runs
from flylab.measure.sample import Sample

PROCESSES = 3
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
    assert "ns" in run.clock
    assert sorted(path.name.removeprefix(run.id) for path in (tmp_path / "data").iterdir()) == [
        ".000.parquet",
        ".json",
    ]


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
    part = record.with_name(runs.read(record).parts[0].file)
    part.write_bytes(part.read_bytes()[:-1] + b"2")
    with pytest.raises(ParseError, match="changed after"):
        runs.load(record)


def test_a_record_without_samples_cannot_be_read(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    record.with_name(runs.read(record).parts[0].file).unlink()
    with pytest.raises(ParseError, match="run"):
        runs.load(record)


def test_a_newer_record_with_more_fields_is_read(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    record.write_text(json.dumps(json.loads(record.read_text()) | {"weather": "rain"}))
    assert runs.load(record)[0].n == 5


def test_a_failed_write_leaves_nothing(tmp_path):
    target = tmp_path / "data"
    target.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot be stored in"):
        runs.save(begin(tmp_path), SAMPLES, target)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "two words"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be called"):
        begin(tmp_path, name=name)


def test_samples_are_added_in_parts_and_read_in_order(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES[:2], tmp_path)
    runs.append(record, SAMPLES[2:4])
    run = runs.append(record, SAMPLES[4:])
    assert (run.n, [part.n for part in run.parts]) == (5, [2, 2, 1])
    assert runs.load(record) == (run, SAMPLES)


def test_what_a_killed_process_left_is_not_read_and_is_overwritten(tmp_path):
    record = runs.save(begin(tmp_path), SAMPLES[:2], tmp_path)
    left = record.with_name(f"{record.stem}.001.parquet")
    left.write_bytes(b"half a par")
    assert runs.load(record)[1] == SAMPLES[:2]
    runs.append(record, SAMPLES[2:])
    assert runs.load(record)[1] == SAMPLES


def add_ten(record):
    for _ in range(10):
        runs.append(record, SAMPLES[:1])


def test_several_processes_add_to_one_run(tmp_path):
    record = runs.save(begin(tmp_path), [], tmp_path)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        pool.map(add_ten, [record] * PROCESSES)
    run, samples = runs.load(record)
    assert (run.n, samples) == (30, SAMPLES[:1] * 30)


def test_a_recording_that_fails_keeps_what_it_has(tmp_path):
    def fail(keep):
        keep.add(SAMPLES[0])
        assert runs.read(keep.record).finished_at == ""
        keep.add(SAMPLES[1])
        assert runs.load(keep.record)[1] == SAMPLES[:2]
        keep.add(SAMPLES[2])
        raise RuntimeError

    with pytest.raises(RuntimeError), runs.recording(begin(tmp_path), tmp_path, every=2) as keep:
        fail(keep)
    run, samples = runs.load(keep.record)
    assert samples == SAMPLES[:3]
    assert run.finished_at


def test_a_run_is_not_recorded_over_another(tmp_path):
    run = begin(tmp_path)
    record = runs.save(run, SAMPLES, tmp_path)
    with pytest.raises(UsageError, match="append to it"):
        runs.save(run, [], tmp_path)
    assert runs.load(record)[1] == SAMPLES


def test_records_of_earlier_versions_are_read(tmp_path):
    """Samples were one file of JSON lines, and the record had its hash."""
    lines = "".join(json.dumps(sample.to_json()) + "\n" for sample in SAMPLES).encode()
    (tmp_path / "old.jsonl").write_bytes(lines)
    record = tmp_path / "old.json"
    value = {"name": "03-replay", "id": "old", "started_at": "2026-11-01T00:00:00+00:00", "target": "local", "seed": 0}
    record.write_text(json.dumps(value | {"n": 5, "sha256": hashlib.sha256(lines).hexdigest()}))
    assert runs.load(record)[1] == SAMPLES
    with pytest.raises(UsageError, match="earlier version"):
        runs.append(record, SAMPLES)
    record.with_suffix(".jsonl").write_bytes(lines + b"\n")
    with pytest.raises(ParseError, match="changed after"):
        runs.load(record)


@pytest.mark.parametrize(
    "change",
    [{"parts": [{"file": "../elsewhere", "n": 1, "sha256": ""}]}, {"parts": [{"file": "x"}]}, {"parts": 3}],
)
def test_a_record_whose_parts_make_no_sense_is_refused(tmp_path, change):
    record = runs.save(begin(tmp_path), SAMPLES, tmp_path)
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    with pytest.raises(ParseError, match="run"):
        runs.load(record)


def test_whether_a_run_counts_and_what_it_found_are_in_its_record(tmp_path):
    kept = runs.save(begin(tmp_path, "kept"), SAMPLES, tmp_path, valid=True, results={"rate": 3.5})
    assert (runs.read(kept).valid, runs.read(kept).results) == (True, {"rate": 3.5})
    assert runs.read(runs.save(begin(tmp_path, "mute"), SAMPLES, tmp_path)).valid is None


def test_a_run_that_broke_off_does_not_count(tmp_path):
    run = begin(tmp_path)
    with pytest.raises(RuntimeError), runs.recording(run, tmp_path):
        raise RuntimeError
    broken = runs.read(tmp_path / f"{run.id}.json")
    assert broken.valid is False
    assert broken.finished_at
