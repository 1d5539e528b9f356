"""A room at one point of its log, as it is stored: what a machine needs to go on without the entries before; pure."""

import msgspec
from msgspec import Struct

from app.access import Gate, Revoked
from app.entries import Said
from app.operations import Counted
from app.shaping import Placed
from app.undo import Stacks
from flylab.errors import ParseError

VERSION = 1


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that `app.room.Room` knows after entry ``seq``; every list is in an order that matters."""

    v: int = VERSION
    seq: int
    log: str
    starts: list[tuple[int, int]]
    gate: Gate
    chat: list[Said]
    shapes: list[Placed]
    tombs: list[tuple[str, int]]
    forgotten: int
    undo: list[Stacks]
    counted: list[Counted]
    revoked: Revoked | None = None
    ordered: float = 0.0


class _Version(Struct):
    v: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)
_version = msgspec.msgpack.Decoder(_Version)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """What is stored: msgpack."""
    return _encoder.encode(snapshot)


def decode_snapshot(body: bytes) -> Snapshot:
    """Read what `encode_snapshot` wrote; raises `ParseError` for anything else."""
    try:
        version = _version.decode(body).v
        if version != VERSION:
            raise ParseError("snapshot", version, f"only version {VERSION} is known here")
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise ParseError("snapshot", body, str(exc)) from exc
