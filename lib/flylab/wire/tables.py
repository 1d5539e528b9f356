"""Tables of a TOML file, read strictly (a key that nobody takes is an error), and what holds for process groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flylab.errors import ParseError
from flylab.wire.fields import Fields

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grouped(Generic[T]):
    """Something that holds for some process groups, or for all when none is named."""

    groups: tuple[str, ...]
    item: T


def of_group(group: str, grouped: Sequence[Grouped[T]]) -> tuple[T, ...]:
    """The items that hold for a group."""
    return tuple(one.item for one in grouped if not one.groups or group in one.groups)


def read_tables(f: Fields, key: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
    """What ``read`` makes of ``[key]``, or of each ``[[key]]``; raises ParseError for a key that it leaves."""
    value = f.take(key)
    found = []
    for table in value if isinstance(value, list) else [] if value is None else [value]:
        fields = Fields(table, f.path(key))
        found.append(read(fields))
        expect_no_more(fields)
    return tuple(found)


def expect_no_more(f: Fields) -> None:
    """Raise ParseError for the first field that nobody took."""
    for key, value in f.rest().items():
        raise ParseError(f.path(key), value, "there is no such key")
