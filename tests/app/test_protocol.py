"""Reading what members send; what may go wrong on a real socket is in test_members."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import (
    NAME_CHARS,
    Cursor,
    Cursors,
    Error,
    Hello,
    Said,
    Say,
    Unreadable,
    clean_name,
    clean_text,
    format_message,
    parse_message,
)


def test_every_kind_is_read_into_its_type() -> None:
    hello = '{"t":"hello","v":1,"key":"0123456789abcdef","name":"Ada","since":3,"log":"L"}'
    assert parse_message(hello, most_bytes=500) == Hello(v=1, key="0123456789abcdef", name="Ada", since=3, log="L")
    assert parse_message('{"t":"cursor","x":0.5,"y":1}', most_bytes=500) == Cursor(x=0.5, y=1.0)
    assert parse_message(b'{"t":"say","op":"a","text":"x","later":true}', most_bytes=500) == Say(op="a", text="x")


@pytest.mark.parametrize("size", [99, 100, 101])
def test_the_size_limit_counts_bytes(size: int) -> None:
    frame = '{"t":"say","op":"a","text":"ä' + "x" * (size - 32) + '"}'
    assert len(frame.encode()) == size
    if size <= 100:
        assert isinstance(parse_message(frame, most_bytes=100), Say)
    else:
        with pytest.raises(Unreadable, match="may have 100 bytes, this one has 101"):
            parse_message(frame, most_bytes=100)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_anything_at_all_is_read_or_refused(frame: str | bytes) -> None:
    assert outcome(frame) in ("read", "malformed", "unknown", "invalid")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["t", "op", "text", "x", "v"]), inner),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["hello", "say", "cursor", "rename", "ping", "dance"]))
def test_any_json_is_read_or_refused(value: object, kind: str) -> None:
    frame = {**value, "t": kind} if isinstance(value, dict) else value
    assert outcome(msgspec.json.encode(frame)) in ("read", "malformed", "unknown", "invalid")


def outcome(frame: str | bytes) -> str:
    try:
        parse_message(frame, most_bytes=100_000)
    except Unreadable as exc:
        return exc.code
    return "read"


def test_a_bad_operation_is_named_in_the_answer_so_that_the_page_can_drop_it() -> None:
    with pytest.raises(Unreadable) as refused:
        parse_message('{"t":"say","op":"a1","text":""}', most_bytes=500)
    assert (refused.value.code, refused.value.op) == ("invalid", "a1")


def test_messages_are_compact_and_tagged() -> None:
    said = Said(seq=1, by="a", op="o", name="Ada", hue=30, text="<b>", at=1.5)
    assert format_message(said) == (
        '{"t":"said","seq":1,"by":"a","op":"o","name":"Ada","hue":30,"text":"<b>","at":1.5}'
    )
    assert format_message(Error(code="x", text="y")) == '{"t":"error","code":"x","text":"y"}'
    assert format_message(Cursors(c=[("a", 0.5, None)])) == '{"t":"cursors","c":[["a",0.5,null]]}'


@pytest.mark.parametrize(
    ("raw", "clean"),
    [(" Ada  L\n", "Ada L"), ("\u202eevil", "evil"), ("\x00", ""), ("x" * 99, "x" * NAME_CHARS), ("Zoë 🦊", "Zoë 🦊")],
)
def test_names_are_one_visible_line(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


def test_text_keeps_its_lines_and_loses_control_characters() -> None:
    assert clean_text(" a\x00\x1b[31m\nb\x7f\t ") == "a[31m\nb"
