"""What an event may change, as it was before: put back when the event is refused, or cannot be written down."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from flylab.rules.life import Life

_LIFE = tuple(field.name for field in fields(Life))


class Before:
    """Shallow copies: what the tables hold does not change in place, but for the machines, which are named."""

    def __init__(self, tables: Iterable[dict[str, Any]], lives: Iterable[Life]) -> None:
        # A whole table is copied in microseconds, order and all, where a log of changes would lose the order.
        self._tables = [(table, table.copy()) for table in tables]
        self._lives = [(life, _copy(life)) for life in lives]

    def put_back(self) -> None:
        for table, before in self._tables:
            table.clear()
            table.update(before)
        for life, was in self._lives:
            for name in _LIFE:
                setattr(life, name, getattr(was, name))


def _copy(life: Life) -> Life:
    health = replace(life.health, results=dict(life.health.results))
    return replace(life, health=health)
