"""The messages between a member and a room, version 2: what each may contain, how it is read and written.

Nothing here knows about sockets. docs/protocol.md describes it for whoever writes a client. A member sends one message
per frame; the room sends lists of messages, in the encoding in which the member said hello: JSON in text frames or
msgpack in binary ones.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.entries import MOST, REACH, TEXT_CHARS, Access, Change, Edited, Epoch, Id, Released, Said, Shape

VERSION = 2

# Close codes of our own (4000–4999 are for applications, RFC 6455 section 7.4.2), and the standard one we send.
GOING_AWAY = 1001
BAD_HELLO = 4000
MOVED = 4001
SLOW = 4002
FULL = 4005
FORBIDDEN = 4006
STORAGE = 4007

# The codes of `Error`, and what a client does about each.
ERRORS = {
    "malformed": "mend the client: the frame is not one message",
    "unknown": "mend the client: there is no such message",
    "invalid": "mend the client: a field is missing, of the wrong type or out of its range",
    "too-large": "split it into several messages",
    "hello-first": "say hello first; the connection is closed",
    "hello-again": "nothing: the first hello counts",
    "version": "load the page again; the connection is closed",
    "full": "wait until somebody leaves; the connection is closed",
    "forbidden": "ask somebody in the room for a link; the connection is closed",
    "rate": "slow down: what was sent too fast is read later",
    "empty": "drop the operation: nothing visible is left of its text",
    "gone": "drop the operation: somebody removed the shapes meanwhile",
    "limit": "drop the operation, or remove something first",
    "read-only": "ask for an edit link",
    "not-yours": "come in by an edit link to change who may come in",
    "nothing-to-undo": "drop the operation",
    "nothing-to-redo": "drop the operation",
    "gap": "take a new name for the client, and count from 1 again",
    "too-old": "drop the operation: nobody knows any more whether it counted",
    "here-already": "nothing: the room is in that region",
    "too-soon": "ask again when the seconds in the text have passed, or come in by an edit link",
    "storage": "ask again later: the object store does not answer",
}

NAME_CHARS = 32
SELECTED = 200  # shapes that one member may have selected or be dragging
DRAG_BYTES = 16_384  # of a `Drag` as it comes (our choice: 200 shapes that move and turn)

_Key = Annotated[str, Meta(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]+\Z")]
_Client = Annotated[str, Meta(min_length=4, max_length=24, pattern=r"^[A-Za-z0-9_-]+\Z")]
_Count = Annotated[int, Meta(ge=0, le=MOST)]
_Op = Annotated[int, Meta(ge=1, le=MOST)]
_Name = Annotated[str, Meta(min_length=1, max_length=4 * NAME_CHARS)]
_Point = Annotated[int, Meta(ge=-REACH, le=REACH)]
_Role = Annotated[str, Meta(pattern=r"^(edit|view)\Z")]


class _Message(Struct, frozen=True, tag_field="t", tag=str.lower, omit_defaults=True):
    """One kind of message; the class name in lower case is its ``t``."""


# From a member ---------------------------------------------------------------


class Hello(_Message, frozen=True):
    """First message of a connection.

    ``key`` is the member's secret, ``client`` names one life of their page (operations are numbered per client);
    ``epoch`` and ``since`` say what was heard last, and ask for what was missed.
    """

    v: _Count
    key: _Key
    client: _Client
    name: _Name
    epoch: _Count = 0
    log: Annotated[str, Meta(max_length=64)] = ""
    since: _Count = 0


class Say(_Message, frozen=True):
    """A line of chat. ``op`` is the client's own number for it, growing by one: sent twice, it counts once."""

    op: _Op
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS)]


class Edit(_Message, frozen=True):
    """Changes to shapes, all or none."""

    op: _Op
    changes: Annotated[list[Change], Meta(min_length=1, max_length=500)]


class Undo(_Message, frozen=True):
    """Take back the member's own last edit that still stands."""

    op: _Op


class Redo(_Message, frozen=True):
    """Do again what the member took back last."""

    op: _Op


class Share(_Message, frozen=True):
    """Change who may come in without a link, and whether the lobby lists the room; ``revoke`` voids a role's links."""

    op: _Op
    public: Annotated[str, Meta(pattern=r"^(|edit|view)\Z")] | UnsetType = UNSET
    listed: bool | UnsetType = UNSET
    revoke: _Role | UnsetType = UNSET


