"""What the fleet keeps besides apps and machines (secrets, volumes, addresses …): one collection of records a kind.

rules change a collection ──► action `Kept(kind, key)` ──► the platform writes `document(key)` down, or its absence
the platform comes back   ──► `restore(documents)`
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flylab.wire.fields import Json


class Collection(Protocol):
    """All records of one kind; a key is unique within it."""

    def document(self, key: str) -> Json | None:
        """What is written down of this record; None when it is gone."""

    def restore(self, documents: Mapping[str, Json]) -> None:
        """Take over what was written down, in the order in which it was first written."""

    def rows(self) -> dict[str, Any]:
        """What it keeps, itself; no value changes in place, so a copy of it is a copy of everything (``undo.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOrder:
    """An order about something that belongs to an app; ``belongings.py`` carries it out."""

    app: str
