"""What `benchmarks/rooms.py` makes of its runs, how it raises a load, and that its servers end with it."""

import math
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from comparison.figures import Bound, Ratio, ratio, summary
from comparison.page import section
from comparison.tables import aside, cell, ratios, table, unkept
from roomload.climb import DOWN, LOWEST, Climb
from roomload.loads import _best
from roomload.peer import PREFIX, Peer, store, sweep

from flylab.measure.runs import latest, load

BENCHMARKS = Path(sys.modules["roomload.peer"].__file__ or "").parents[1]
LATE = {"valid": False, "ms": 1.0, "p99_ms": 1.0}
WITHIN = 10.0


def climbed(limit: float, start: float, *, power: float = 1.0) -> tuple[float, int]:
    """The best value found below a limit, and how many steps it took."""
    climb, best, steps, more = Climb(start, power=power), 0.0, 0, True
    while more:
        good = climb.value <= limit
        best = max(best, climb.value if good else 0.0)
        more = climb.tell(good=good, cpu=min(1.0, (climb.value / limit) ** power))
        steps += 1
        assert steps < 30, "it never ends"
    return best, steps


@pytest.mark.parametrize(("limit", "power"), [(101, 1), (330, 1), (20_000, 1), (30, 1), (60, 2), (900, 2)])
def test_a_climb_ends_close_below_what_can_be_done(limit: float, power: float) -> None:
    best, steps = climbed(limit, 100 if power == 1 else 24, power=power)
    assert limit / LOWEST**1.01 <= best <= limit
    assert steps <= 16


def test_a_climb_gives_up_far_below_its_start() -> None:
    best, _ = climbed(100 / DOWN / 2, 100)
    assert best == 0


def test_what_fails_once_is_tried_again() -> None:
    climb = Climb(100)
    assert climb.tell(good=False, cpu=1.0)
    assert climb.value == 100
    assert climb.tell(good=True, cpu=0.5)
    assert climb.value > 100


def step(rate: float, **more: Any) -> dict[str, Any]:
    return {"delivered_per_s": rate, "p99_ms": 5.0, "valid": True, **more}


@pytest.mark.parametrize(
    "fault", [{"p99_ms": 101.0}, {"lost": 1}, {"faults": 1}, {"unstored": 1}, {"converged": False}]
)
def test_the_best_step_is_one_without_any_fault(fault: dict[str, Any]) -> None:
    found = _best([step(10), step(20), step(30, **fault)], "delivered_per_s")
    assert found["best"]["delivered_per_s"] == 20
    assert found["bound"] == "server"


def test_a_step_of_a_late_generator_is_never_the_best() -> None:
    found = _best([step(10), step(30, valid=False)], "delivered_per_s")
    assert (found["best"]["delivered_per_s"], found["bound"], found["valid"]) == (10, "generator", True)
    assert not _best([step(30, valid=False)], "delivered_per_s")["valid"]


def test_late_runs_have_no_part_in_medians() -> None:
    found = summary([{"ms": 10.0}, {"ms": 30.0}, LATE], "ms")
    assert (found.median, found.least, found.most, found.late) == (20, 10, 30, False)
    alone = summary([LATE], "ms")
    assert not alone.known
    assert cell(alone) == "?"
    assert cell(summary([], "ms")) == "–"
    assert cell(found) == "20 (10–30)"


def test_ratios_are_taken_round_by_round_and_without_late_runs() -> None:
    results = {
        "cold": {"flylab": [{"ms": 20.0}, {"ms": 10.0}, {"ms": 90.0}], "socketio": [{"ms": 10.0}, {"ms": 10.0}, LATE]},
        "chat200": {
            "flylab": [{"best": {"delivered_per_s": 100.0}}],
            "ws": [{"best": {"delivered_per_s": 5.0}}],
            "quart": [{"best": None}],
            "workerd": [{"best": {"delivered_per_s": 4.0}}],
        },
    }
    cold = ratio(results, Ratio("cold", "", "ms", "socketio"))
    assert (cold.median, cold.least, cold.most) == (1.5, 1, 2)
    assert ratio(results, Ratio("chat200", "", "best.delivered_per_s", "")).median == 20
    assert math.isnan(ratio(results, Ratio("cold", "", "ms", "colyseus")).median)


def test_a_promise_is_kept_up_to_its_bound() -> None:
    assert Bound(most=300).holds(300)
    assert not Bound(most=300).holds(300.1)
    assert Bound(least=15).holds(15)
    assert not Bound(least=15).holds(14.9)
    assert (str(Bound(least=1000)), str(Bound(most=1.3)), str(Bound())) == ("≥ 1,000", "≤ 1.3", "")


