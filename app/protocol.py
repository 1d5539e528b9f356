"""The messages between a member and a room, version 1: what each may contain, how it is read and written.

One JSON object per text frame, its kind in ``t``. The table is in docs/rooms.md. Nothing here knows about sockets.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

VERSION = 1

# Close codes of our own (4000–4999 are for applications, RFC 6455 section 7.4.2), and the standard one we send.
GOING_AWAY = 1001
BAD_HELLO = 4000
MOVED = 4001
SLOW = 4002
FLOODING = 4003
FULL = 4005

NAME_CHARS = 32
TEXT_CHARS = 2_000

_Key = Annotated[str, Meta(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
_Op = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
_Name = Annotated[str, Meta(min_length=1, max_length=4 * NAME_CHARS)]
_Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class _Message(Struct, frozen=True, tag_field="t", tag=str.lower):
    """One kind of message; the class name in lower case is its ``t``."""


# From a member ---------------------------------------------------------------


class Hello(_Message, frozen=True):
    """First message of a connection. ``key`` is the member's secret; ``log`` and ``since`` ask for what was missed."""

    v: int
    key: _Key
    name: _Name
    log: str = ""
    since: Annotated[int, Meta(ge=0)] = 0


class Say(_Message, frozen=True):
    """A line of chat; ``op`` makes sending it again harmless."""

    op: _Op
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS)]


class Cursor(_Message, frozen=True):
    """Where the member points, as fractions of the shared area; without both it points nowhere."""

    x: _Fraction | None = None
    y: _Fraction | None = None


class Rename(_Message, frozen=True):
    """The member wants to be called something else."""

    name: _Name


class Ping(_Message, frozen=True):
    """Answered at once with the same ``n``."""

    n: int


ClientMessage = Hello | Say | Cursor | Rename | Ping


# From the room ---------------------------------------------------------------


class Member(Struct, frozen=True):
    """Who is here, as everybody sees them; ``region`` is the edge through which they came."""

    id: str
    name: str
    hue: int
    region: str


class Said(_Message, frozen=True):
    """An entry of the room's log."""

    seq: int
    by: str
    op: str
    name: str
    hue: int
    text: str
    at: float


class Path(Struct, frozen=True):
    """How this connection came here; empty texts where the proxy said nothing."""

    edge: str = ""
    replayed_from: str = ""
    replayed_region: str = ""
    request: str = ""


class Welcome(_Message, frozen=True):
    """Answer to `Hello`: who you are, where the room lives, who is here, and the log from ``since`` (or its tail)."""

    v: int
    you: str
    room: str
    machine: str
    region: str
    epoch: int
    log: str
    seq: int
    stored: int
    resumed: bool
    entries: list[Said]
    members: list[Member]
    cursors: list[tuple[str, float, float]]
    path: Path


class Joined(_Message, frozen=True):
    member: Member


class Renamed(_Message, frozen=True):
    member: Member


class Left(_Message, frozen=True):
    id: str


class Cursors(_Message, frozen=True, omit_defaults=True):
    """Latest cursor of each member that moved since the last such message; null coordinates: it points nowhere.

    With ``whole`` it is every cursor there is, and one that is not named is gone.
    """

    c: list[tuple[str, float | None, float | None]]
    whole: bool = False


class Stored(_Message, frozen=True):
    """Everything up to ``seq`` is in the journal: acknowledged, it will not be lost."""

    seq: int


class Accepted(_Message, frozen=True):
    """The operation was already in the log when it came again."""

    op: str
    seq: int


class Pong(_Message, frozen=True):
    n: int


class Error(_Message, frozen=True):
    """The message was not acted upon; the connection stays open unless a close follows."""

    code: str
    text: str
    op: str | UnsetType = UNSET


class Moved(_Message, frozen=True):
    """The room now lives elsewhere; reconnect to be taken there."""

    region: str
    machine: str


class Closing(_Message, frozen=True):
    """This machine is going away; reconnect to be taken to wherever the room wakes up."""

    why: str


ServerMessage = (
    Welcome | Said | Joined | Renamed | Left | Cursors | Stored | Accepted | Pong | Error | Moved | Closing
)  # fmt: skip


class Unreadable(Exception):
    """What a member sent cannot be acted upon; ``code`` and the text go back to it."""

    def __init__(self, code: str, text: str, op: str | None = None) -> None:
        self.code = code
        self.op = op
        super().__init__(text)


class _Outline(Struct):
    t: object = None
    op: object = None


_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_outline = msgspec.json.Decoder(_Outline)
_encoder = msgspec.json.Encoder()
_KINDS = tuple(kind.__name__.lower() for kind in (Hello, Say, Cursor, Rename, Ping))


def parse_message(text: str | bytes, *, most_bytes: int) -> ClientMessage:
    """Read one frame, or raise `Unreadable` with a sentence that says what is wrong with it."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise Unreadable("too-large", f"a message may have {most_bytes} bytes, this one has {size}")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as exc:
        raise _explain(text, exc) from exc
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise Unreadable("malformed", f"a message must be one JSON object: {exc}") from exc


def format_message(message: ServerMessage) -> str:
    """One text frame for a message; called once however many members get it."""
    return _encoder.encode(message).decode()


def clean_name(name: str) -> str:
    """A name as others see it: one line, no invisible characters, at most `NAME_CHARS`; may come out empty."""
    visible = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(visible.split())[:NAME_CHARS].rstrip()


def clean_text(text: str) -> str:
    """Chat text without control characters other than line breaks; may come out empty."""
    return "".join(char for char in text if char == "\n" or (ord(char) >= 32 and ord(char) != 127)).strip()


def _explain(text: str | bytes, exc: msgspec.ValidationError) -> Unreadable:
    try:
        outline = _outline.decode(text)
    except msgspec.ValidationError:
        return Unreadable("malformed", "a message must be one JSON object")
    if outline.t not in _KINDS:
        return Unreadable("unknown", f"unknown message {outline.t!r}; known are {', '.join(_KINDS)}")
    op = outline.op if isinstance(outline.op, str) and len(outline.op) <= 40 else None
    return Unreadable("invalid", f"message {outline.t!r}: {exc}", op)
