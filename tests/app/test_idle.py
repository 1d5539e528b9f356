"""When a machine without work ends."""

from app.idle import Idle


def test_a_machine_that_never_had_work_ends_after_its_time() -> None:
    idle = Idle(after=30.0, now=100.0)
    assert not idle.look(129.9, rooms=0, connections=0)
    assert idle.look(130.0, rooms=0, connections=0)


def test_work_starts_the_time_anew() -> None:
    idle = Idle(after=30.0, now=0.0)
    assert not idle.look(29.0, rooms=1, connections=0)
    assert not idle.look(100.0, rooms=0, connections=3)
    assert not idle.look(101.0, rooms=0, connections=0)
    assert not idle.look(130.9, rooms=0, connections=0)
    assert idle.look(131.0, rooms=0, connections=0)


def test_zero_means_never() -> None:
    idle = Idle(after=0.0, now=0.0)
    assert not idle.look(1e9, rooms=0, connections=0)
