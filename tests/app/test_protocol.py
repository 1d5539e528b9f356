"""Reading what members send; what may go wrong on a real socket is in test_members."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import protocol
from app.entries import MOST, Change, Look
from app.protocol import (
    ERRORS,
    NAME_CHARS,
    ClientMessage,
    Cursor,
    Cursors,
    Drag,
    Edit,
    Error,
    Hello,
    Links,
    Move,
    Ping,
    Redo,
    Rename,
    Say,
    Select,
    Share,
    Sleep,
    Undo,
    Unreadable,
    Welcome,
    clean_name,
    clean_text,
    format_message,
    parse_message,
)

KEY = "0123456789abcdef"
MESSAGES: list[tuple[ClientMessage, str]] = [
    (
        Hello(v=2, key=KEY, client="tab1", name="Ada", epoch=3, since=17),
        '{"t":"hello","v":2,"key":"0123456789abcdef","client":"tab1","name":"Ada","epoch":3,"since":17}',
    ),
    (
        Hello(v=2, key=KEY, client="tab1", name="Ada"),
        '{"t":"hello","v":2,"key":"0123456789abcdef","client":"tab1","name":"Ada"}',
    ),
    (Say(op=1, text="x"), '{"t":"say","op":1,"text":"x"}'),
    (
        Edit(op=2, changes=[Change(id="s", set=Look(kind="rect", x=1.0, y=-2.0)), Change(id="t", gone=True)]),
        '{"t":"edit","op":2,"changes":[{"id":"s","set":{"kind":"rect","x":1,"y":-2}},{"id":"t","gone":true}]}',
    ),
    (Undo(op=3), '{"t":"undo","op":3}'),
    (Redo(op=MOST), '{"t":"redo","op":9007199254740991}'),
    (Share(op=4, public="", revoke="edit"), '{"t":"share","op":4,"public":"","revoke":"edit"}'),
    (Share(op=4, listed=True), '{"t":"share","op":4,"listed":true}'),
    (Links(), '{"t":"links"}'),
    (Move(region="nrt"), '{"t":"move","region":"nrt"}'),
    (Sleep(), '{"t":"sleep"}'),
    (Cursor(x=-32_767, y=32_767), '{"t":"cursor","x":-32767,"y":32767}'),
    (Cursor(), '{"t":"cursor"}'),
    (Drag(changes=[Change(id="s", set=Look(x=1.0))]), '{"t":"drag","changes":[{"id":"s","set":{"x":1.0}}]}'),
    (Drag(), '{"t":"drag"}'),
    (Select(ids=["s", "t"]), '{"t":"select","ids":["s","t"]}'),
    (Select(), '{"t":"select"}'),
    (Rename(name="Bob"), '{"t":"rename","name":"Bob"}'),
    (Ping(n=7, rtt=12.5), '{"t":"ping","n":7,"rtt":12.5}'),
    (Ping(n=0), '{"t":"ping","n":0}'),
]


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(message) for message, _ in MESSAGES} == set(ClientMessage.__args__)


@pytest.mark.parametrize(("message", "frame"), MESSAGES)
def test_every_kind_is_read_in_both_encodings(message: ClientMessage, frame: str) -> None:
    assert parse_message(frame.encode(), most_bytes=500) == message
    packed = msgspec.msgpack.encode(msgspec.json.decode(frame))
    assert parse_message(packed, most_bytes=500, binary=True) == message
    later = frame[:-1] + ',"of a later version":[1,{"x":null}]}'
    assert parse_message(later.encode(), most_bytes=500) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"7", "malformed"),
        (b'{"t":"say"', "malformed"),
        (b'{"t":"say","op":1,"text":"x"} {}', "malformed"),
        (b'{"t":"say","op":1,"text":"\xff"}', "malformed"),
        (b'{"t":"say","op":1,"text":"\\ud800"}', "malformed"),
        (b'{"t":"say","op":1,"text":"\xed\xa0\x80"}', "malformed"),
        (b'{"t":"say","op":"x"' + b",nonsense", "malformed"),
        (b"[" * 60_000, "malformed"),
        (b'{"t":"dance"}', "unknown"),
        (b'{"t":7}', "unknown"),
        (b'{"op":1,"text":"x"}', "unknown"),
        (b'{"t":"said","seq":1}', "unknown"),
        (b'{"t":"say","op":0,"text":"x"}', "invalid"),
        (b'{"t":"say","op":9007199254740992,"text":"x"}', "invalid"),
        (b'{"t":"say","op":1.5,"text":"x"}', "invalid"),
        (b'{"t":"say","op":true,"text":"x"}', "invalid"),
        (b'{"t":"say","op":1,"text":""}', "invalid"),
        (b'{"t":"say","op":1}', "invalid"),
        (b'{"t":"edit","op":1,"changes":[]}', "invalid"),
        (b'{"t":"edit","op":1,"changes":[{"set":{"x":1}}]}', "invalid"),
        (b'{"t":"edit","op":1,"changes":[{"id":"s","set":{"x":1e9}}]}', "invalid"),
        (b'{"t":"edit","op":1,"changes":[{"id":"s","set":{"x":NaN}}]}', "malformed"),
        (b'{"t":"edit","op":1,"changes":[{"id":"__proto__","gone":true}]}', "invalid"),
        (b'{"t":"share","op":1,"public":"own"}', "invalid"),
        (b'{"t":"share","op":1,"revoke":"edit\\n"}', "invalid"),
        (b'{"t":"move","region":"AMS"}', "invalid"),
        (b'{"t":"move","region":"ams\\n"}', "invalid"),
        (b'{"t":"cursor","x":1.5,"y":1}', "invalid"),
        (b'{"t":"cursor","x":32768,"y":1}', "invalid"),
        (b'{"t":"select","ids":["a b"]}', "invalid"),
        (b'{"t":"ping","n":-1}', "invalid"),
        (b'{"t":"ping","n":1,"rtt":60001}', "invalid"),
        (b'{"t":"hello","v":2,"key":"short","client":"tab1","name":"A"}', "invalid"),
        (b'{"t":"hello","v":2,"key":"0123456789abcdef\\n","client":"tab1","name":"A"}', "invalid"),
        (b'{"t":"hello","v":2,"key":"0123456789abcdef","client":"tab1","name":"A","since":-1}', "invalid"),
    ],
)
def test_what_cannot_be_acted_upon_is_named(frame: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse_message(frame, most_bytes=100_000)
    assert refused.value.code == code
    assert 0 < len(str(refused.value)) < 500


def test_long_lists_are_refused() -> None:
    for count, kind in ((501, "edit"), (201, "drag")):
        changes = [{"id": "s", "gone": True}] * count
        assert outcome(msgspec.json.encode({"t": kind, "op": 1, "changes": changes})) == "invalid"
        assert outcome(msgspec.json.encode({"t": kind, "op": 1, "changes": changes[1:]})) == "read"
    assert outcome(msgspec.json.encode({"t": "select", "ids": ["s"] * 201})) == "invalid"


@pytest.mark.parametrize("size", [99, 100, 101])
def test_the_size_limit_counts_bytes(size: int) -> None:
    frame = ('{"t":"say","op":1,"text":"ä' + "x" * (size - 30) + '"}').encode()
    assert len(frame) == size
    if size <= 100:
        assert isinstance(parse_message(frame, most_bytes=100), Say)
    else:
        with pytest.raises(Unreadable, match="may have 100 bytes, this one has 101") as refused:
            parse_message(frame, most_bytes=100)
        assert refused.value.code == "too-large"


@given(st.one_of(st.text(max_size=200).map(str.encode), st.binary(max_size=200)), st.booleans())
def test_anything_at_all_is_read_or_refused(frame: bytes, binary: bool) -> None:
    assert outcome(frame, binary=binary) in ("read", *ERRORS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["t", "op", "text", "x", "v", "changes", "id", "set"]), inner)
    ),
    max_leaves=10,
)


@given(json_values, st.sampled_from([*protocol._KINDS, "dance"]), st.booleans(), st.binary(max_size=3))
def test_any_value_is_read_or_refused(value: object, kind: str, binary: bool, more: bytes) -> None:
    frame = {**value, "t": kind} if isinstance(value, dict) else value
    try:
        encoded = msgspec.msgpack.encode(frame) if binary else msgspec.json.encode(frame)
    except (OverflowError, ValueError):  # a number that no such frame can hold
        return
    assert outcome(encoded, binary=binary) in ("read", *ERRORS)
    assert outcome(encoded[: len(encoded) // 2] + more, binary=binary) in ("read", *ERRORS)


def outcome(frame: bytes, *, binary: bool = False) -> str:
    try:
        parse_message(frame, most_bytes=100_000, binary=binary)
    except Unreadable as exc:
        answer = Error(code=exc.code, text=str(exc)) if exc.op is None else Error(exc.code, str(exc), exc.op)
        assert msgspec.msgpack.encode(answer)
        assert format_message(answer)
        return exc.code
    return "read"


@pytest.mark.parametrize(
    ("frame", "op"),
    [
        (b'{"t":"say","op":12,"text":""}', 12),
        (b'{"t":"say","text":"","op":12}', 12),
        (b'{"t":"say","op":"12","text":""}', None),
        (b'{"t":"say","op":true,"text":""}', None),
        (b'{"t":"say","op":0,"text":""}', None),
        (b'{"t":"say","op":99999999999999999999999,"text":""}', None),
    ],
)
def test_a_bad_operation_is_named_in_the_answer_so_that_the_page_can_drop_it(frame: bytes, op: int | None) -> None:
    with pytest.raises(Unreadable) as refused:
        parse_message(frame, most_bytes=500)
    assert (refused.value.code, refused.value.op) == ("invalid", op)


def test_messages_are_compact_and_tagged() -> None:
    assert format_message(Error(code="x", text="y")) == b'{"t":"error","code":"x","text":"y"}'
    assert format_message(Error(code="x", text="y", op=3)) == b'{"t":"error","code":"x","text":"y","op":3}'
    assert format_message(Cursors(c=[[1, 5, 6], [2]])) == b'{"t":"cursors","c":[[1,5,6],[2]]}'
    assert format_message(Cursors(c=[], whole=True)) == b'{"t":"cursors","c":[],"whole":true}'


def test_a_welcome_says_everything_also_what_is_empty() -> None:
    welcome = Welcome(
        v=2, you="a", n=1, role="edit", room="blue", machine="m", region="ams", epoch=1, log="w", seq=1, stored=0,
        resumed=False, parts=1, op=0, skipped=[], members=[], cursors=[], selected=[], path=protocol.Path(), public="",
        listed=False,
    )  # fmt: skip
    assert set(msgspec.json.decode(format_message(welcome))) == {"t", *Welcome.__struct_fields__}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [(" Ada  L\n", "Ada L"), ("\u202eevil", "evil"), ("\x00", ""), ("x" * 99, "x" * NAME_CHARS), ("Zoë 🦊", "Zoë 🦊")],
)
def test_names_are_one_visible_line(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (" as it is ", "as it is"),
        (" a\x00\x1b[31m\nb\x7f\t ", "a[31m\nb"),
        ("a\tb", "a b"),
        ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf"),
        ("pay \u202e001$\u202c now\u2066\u2069", "pay 001$ now"),
        ("\x80\x9f", ""),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("e\u0301 שלום", "e\u0301 שלום"),
        ("\n\n", ""),
    ],
)
def test_text_keeps_its_lines_and_loses_control_characters(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=60))
def test_clean_text_stays_as_it_is(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert len(once) <= len(text)
