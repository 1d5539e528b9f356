"""Room names, the records of epochs and where they lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ownership import Owner, Place, format_key, parse_key, parse_room
from flylab.errors import ParseError

texts = st.text(min_size=1, max_size=20)
rooms = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize("name", ["a", "blue", "blue-note", "7", "a" * 64, "a--b"])
def test_names_that_are_rooms(name: str) -> None:
    assert parse_room(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "Blue", "a b", "a/b", "..", "a" * 65, "blå", "a\n", "a.b", "%61"])
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(ParseError, match="cannot read room name"):
        parse_room(name)


@given(rooms, st.integers(1, 10**8))
def test_keys_come_back(room: str, epoch: int) -> None:
    assert parse_key(format_key(room, epoch)) == (room, epoch)


@pytest.mark.parametrize("key", ["rooms/blue/log/000001", "rooms/Blue/epoch/000001", "rooms/blue/epoch/1", "x"])
def test_other_objects_are_no_epochs(key: str) -> None:
    assert parse_key(key) is None


@given(rooms, st.integers(1, 999_999), texts, texts, texts, st.floats(0, 1e10))
def test_records_come_back(room: str, epoch: int, machine: str, region: str, app: str, at: float) -> None:
    owner = Owner(room=room, epoch=epoch, place=Place(machine=machine, region=region, app=app), at=at)
    assert Owner.from_json(room, epoch, owner.to_json()) == owner


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": "m", "region": "r", "app": "a", "at": "soon"}', "null"])
def test_a_bad_record_is_named(text: str) -> None:
    with pytest.raises(ParseError, match="owner of room 'blue' in epoch 3"):
        Owner.from_json("blue", 3, text)
