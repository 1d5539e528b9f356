"""What running machines cost an hour."""

from datetime import date

import pytest

from app.paying import paid

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("memory", "size", "hour"),
    [(0, 256, 0.003047), (256, 256, 0.003047), (300, 512, 0.005132), (1024, 1024, 0.009301), (2048, 2048, 0.017638)],
)
def test_a_machine_costs_what_is_published_for_its_memory(memory: int, size: int, hour: float) -> None:
    found = paid(["m1", "m2", "m1"], memory_mb=memory, on=DAY)
    assert found == {
        "machines": 2,
        "size": f"shared-cpu-1x {size} MB",
        "usd_hour": pytest.approx(hour, abs=1e-6),
        "published": "2026-10-09",
    }


def test_a_machine_larger_than_any_published_is_taken_for_the_largest() -> None:
    assert paid([], memory_mb=1_000_000, on=DAY)["machines"] == 0
    assert paid([], memory_mb=1_000_000, on=DAY)["usd_hour"] > 0.017
