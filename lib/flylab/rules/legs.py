"""One leg of a request's way: where it shall go next, why, and what it carries there; it chooses no machine itself.

begin ─► first leg ─► replayed leg ─► … ─► the answer
                           └─ nobody reached ─► fallback leg
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from flylab.rules.hops import Cause
from flylab.rules.replay_cache import Entry
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import Wanted
from flylab.rules.upgrades import UpgradeSettings
from flylab.rules.wishes import Asked, Replayed, first_wish
from flylab.wire import headers
from flylab.wire.replay import FailureReason, format_failure
from flylab.wire.transform import Transform


class UpgradeAsk(NamedTuple):
    """A replay of an upgrade request: the region it is from, and the status of the answer that asked for it."""

    origin_region: str
    status: int | None


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
    transform: Transform | None = None
    entry: Entry | None = None  # of the cache
    upgrade: UpgradeAsk | None = None
    forced: bool = False  # the client named the machine that alone may take the request


def first_leg(asked: Asked, settings: ReplaySettings) -> Leg:
    """Where the client's own headers send a request; raises ParseError."""
    wanted, why = first_wish(asked, settings)
    leg = Leg(wanted=wanted, why=why, forced=wanted.instance is not None)
    return leg if settings.hide_from_machines and settings.forward_choosing else passing_on(leg, asked, settings)


def passing_on(leg: Leg, asked: Asked, settings: ReplaySettings) -> Leg:
    """The leg with what a client said in the proxy's name, if the settings let it pass, or without what chooses."""
    transform = leg.transform
    if not settings.forward_choosing:
        transform = replace(transform or Transform(), delete_headers=headers.CHOOSING)
    told = {name for name, _ in leg.headers}
    said = {name: asked.values.get(name.encode()) for name in headers.PROXY_ONLY if name not in told}
    passed = () if settings.hide_from_machines else [(k, v.decode("latin-1")) for k, v in said.items() if v is not None]
    return replace(leg, transform=transform, headers=(*leg.headers, *passed))


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


def refused_upgrade(leg: Leg, region: str, settings: UpgradeSettings) -> str | None:
    """Why an upgrade may not be replayed to a machine in a region, or None."""
    if leg.upgrade is None:
        return None
    origin, status = leg.upgrade
    mode = settings.between(origin, region)
    if mode.allows(status):
        return None
    answered = "" if status is None else f" that was answered {status}"
    return f"an upgrade{answered} is not replayed from {origin} to {region}, where the mode is {mode}"
