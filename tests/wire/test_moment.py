"""RFC 3339 in UTC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.moment import format_moment, parse_moment


def test_a_moment_is_written_with_milliseconds() -> None:
    assert format_moment(1_790_000_000.1234) == "2026-09-21T14:13:20.123Z"


@given(st.integers(min_value=0, max_value=4 * 10**12))
def test_what_is_written_is_read(ms: int) -> None:
    assert parse_moment(format_moment(ms / 1000)) == pytest.approx(ms / 1000, abs=1e-3)


def test_zones_are_read() -> None:
    assert parse_moment("1970-01-01T02:00:01+02:00") == 1.0


@pytest.mark.parametrize("value", ["soon", "2026-10-05", "2026-10-05T07:00:00", 3, None])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ParseError, match="cannot read updated_at"):
        parse_moment(value, "updated_at")
