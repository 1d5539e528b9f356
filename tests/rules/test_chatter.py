"""A flood of the same is counted, a flood of different things is cut."""

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.chatter import PAUSE, Chatter


def test_the_same_is_counted_and_told_after_the_pause() -> None:
    chatter = Chatter()
    assert [chatter.admit("a", now) for now in (0.0, 1.0, 2.0, PAUSE - 0.1)] == [0, None, None, None]
    assert chatter.admit("b", 1.0) == 0
    assert chatter.admit("a", PAUSE) == 3
    assert chatter.admit("a", 2 * PAUSE) == 0


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 0.01)), max_size=300))
def test_lines_in_all_are_bounded(events: list[tuple[int, float]]) -> None:
    chatter, now, written = Chatter(), 0.0, 0
    for kind, pause in events:
        now += pause
        written += chatter.admit(kind, now) is not None
    assert written <= 51 + 10 * now


def test_what_is_remembered_is_bounded() -> None:
    chatter = Chatter()
    for number in range(5000):
        chatter.admit(number, number * 1.0)
    assert len(chatter._told) <= 1000
