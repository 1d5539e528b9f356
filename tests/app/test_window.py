"""The window: always the newest entries, without gap, within its size."""

from hypothesis import given
from hypothesis import strategies as st

from app.window import Window


@given(st.lists(st.integers(1, 40), max_size=1200), st.integers(1, 2000))
def test_it_holds_the_newest_entries_that_fit(sizes: list[int], most_bytes: int) -> None:
    window = Window(most_bytes)
    lines = [bytes([65 + seq % 20]) * size for seq, size in enumerate(sizes, start=1)]
    for seq, line in enumerate(lines, start=1):
        window.append(seq, line)
    held = 0
    expected: list[bytes] = []
    for line in reversed(lines):
        if expected and held + len(line) > most_bytes:
            break
        held += len(line)
        expected.insert(0, line)
    since = len(lines) - len(expected)
    assert window.next == len(lines) + 1
    assert window.held_bytes == held
    assert window.covers(since)
    assert not window.covers(since - 1)
    assert not window.covers(len(lines) + 1)
    assert window.after(since, upto=len(lines), most_bytes=10**6) == expected


def test_pieces_are_about_as_large_as_asked_and_never_empty() -> None:
    window = Window(1000)
    for seq, size in enumerate([5, 5, 50, 5], start=1):
        window.append(seq, b"x" * size)
    assert [len(line) for line in window.after(0, upto=4, most_bytes=12)] == [5, 5]
    assert [len(line) for line in window.after(2, upto=4, most_bytes=12)] == [50]
    assert [len(line) for line in window.after(3, upto=4, most_bytes=12)] == [5]
    assert [len(line) for line in window.after(0, upto=1, most_bytes=12)] == [5]
    assert window.after(4, upto=4, most_bytes=12) == []


def test_a_log_that_goes_on_elsewhere_begins_a_new_window() -> None:
    window = Window(1000)
    window.append(1, b"one")
    window.start(1)
    assert window.covers(0)
    window.start(40)
    assert window.covers(40)
    assert not window.covers(0)
    window.append(41, b"forty-one")
    assert window.after(40, upto=41, most_bytes=100) == [b"forty-one"]
    assert window.held_bytes == 9
