"""One wake as one frozen record: its phases with source and clock, what in them was configured, whether it adds up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flylab.errors import ParseError
from flylab.measure.sample import OK, Sample
from flylab.measure.wakes.marks import (
    CLIENT,
    CLOCKS,
    ORDER,
    Mark,
    Seen,
    Source,
    hops,
    marks,
    number,
    settle,
    waking_hop,
)

VARIANTS = ("stop", "suspend", "pool", "always-on")
WAKING = frozenset({"stop", "suspend"})  # those whose machine has to be started
PHASES = {
    "sent": "connection",
    "edge": "request at the edge",
    "accepted": "start accepted",
    "spawned": "process spawned",
    "listening": "port open",
    "reachable": "seen by the proxy",
    "answered": "first byte",
    "welcomed": "first room message",
}
RESUMED = "process resumed"  # instead of spawned, where it was suspended
PAUSES = "the proxy's pauses between tries"
WAY = "round trips between regions"
STEPPED = 0.001  # s: how far a wall clock may leave the monotonic one within a wake; the resolution of the events


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What lies between two moments that follow each other; seconds since the client asked (or the first moment).

    ``source`` and ``clock`` are those of the end, ``begin_source`` of the begin. ``configured`` is the part of it that
    was typed in, and ``inputs`` name what that is, also where its share is not known.
    """

    name: str
    begin: float
    end: float
    source: Source
    begin_source: Source
    configured: float = 0.0
    inputs: tuple[str, ...] = ()

    @property
    def took(self) -> float:
        return self.end - self.begin

    @property
    def clock(self) -> str:
        return CLOCKS[self.source]

    @property
    def provenance(self) -> str:
        """``measured``, ``configured``, or ``partly configured``."""
        if not self.inputs:
            return "measured"
        return "configured" if self.configured >= self.took > 0 else "partly configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """A visitor's request to a machine in some state, until the first byte or the room's first message.

    ``whole`` is what the client's own stopwatch says and ``moved`` how far the moments of the other clocks had to be
    moved, at most, for none to come before an earlier one. ``marked`` says why the phases are not to be believed.
    """

    variant: str
    at_once: int
    burst: int
    machine: str
    region: str
    warm_up: bool
    outcome: str
    phases: tuple[Phase, ...]
    whole: float | None
    moved: float
    marked: tuple[str, ...]
    armed: tuple[str, ...]
    due: float  # seconds since the run began, by the monotonic clock
    sent: float
    finished: float
    seen: Seen

    @property
    def ok(self) -> bool:
        return self.outcome == OK

    @property
    def missing(self) -> tuple[str, ...]:
        """The phases that could not be told from the ones after them."""
        return tuple(name for phase in self.phases for name in phase.name.split(" + ")[:-1])

    def to_sample(self) -> Sample:
        return Sample(
            what="wake (warm-up)" if self.warm_up else "wake",
            where=f"{self.region}, {self.at_once} at once",
            scheduled=self.due,
            sent=self.sent,
            finished=self.finished,
            outcome=self.outcome,
            detail={
                "variant": self.variant,
                "at_once": self.at_once,
                "burst": self.burst,
                "machine": self.machine,
                "region": self.region,
                "warm_up": self.warm_up,
                "seen": self.seen.to_json(),
            },
        )

    @classmethod
    def from_sample(cls, sample: Sample) -> "Wake":
        """Assemble it anew from what was stored; raises ParseError."""
        detail = sample.detail
        try:
            at_once, burst = detail["at_once"], detail["burst"]
            assert isinstance(at_once, int)
            assert isinstance(burst, int)
            return assemble(
                Seen.from_json(detail["seen"]),
                variant=str(detail["variant"]),
                at_once=at_once,
                burst=burst,
                machine=str(detail["machine"]),
                region=str(detail["region"]),
                warm_up=bool(detail["warm_up"]),
                outcome=sample.outcome,
                due=sample.scheduled,
                sent=sample.sent,
                finished=sample.finished,
            )
        except (AssertionError, KeyError) as exc:
            raise ParseError("wake", dict(detail), f"{type(exc).__name__} {exc}") from exc


def assemble(
    seen: Seen,
    *,
    variant: str,
    outcome: str = OK,
    at_once: int = 1,
    burst: int = 0,
    machine: str = "",
    region: str = "",
    warm_up: bool = False,
    due: float = 0.0,
    sent: float = 0.0,
    finished: float = 0.0,
) -> Wake:
    """The record of one wake, from whatever its sources said."""
    found = marks(seen)
    outcome = outcome if outcome != OK else stray(variant, machine, seen, found)
    settled = settle(found)
    marked = [*_backwards(found, settled), *_stepped(seen)]
    moments = settled or [mark.at for mark in found]
    moved = max((abs(at - mark.at) for mark, at in zip(found, moments, strict=True)), default=0.0)
    mine = [mark.at for mark in found if mark.name in CLIENT]
    armed = seen.trace.get("faults")
    return Wake(
        variant=variant,
        at_once=at_once,
        burst=burst,
        machine=machine,
        region=region,
        warm_up=warm_up,
        outcome=outcome,
        phases=tuple(_phases(variant, seen, found, moments)),
        whole=max(mine) - min(mine) if len(mine) > 1 else None,
        moved=moved,
        marked=tuple(marked),
        armed=tuple(str(name) for name in armed) if isinstance(armed, list) else (),
        due=due,
        sent=sent,
        finished=finished,
        seen=seen,
    )


def stray(variant: str, machine: str, seen: Seen, found: Sequence[Mark]) -> str:
    """``ok``, or in a word how this was no wake of its variant and its machine."""
    names = {mark.name for mark in found}
    hop, all_hops = waking_hop(seen.trace), hops(seen.trace)
    if machine and all_hops and all_hops[-1].get("machine") != machine:
        return "another machine answered"
    if variant not in WAKING:
        return "was not running" if hop is not None or "accepted" in names else OK
    if seen.trace and hop is None:
        return "was running"
    if variant == "suspend" and "listening" in names:
        return "was not resumed but booted"
    return OK


def expected(variant: str, seen: Seen) -> frozenset[str]:
    """The moments that such a wake has, as far as they can be seen from there.

    An edge that writes no trace is Fly's, and what goes on behind it is not seen.
    """
    behind = {"listening", "reachable"} if variant == "stop" else {"reachable"} if variant == "suspend" else set()
    return frozenset(
        {"asked", "sent", "answered"}
        | ({"accepted", "spawned"} if variant in WAKING else set())
        | ({"edge"} | behind if seen.trace else set())
    )


def _phases(variant: str, seen: Seen, found: Sequence[Mark], moments: Sequence[float]) -> list[Phase]:
    known, wanted = {mark.name for mark in found}, expected(variant, seen)
    typed_in, pauses = _configured(seen)
    zero = moments[0] if moments else 0.0
    phases = []
    for (before, begin), (after, end) in pairwise(zip(found, moments, strict=True)):
        span = ORDER[ORDER.index(before.name) + 1 : ORDER.index(after.name) + 1]
        names = [_name(name, variant) for name in span if name in known or name in wanted]
        way = sum(typed_in.get(name, 0.0) for name in span)
        inputs = ((WAY,) if way else ()) + ((PAUSES,) if pauses and "reachable" in span else ())
        # Without the app's mark nobody can tell the pause from what went on until the port was open.
        alone = PAUSES in inputs and before.name == "listening"
        phases.append(
            Phase(
                name=" + ".join(names),
                begin=begin - zero,
                end=end - zero,
                source=after.source,
                begin_source=before.source,
                configured=max(end - begin, 0.0) if alone else min(way, max(end - begin, 0.0)),
                inputs=inputs,
            )
        )
    return phases


def _name(mark: str, variant: str) -> str:
    return RESUMED if mark == "spawned" and variant == "suspend" else PHASES[mark]


def _configured(seen: Seen) -> tuple[dict[str, float], bool]:
    """Seconds that the latency table put before each moment, and whether the proxy had to pause between tries."""
    all_hops, hop = hops(seen.trace), waking_hop(seen.trace)
    ways = [(number(each.get("configured_ms")) or 0.0) / 1000 for each in all_hops]
    first = next((place for place, each in enumerate(all_hops) if each is hop), 0)
    before = {"accepted": sum(ways[:first]), "answered": sum(ways[first:])}
    # Hello goes to the last machine and the welcome comes back from there.
    typed_in = before | {"welcomed": ways[-1] if ways else 0.0}
    tries = number(hop.get("tries")) if hop is not None else None
    return typed_in, tries is not None and tries > 1


def _backwards(found: Sequence[Mark], settled: Sequence[float] | None) -> list[str]:
    if settled is not None:
        return []
    back = [
        f"{after.name} ({after.source}) lies {1000 * (before.low - after.high):.1f} ms before {before.name} "
        f"({before.source}), beyond what their clocks leave open"
        for place, after in enumerate(found)
        for before in found[:place]
        if before.low > after.high
    ]
    return back[:1]


def _stepped(seen: Seen) -> list[str]:
    drift = number(seen.client.get("drift")) or 0.0
    return [f"the client's wall clock was set {1000 * drift:+.1f} ms meanwhile"] if abs(drift) > STEPPED else []


def spread(wakes: Sequence[Wake]) -> Mapping[str, float]:
    """The greatest disagreement of the clocks that was seen, in seconds: of their order, and of the client's two."""
    drifts = [abs(number(wake.seen.client.get("drift")) or 0.0) for wake in wakes]
    doubts = [(wake.seen.ahead[1] - wake.seen.ahead[0]) / 2 for wake in wakes]
    return {
        "order": max((wake.moved for wake in wakes), default=0.0),
        "client": max(drifts, default=0.0),
        "offset": max(doubts, default=0.0),
    }
