"""The trail of one request: which machines it visited, why, when and with what outcome; it decides nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a request went to a machine."""

    ROUTE = "route"
    REPLAY = "replay"
    FALLBACK = "fallback"
    CACHE = "cache"  # a replay that the edge remembered


class Outcome(StrEnum):
    """How a visit to a machine ended."""

    REPLAY = "replay"
    RESPONSE = "response"
    UPGRADE = "upgrade"
    ERROR = "error"
    GONE = "gone"  # the client left


@dataclass(slots=True, kw_only=True)
class Wakening:
    """When a stopped machine was asked to start, had started, and took the connection."""

    requested: float
    started: float | None = None
    reachable: float | None = None


@dataclass(slots=True, kw_only=True)
class Hop:
    """One visit; all times are seconds of the clock that the exchange is driven with."""

    machine: str
    app: str
    region: str
    cause: Cause
    wanted: str
    started: float
    ended: float | None = None
    woke: Wakening | None = None
    tries: int = 0
    outcome: Outcome | None = None
    status: int | None = None
    code: str | None = None
    ignored: tuple[str, ...] = ()  # fields of the replay that led here and have no effect in this proxy
