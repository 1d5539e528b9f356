"""Who may enter and what they may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import protocol
from app.access import (
    EDIT,
    EDITORS_ONLY,
    IN_A_ROW,
    VIEW,
    Gate,
    Grant,
    Links,
    Revoked,
    admit,
    change_gate,
    held,
    may,
    may_knock,
    renew,
)
from app.protocol import Linked, Share

LINKS = Links(b"a secret of some length")


@pytest.mark.parametrize("role", [EDIT, VIEW])
def test_a_link_is_read_as_it_was_made(role: str) -> None:
    token = LINKS.make("blue", role, 3)
    assert LINKS.read("blue", token) == Grant(role, 3)
    assert token.isascii()
    assert not set(token) & set("/?&#+ %=")


@pytest.mark.parametrize(
    ("room", "token"),
    [
        ("green", LINKS.make("blue", EDIT, 0)),
        ("blue", Links(b"another secret").make("blue", EDIT, 0)),
        ("blue", LINKS.make("blue", "own", 0)),
        ("blue", LINKS._serializer.dumps(["blue", "edit"])),
        ("blue", LINKS._serializer.dumps(["blue", "edit", "0"])),
        ("blue", LINKS._serializer.dumps(["blue", "edit", True])),
        ("blue", LINKS._serializer.dumps(["blue", ["edit"], 0])),
        ("blue", LINKS._serializer.dumps(None)),
        ("blue", ""),
        ("blue", "."),
        ("blue", "ä" * 40),
        ("blue", "\x00" * 40),
        ("blue", "x" * 1_000_000),
    ],
)
def test_another_rooms_or_a_forged_link_is_none(room: str, token: str) -> None:
    assert LINKS.read(room, token) is None


@given(st.text(max_size=80))
def test_anything_at_all_is_read_as_none(token: str) -> None:
    assert LINKS.read("blue", token) is None


@given(st.integers(0, 500), st.integers(1, 255))
def test_a_link_with_one_letter_changed_is_none(place: int, shift: int) -> None:
    token = LINKS.make("blue", VIEW, 0)
    place %= len(token)
    other = token[:place] + chr(ord(token[place]) ^ shift) + token[place + 1 :]
    # The last letter of base64 has bits that mean nothing; what it signs is the same all the same.
    assert LINKS.read("blue", other) in (None, Grant(VIEW, 0) if place == len(token) - 1 else None)


@pytest.mark.parametrize(
    ("public", "grant", "role", "by_link"),
    [
        ("edit", None, "edit", None),
        ("view", None, "view", None),
        ("", None, None, None),
        ("", Grant("edit", 2), "edit", "edit"),
        ("", Grant("view", 5), "view", "view"),
        ("", Grant("edit", 1), None, None),
        ("", Grant("edit", 3), None, None),
        ("", Grant("view", 2), None, None),
        ("view", Grant("edit", 2), "edit", "edit"),
        ("view", Grant("edit", 1), "view", None),
        ("edit", Grant("view", 5), "edit", "view"),
        ("edit", Grant("edit", 1), "edit", None),
    ],
)
def test_who_may_come_in(public: str, grant: Grant | None, role: str | None, by_link: str | None) -> None:
    gate = Gate(public=public, edit=2, view=5)
    assert (admit(gate, grant), held(gate, grant)) == (role, by_link)


@pytest.mark.parametrize(
    ("share", "after"),
    [
        (Share(op=1, public="view"), Gate("view", False, 1, 2)),
        (Share(op=1, public=""), Gate("", False, 1, 2)),
        (Share(op=1, listed=True), Gate("edit", True, 1, 2)),
        (Share(op=1, revoke="edit"), Gate("edit", False, 77, 2)),
        (Share(op=1, revoke="view", public="", listed=True), Gate("", True, 1, 77)),
    ],
)
def test_what_sharing_changes(share: Share, after: Gate) -> None:
    assert change_gate(Gate("edit", False, 1, 2), share, generation=77) == after


def revoked(*revokes: tuple[str, int]) -> Revoked:
    last = None
    for by, generation in revokes:
        last = Revoked.after(last, by, generation)
    assert last is not None
    return last


LATEST = Grant("edit", 9)


@pytest.mark.parametrize(
    ("last", "member", "grant", "counts_as"),
    [
        (None, "ada", Grant("edit", 0), Grant("edit", 0)),
        (revoked(("ada", 0)), "ada", Grant("edit", 0), LATEST),
        (revoked(("ada", 0)), "ada", LATEST, LATEST),
        (revoked(("ada", 0)), "ada", None, None),
        (revoked(("ada", 0)), "ada", Grant("view", 0), Grant("view", 0)),
        (revoked(("ada", 0)), "ada", Grant("edit", 5), Grant("edit", 5)),
        (revoked(("ada", 0)), "bob", Grant("edit", 0), Grant("edit", 0)),
        # In a row: the answers to all of them may have been lost.
        (revoked(("ada", 0), ("ada", 5)), "ada", Grant("edit", 0), LATEST),
        (revoked(("ada", 0), ("ada", 5)), "ada", Grant("edit", 5), LATEST),
        (revoked(*(("ada", n) for n in range(IN_A_ROW + 1))), "ada", Grant("edit", 0), Grant("edit", 0)),
        (revoked(*(("ada", n) for n in range(IN_A_ROW + 1))), "ada", Grant("edit", 1), LATEST),
        # Whoever else revoked since meant her as well.
        (revoked(("ada", 0), ("bob", 5)), "ada", Grant("edit", 0), Grant("edit", 0)),
        (revoked(("ada", 0), ("bob", 5)), "bob", Grant("edit", 0), Grant("edit", 0)),
        (revoked(("ada", 0), ("bob", 5), ("ada", 6)), "ada", Grant("edit", 0), Grant("edit", 0)),
    ],
)
def test_who_revoked_comes_in_by_what_they_revoked(
    last: Revoked | None, member: str, grant: Grant | None, counts_as: Grant | None
) -> None:
    gate = Gate(public="", edit=9, view=3)
    assert renew(gate, last, grant, member=member) == counts_as
    # The door, which does not know the member yet, lets nobody in for good, and keeps out nobody who may come in.
    if admit(gate, counts_as) is not None:
        assert may_knock(gate, last, grant)
    if last is None or not last.names(grant):
        assert may_knock(gate, last, grant) == (admit(gate, grant) is not None)


@pytest.mark.parametrize("public", ["", "view", "edit"])
@pytest.mark.parametrize("by", [None, VIEW, EDIT])
def test_nobody_gets_a_link_to_more_than_they_came_with(public: str, by: str | None) -> None:
    gate = Gate(public=public, edit=4, view=7)
    linked = LINKS.paths("blue", gate, by)
    grants = {role: key_of(path) for role in (EDIT, VIEW) if (path := getattr(linked, role))}
    assert (EDIT in grants and grants[EDIT] is not None) == (by == EDIT)
    assert (VIEW in grants and grants[VIEW] is not None) == (by is not None)
    for role, grant in grants.items():
        assert admit(gate, grant) in (role, EDIT)
        assert grant in (None, Grant(role, 4 if role == EDIT else 7))
    if not public and by is None:
        assert linked == Linked(edit="", view="")


def key_of(path: str) -> Grant | None:
    bare, _, token = path.partition("?k=")
    assert bare == "/rooms/blue"
    return LINKS.read("blue", token) if token else None


def test_a_viewer_may_do_what_changes_nothing() -> None:
    allowed = {kind for kind in protocol.ClientMessage.__args__ if kind not in EDITORS_ONLY}
    assert {kind.__name__ for kind in allowed} == {"Hello", "Links", "Cursor", "Select", "Rename", "Ping"}
    assert may(VIEW, protocol.Cursor(x=1, y=1))
    assert not may(VIEW, protocol.Sleep())
    assert may(EDIT, protocol.Sleep())
