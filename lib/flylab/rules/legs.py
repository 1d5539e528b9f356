"""One leg of a request's way: where it shall go next, why, and what it carries there; it chooses no machine itself.

begin ─► first leg ─► replayed leg ─► … ─► the answer
                           └─ nobody reached ─► fallback leg
"""

from dataclasses import dataclass

from flylab.rules.hops import Cause
from flylab.rules.routing import Wanted
from flylab.rules.wishes import Asked, Replayed, first_wish
from flylab.wire import headers
from flylab.wire.replay import FailureReason, format_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What holds until a machine has answered, however many are tried for it."""

    wanted: Wanted
    cause: Cause = Cause.ROUTE
    why: str = ""  # the wish behind it, as the trace shows it
    headers: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()  # what the replay also asked for and has no effect
    replayed: Replayed | None = None
    deadline: float | None = None  # until a machine has taken it


def first_leg(asked: Asked) -> Leg:
    """Where the client's own headers send a request; raises ParseError."""
    wanted, why = first_wish(asked)
    return Leg(wanted=wanted, why=why)


def fallback_leg(leg: Leg, reason: FailureReason, asked: Asked, now: float) -> Leg | None:
    """The way back from a replay that reached nobody, if it named one."""
    replayed = leg.replayed
    if replayed is None or leg.cause is not Cause.REPLAY or replayed.replay.fallback is None:
        return None
    return Leg(
        wanted=replayed.way_back(asked),
        cause=Cause.FALLBACK,
        why=replayed.replay.fallback,
        headers=((headers.REPLAY_FAILED, format_failure(replayed.failure(reason, now))),),
    )
