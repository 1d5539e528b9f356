"""Go's durations: both directions, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.duration import format_duration, parse_duration

READ = [
    ("10s", 10.0),
    ("800ms", 0.8),
    ("1m30s", 90.0),
    ("1h0m0s", 3600.0),
    ("1.5h", 5400.0),
    (".5s", 0.5),
    ("1.s", 1.0),
    ("0", 0.0),
    ("-2s", -2.0),
    ("+2s", 2.0),
    ("3us", 3e-6),
    ("3µs", 3e-6),
    ("3μs", 3e-6),
    ("7ns", 7e-9),
    (15_000_000_000, 15.0),
    (0, 0.0),
]
REFUSED = ["", "10", "10x", "s", "1m 30s", "-", "10s!", "٣s", None, 1.5, True, ["10s"], "9" * 30 + "h"]
WRITTEN = [
    (90, "1m30s"),
    (0.8, "800ms"),
    (0, "0s"),
    (1.5, "1.5s"),
    (3600, "1h0m0s"),
    (3661.25, "1h1m1.25s"),
    (60, "1m0s"),
    (1e-6, "1µs"),
    (1.5e-6, "1.5µs"),
    (1e-9, "1ns"),
    (-0.25, "-250ms"),
]


@pytest.mark.parametrize(("text", "seconds"), READ)
def test_reads_what_go_reads(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", REFUSED)
def test_refuses_with_the_value_in_the_sentence(text: object) -> None:
    with pytest.raises(ParseError, match=r"cannot read kill_timeout") as caught:
        parse_duration(text, "kill_timeout")
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(("seconds", "text"), WRITTEN)
def test_writes_what_go_writes(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_what_is_written_can_be_read_again(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds / 10**9)) == pytest.approx(nanoseconds / 10**9, abs=1e-9)
