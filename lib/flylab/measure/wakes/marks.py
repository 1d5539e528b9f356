"""The moments of one wake, each from whoever saw it, put on one clock; pure, and nothing is guessed.

    asked ─ sent ─ edge ─ accepted ─ spawned ─ listening ─ reachable ─ answered ─ welcomed
      client         │      api event   │          app      edge trace      client
                     edge trace         api event

What a source did not tell is not there. Each moment has bounds within which it truly lies; `settle` keeps to them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from flylab.errors import ParseError

ORDER = ("asked", "sent", "edge", "accepted", "spawned", "listening", "reachable", "answered", "welcomed")
CLIENT = ("asked", "sent", "answered", "welcomed")

ROUNDED = 0.001  # s: events have whole milliseconds; the trace has microseconds and two readings of a clock behind it
# What a process notes it notes once it runs again, which on a busy computer is later than what is noted (our choice).
NOTED_LATE = 0.05
TICKS = 0.02  # the kernel tells the start of a process and the time since boot to 10 ms each (proc(5))


class Source(StrEnum):
    """Who saw a moment."""

    CLIENT = "client"
    TRACE = "edge trace"
    API = "api event"
    APP = "app"


CLOCKS = {
    Source.CLIENT: "the client's monotonic clock, put on its wall clock when it asked",
    Source.TRACE: "the edge's monotonic clock, put on its wall clock when the request came",
    Source.API: "the platform's wall clock, in whole milliseconds",
    Source.APP: "the app's wall clock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What each source said of one wake, as it said it; all of it is stored.

    ``client``: wall-clock seconds by name, and ``drift``: by how much its wall clock left its monotonic one meanwhile.
    ``trace``: the edge's record of the exchange. ``events``: those of the machine that came with this wake. ``app``:
    the steps of the process's own start, in wall-clock seconds. ``ahead``: the least and the most by which the clock of
    the events is ahead of the client's, in seconds; 0 and 0 on one computer.
    """

    client: Mapping[str, float] = field(default_factory=dict)
    trace: Mapping[str, object] = field(default_factory=dict)
    events: Sequence[Mapping[str, object]] = ()
    app: Mapping[str, float] = field(default_factory=dict)
    ahead: tuple[float, float] = (0.0, 0.0)

    def to_json(self) -> dict[str, object]:
        return {
            "client": dict(self.client),
            "trace": dict(self.trace),
            "events": [dict(event) for event in self.events],
            "app": dict(self.app),
            "ahead": list(self.ahead),
        }

    @classmethod
    def from_json(cls, value: object) -> "Seen":
        """Read what ``to_json`` made; raises ParseError."""
        try:
            assert isinstance(value, Mapping)
            low, high = value["ahead"]
            return cls(
                client={str(name): float(at) for name, at in value["client"].items()},
                trace=dict(value["trace"]),
                events=[dict(event) for event in value["events"]],
                app={str(name): float(at) for name, at in value["app"].items()},
                ahead=(float(low), float(high)),
            )
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ParseError("wake", value, f"{type(exc).__name__} {exc}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One moment: seconds since the epoch by the client's clock, and the bounds within which it truly was."""

    name: str
    at: float
    low: float
    high: float
    source: Source


def marks(seen: Seen) -> list[Mark]:
    """Every moment that was seen, in the order in which they must have been."""
    found = {mark.name: mark for mark in (*_client(seen), *_trace(seen), *_events(seen))}
    # A process that was there before anybody asked was not started by this wake: its steps are of an earlier life.
    begin = min((mark.at for mark in found.values()), default=None)
    listening, ran = number(seen.app.get("listening")), number(seen.app.get("python"))
    if begin is not None and listening is not None and (listening if ran is None else ran) >= begin:
        # It came to listen after its imports, and noted that once it ran again: nothing else is known.
        imported = number(seen.app.get("imported"))
        early = NOTED_LATE if imported is None else max(listening - imported, 0.0)
        found["listening"] = _mark("listening", listening, Source.APP, early=early)
        spawned = found.get("spawned")
        if spawned is not None and ran is not None and ran < spawned.at:
            found["spawned"] = _ran_before(ran, number(seen.app.get("spawned")))
    return sorted(found.values(), key=lambda mark: ORDER.index(mark.name))


def _ran_before(ran: float, spawned: float | None) -> Mark:
    """Where the process ran before its platform noted that it was there: what it knows itself, from the kernel."""
    at = ran if spawned is None else min(spawned, ran)
    return Mark(name="spawned", at=at, low=at - (NOTED_LATE if spawned is None else TICKS), high=ran, source=Source.APP)


def settle(found: Sequence[Mark]) -> list[float] | None:
    """Moments within their bounds that never run back, each as near to what was seen as that allows; None: no such."""
    least, floors = -math.inf, []
    for mark in found:
        least = max(least, mark.low)
        if least > mark.high:
            return None
        floors.append(least)
    most, ceilings = math.inf, []
    for mark in reversed(found):
        most = min(most, mark.high)
        ceilings.append(most)
    settled, reached = [], -math.inf
    for mark, ceiling in zip(found, reversed(ceilings), strict=True):
        reached = max(reached, min(mark.at, ceiling))
        settled.append(reached)
    return settled


def waking_hop(trace: Mapping[str, object]) -> Mapping[str, object] | None:
    """The last hop that started a machine; None when none did."""
    return next((hop for hop in reversed(hops(trace)) if isinstance(hop.get("woke"), Mapping)), None)


def hops(trace: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The machines that the request visited."""
    listed = trace.get("hops")
    return [hop for hop in listed if isinstance(hop, Mapping)] if isinstance(listed, list) else []


def number(value: object) -> float | None:
    """A finite number, or None: what a source says wrongly it has not said."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _mark(name: str, at: float, source: Source, *, early: float = 0.0, late: float = 0.0) -> Mark:
    return Mark(name=name, at=at, low=at - early, high=at + late, source=source)


def _client(seen: Seen) -> list[Mark]:
    read = ((name, number(seen.client.get(name))) for name in CLIENT)
    return [_mark(name, at, Source.CLIENT) for name, at in read if at is not None]


def _trace(seen: Seen) -> list[Mark]:
    began = number(seen.trace.get("started_at"))
    if began is None:
        return []
    found = [_mark("edge", began, Source.TRACE, early=ROUNDED, late=ROUNDED)]
    hop = waking_hop(seen.trace)
    woke = hop.get("woke") if hop is not None else None
    reachable = number(woke.get("reachable_ms")) if isinstance(woke, Mapping) else None
    if reachable is not None:
        found.append(_mark("reachable", began + reachable / 1000, Source.TRACE, early=ROUNDED, late=ROUNDED))
    return found


def _events(seen: Seen) -> list[Mark]:
    low, high = seen.ahead
    middle, doubt = (low + high) / 2, (high - low) / 2
    at: dict[str, list[float]] = {"starting": [], "started": []}
    for event in seen.events:
        stamp, status = number(event.get("timestamp")), event.get("status")
        if stamp is not None and isinstance(status, str) and status in at:
            at[status].append(stamp / 1000 - middle)
    found = []
    accepted = min(at["starting"], default=None)
    if accepted is not None:
        found.append(_mark("accepted", accepted, Source.API, early=ROUNDED + doubt, late=ROUNDED + doubt))
    spawned = min((one for one in at["started"] if accepted is None or one >= accepted), default=None)
    if spawned is not None:
        found.append(_mark("spawned", spawned, Source.API, early=ROUNDED + doubt + NOTED_LATE, late=ROUNDED + doubt))
    return found
