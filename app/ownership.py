"""Who holds a room, as far as values go: places, room names, and the hint that tells lobbies where to look; pure.

The log alone decides who holds a room (app/tenure.py). The hint, ``owners/<room>``, saves a lobby from reading the log;
it may be stale or missing, and nothing may depend on it.
"""

import re

import msgspec
from msgspec import Struct

from flylab.errors import ParseError

_ROOM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


class Place(Struct, frozen=True, kw_only=True):
    """One machine of one app in one region: where a room can live."""

    machine: str
    region: str
    app: str


class Hint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who held the room when this was written, ``at`` seconds since 1970 by the holder's clock.

    ``awake``: it held the room open then; else it had released it, for the region ``to`` if one is named. ``public``,
    ``listed`` and ``members`` are what the lobby's list of rooms shows; ``edit`` and ``view`` say whose link may look
    at a private one (`app.access.Gate`).
    """

    room: str
    epoch: int
    place: Place
    at: float
    awake: bool
    to: str = ""
    public: str = ""
    listed: bool = False
    members: int = 0
    edit: int = 0
    view: int = 0

    @classmethod
    def from_json(cls, room: str, text: str | bytes) -> "Hint":
        """Read what `to_json` wrote; raises `ParseError`, also for the hint of another room."""
        try:
            hint = _decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
            raise ParseError(f"hint of room {room!r}", text, str(exc)) from exc
        if hint.room != room:
            raise ParseError(f"hint of room {room!r}", text, f"it is about room {hint.room!r}")
        return hint

    def to_json(self) -> str:
        return msgspec.json.encode(self).decode()


_decoder = msgspec.json.Decoder(Hint)


def parse_room(name: str) -> str:
    """The name if it is one: 1–64 of ``a-z 0-9 -``, no hyphen at either end (our choice: safe in URLs and keys)."""
    if not _ROOM.fullmatch(name):
        raise ParseError("room name", name, "use 1 to 64 of a-z, 0-9 and -, with no - at either end")
    return name
