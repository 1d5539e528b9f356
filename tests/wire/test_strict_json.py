"""Bodies as JSON: what Python reads beyond Go's decoder is refused, and nothing that is small is large in memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.wire.strict_json import DEPTH, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)  # fmt: skip


@given(VALUES, st.booleans())
def test_what_json_can_say_comes_back(value: object, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 100_000, "deeper in each other than 100 levels"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "deeper in each other than 100 levels"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "deeper in each other than 100 levels"),
        (b"9" * 5000, r"9{40}… \(5000 characters\) does not fit into 64 bits"),
        (b"[18446744073709551616]", "18446744073709551616 does not fit into 64 bits"),
        (b"-9223372036854775809", "does not fit into 64 bits"),
        (b"1e400", "the number 1e400 is too large"),
        (b"-1e99999999999", "is too large"),
        (b"NaN", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (rb'{"\ud800": 1}', "half of a surrogate pair"),
        (rb'"\uDFFF\ud800"', "half of a surrogate pair"),
        ("é".encode("latin-1"), r"it is not UTF-8 \(byte 0\)"),
        ('"a"'.encode("utf-16"), "it is not UTF-8"),
        ('\ufeff"a"'.encode(), "BOM"),
        (b'"a\nb"', "control character"),
        (b"\x1f\x8b\x08", "not UTF-8"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        read_json(data)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[" * DEPTH + b"]" * DEPTH, None),
        (b"[" + b",".join([b"[]"] * 1000) + b"]", [[]] * 1000),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\\ud800"', r"\ud800"),
        (b'{"a": 1, "a": 2}', {"a": 2}),  # the last one counts, as in Go
        (b"18446744073709551615", 2**64 - 1),
        (b"1e-400", 0.0),
    ],
)
def test_what_looks_strange_and_is_fine(data: bytes, value: object) -> None:
    assert read_json(data) == value or value is None
