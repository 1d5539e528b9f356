"""Where a request for a room is answered by a machine that can hold rooms: here, elsewhere by replay, or nowhere; pure.

The log alone says who holds a room (`Standing`); a believed state says what the sender knew or gives the room away.

    the log's newest epoch n is            and the request                                       answer
    ───────────────────────────────────    ──────────────────────────────────────────────────    ────────────────────
    held by this process                                                                         Serve
    older than a state HELD or GAVE                                                              Refuse, our log lags
    none (n = 0), or released                                                                    Take n + 1
    released, to go on in another region   has FREE, LOST or GAVE of n, or came back to us       Take n + 1
                                           else                                                  Replay there, FREE n
    this machine's, in an earlier life                                                           Take n + 1
    another machine's                      has LOST or GAVE of n                                 Take n + 1
                                           has HINT or HELD of n, and the proxy says that
                                           the holder is unavailable: n began just now           Refuse, try again
                                                                      else                       Take n + 1
                                           has HELD of n                                         Refuse, a stray
                                           else                                                  Replay to it, HELD n
    any of these, the answer is Take       but the machine is full or closing                    pass on, see below
    not to be read (the store is away)     this process holds the room                           Serve
                                           else                                                  pass on, see below

To pass on is a replay to the lobby that the state names, or else to another machine of this app, with this machine
among the tried ones and a word that says what may be done with the room: GAVE n when this machine was its holder (it
signs that it is so no more), LOST n when the holder could not be reached, FREE n when nobody holds it, else SEEK.

Every chain ends: a replay counts up ``hops``, and with `MOST_REPLAYS` behind it a request is refused; a request that
came back (``fly-replay-failed``) may not be replayed at all, so its visitor is sent to the same address again (a few
times), or, for an upgrade, refused. Nothing is ever replayed to the machine that answers. An epoch once read in a log
never falls from hop to hop: the sender's later one is believed over an older one read here.
"""

from dataclasses import dataclass

from app.arrival import Arrival
from app.onward import REPLAY_TIMEOUT, Onward, Refuse, ReplayTo, replay_on
from app.ownership import Hint, Place
from app.proximity import by_closeness, offered
from app.signing import ASSIGNING, MOST_REPLAYS, Word
from flylab.wire.regions import ANY
from flylab.wire.replay import Fallback, Replay