class Links(_Message, frozen=True):
    """Ask for the links to this room (answered by `Linked`)."""


class Move(_Message, frozen=True):
    """Move the room to a region."""

    region: Annotated[str, Meta(pattern=r"^[a-z]{3}\Z")]


class Sleep(_Message, frozen=True):
    """Put the room to sleep now; it wakes for the next who enters."""


class Cursor(_Message, frozen=True):
    """Where the member points, in whole units of the canvas; without both it points nowhere."""

    x: _Point | None = None
    y: _Point | None = None


class Drag(_Message, frozen=True):
    """Changes that are not final yet, shown to the others and never stored; an empty list ends the drag."""

    changes: Annotated[list[Change], Meta(max_length=SELECTED)] = []


class Select(_Message, frozen=True):
    """The shapes that the member has selected."""

    ids: Annotated[list[Id], Meta(max_length=SELECTED)] = []


class Rename(_Message, frozen=True):
    """The member wants to be called something else."""

    name: _Name


class Ping(_Message, frozen=True):
    """Answered at once with the same ``n``; ``rtt`` (ms) is what the member measured before, for others to see."""

    n: _Count
    rtt: Annotated[float, Meta(ge=0, le=60_000)] | UnsetType = UNSET


ClientMessage = (
    Hello | Say | Edit | Undo | Redo | Share | Links | Move | Sleep | Cursor | Drag | Select | Rename | Ping
)  # fmt: skip


# From the room; entries of the log (app/entries.py) are sent as they are --------


class Member(Struct, frozen=True, omit_defaults=True):
    """Who is here, as everybody sees them. ``n`` is a small number that stands for them in cursors while they are here.

    ``region`` is the edge through which they came, ``rtt`` (ms) what they last measured, ``role`` ``edit`` or ``view``.
    """

    id: str
    n: int
    name: str
    hue: int
    region: str
    role: str = "edit"
    rtt: float = 0.0


class Path(Struct, frozen=True):
    """How this connection came here; empty texts where the proxy said nothing."""

    edge: str = ""
    replayed_from: str = ""
    replayed_region: str = ""
    request: str = ""


class Welcome(_Message, frozen=True, kw_only=True):
    """Answer to `Hello`: who you are, where the room lives, who is here.

    ``op`` is the last of this client's operations that is in the log, ``skipped`` those before it that are not, or
    may be in an entry after ``seq``. When ``resumed``, the entries after ``since`` follow; else ``parts`` messages
    `State` do, and with them everything before ``seq + 1``. Either way each later entry follows once, in order.
    """

    v: int
    you: str
    n: int
    role: str
    room: str
    machine: str
    region: str
    epoch: int
    log: str
    seq: int
    stored: int
    resumed: bool
    parts: int
    op: int
    skipped: list[int]
    members: list[Member]
    cursors: list[tuple[int, int, int]]
    selected: list[tuple[int, list[str]]]
    path: Path
    public: str
    listed: bool


class State(_Message, frozen=True):
    """A part of the room as of the ``seq`` of the welcome before it; lines of chat are its last ones."""

    shapes: list[Shape]
    chat: list[Said]


class Stored(_Message, frozen=True):
    """Everything up to ``seq`` is in the store: acknowledged, it will not be lost."""

    seq: int


class Accepted(_Message, frozen=True):
    """The operation was in the log already when it came again, at ``seq`` or before."""

    op: int
    seq: int


class Joined(_Message, frozen=True):
    member: Member


class Changed(_Message, frozen=True):
    """A member has another name, role or round trip."""

    member: Member


class Left(_Message, frozen=True):
    id: str
    n: int


class Members(_Message, frozen=True):
    """Everybody who is here, for somebody who missed joins and leaves."""

    members: list[Member]


class Cursors(_Message, frozen=True, omit_defaults=True):
    """The cursors that moved: [n, x, y] each, or [n] for one that points nowhere now; with ``whole`` all there are.

    In msgpack ``c`` is one binary of three little-endian 16-bit numbers a cursor, x of -32768 for nowhere.
    """

    c: list[list[int]]
    whole: bool = False


class Drags(_Message, frozen=True):
    """What members are dragging, the latest of each: [n, changes]; no changes: their drag is over."""

    d: list[tuple[int, list[Change]]]


