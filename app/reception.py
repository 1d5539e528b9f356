"""What a lobby does with a visitor: to the room's holder, to a machine that it chooses, or nowhere; pure.

A lobby holds no rooms and reads no logs. It knows the hint (``owners/<room>``), which may be stale or missing: the
machine that gets the visitor asks the log, and its answer in a state counts for more.

    the request                                and the hint says                   then
    ───────────────────────────────────────    ─────────────────────────────────   ─────────────────────────────────
    came back: nobody could be reached                                             note it in the hint, come again
    was passed on with FREE, LOST or GAVE n    an epoch up to n, or nothing        choose another machine, same word
    any other                                  a machine holds epoch n             replay to it, HINT n
                                               epoch n was released                choose a machine, FREE n
                                               its holder could not be reached,
                                               or is in an app of no rooms         choose a machine, LOST n
                                               nothing                             choose a machine, FREE 0

A hint whose machine is empty says that the holder of its epoch could not be reached. A lobby writes it when a replay of
its own came back, so that the visitor's next request, at whichever lobby, is placed anew.
"""

from dataclasses import dataclass, replace

from msgspec import structs

from app.arrival import Arrival
from app.onward import REPLAY_TIMEOUT, Onward, replay_on
from app.ownership import Hint, Place
from app.signing import ASSIGNING, Word
from flylab.wire.regions import ANY
from flylab.wire.replay import Fallback, Replay, ReplayFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """A machine is to be chosen, in ``region`` if that is said; the room is its own after ``epoch``."""

    epoch: int
    word: Word
    region: str = ""


def receive_visitor(room: str, hint: Hint | None, *, me: Place, rooms_app: str, arrival: Arrival) -> Choose | Onward:
    """Decide for a request that needs the room's holder and did not come back."""
    state = arrival.state
    known = hint.epoch if hint is not None else 0
    region = hint.to if hint is not None else ""
    if state is not None and state.word in ASSIGNING and state.epoch >= known:
        return Choose(epoch=state.epoch, word=state.word, region=region)
    if hint is None:
        return Choose(epoch=0, word=Word.FREE)
    if not hint.place.machine or hint.place.app != rooms_app:
        return Choose(epoch=known, word=Word.LOST, region=region)
    if not hint.awake:
        return Choose(epoch=known, word=Word.FREE, region=region)
    replay = _ask(rooms_app, Replay(prefer_instance=hint.place.machine))
    return replay_on(replay, Word.HINT, known, room=room, arrival=arrival, lobby=me.app)


def to_chosen(room: str, choice: Choose, machine: str, *, me: Place, rooms_app: str, arrival: Arrival) -> Onward:
    """The replay to the machine that was chosen; if it is gone by then, another one gets the visitor and the room."""
    replay = _ask(rooms_app, Replay(prefer_instance=machine))
    return replay_on(replay, choice.word, choice.epoch, room=room, arrival=arrival, lobby=me.app)


def to_any(
    room: str, choice: Choose, regions: tuple[str, ...], *, me: Place, rooms_app: str, arrival: Arrival
) -> Onward:
    """The replay to whichever machine the proxy finds: regions in this order, then anywhere."""
    replay = _ask(rooms_app, Replay(regions=(*regions, ANY)))
    return replay_on(replay, choice.word, choice.epoch, room=room, arrival=arrival, lobby=me.app)


def note_failure(hint: Hint | None, failed: ReplayFailure) -> Hint | None:
    """The hint after a replay that reached nobody; None when it has nothing to do with what the hint says."""
    if hint is None or not hint.awake or hint.place.machine != failed.instance:
        return None
    return structs.replace(hint, place=structs.replace(hint.place, machine=""), awake=False)


def _ask(rooms_app: str, replay: Replay) -> Replay:
    return replace(replay, app=rooms_app, timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF)
