"""What `benchmarks/load.py` makes of its runs, and that its sinks are what they claim to be."""

import asyncio
import shutil
import sys
from pathlib import Path

import load
import pytest
from comparison.page import BEGIN as ROOMS
from comparison.page import END as ROOMS_END
from comparison.page import place
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

THREE = [1.25, 1.0, 1.5]
ROW = {"run": "load-1", "n": 2000, "failed": 0, "rate": 199.9} | {
    f"{what}_{q}": THREE for what in ("latency", "late") for q in ("p50", "p99")
}
RUN = {
    "at": "2026-01-02T03:04+00:00", "cpu": "a", "cores": 2, "memory_gb": 4, "kernel": "Linux", "python": "3.11",
    "generator": "uvloop 1", "load_before": [1.0, 1.0, 1.0], "load_after": [1.0, 1.0, 1.0],
    "favoured": True, "rate": 200,
    "lateness": [ROW | {"asked": 200}, ROW | {"asked": 20}, ROW | {"asked": 200, "late_p99": [6.0, 5.0, 7.0]}],
    "omission_rate": 1000.0, "omission_seconds": 60.0,
    "omission": {
        "closed": ROW | {"latency_p99": [15.0, 14.0, 16.0]}, "open": ROW | {"latency_p99": [500.0, 490.0, 510.0]},
    },
}  # fmt: skip


def test_the_section_says_what_was_promised_and_what_was_outside() -> None:
    text = load.section(RUN)
    assert "under 5 ms; kept in 1 of 2 rounds" in text
    assert "| 20 | 200 | 2,000 | 1.250 (1.000–1.500) |" in text
    assert "| closed loop | 2,000 | – | 1.25 (1.00–1.50) | 15.0 (14.0–16.0) | 12–19 | 12–25 | inside |" in text
    assert "| open loop | 2,000 | 1.2 (1.0–1.5) | 1.25 (1.00–1.50) | 500.0 (490.0–510.0) | 400–450 |" in text
    assert "| 380–470 | **outside** |" in text
    assert "p99 would be 410 ms" in text
    assert "(SCHED_RR)" in text
    assert "not comparable" in load.section(RUN | {"omission_seconds": 10.0})


def test_a_run_of_one_part_has_a_section_and_leaves_others_alone() -> None:
    part = {name: value for name, value in RUN.items() if not name.startswith("omission")}
    assert "Coordinated" not in load.section(part)
    page = place(f"{ROOMS}\nrooms\n{ROOMS_END}\n", load.section(part), marks=(load.BEGIN, load.END))
    assert "rooms" in page
    assert "load-1" in page


@pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="no C compiler")
@pytest.mark.usefixtures("nothing_left")
async def test_the_echo_speaks_websocket_and_sends_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "ROOT", tmp_path)
    with load.sink([str(load.compiled())]) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
            for text in ("", "ä", "x" * 125, "y" * 126, "z" * 60_000):
                await socket.send(text)
                assert await asyncio.wait_for(socket.recv(), 10) == text
            await asyncio.gather(*(socket.send(bytes([number])) for number in range(200)))
            assert [await asyncio.wait_for(socket.recv(), 10) for _ in range(200)] == [bytes([n]) for n in range(200)]
            await socket.send("w" * 70_000)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)


@pytest.mark.usefixtures("nothing_left")
async def test_the_stalling_server_answers_after_a_while_and_stands_still_once() -> None:
    numbers = ["0.005", "0.05", "0.2"]
    with load.sink([sys.executable, str(load.SINKS / "stalling.py"), *numbers]) as port:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = []
        began = loop.time()
        while loop.time() - began < 0.4:
            sent = loop.time()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"ok"), 10)
            took.append(loop.time() - sent)
        writer.close()
    assert min(took) > 0.002  # uvloop's clock is some milliseconds coarse
    assert max(took) > 0.15


def test_without_a_run_there_is_nothing_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(load, "OUT", tmp_path / "load.json")
    monkeypatch.setattr(sys, "argv", ["load.py", "--write", str(tmp_path / "page.md")])
    assert load.main() == 1
    assert "no build/load.json yet" in capsys.readouterr().err