class Selected(_Message, frozen=True):
    """What members have selected now: [n, ids]."""

    s: list[tuple[int, list[str]]]


class Linked(_Message, frozen=True):
    """Paths of this room with the key of each role in them; an editor gets both."""

    edit: str
    view: str


class Pong(_Message, frozen=True):
    n: int


class Error(_Message, frozen=True):
    """The message was not acted upon; the connection stays open unless a close follows."""

    code: str
    text: str
    op: int | UnsetType = UNSET


class Moved(_Message, frozen=True):
    """The room now lives elsewhere (or will, in ``region``); reconnect to be taken there."""

    region: str
    machine: str


class Closing(_Message, frozen=True):
    """This machine lets go of the room; reconnect to be taken to wherever it wakes up."""

    why: str


ServerMessage = (
    Welcome | State | Epoch | Released | Said | Edited | Access | Stored | Accepted | Joined | Changed | Left | Members
    | Cursors | Drags | Selected | Linked | Pong | Error | Moved | Closing
)  # fmt: skip


class Unreadable(Exception):
    """What a member sent cannot be acted upon; ``code`` and the text go back to it."""

    def __init__(self, code: str, text: str, op: int | None = None) -> None:
        self.code = code
        self.op = op
        super().__init__(text)


class _Outline(Struct):
    t: object = None
    op: object = None


_decode_json: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_decode_msgpack: msgspec.msgpack.Decoder[ClientMessage] = msgspec.msgpack.Decoder(ClientMessage)
_outline_json = msgspec.json.Decoder(_Outline)
_outline_msgpack = msgspec.msgpack.Decoder(_Outline)
_encode_json = msgspec.json.Encoder()
# Control characters go, other ways to break a line become one, and nothing may turn the direction of what follows.
_CLEAN: dict[int, str | None] = {
    **dict.fromkeys([*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
    **dict.fromkeys([0x0A, 0x0D, 0x85, 0x2028, 0x2029], "\n"),
    0x09: " ",
}
_KINDS = tuple(
    kind.__name__.lower()
    for kind in (Hello, Say, Edit, Undo, Redo, Share, Links, Move, Sleep, Cursor, Drag, Select, Rename, Ping)
)


def parse_message(frame: bytes, *, most_bytes: int, binary: bool = False) -> ClientMessage:
    """Read one frame, or raise `Unreadable` with a sentence that says what is wrong with it."""
    if len(frame) > most_bytes:
        raise Unreadable("too-large", f"a message may have {most_bytes} bytes, this one has {len(frame)}")
    try:
        return _decode_msgpack.decode(frame) if binary else _decode_json.decode(frame)
    except msgspec.ValidationError as exc:
        raise _explain(frame, exc, binary=binary) from exc
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        form = "msgpack map" if binary else "JSON object"
        raise Unreadable("malformed", f"a message must be one {form}: {exc}") from exc


def format_message(message: ServerMessage) -> bytes:
    """The JSON of one message, encoded once however many members get it."""
    return _encode_json.encode(message)


def clean_name(name: str) -> str:
    """A name as others see it: one line, no invisible characters, at most `NAME_CHARS`; may come out empty."""
    visible = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(visible.split())[:NAME_CHARS].rstrip()


def clean_text(text: str) -> str:
    """Text whose only control characters are line breaks, and whose direction is that of its letters; may come out
    empty.
    """
    if text.isprintable():
        return text.strip()
    return text.replace("\r\n", "\n").translate(_CLEAN).strip()


def _explain(frame: bytes, exc: msgspec.ValidationError, *, binary: bool) -> Unreadable:
    # What was read up to the first wrong value may be followed by anything.
    try:
        outline: Any = (_outline_msgpack if binary else _outline_json).decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError):
        return Unreadable("malformed", f"a message must be one {'msgpack map' if binary else 'JSON object'}")
    if not isinstance(outline.t, str) or outline.t not in _KINDS:
        said = repr(outline.t)
        return Unreadable("unknown", f"unknown message {said[:60]}; known are {', '.join(_KINDS)}")
    op = outline.op if type(outline.op) is int and 0 < outline.op <= MOST else None
    return Unreadable("invalid", f"message {outline.t!r}: {exc}", op)
