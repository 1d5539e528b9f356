"""Where a request for a room is answered: here, elsewhere by replay, or nowhere; pure.

The rule against loops: whoever replays says in ``state`` which epoch it acted on. A request that was replayed is
replayed again only when the directory knows a **newer** epoch than that, so every hop moves forward in the room's
history and the chain ends. Nothing is ever replayed to the machine that answers.
"""

import re
from dataclasses import dataclass

from app.ownership import Owner, Place
from flylab.wire.replay import Fallback, Replay, ReplayFailure, ReplaySource

# Until a machine in the wished region has the request; the proxy then hands it back to us (our choice).
CREATE_TIMEOUT = 15.0

_STATE = re.compile(r"([a-z0-9-]{1,64})@(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What the proxy says about how a request came to this machine."""

    source: ReplaySource | None = None
    unavailable: str = ""
    failed: ReplayFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """This machine holds the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """This machine may take the room by creating the epoch that follows ``epoch``."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTo:
    """Another machine must answer; the proxy sends the request there when it sees this."""

    replay: Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Nobody can answer now; ``why`` is a sentence for the visitor."""

    status: int
    why: str


Decision = Serve | TakeOver | ReplayTo | Refuse


def place_request(room: str, owner: Owner | None, *, me: Place, held: int | None, arrival: Arrival) -> Decision:
    """Decide for a request that needs the room's owner; ``held`` is the epoch in which this process holds the room."""
    if owner is None:
        return TakeOver(epoch=0)
    if owner.place.machine == me.machine:
        return Serve() if held == owner.epoch else TakeOver(epoch=owner.epoch)
    known = known_epoch(room, arrival.source)
    if known is None or known < owner.epoch:
        return ReplayTo(replay=to_owner(owner, me=me))
    if arrival.unavailable == owner.place.machine:
        return TakeOver(epoch=owner.epoch)
    return Refuse(
        status=503,
        why=f"room {room} lives on machine {owner.place.machine} in {owner.place.region}, but the request for it"
        f" was sent to machine {me.machine} instead; try again",
    )


def place_creation(room: str, owner: Owner | None, *, region: str, me: Place, arrival: Arrival) -> Decision:
    """Decide for a request that creates a room, in ``region`` unless that is empty."""
    if owner is not None:
        return Refuse(status=409, why=f"room {room} exists already, in {owner.place.region}")
    if region in ("", me.region):
        return TakeOver(epoch=0)
    if arrival.failed is not None:
        why = f"no machine of {me.app} in region {region} could be reached ({arrival.failed.reason})"
        return Refuse(status=503, why=why)
    if arrival.source is not None:
        return Refuse(status=503, why=f"the room was to be created in {region}, but the request came to {me.region}")
    state = format_state(room, 0)
    return ReplayTo(replay=Replay(regions=(region,), timeout=CREATE_TIMEOUT, fallback=Fallback.FORCE_SELF, state=state))


def to_owner(owner: Owner, *, me: Place) -> Replay:
    """The replay to a room's owner.

    ``prefer_instance`` and not ``instance``: for a machine that was destroyed, the proxy tries ``instance`` until the
    visitor gives up, while ``prefer_instance`` reaches another machine, which is told so in
    ``fly-preferred-instance-unavailable`` and may take the room over.
    """
    app = owner.place.app if owner.place.app != me.app else None
    return Replay(prefer_instance=owner.place.machine, app=app, state=format_state(owner.room, owner.epoch))


def format_state(room: str, epoch: int) -> str:
    """What travels in ``state``: the room and the epoch that the sender acted on; ``blue@3``."""
    return f"{room}@{epoch}"


def known_epoch(room: str, source: ReplaySource | None) -> int | None:
    """The epoch that the sender of a replayed request acted on, or None when nobody replayed it for this room."""
    match = _STATE.fullmatch(source.state or "") if source is not None else None
    return int(match[2]) if match is not None and match[1] == room else None
