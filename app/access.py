"""Who may enter a room and what they may do there: roles, and links that give them; pure.

A link is ``/rooms/<room>?k=<token>``. The token names the room, a role and the *generation* of the links of that role,
a number, and is signed: nobody can make one. Revoking is writing another generation into the room's log, which is drawn
at random: were it the next number, a revoke that was lost with its machine would be followed by one of the same
generation, and links that were made in between would open the room again.
"""

import hashlib
from typing import NamedTuple, Protocol

from msgspec import UNSET

from app.protocol import (
    ClientMessage,
    Drag,
    Edit,
    Linked,
    Move,
    Redo,
    Say,
    Share,
    Sleep,
    Undo,
)

EDIT = "edit"
VIEW = "view"
IN_A_ROW = 4  # revokes whose answers may all have been lost, and whoever made them still comes in (our choice)
PRIVATE = "it opens with a link from somebody who is in it"
TOKEN_CHARS = 512  # a longer one is no link of ours: a room's name has at most 64 characters (our choice)

# What only those who may edit can ask for; to have a cursor, a selection and a name one need only be here.
EDITORS_ONLY: frozenset[type] = frozenset({Say, Edit, Undo, Redo, Share, Move, Sleep, Drag})


class Grant(NamedTuple):
    """What a link gives: a role, as long as the links of that role are of this generation."""

    role: str
    generation: int


class Gate(NamedTuple):
    """Who may come into a room: everybody as ``public`` says, and by links of these generations (0: never revoked)."""

    public: str = EDIT
    listed: bool = True
    edit: int = 0
    view: int = 0


class Revoked(NamedTuple):
    """Who revoked the edit links last, and of which generations those were that they revoked in a row, newest last."""

    by: str
    edit: tuple[int, ...]

    @classmethod
    def after(cls, last: "Revoked | None", by: str, generation: int) -> "Revoked":
        """As the member ``by`` has now revoked the links of ``generation``."""
        before = last.edit if last is not None and last.by == by else ()
        return cls(by, (*before, generation)[-IN_A_ROW:])

    def names(self, grant: Grant | None) -> bool:
        """Whether this is one of those links."""
        return grant is not None and grant.role == EDIT and grant.generation in self.edit


class _Gate(Protocol):
    """A `Gate`, or an `app.entries.Access`."""

    @property
    def public(self) -> str: ...
    @property
    def edit(self) -> int: ...
    @property
    def view(self) -> int: ...


class Links:
    """Makes and reads the tokens of links with one secret."""

    def __init__(self, secret: bytes) -> None:
        from itsdangerous import BadData, URLSafeSerializer  # late: who comes without a link need not wait for it

        self._unreadable = (BadData, ValueError, TypeError)
        self._serializer = URLSafeSerializer(
            secret, salt="flylab-room-link", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, room: str, role: str, generation: int) -> str:
        return str(self._serializer.dumps([room, role, generation]))

    def read(self, room: str, token: str) -> Grant | None:
        """What the token gives in this room; None when it is not ours or another room's."""
        if len(token) > TOKEN_CHARS:
            return None
        try:
            named, role, generation = self._serializer.loads(token)
        except self._unreadable:
            return None
        if named != room or role not in (EDIT, VIEW) or type(generation) is not int:
            return None
        return Grant(role, generation)

    def paths(self, room: str, gate: Gate, held: str | None) -> Linked:
        """The links that somebody may have who came by a link of the role ``held``, or without one.

        Who holds an edit link gets both; everybody else what they came with, or the bare path where it opens the room.
        """
        bare = f"/rooms/{room}"
        edit = bare if gate.public == EDIT else ""
        view = bare if gate.public else ""
        if held == EDIT:
            edit = f"{bare}?k={self.make(room, EDIT, gate.edit)}"
        if held is not None:
            view = f"{bare}?k={self.make(room, VIEW, gate.view)}"
        return Linked(edit=edit, view=view)


def held(gate: _Gate, grant: Grant | None) -> str | None:
    """The role that the link itself still gives; None without one, and when it was revoked."""
    if grant is None:
        return None
    generation = gate.edit if grant.role == EDIT else gate.view
    return grant.role if grant.generation == generation else None


def admit(gate: _Gate, grant: Grant | None) -> str | None:
    """The role of somebody who comes in: the better of what everybody may do and what their link gives."""
    by_link = held(gate, grant)
    if EDIT in (gate.public, by_link):
        return EDIT
    return by_link or gate.public or None


def renew(gate: _Gate, revoked: Revoked | None, grant: Grant | None, *, member: str) -> Grant | None:
    """What a link counts as for this member: who revoked edit links has a new one for those.

    The answer with the new link may never have reached them, and nobody else could let them in again.
    """
    if revoked is not None and member == revoked.by and revoked.names(grant):
        return Grant(EDIT, gate.edit)
    return grant


def may_knock(gate: _Gate, revoked: Revoked | None, grant: Grant | None) -> bool:
    """Whether a connection is accepted, before its hello says which member it is of (`renew`)."""
    return admit(gate, grant) is not None or (revoked is not None and revoked.names(grant))


def why_not(gate: _Gate, grant: Grant | None) -> str:
    """The sentence for somebody who may not come in."""
    if grant is None:
        return f"this room is private: {PRIVATE}"
    return "this link was taken back: ask somebody who is in the room for a new one"


def change_gate(gate: Gate, share: Share, *, generation: int) -> Gate:
    """Who may come in after this; revoked links are followed by those of ``generation``, which nobody can guess."""
    return Gate(
        public=gate.public if share.public is UNSET else share.public,
        listed=gate.listed if share.listed is UNSET else share.listed,
        edit=generation if share.revoke == EDIT else gate.edit,
        view=generation if share.revoke == VIEW else gate.view,
    )


def may(role: str, message: ClientMessage) -> bool:
    """Whether somebody of this role may ask for this."""
    return role == EDIT or type(message) not in EDITORS_ONLY
