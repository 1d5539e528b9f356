"""Who owns a room: the record that says so, its place in the store, and room names; pure.

Epoch n of a room is one object, ``rooms/<room>/epoch/<n>``, that exactly one machine can create. The highest epoch
owns the room. An epoch belongs to one life of one process: a machine that was stopped and woken takes the next one.
"""

import json
import re
from dataclasses import dataclass

from flylab.errors import ParseError

_ROOM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_KEY = re.compile(r"rooms/([^/]+)/epoch/(\d{6,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One machine of one app in one region: where a room can live."""

    machine: str
    region: str
    app: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The record of one epoch; ``at`` is when it began, in seconds since 1970 by the owner's clock."""

    room: str
    epoch: int
    place: Place
    at: float

    @classmethod
    def from_json(cls, room: str, epoch: int, text: str | bytes) -> "Owner":
        """Read what `to_json` wrote; the room and the epoch come from the object's name."""
        try:
            fields = json.loads(text)
            place = Place(machine=str(fields["machine"]), region=str(fields["region"]), app=str(fields["app"]))
            return cls(room=room, epoch=epoch, place=place, at=float(fields["at"]))
        except (ValueError, TypeError, KeyError) as exc:
            raise ParseError(f"owner of room {room!r} in epoch {epoch}", text, repr(exc)) from exc

    def to_json(self) -> str:
        place = self.place
        return json.dumps({"machine": place.machine, "region": place.region, "app": place.app, "at": self.at})


def parse_room(name: str) -> str:
    """The name if it is one: 1–64 of ``a-z 0-9 -``, no hyphen at either end (our choice: safe in URLs and keys)."""
    if not _ROOM.fullmatch(name):
        raise ParseError("room name", name, "use 1 to 64 of a-z, 0-9 and -, with no - at either end")
    return name


def format_key(room: str, epoch: int) -> str:
    """Where the record of an epoch lies; zeros in front make listing order the order of epochs."""
    return f"{format_prefix(room)}{epoch:06d}"


def format_prefix(room: str) -> str:
    return f"rooms/{room}/epoch/"


def parse_key(key: str) -> tuple[str, int] | None:
    """Room and epoch of an object's name, or None for an object that is no epoch of a validly named room."""
    match = _KEY.fullmatch(key)
    if match is None or not _ROOM.fullmatch(match[1]):
        return None
    return match[1], int(match[2])
