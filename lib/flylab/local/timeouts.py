"""The time-outs of all edges, looked at and changed while they serve; what has begun keeps those it began with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flylab.errors import RuleError
from flylab.local.edge_settings import EdgeSettings
from flylab.wire.fields import Json

if TYPE_CHECKING:
    from flylab.local.edge import Edge

EDGE = ("head_timeout", "idle_timeout", "body_timeout", "connect_timeout")
EXCHANGE = ("wake_timeout", "queue_timeout")
_LEAST, _MOST = 0.1, 3600.0  # seconds; our choice


class Timeouts:
    """Those in ``settings`` until they are changed; ``edges`` may still grow."""

    def __init__(self, settings: EdgeSettings, edges: "Sequence[Edge]") -> None:
        self._settings = settings
        self._edges = edges

    def to_json(self) -> Json:
        """In seconds, by the names that they have in a settings file."""
        settings = self._settings
        edge = {name: getattr(settings, name) for name in EDGE}
        return edge | {name: getattr(settings.exchange, name) for name in EXCHANGE}

    def change(self, wanted: Mapping[str, object]) -> None:
        """All of them or none; raises ``invalid_argument``."""
        given = {name: _seconds(name, value) for name, value in wanted.items()}
        edge: dict[str, Any] = {name: given[name] for name in EDGE if name in given}
        of_one: dict[str, Any] = {name: given[name] for name in EXCHANGE if name in given}
        self._settings = replace(self._settings, exchange=replace(self._settings.exchange, **of_one), **edge)
        for each in self._edges:
            each.settings = self._settings


def _seconds(name: str, value: object) -> float:
    if name not in (*EDGE, *EXCHANGE):
        known = ", ".join((*EDGE, *EXCHANGE))
        raise RuleError("invalid_argument", f"time-out '{name[:80]}' is unknown; there are {known}")
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not _LEAST <= number <= _MOST:
        text = f"{name} {str(value)[:80]!r} is not a number of seconds between {_LEAST:g} and {_MOST:g}"
        raise RuleError("invalid_argument", text)
    return float(number)