def run(**results: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-27T05:00+00:00", "cpu": "a processor", "cores": 2, "memory_gb": 8, "kernel": "Linux 6",
        "python": "3.11.7", "generator": "asyncio", "commit": "abc1234", "store": "/dev/shm",
        "load_before": [0.5, 0.4, 0.3], "load_after": [1.5, 1.4, 1.3], "minutes": 3.0, "rounds": 2, "seconds": 2.0,
        "starts": 3, "asked": ["--rounds", "2"], "titles": {"flylab": "our rooms", "socketio": "Socket.IO"},
        "versions": {"flylab": "Quart 1", "socketio": "socket.io 4"}, "left_out": ["workerd is left out: no npm."],
        "results": results,
    }  # fmt: skip


SLOW = run(cold={"flylab": [{"ms": 400.0}, LATE], "socketio": [{"ms": 200.0}, {"ms": 210.0}]})


def test_the_table_and_what_was_not_kept() -> None:
    assert "| start of the process to the first chat line, ms | ≤ 300 | 400 | 205 (200–210) |" in table(SLOW)
    assert "| cold start, to Socket.IO | ≤ 1.3 | 2.00 |" in ratios(SLOW)
    missed = unkept(SLOW)
    assert len(missed) == 2
    assert "promised ≤ 300, found 400" in missed[0]
    assert "promised ≤ 1.3, found 2.00" in missed[1]
    assert [one.rpartition(": ")[0] for one in aside(SLOW)] == ["cold, our rooms, round 2"]


def test_what_is_not_known_is_not_taken_for_kept() -> None:
    assert all("not known from this run" in one for one in unkept(run(cold={"flylab": [LATE], "socketio": [LATE]})))
    assert unkept(run(cold={"flylab": [{"ms": 100.0}], "socketio": [{"ms": 100.0}]})) == []


def test_the_page_has_table_conditions_command_and_bounds() -> None:
    text = section(SLOW)
    for wanted in (table(SLOW), ratios(SLOW), "0.50 / 0.40 / 0.30", "abc1234", "rooms.py --rounds 2", "does not show"):
        assert wanted in text
    assert "workerd is left out: no npm." in text
    assert str(BENCHMARKS.parent) not in text


WAITS = """
import pathlib, resource, signal, sys
pathlib.Path(sys.argv[1], "up").write_text(str(resource.getrlimit(resource.RLIMIT_NOFILE)))
signal.pause()
"""
WAITER = Peer("waiter", "flylab", (sys.executable, "-c", WAITS, "{folder}"))


def until(done: Any) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (found := done()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)
    return found


def up() -> list[Path]:
    return [file for file in Path(store()).glob(f"{PREFIX}*/up") if file.read_text()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_has_a_folder_of_its_own_and_all_files_it_may_open() -> None:
    with WAITER.running(0) as (_, pid, _):
        file = until(lambda: [file for file in up() if f"{PREFIX}{os.getpid()}-" in str(file)])[0]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert file.read_text() == str((hard, hard))
    assert not file.parent.exists()
    assert not runs(pid)


HOLD = """
import sys
sys.path.insert(0, {benchmarks!r})
from roomload.peer import Peer
with Peer("waiter", "flylab", {command!r}).running(0) as (_, pid, _):
    print(pid, flush=True)
    sys.stdin.read()
"""


def test_a_killed_benchmark_leaves_no_server_and_the_next_one_sweeps() -> None:
    script = HOLD.format(benchmarks=str(BENCHMARKS), command=WAITER.command)
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        folder = until(lambda: [file.parent for file in up() if f"{PREFIX}{holder.pid}-" in str(file)])[0]
        sweep()
        assert folder.exists(), "its owner runs"
        holder.send_signal(signal.SIGKILL)
    until(lambda: not runs(pid))
    assert folder.exists()
    sweep()
    assert not folder.exists()


def test_one_command_measures_stores_and_writes(tmp_path: Path) -> None:
    asked = [sys.executable, str(BENCHMARKS / "rooms.py"), "--rounds", "1", "--loads", "cold", "--peers", "none"]
    environment = {**os.environ, "FLYLAB_BUILD": str(tmp_path)}
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "our rooms" in done.stdout
    record = latest(tmp_path / "data", "bench-rooms-some")
    assert record is not None
    run, samples = load(record)
    assert run.valid
    found = run.results["results"]["cold"]["flylab"]
    assert [round(1000 * sample.latency, 6) for sample in samples] == [round(each["ms"], 6) for each in found]
    assert "rooms.py --rounds 1" in section(run.results)


@pytest.mark.parametrize("words", [["--loads", "nothing"], ["--peers", "nobody"], ["--rounds", "0"]])
def test_what_is_not_known_is_refused(words: list[str]) -> None:
    done = subprocess.run([sys.executable, BENCHMARKS / "rooms.py", *words], capture_output=True, check=False)
    assert done.returncode == 2
