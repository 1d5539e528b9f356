"""How a request is answered that is not served here: replayed, sent to the same address again, or refused.

Every replay of ours goes through `replay_on`, which sees to it that chains end; see app/placement.py for when.
"""

from dataclasses import dataclass, replace

from app.arrival import Arrival, again_at
from app.signing import MOST_REPLAYS, Keys, Signer, State, Word
from flylab.wire.replay import Replay

# Until somebody has the request; else it comes back. Longer than any start of a machine that goes well (our choice).
REPLAY_TIMEOUT = 15.0
# How often a visitor is sent to the same address again before they are refused (our choice).
MOST_AGAIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTo:
    """Another machine must answer; the proxy sends the request there when it sees this. ``state`` is still unsigned."""

    replay: Replay
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """The visitor should ask for the same again, at ``location``."""

    location: str
    why: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Nobody can answer now; ``why`` is a sentence for the visitor, ``reason`` one word of it for programs.

    ``after``: seconds until it may be tried again, if that is known.
    """

    status: int
    why: str
    reason: str = ""
    after: int = 0


Onward = ReplayTo | Redirect | Refuse


def seal(decision: ReplayTo, signer: Signer | None) -> ReplayTo | Refuse:
    """Put the signed state into a replay; the last step before the answer is written.

    Without a signer (its secret lies in a store that is away) only a request's first replay goes out, without a state.
    """
    if decision.state is None:
        return decision
    if signer is not None:
        return ReplayTo(replay=replace(decision.replay, state=signer.sign(decision.state)))
    if decision.state.hops == 1:
        return ReplayTo(replay=decision.replay)
    why = "this machine cannot sign for another replay, since it cannot reach the store; try again"
    return Refuse(status=503, why=why, reason="unsigned")


def replay_on(
    replay: Replay, word: Word, epoch: int, *, room: str, arrival: Arrival, tried: tuple[str, ...] = (), lobby: str = ""
) -> Onward:
    """A replay, if this request may be replayed once more; every replay of ours is made here."""
    if arrival.failed is not None:
        why = f"a machine could not be reached ({arrival.failed.reason}); asked again, another one will be"
        return come_again(arrival, why=why, reason="unreachable")
    if arrival.hops >= MOST_REPLAYS:
        why = f"the request was passed from machine to machine {arrival.hops} times; try again"
        return Refuse(status=503, why=why, reason="too-many-replays")
    lobby = lobby or (arrival.state.lobby if arrival.state is not None else "")
    tried = tried or arrival.tried
    state = State(
        room=room,
        word=word,
        epoch=epoch,
        hops=arrival.hops + 1,
        target=replay.prefer_instance or "",
        tried=tried,
        lobby=lobby,
    )
    return ReplayTo(replay=replay, state=state)


def come_again(arrival: Arrival, *, why: str, reason: str) -> Redirect | Refuse:
    """Send the visitor of a page to the same address again, a few times; whoever cannot follow is refused."""
    if arrival.method in ("GET", "HEAD") and arrival.target and arrival.again < MOST_AGAIN:
        return Redirect(location=again_at(arrival.target, arrival.again + 1), why=why, reason=reason)
    return Refuse(status=503, why=why, reason=reason)


async def signed(decision: Onward, keys: Keys) -> Onward:
    """The same decision, ready to be written: a replay with its state signed."""
    return seal(decision, await keys.signer()) if isinstance(decision, ReplayTo) else decision
