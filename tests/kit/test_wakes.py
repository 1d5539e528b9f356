"""``flylab wakes`` wakes machines of a platform of its own in every way, and stores where the time went."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flylab.__main__ import main
from flylab.errors import UsageError
from flylab.kit import figures
from flylab.kit import wakes as command
from flylab.measure import runs
from flylab.measure.wakes import Burst, Source, Wake, pieces, timetable
from tests.support import wait_until

ALL = ["stop", "suspend", "pool", "always-on"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Wake]]:
    """One wake of each variant, as they were stored."""
    folder = tmp_path_factory.mktemp("wakes")
    assert main(["wakes", "--n", "1", "--warm-up", "0", "--latency", "off", "--folder", str(folder)]) == 0
    (record,) = folder.glob("*.json")
    _, samples = runs.load(record)
    return folder, {wake.variant: wake for wake in map(Wake.from_sample, samples)}


WHOLE = ("connection", "request at the edge")
WOKEN = {"stop": ("start accepted", "process spawned", "port open", "seen by the proxy"),
         "suspend": ("start accepted", "process resumed", "seen by the proxy")}  # fmt: skip


@pytest.mark.parametrize("variant", ALL)
def test_each_variant_has_its_phases_and_they_add_up(made: tuple[Path, dict[str, Wake]], variant: str) -> None:
    wake = made[1][variant]
    assert (wake.outcome, wake.marked) == ("ok", ())
    assert tuple(phase.name for phase in wake.phases) == (
        *WHOLE, *WOKEN.get(variant, ()), "first byte", "first room message"
    )  # fmt: skip
    assert wake.whole == pytest.approx(sum(phase.took for phase in wake.phases), abs=1e-5)
    assert all(phase.took >= 0 for phase in wake.phases)
    assert wake.sent >= wake.due


def test_every_source_has_its_share_of_a_start(made: tuple[Path, dict[str, Wake]]) -> None:
    stop = made[1]["stop"]
    assert {phase.source for phase in stop.phases} == {*Source}
    assert {phase.name for phase in stop.phases if phase.inputs} <= {"seen by the proxy"}  # --latency off
    assert set(stop.seen.app) >= {"python", "imported", "listening"}


def test_a_stored_run_is_shown_again(made: tuple[Path, dict[str, Wake]], capsys: pytest.CaptureFixture[str]) -> None:
    folder = made[0]
    assert main(["wakes", "--run", "wakes", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "p50, ms" in said
    assert "first room message" in said
    assert "Clocks:" in said
    assert main(["wakes", "--run", "wakes", "--folder", str(folder), "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [(cell["variant"], cell["n"], cell["failed"]) for cell in cells] == [(name, 1, 0) for name in ALL]
    assert main(["runs", "--folder", str(folder), "show", "wakes"]) == 0
    assert "wake, ams, 1 at once, stop: n 1, 0 failed" in capsys.readouterr().out


def test_pieces_are_what_stacked_bars_are_made_of(made: tuple[Path, dict[str, Wake]]) -> None:
    bars = figures.phase_bars(pieces([*made[1].values()]), figures.basis("measured", "configured", n=4, unit="ms"))
    assert {row["variant"] for row in bars.rows} == set(ALL)


def test_progress_says_what_was_woken_last_and_what_went_wrong(made: tuple[Path, dict[str, Wake]]) -> None:
    out = io.StringIO()
    wakes = [replace(made[1]["stop"], outcome="503"), made[1]["pool"]]
    with command.progress(timetable(["stop", "pool"], [1], n=1, warm_up=0), out=out) as show:
        show(Burst(number=0, variant="pool", at_once=1), wakes)
    assert "1/2" in out.getvalue()
    assert "pool ×1" in out.getvalue()
    assert "1 failed, 0 do not add up" in out.getvalue()


@pytest.mark.usefixtures("nothing_left")
def test_ctrl_c_ends_it_with_its_platform_and_keeps_the_record(tmp_path: Path) -> None:
    words = ["--variants", "always-on", "--n", "1000", "--latency", "off", "--folder", str(tmp_path)]
    environ = os.environ | {"FLYLAB_BUILD": str(tmp_path / "build")}
    child = subprocess.Popen(
        [sys.executable, "-m", "flylab", "wakes", *words], env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: list(tmp_path.glob("*.json")), 30, what="its run has begun")
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "Traceback" not in said
    (record,) = tmp_path.glob("*.json")
    assert runs.read(record).finished_at


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--variants", "slept"], "'slept'"),
        (["--at-once", "many"], "cannot read --at-once 'many'"),
        (["--at-once", "0"], "not 0"),
        (["--n", "0"], "0 wakes"),
        (["--app", "mine"], "FLYLAB_URL"),
        (["--path", "rooms"], "begins with '/'"),
        (["--regions", ","], "need a region"),
        (["--run", "nothing"], "no run 'nothing'"),
        (["--target", "fly"], "FLY_API_TOKEN"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    for name in ("FLYLAB_URL", "FLY_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(["wakes", *words, "--folder", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("flylab wakes: ")
    assert text in said
    assert said.count("\n") == 1


async def test_an_app_without_room_for_that_many_is_refused() -> None:
    class Machines:
        async def machines(self, _: str) -> list[Any]:
            return []

    class Lab:
        api = Machines()

    with pytest.raises(UsageError, match="app mine has 0"):
        await command._found(Lab(), "mine", 2)  # type: ignore[arg-type]
