"""What heads have in common before and behind a gap, and what is in the gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.local.stencil import Stencil, widened


def block(lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@pytest.mark.parametrize(
    ("former", "head", "before", "after"),
    [
        ("abc", "axc", "a", "c"),
        ("abc", "abc", "abc", ""),
        ("abc", "abxc", "ab", "c"),
        ("abxc", "abc", "ab", "c"),
        ("abc", "xbc", "", "bc"),
        ("aa", "aaa", "aa", "a"),
        ("a", "b", "", ""),
    ],
)
def test_two_heads_have_their_ends_in_common(former, head, before, after):
    found = widened(block(former), block(former), block(head))
    assert found == (block(before)[:-2], block(after))


def test_a_gap_gets_wider_with_every_head_that_does_not_fit():
    found = widened(block("abcd"), block("abcd"), block("abxd"))
    assert found == (block("ab")[:-2], block("d"))
    found = widened(*found, block("axd"))
    assert found == (block("a")[:-2], block("d"))
    assert widened(*found, block("axy")) == (block("a")[:-2], block(""))
    assert widened(*found, block("x")) == (b"", block(""))


lines = st.text("abc", min_size=1, max_size=6)


@given(lines, st.lists(lines, min_size=1, max_size=5))
def test_whatever_widened_it_fits_and_what_fits_is_whole(former, others):
    before = after = block(former)
    for other in others:
        before, after = widened(before, after, block(other))
        start = b"GET\r\n"
        data = start + block(other) + b"body"
        gap = Stencil(before, after).gap(data, len(start), len(data) - 4)
        assert gap is not None
        assert gap.startswith(b"\r\n")
        assert start + before + gap[2:] + after == data[:-4]


@pytest.mark.parametrize("data", ["ac", "xbc", "abx", "b", "abcd", ""])
def test_a_head_with_other_lines_around_does_not_fit(data):
    fits = Stencil(block("ab")[:-2], block("bc"))
    assert fits.gap(b"G\r\n" + block("abbc"), 3, 3 + len(block("abbc"))) == b"\r\n"
    head = b"G\r\n" + block(data)
    assert fits.gap(head, 3, len(head)) is None
