"""Pacing: nothing waits after a quiet moment, and a busy room sends in proportion to what sending costs."""

import pytest

from app.pacing import Pacer


def test_the_first_and_whatever_follows_a_quiet_moment_goes_at_once() -> None:
    pacer = Pacer()
    assert pacer.due(5.0, patient=False) == 5.0
    pacer.flushed(5.0, 5.001)
    assert pacer.due(6.0, patient=False) == 6.0
    assert pacer.due(6.0, patient=True) == 6.0


@pytest.mark.parametrize(("cost", "wait"), [(0.001, 0.003), (0.005, 0.015), (0.5, 0.033)])
def test_messages_wait_for_three_times_the_cost_and_33_ms_at_most(cost: float, wait: float) -> None:
    pacer = Pacer()
    pacer.flushed(5.0, 5.0 + cost)
    assert pacer.due(5.0, patient=False) == pytest.approx(5.0 + wait)


@pytest.mark.parametrize(("cost", "wait"), [(0.001, 0.012), (0.005, 0.015), (0.5, 0.033)])
def test_cursors_come_every_12_ms_at_most(cost: float, wait: float) -> None:
    pacer = Pacer()
    pacer.flushed(5.0, 5.0 + cost)
    assert pacer.due(5.0, patient=True) == pytest.approx(5.0 + wait)
