"""What `benchmarks/replay_cost.py` makes of its times."""

import random

import pytest
from comparison import replay

ABOUT = {
    "at": "2026-01-02T03:04+00:00", "cpu": "a", "cores": 2, "kernel": "Linux", "python": "3.11", "runs": 1000,
    "load_before": [1.0, 1.0, 1.0], "load_after": [1.0, 1.0, 1.0],
}  # fmt: skip


def times(n: int, extra: float) -> dict[str, list[float]]:
    """A computer whose speed drifts by far more than what is looked for."""
    rng = random.Random(1)
    drift = [1 + place / n for place in range(n)]
    ways = {"direct": 0.0, "edge": 0.1, "replayed": 0.1 + extra}
    return {way: [each + more + rng.uniform(0, 0.2) for each in drift] for way, more in ways.items()}


def test_what_is_added_is_found_within_rounds_though_the_computer_drifts() -> None:
    found = replay.summed(times(1000, 0.05))
    value, low, high = found["replay_adds"]
    assert value == pytest.approx(0.05, abs=0.02)
    assert low <= 0.05 <= high
    assert found["edge_adds"][0] == pytest.approx(0.1, abs=0.02)
    assert found["holds"]
    text = replay.section(ABOUT | {"loops": {"asyncio": found, "uvloop": replay.summed(times(1000, 5.0))}})
    assert "| p50; p99, ms | asyncio | uvloop |" in text
    assert "n 1,000 of each way" in text
    assert ", kept | " in text
    assert "**not kept** |" in text


def test_a_short_run_has_no_interval_and_no_tail() -> None:
    found = replay.summed(times(50, 0.05))
    assert len(found["replay_adds"]) == 1
    assert "p99" not in found["ways"]["direct"]
    assert replay.table({"asyncio": found})
