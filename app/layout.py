"""Where things lie in the object store: the keys of a room's log, of its hint, and of what all machines share; pure.

Numbers in keys have twelve digits, so that the order of keys is the order of the log.

    rooms/<room>/log/<first seq>     one segment of the log
    rooms/<room>/snap/<seq>          the room as of an entry
    owners/<room>                    the hint: who held the room lately
    public/<room>                    empty: the room is listed in the lobby
    keys/signing                     the secret that signs links and `state` (app/signing.py)
"""

import re

OWNERS = "owners/"
PUBLIC = "public/"

_NUMBERED = re.compile(r"rooms/[^/]+/(log|snap)/(\d{12})")


def room_prefix(room: str) -> str:
    """Everything of a room but its hint; ``log/`` sorts before ``snap/``."""
    return f"rooms/{room}/"


def segment_prefix(room: str) -> str:
    return f"rooms/{room}/log/"


def segment_key(room: str, first: int) -> str:
    """The segment that begins with entry ``first``."""
    return f"rooms/{room}/log/{first:012d}"


def snapshot_prefix(room: str) -> str:
    return f"rooms/{room}/snap/"


def snapshot_key(room: str, seq: int) -> str:
    """The room with everything up to entry ``seq``."""
    return f"rooms/{room}/snap/{seq:012d}"


def hint_key(room: str) -> str:
    """The room's hint (`app.ownership.Hint`)."""
    return OWNERS + room


def public_key(room: str) -> str:
    """The marker of a listed room."""
    return PUBLIC + room


def parse_key(key: str) -> tuple[str, int] | None:
    """``("log", first seq)`` or ``("snap", seq)``; None for an object that is neither, which is none of ours."""
    match = _NUMBERED.fullmatch(key)
    return None if match is None else (match[1], int(match[2]))
