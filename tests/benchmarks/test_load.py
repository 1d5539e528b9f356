"""What `benchmarks/load.py` makes of its runs, and that its sinks are what they claim to be."""

import asyncio
import shutil
from pathlib import Path

import load
import pytest
from comparison import generator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from flylab.measure.sample import Sample

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


def test_the_sections_say_what_was_promised_and_what_was_outside() -> None:
    text = generator.section(RUN)
    assert "under 5 ms; kept in 1 of 2 rounds" in text
    assert "| 20 | 200 | 2,000 | 1.250 (1.000–1.500) |" in text
    assert "(SCHED_RR)" in text
    assert "`python benchmarks/load.py --only lateness --favoured`" in text
    text = generator.both_section(RUN)
    assert "| closed loop | 2,000 | – | 1.25 (1.00–1.50) | 15.0 (14.0–16.0) | 12–19 | 12–25 | inside |" in text
    assert "| open loop | 2,000 | 1.2 (1.0–1.5) | 1.25 (1.00–1.50) | 500.0 (490.0–510.0) | 400–450 |" in text
    assert "| 380–470 | **above** |" in text
    assert "p99 would be 410 ms" in text
    quick = {"closed": ROW | {"latency_p99": [11.0, 11.0, 11.0]}, "open": ROW | {"latency_p99": [400.0, 390.0, 410.0]}}
    assert "| 12–25 | **below** |" in generator.both_section(RUN | {"omission": quick})
    assert "10 ms are the least" in generator.both_section(RUN | {"omission": quick})
    assert "are the least" not in text
    assert "not comparable" in generator.both_section(RUN | {"omission_seconds": 10.0})


def test_every_row_is_computed_from_samples() -> None:
    def sample(due: float, late: float, took: float, **detail: object) -> Sample:
        return Sample(what="x", where="y", scheduled=due, sent=due + late, finished=due + took, detail=detail)

    slow = [sample(5 + n / 100, 0.001, 0.002, variant="100/s", asked=100.0, round=1) for n in range(1000)]
    loops = [sample(n, 0, 0.010, variant=name) for name in ("closed", "open") for n in range(3)]
    found = generator.summed([*slow, *loops])
    [row] = found["lateness"]
    assert (row["asked"], row["round"], row["n"], row["failed"]) == (100.0, 1, 1000, 0)
    assert row["rate"] == pytest.approx(100, rel=0.01)
    assert row["late_p99"] == pytest.approx([1, 1, 1])
    assert "late_p99.9" not in row
    assert found["omission"]["open"]["latency_p50"] == pytest.approx([10, 10, 10])
    assert "| open loop | 3 | – | 10.00 (10.00–10.00) | – |" in generator.both_section(RUN | found)


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
