"""One shape: whether a change of it makes sense, and what it is afterwards; pure."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import force_setattr

from app.entries import PROPERTIES, Change, Look, Shape
from app.protocol import clean_text

WRITTEN = tuple(name for name in PROPERTIES if name != "kind")  # what can be changed after a shape was made
SHAPE_BYTES = 200  # counted for a shape whatever it holds: about what it takes in a message
NUMBER_BYTES = 9  # of points: a float in msgpack

_EMPTY = Look()
_L = TypeVar("_L", bound=Look)


class Refused(Exception):
    """An edit that is not made; ``code`` and the text go back to the member."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Placed(Struct, array_like=True, frozen=True):
    """A shape that is there, made by entry ``made``; ``stamps`` has the properties that a later entry wrote."""

    shape: Shape
    made: int
    stamps: dict[str, int]


def clean_change(change: Change) -> Change:
    """The change with its text cleaned; one that removes has nothing else in it."""
    look = change.set
    if look is UNSET:
        return change
    if change.gone:
        return Change(id=change.id, gone=True)
    if look.text is UNSET:
        return change
    text = clean_text(look.text)
    return change if text == look.text else Change(id=change.id, set=overlay(look, {"text": text}))


def check_change(change: Change) -> Change:
    """The change, cleaned, or `Refused` when it means nothing."""
    if not change.gone and (change.set is UNSET or change.set == _EMPTY):
        raise Refused("invalid", f"the change of {change.id!r} sets nothing and does not say gone")
    return clean_change(change)


def make(key: str, look: Look, seq: int) -> Placed:
    """A new shape."""
    return Placed(Shape(id=key, **values_of(look, PROPERTIES)), seq, {})


def change_shape(placed: Placed, look: Look, seq: int) -> Placed:
    """The shape after entry ``seq`` wrote what ``look`` has."""
    values = values_of(look, WRITTEN)
    if placed.made == seq:
        return Placed(overlay(placed.shape, values), seq, {})
    stamps = dict(placed.stamps)
    for name in values:
        stamps[name] = seq
    return Placed(overlay(placed.shape, values), placed.made, stamps)


def whole(shape: Shape) -> Look:
    """All of a shape as a change that makes it."""
    return Look(**values_of(shape, PROPERTIES))


def overlay(shape: _L, values: Mapping[str, Any]) -> _L:
    """A copy of the shape with these properties."""
    copied: _L = shape.__copy__()  # type: ignore[attr-defined] # every Struct has it; copy() is slow
    for name, value in values.items():
        force_setattr(copied, name, value)  # the copy is nobody else's yet
    return copied


def values_of(look: Look, names: Iterable[str]) -> dict[str, Any]:
    """Those of the properties that are set."""
    return {name: value for name in names if (value := getattr(look, name)) is not UNSET}


def weigh(shape: Look) -> int:
    """About how many bytes a shape takes, wherever it is kept or sent."""
    weight = SHAPE_BYTES
    if shape.text is not UNSET:
        weight += len(shape.text.encode())
    if shape.points is not UNSET:
        weight += NUMBER_BYTES * len(shape.points)
    return weight


def check_new(key: str, look: Look) -> None:
    """Raise `Refused` for a shape that cannot be made like this."""
    if look.x is UNSET or look.y is UNSET:
        raise Refused("invalid", f"the new shape {key!r} needs kind, x and y")
    _check_points(key, look.kind, look)


def check_known(shape: Shape, look: Look) -> None:
    """Raise `Refused` for a shape that cannot be changed like this."""
    if look.kind is not UNSET and look.kind != shape.kind:
        raise Refused("invalid", f"{shape.id!r} is of kind {shape.kind!r} and stays so")
    _check_points(shape.id, shape.kind, look)


def _check_points(key: str, kind: str | UnsetType, look: Look) -> None:
    if look.points is UNSET:
        return
    if kind != "pen":
        raise Refused("invalid", f"{key!r} is of kind {kind!r}: only a pen has points")
    if len(look.points) % 2:
        raise Refused("invalid", f"the points of {key!r} are x, y, x, y, …: there is one number too many")