_HINTED = (Word.HINT, Word.HELD)
_UNABLE = {
    "full": "machine {me} holds as many rooms as it may, and no other machine took room {room}; try again",
    "closing": "machine {me} is going away, and no other machine took room {room}; try again",
    "storage": "machine {me} cannot reach the object store, and no other machine took room {room}; try again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the log says of a room: its newest epoch (0: none yet) and who took it.

    ``released`` means that nobody holds it; ``to`` is the region where it is to go on, if that was said. ``fresh``: the
    epoch began so lately that an edge may not know yet that its machine is up.
    """

    epoch: int = 0
    holder: Place | None = None
    released: bool = False
    to: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """This machine holds the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """This machine may take the room by appending the epoch that follows ``epoch``; ``why`` goes into that entry."""

    epoch: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Answer a look from what is known here; nobody else is asked."""


Decision = Serve | Take | Onward


def place_request(
    room: str, standing: Standing, *, me: Place, held: int | None, arrival: Arrival, unable: str = ""
) -> Decision:
    """Decide for a request that needs the room's holder.

    ``held`` is the epoch in which this process holds the room; ``unable`` says in one word why it can take none.
    """
    if held is not None and held >= standing.epoch:
        return Serve()
    decision = _decide(room, standing, me=me, arrival=arrival)
    if isinstance(decision, Take) and unable:
        return _pass_on(room, _word(standing, me=me), standing.epoch, me=me, arrival=arrival, reason=unable)
    return decision


def place_by_hint(room: str, hint: Hint | None, *, me: Place, arrival: Arrival) -> Onward | None:
    """The short way of a first request to the holder that the hint names, or None: ask the log.

    Only for requests that nobody replayed: whoever gets this one asks the log, and may send it back here.
    """
    if hint is None or not hint.awake or arrival.source is not None or arrival.failed is not None:
        return None
    if hint.place.app != me.app or hint.place.machine in ("", me.machine):
        return None
    return to_holder(room, hint.place, hint.epoch, Word.HINT, arrival=arrival)


def place_unread(
    room: str, *, me: Place, held: int | None, gave_up: int | None, arrival: Arrival, unable: str = "storage"
) -> Decision:
    """Decide while the log cannot be read; ``gave_up`` is the last epoch that this process held and gave up."""
    if held is not None:
        return Serve()
    state = arrival.state
    word, epoch = (state.word, state.epoch) if state is not None else (Word.SEEK, 0)
    if state is not None and word in _HINTED:
        if state.target == me.machine:
            word = Word.GAVE  # sent to us as the holder, which we are not
        elif state.target and state.target == arrival.unavailable:
            word = Word.LOST  # sent to the holder, which the proxy could not reach
        else:
            word, epoch = Word.SEEK, 0  # a header of the visitor's brought it here
    if gave_up is not None and gave_up >= epoch:
        word, epoch = Word.GAVE, gave_up
    return _pass_on(room, word, epoch, me=me, arrival=arrival, reason=unable)


def place_creation(
    room: str, standing: Standing, *, region: str, me: Place, arrival: Arrival, unable: str = ""
) -> Decision:
    """Decide for a request that makes a room, in ``region`` unless that is empty."""
    if standing.epoch:
        where = f", in {standing.holder.region}" if standing.holder is not None else ""
        return Refuse(status=409, why=f"room {room} exists already{where}", reason="exists")
    assigned = arrival.state is not None and arrival.state.word in ASSIGNING
    if region not in ("", me.region) and not assigned:
        if arrival.failed is not None:
            why = f"no machine of {me.app} in region {region} could be reached ({arrival.failed.reason})"
            return Refuse(status=503, why=why, reason="region-unreachable")
        return _to_region(room, region, 0, arrival=arrival)
    if unable:
        return _pass_on(room, Word.FREE, 0, me=me, arrival=arrival, reason=unable)
    return Take(epoch=0, why="made")


def place_look(
    room: str, standing: Standing, *, me: Place, held: int | None, arrival: Arrival
) -> Serve | ReplayTo | Tell:
    """Decide for a request that only looks: asks the holder if there is one, and never takes a room."""
    if held is not None and held >= standing.epoch:
        return Serve()
    holder, state = standing.holder, arrival.state
    if holder is None or standing.released or holder.machine == me.machine:
        return Tell()
    asked = state is not None and state.word is Word.HELD and state.epoch >= standing.epoch
    if asked or arrival.unavailable:
        return Tell()
    asking = to_holder(room, holder, standing.epoch, Word.HELD, arrival=arrival)
    return asking if isinstance(asking, ReplayTo) else Tell()


def to_holder(room: str, holder: Place, epoch: int, word: Word, *, arrival: Arrival) -> Onward:
    """The replay to a room's holder in this app.

    ``prefer_instance`` and not ``instance``: for a machine that was destroyed, the proxy tries ``instance`` until the
    visitor gives up, while ``prefer_instance`` reaches another machine, which is told so in
    ``fly-preferred-instance-unavailable`` and may take the room over.
    """
    return replay_on(Replay(prefer_instance=holder.machine), word, epoch, room=room, arrival=arrival)


def _decide(room: str, standing: Standing, *, me: Place, arrival: Arrival) -> Decision:
    epoch, holder, state = standing.epoch, standing.holder, arrival.state
    if state is not None and state.epoch > epoch and state.word in (Word.HELD, Word.GAVE):
        why = f"room {room} is in epoch {state.epoch}, but the log read here ends in epoch {epoch}; try again"
        return Refuse(status=503, why=why, reason="log-behind")
    word = state.word if state is not None and state.epoch == epoch else None
    if holder is None or standing.released:
        if standing.to in ("", me.region) or word in ASSIGNING or arrival.failed is not None:
            return Take(epoch=epoch, why="made" if not epoch else "moved" if standing.to else "woken")
        return _to_region(room, standing.to, epoch, arrival=arrival)
    if holder.machine == me.machine:
        return Take(epoch=epoch, why="woken")
    unreachable = word in _HINTED and arrival.unavailable == holder.machine
    if unreachable and standing.fresh:
        # A machine that was woken for this room is "unavailable" until its check has passed: do not take the room back.
        why = f"room {room} has just begun on machine {holder.machine} in {holder.region}, which cannot be reached yet"
        return Refuse(status=503, why=f"{why}; try again", reason="settling")
    if unreachable or word in (Word.LOST, Word.GAVE):
        return Take(epoch=epoch, why="taken")
    if word is Word.HELD:
        why = (
            f"room {room} lives on machine {holder.machine} in {holder.region}, but the request for it was sent to"
            f" machine {me.machine} instead; try again"
        )
        return Refuse(status=503, why=why, reason="stray")
    return to_holder(room, holder, epoch, Word.HELD, arrival=arrival)


def _word(standing: Standing, *, me: Place) -> Word:
    if standing.holder is None or standing.released:
        return Word.FREE
    return Word.GAVE if standing.holder.machine == me.machine else Word.LOST


def _pass_on(room: str, word: Word, epoch: int, *, me: Place, arrival: Arrival, reason: str) -> Onward:
    if arrival.failed is not None or arrival.hops >= MOST_REPLAYS:
        return Refuse(status=503, why=_UNABLE.get(reason, reason).format(me=me.machine, room=room), reason=reason)
    tried = tuple(dict.fromkeys((*arrival.tried, me.machine)))
    if arrival.state is not None and arrival.state.lobby:
        replay = Replay(app=arrival.state.lobby, timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF)
    else:
        # "elsewhere" leaves out this machine alone, so from the second time on another region is asked first.
        others = [region for region in by_closeness(arrival.edge, offered()) if region != me.region]
        regions = (*others, ANY) if arrival.tried else ()
        replay = Replay(regions=regions, elsewhere=True, timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF)
    return replay_on(replay, word, epoch, room=room, arrival=arrival, tried=tried)


def _to_region(room: str, region: str, epoch: int, *, arrival: Arrival) -> Onward:
    replay = Replay(regions=(region,), timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF)
    return replay_on(replay, Word.FREE, epoch, room=room, arrival=arrival)
