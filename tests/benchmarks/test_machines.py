"""What `benchmarks/machines.py` makes of its runs, and that it can make one."""

import json
import subprocess
import sys
from pathlib import Path

import machines
from comparison.machines import samples, section, summed, unkept

RUN = {
    "at": "2026-01-02T03:04+00:00", "cpu": "a", "cores": 2, "memory_gb": 4, "kernel": "Linux", "python": "3.11",
    "load_before": [1.0, 1.0, 1.0], "load_after": [1.0, 1.0, 1.0], "machines": 1000, "bytes": 1_000_000,
    "list": [3.0, 1.0, 2.0], "list_floor": [1.0], "list_cpu": 1.0, "first_cpu": 40.0, "create": [6.0], "commit": [1.5],
    "create_cpu": 1.0, "memory": 2048, "memory_listed": 4096, "large_create": 100.0, "large_change": [1.0],
    "started": 50, "starts_s": 1.0, "meanwhile": [1.0],
}  # fmt: skip


def test_the_section_has_medians_and_differences_beside_what_was_promised() -> None:
    text = section(summed(RUN))
    assert "| list of 1,000 stopped machines, 1.0 MB, ms | ≤ 50 | 2.00 (1.00–3.00) |" in text
    assert "| … the difference of the medians, ms | ≤ 5 | 4.50 |" in text
    assert "| memory of a machine, KB | ≤ 5 | 2.0 |" in text
    assert "n: 3 lists, 1 creations, 1 answers meanwhile" in text


def test_what_was_promised_and_not_kept_is_listed() -> None:
    assert "Everything that is promised was kept" in section(summed(RUN))
    run = summed(RUN | {"memory_listed": 6 * 1024, "started": 49, "first_cpu": 60.0, "list": [51.0]})
    assert unkept(run) == [
        "list of 1,000 stopped machines, 1.0 MB, ms: promised ≤ 50, found 51.00 (51.00–51.00)",
        "list of 1,000 stopped machines, CPU for the first one, in ten pages, when all have changed, ms: "
        "promised ≤ 50, found 60",
        "memory of a machine, and once it was listed, in pages, KB: promised ≤ 5, found 6.0",
        "50 starts at once: started: promised = 50, found 49",
    ]
    assert "- 50 starts at once" in section(run)


def test_a_tail_is_shown_where_ten_values_lie_beyond_it_and_every_value_is_a_sample() -> None:
    found = RUN | {"list": [float(n) for n in range(1, 201)]}
    assert "ms | ≤ 50 | 100.00 (" in section(summed(found))
    assert "); 190.00 |" in section(summed(found))
    kept = [each for each in samples(found) if (each.what, each.where) == ("list", "platform")]
    assert [round(1000 * each.latency) for each in kept] == list(range(1, 201))
    assert {each.where for each in samples(found)} == {"platform", "bare Quart", "bare SQLite commit"}


def test_a_small_run_starts_fifty_at_once_without_one_failing(tmp_path: Path) -> None:
    run = machines.measure(120, 2, tmp_path)
    assert run["started"] == 50
    assert run["bytes"] > 120 * 500
    assert json.dumps(summed(run))
    assert len(samples(run)) == 2 * 2 + 2 * 19 + 20 + len(run["meanwhile"])


def test_too_few_machines_are_refused() -> None:
    words = [sys.executable, str(Path(machines.__file__)), "--machines", "50"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "more than 101 machines" in done.stderr) == (2, True)
