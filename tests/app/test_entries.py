"""The entries of the log, as they are stored and sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.entries import (
    DEFAULTS,
    PROPERTIES,
    REACH,
    Access,
    AnyEntry,
    Change,
    Edited,
    Epoch,
    Look,
    Released,
    Said,
    Shape,
    format_entry,
    parse_entry,
)

ENTRIES: list[tuple[AnyEntry, str]] = [
    (
        Epoch(seq=1, at=1.5, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made"),
        '{"t":"epoch","seq":1,"at":1.5,"epoch":1,"machine":"m1","region":"ams","app":"rooms","writer":"w","why":"made"}',
    ),
    (Released(seq=2, at=1.0, epoch=1, why="empty"), '{"t":"released","seq":2,"at":1.0,"epoch":1,"why":"empty"}'),
    (
        Said(seq=3, at=1.0, by="a", client="c", op=1, name="Ada", hue=30, text="<b>\n"),
        '{"t":"said","seq":3,"at":1.0,"by":"a","client":"c","op":1,"name":"Ada","hue":30,"text":"<b>\\n"}',
    ),
    (
        Edited(
            seq=4,
            at=1.0,
            by="a",
            client="c",
            op=2,
            changes=[Change(id="s", set=Look(x=1.0, points=[0.5])), Change(id="t", gone=True)],
            undoes=3,
        ),
        '{"t":"edited","seq":4,"at":1.0,"by":"a","client":"c","op":2,"changes":'
        '[{"id":"s","set":{"x":1.0,"points":[0.5]}},{"id":"t","gone":true}],"undoes":3}',
    ),
    (
        Access(seq=5, at=1.0, by="", client="", op=0, public="", listed=False, edit=1, view=0),
        '{"t":"access","seq":5,"at":1.0,"by":"","client":"","op":0,"public":"","listed":false,"edit":1,"view":0}',
    ),
    (
        Access(seq=6, at=1.0, by="a", client="c", op=3, public="", listed=False, edit=2**53 - 1, view=0),
        '{"t":"access","seq":6,"at":1.0,"by":"a","client":"c","op":3,"public":"","listed":false,'
        '"edit":9007199254740991,"view":0}',
    ),
]


@pytest.mark.parametrize(("entry", "line"), ENTRIES)
def test_an_entry_is_one_line_of_json(entry: AnyEntry, line: str) -> None:
    assert format_entry(entry) == line.encode()
    assert parse_entry(line.encode()) == entry


@pytest.mark.parametrize("line", [b"", b"{}", b'{"t":"sung","seq":1,"at":1}', b'{"t":"released","seq":2}', b"\xff"])
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeError)):
        parse_entry(line)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-REACH, max_value=REACH))
def test_numbers_come_back_to_the_last_bit(x: float) -> None:
    entry = Edited(seq=1, at=x, by="a", client="c", op=1, changes=[Change(id="s", set=Look(x=x, points=[x]))])
    assert repr(parse_entry(format_entry(entry))) == repr(entry)


def refused(change: dict[str, object], *, binary: bool = False) -> bool:
    codec = msgspec.msgpack if binary else msgspec.json
    try:
        codec.decode(codec.encode(change), type=Change)
    except msgspec.ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("kind", ["rect", "ellipse", "line", "arrow", "pen", "text", "note"], ["star", "", 1, None]),
        ("x", [-REACH, REACH, 0.5], [REACH + 1, -REACH - 0.1, "1", None, True]),
        ("y", [-REACH, REACH], [REACH + 1]),
        ("w", [-2 * REACH, 2 * REACH], [2 * REACH + 1]),
        ("h", [-2 * REACH, 2 * REACH], [-2 * REACH - 1]),
        ("r", [-360, 360], [360.5]),
        ("z", [-1e12, 1e12], [1.1e12]),
        ("fill", ["none", "red", "#0a9Fff".lower()], ["#FFFFFF", "#fff", "red\n", "url(x)", "rgb(1,2,3)", ""]),
        ("stroke", ["none"], ["a" * 17, "red;", "#12345g"]),
        ("sw", [0, 100], [-0.1, 100.1]),
        ("opacity", [0, 1], [-0.1, 1.1]),
        ("text", ["", "x" * 2_000], ["x" * 2_001, 1]),
        ("points", [[], [1, 2.5], [0] * 2_000], [[0] * 2_001, [REACH + 1], ["1"], 1]),
    ],
)
def test_every_property_has_its_range(name: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        assert not refused({"id": "s", "set": {name: value}}), value
    for value in bad:
        assert refused({"id": "s", "set": {name: value}}), value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["x", "y", "w", "h", "r", "z", "sw", "opacity"])
def test_no_number_that_is_none_gets_in_through_msgpack(name: str, number: float) -> None:
    assert refused({"id": "s", "set": {name: number}}, binary=True)
    assert refused({"id": "s", "set": {"points": [0.0, number]}}, binary=True)


@pytest.mark.parametrize(
    ("key", "good"),
    [
        *[(key, True) for key in ("a", "A-b_9", "9" * 24)],
        *[(key, False) for key in ("9" * 25, "", "a\n", "__proto__", "-a", "ä", "a b")],
    ],
)
def test_an_id_is_short_and_plain(key: str, good: bool) -> None:
    assert refused({"id": key, "gone": True}) is not good


def test_a_shape_without_a_property_has_a_default_for_it() -> None:
    assert Shape(id="s", kind="rect", x=0.0, y=0.0).w is msgspec.UNSET
    assert {name for name in PROPERTIES if getattr(DEFAULTS, name) is msgspec.UNSET} == {"kind", "x", "y"}
    assert Look(**msgspec.to_builtins(DEFAULTS)) == DEFAULTS
    assert not refused({"id": "s", "set": msgspec.to_builtins(DEFAULTS)})
