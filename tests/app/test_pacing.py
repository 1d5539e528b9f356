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
    pacer.flushed(4.0, 4.0 + cost)
    pacer.flushed(5.0, 5.0 + cost)
    assert pacer.due(5.0, patient=False) == pytest.approx(5.0 + wait)


@pytest.mark.parametrize(("cost", "wait"), [(0.001, 1 / 60), (0.003, 0.018), (0.004, 0.022), (0.5, 0.033)])
def test_cursors_wait_for_a_frame_of_the_screen_or_six_times_the_cost(cost: float, wait: float) -> None:
    pacer = Pacer()
    pacer.flushed(4.0, 4.0 + cost)
    pacer.flushed(5.0, 5.0 + cost)
    assert pacer.due(5.0, patient=True) == pytest.approx(5.0 + wait)


def test_one_flush_that_was_interrupted_does_not_count() -> None:
    pacer = Pacer()
    for began, cost in ((1.0, 0.004), (2.0, 0.5), (3.0, 0.004)):
        pacer.flushed(began, began + cost)
        assert pacer.due(began, patient=False) <= began + 0.012 + 1e-9
    pacer.flushed(4.0, 4.5)
    pacer.flushed(5.0, 5.5)
    assert pacer.due(5.0, patient=False) == pytest.approx(5.033)
