"""Room names and hints."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ownership import Hint, Place, parse_room
from flylab.errors import ParseError

texts = st.text(max_size=20)
places = st.builds(Place, machine=texts, region=texts, app=texts)
hints = st.builds(
    Hint,
    room=texts,
    epoch=st.integers(0, 10**9),
    place=places,
    at=st.floats(0, 1e10),
    awake=st.booleans(),
    to=texts,
    public=texts,
    listed=st.booleans(),
    members=st.integers(0, 10_000),
)


@pytest.mark.parametrize("name", ["a", "blue", "blue-note", "7", "a" * 64, "a--b"])
def test_names_that_are_rooms(name: str) -> None:
    assert parse_room(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "Blue", "a b", "a/b", "..", "a" * 65, "blå", "a\n", "a.b", "%61"])
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(ParseError, match="cannot read room name"):
        parse_room(name)


@given(hints)
def test_hints_come_back(hint: Hint) -> None:
    assert Hint.from_json(hint.room, hint.to_json()) == hint
    assert Hint.from_json(hint.room, hint.to_json().encode()) == hint


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"room": "blue"}', b"\xff\xfe", '{"room":"blue","epoch":"3"}', "[" * 100_000],
)
def test_a_bad_hint_is_named(text: str | bytes) -> None:
    with pytest.raises(ParseError, match="hint of room 'blue'"):
        Hint.from_json("blue", text)


def test_a_hint_of_another_room_is_not_believed() -> None:
    place = Place(machine="m", region="ams", app="rooms")
    other = Hint(room="red", epoch=1, place=place, at=0.0, awake=True).to_json()
    with pytest.raises(ParseError, match="it is about room 'red'"):
        Hint.from_json("blue", other)


def test_a_newer_version_may_add_fields() -> None:
    place = Place(machine="m", region="ams", app="rooms")
    hint = Hint(room="blue", epoch=1, place=place, at=0.0, awake=False, to="nrt")
    assert Hint.from_json("blue", json.dumps({**json.loads(hint.to_json()), "new": 1})) == hint
