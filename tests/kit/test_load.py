"""``flylab load`` carries out a file, shows a bar and leaves a run; what cannot begin is one sentence."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flylab.__main__ import main
from flylab.kit.progress import Bar, line, over
from flylab.measure.offer import Progress
from flylab.measure.stats import Histogram


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def written(folder: Path, port: int) -> str:
    path = folder / "plan.json"
    arrivals = {"kind": "constant", "rate": 40, "seconds": 0.25}
    path.write_text(json.dumps({"target": f"http://127.0.0.1:{port}", "arrivals": arrivals, "mix": [{"do": "get"}]}))
    return str(path)


@pytest.mark.usefixtures("nothing_left")
def test_a_plan_is_carried_out_and_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        asked = [written(tmp_path, server.server_port), "--processes", "1", "--folder", str(tmp_path / "data")]
        status = main(["load", *asked])
        server.shutdown()
    assert status in (0, 1)  # 1 on a computer that is too busy for a generator that is in time
    said = capsys.readouterr()
    assert "10 sent, 10 answered, 0 failed; p50 " in said.out
    assert ("INVALID" in said.out) == (status == 1)
    run = said.out.split("flylab runs show ")[1].strip()
    assert main(["runs", "--folder", str(tmp_path / "data"), "show", run]) == 0
    assert "get /, 127.0.0.1: n 10, 0 failed" in capsys.readouterr().out


def test_a_load_beside_itself_is_one_run_whose_effects_are_shown_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        asked = [written(tmp_path, server.server_port), "--processes", "1", "--folder", str(tmp_path / "data")]
        status = main(["load", *asked, "--a-a", "--rounds", "1", "--name", "equal"])
        server.shutdown()
    assert status in (0, 1)  # 1 on a computer that is too busy for a generator that is in time
    said = capsys.readouterr().out
    assert ("1 rounds, too few for an interval; noise" in said) == (status == 0)
    assert main(["runs", "--folder", str(tmp_path / "data"), "show", "equal"]) == 0
    shown = capsys.readouterr().out
    assert said.partition("stored:")[0] in shown
    assert "get /, 127.0.0.1, A again: n " in shown or status == 1  # late rounds are made again


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--knee", "5"], "cannot read bound '5'"),
        (["--knee", "0s"], "bound of 0 s"),
        (["--knee", "50ms", "--a-a"], "two runs"),
        (["--rounds", "3"], "--rounds are those of a comparison"),
        (["--most", "3"], "--most ends the search"),
        (["--a-a", "--rounds", "0"], "and not 0"),
        (["--against", "nothing.json"], "nothing.json"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    assert main(["load", written(tmp_path, 1), "--folder", str(tmp_path / "data"), *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("flylab load: ")
    assert why in said
    assert not (tmp_path / "data").exists()


def test_a_plan_that_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", str(tmp_path / "nothing.json")]) == 2
    assert capsys.readouterr().err.startswith("flylab load: cannot read load")


def progress(n: int, late: float = 0.0) -> Progress:
    latencies, lateness = Histogram(), Histogram()
    for number in range(n):
        latencies.add(0.001 * (1 + number % 10))
        lateness.add(late)
    return Progress(
        elapsed=2.0, seconds=10.0, sent=n, finished=n, failed=3, latencies=latencies, lateness=lateness
    )  # fmt: skip


def test_the_bar_has_rates_quantiles_and_errors() -> None:
    assert line(progress(0)) == "0 answers/s, p50 –, p99 –, 3 failed"
    assert line(progress(2000)) == "1000 answers/s, p50 5 ms, p99 10 ms, 3 failed"
    assert line(progress(2000, late=0.05)).endswith("sent 50 ms late")
    out = io.StringIO()
    with Bar("blue", out=out) as bar:
        bar.show(progress(2000))
        bar.show(progress(4000))
    assert "blue" in out.getvalue()
    assert "2 of 10 s, 2000 answers/s, p50 5 ms" in out.getvalue()


def test_steps_move_a_bar_and_are_all_there() -> None:
    out = io.StringIO()
    assert list(over([3, 1, 2], "rounds", out=out)) == [3, 1, 2]
    assert "rounds: 100%" in out.getvalue()
    assert "3/3" in out.getvalue()


def test_where_there_is_no_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(over(range(2), "rounds")) == [0, 1]
    assert capsys.readouterr() == ("", "")
