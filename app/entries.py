"""The entries of a room's log: what is stored, numbered and sent to every member as it stands; pure.

A room is a fold over its entries. Each entry has the next number, ``seq``; the first of an epoch is `Epoch`. One JSON
object per entry, its kind in ``t``, both in the stored log and on the wire: encoded once, sent and stored as it is.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

# The canvas reaches this far from its middle in every direction, in its own units (our choice: 16 bits a coordinate).
REACH = 32_767
TEXT_CHARS = 2_000
POINTS = 2_000  # numbers in one pen stroke: x, y, x, y, …

MOST = 2**53 - 1  # the largest whole number that every JSON reader keeps exact

# Patterns end in \Z: a $ would let a line break at the end through. An id begins with a letter or digit, so that none
# is a name like __proto__ that means something to whoever keeps shapes by id.
Kind = Literal["rect", "ellipse", "line", "arrow", "pen", "text", "note"]
Coordinate = Annotated[float, Meta(ge=-REACH, le=REACH)]
Extent = Annotated[float, Meta(ge=-2 * REACH, le=2 * REACH)]
Colour = Annotated[str, Meta(max_length=32, pattern=r"^(none|[a-z]{1,16}|#[0-9a-f]{6})\Z")]
Id = Annotated[str, Meta(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z")]


class Look(Struct, frozen=True, omit_defaults=True):
    """Properties of a shape; in a change those that are set, in a shape all it has. ``z`` orders, ``r`` is degrees.

    ``w`` and ``h`` may be negative for lines and arrows, whose other end they point at. ``points`` are relative to
    x and y.
    """

    kind: Kind | UnsetType = UNSET
    x: Coordinate | UnsetType = UNSET
    y: Coordinate | UnsetType = UNSET
    w: Extent | UnsetType = UNSET
    h: Extent | UnsetType = UNSET
    r: Annotated[float, Meta(ge=-360, le=360)] | UnsetType = UNSET
    z: Annotated[float, Meta(ge=-1e12, le=1e12)] | UnsetType = UNSET
    fill: Colour | UnsetType = UNSET
    stroke: Colour | UnsetType = UNSET
    sw: Annotated[float, Meta(ge=0, le=100)] | UnsetType = UNSET
    opacity: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=TEXT_CHARS)] | UnsetType = UNSET
    points: Annotated[list[Coordinate], Meta(max_length=POINTS)] | UnsetType = UNSET


class Shape(Look, frozen=True, kw_only=True):
    """A shape with all it has; a property that it does not have is as in `DEFAULTS`."""

    id: Id


# What a shape without the property looks like. An undo writes these where the property was not set before.
DEFAULTS = Look(
    w=0.0, h=0.0, r=0.0, z=0.0, fill="none", stroke="black", sw=2.0, opacity=1.0, text="", points=[]
)  # fmt: skip
PROPERTIES = Look.__struct_fields__


class Change(Struct, frozen=True, omit_defaults=True):
    """What happens to one shape: ``gone`` removes it, else ``set`` changes it, or makes it.

    A shape that is not there is made by a ``set`` with ``kind``, ``x`` and ``y``.
    """

    id: Id
    set: Look | UnsetType = UNSET
    gone: bool = False


class Entry(Struct, frozen=True, tag_field="t", tag=str.lower, omit_defaults=True):
    """One entry of the log; ``at`` is seconds since 1970 by the clock of the machine that wrote it."""

    seq: int
    at: float


ASKED = "asked"  # why a room is given up by order


class Epoch(Entry, frozen=True, kw_only=True):
    """A machine took the room: everything that follows, up to the next such entry, is written by it alone.

    ``writer`` names one life of one process; ``why`` is ``made``, ``woken``, ``taken`` (from a holder that could not be
    reached) or ``moved``.
    """

    epoch: int
    machine: str
    region: str
    app: str
    writer: str
    why: str


class Released(Entry, frozen=True, kw_only=True):
    """The holder gave the room up, for whoever is asked next; ``to`` is the region where it should go on, if any.

    ``why`` is ``empty``, ``asked`` (somebody moved it or put it to sleep by hand), ``moved`` (by itself, to where its
    members are) or ``leaving`` (its machine ends).
    """

    epoch: int
    why: str
    to: str = ""


class Operation(Entry, frozen=True, kw_only=True):
    """Something a member did: ``by`` is the member, ``client`` one life of their page, ``op`` its own number for it.

    What the room did by itself has an empty ``by`` and ``client`` and an ``op`` of 0.
    """

    by: str
    client: str
    op: int


class Said(Operation, frozen=True, kw_only=True):
    """A line of chat, with the name and hue that the member had then."""

    name: str
    hue: int
    text: str


class Edited(Operation, frozen=True, kw_only=True):
    """Changes to shapes, applied in order. ``undoes`` or ``redoes`` is the ``seq`` of the edit that this one takes back
    or does again.
    """

    changes: list[Change]
    undoes: int = 0
    redoes: int = 0


class Access(Operation, frozen=True, kw_only=True):
    """Who may come in. ``public`` is what everybody may do without a link: ``""`` (nothing), ``view`` or ``edit``.

    ``edit`` and ``view`` are the generations of the links of that kind: 0 at first, a random number after each revoke
    (older logs count one further). A link of another generation is void. ``listed`` shows the room in the lobby. A room
    without such an entry is open to everybody and listed.
    """

    public: str
    listed: bool
    edit: int
    view: int


AnyEntry = Epoch | Released | Said | Edited | Access

_decoder: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)
_encoder = msgspec.json.Encoder()


def parse_entry(line: bytes) -> AnyEntry:
    """Read one stored line; raises msgspec.DecodeError (or its ValidationError) for anything else."""
    return _decoder.decode(line)


def format_entry(entry: AnyEntry) -> bytes:
    """One line of JSON without line breaks."""
    return _encoder.encode(entry)
