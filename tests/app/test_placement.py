"""Where a request is answered: the table, and that no chain of replays goes on for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ownership import Owner, Place
from app.placement import (
    Arrival,
    Refuse,
    ReplayTo,
    Serve,
    TakeOver,
    format_state,
    known_epoch,
    place_creation,
    place_request,
)
from flylab.wire.replay import (
    FailureReason,
    Fallback,
    Replay,
    ReplayFailure,
    ReplaySource,
    format_replay,
    format_source,
    parse_replay,
    parse_source,
)

ME = Place(machine="m1", region="ams", app="rooms")
OTHER = Place(machine="m2", region="iad", app="rooms")


def owner(place: Place, epoch: int = 3) -> Owner:
    return Owner(room="blue", epoch=epoch, place=place, at=0.0)


def sent(state: str | None, machine: str = "m9") -> ReplaySource:
    return ReplaySource(instance=machine, region="nrt", t=1, state=state)


TO_OTHER = ReplayTo(replay=Replay(prefer_instance="m2", state="blue@3"))


@pytest.mark.parametrize(
    ("known", "held", "arrival", "decision"),
    [
        (None, None, Arrival(), TakeOver(epoch=0)),
        (owner(ME), 3, Arrival(), Serve()),
        (owner(ME), None, Arrival(), TakeOver(epoch=3)),  # this machine was stopped since
        (owner(ME), 2, Arrival(), TakeOver(epoch=3)),
        (owner(ME), 3, Arrival(source=sent("blue@3")), Serve()),
        (owner(OTHER), None, Arrival(), TO_OTHER),
        (owner(OTHER), None, Arrival(source=sent("blue@2")), TO_OTHER),  # we know more than the sender
        (owner(OTHER), None, Arrival(source=sent("red@3")), TO_OTHER),  # replayed for something else
        (owner(OTHER), None, Arrival(source=sent(None)), TO_OTHER),
        (owner(OTHER), None, Arrival(unavailable="m2"), TO_OTHER),  # nobody who knew the owner says so
        (owner(OTHER), None, Arrival(source=sent("blue@3"), unavailable="m2"), TakeOver(epoch=3)),
        (owner(OTHER), None, Arrival(source=sent("blue@2"), unavailable="m7"), TO_OTHER),
    ],
)
def test_requests(known: Owner | None, held: int | None, arrival: Arrival, decision: object) -> None:
    assert place_request("blue", known, me=ME, held=held, arrival=arrival) == decision


@pytest.mark.parametrize("state", ["blue@3", "blue@4"])
def test_a_replayed_request_that_cannot_be_placed_is_refused(state: str) -> None:
    decision = place_request("blue", owner(OTHER), me=ME, held=None, arrival=Arrival(source=sent(state)))
    assert isinstance(decision, Refuse)
    assert (decision.status, "m2" in decision.why) == (503, True)


def test_a_room_of_another_app_is_reached_there() -> None:
    there = owner(Place(machine="m2", region="iad", app="rooms-2"))
    decision = place_request("blue", there, me=ME, held=None, arrival=Arrival())
    assert decision == ReplayTo(replay=Replay(prefer_instance="m2", app="rooms-2", state="blue@3"))


FAILED = ReplayFailure(
    instance=None, app="rooms", region="nrt", replay_source="m1", reason=FailureReason.NO_CANDIDATE, elapsed_ms=5
)
AWAY = ReplayTo(replay=Replay(regions=("nrt",), timeout=15.0, fallback=Fallback.FORCE_SELF, state="blue@0"))


@pytest.mark.parametrize(
    ("known", "region", "arrival", "decision"),
    [
        (None, "", Arrival(), TakeOver(epoch=0)),
        (None, "ams", Arrival(), TakeOver(epoch=0)),
        (None, "ams", Arrival(source=sent("blue@0")), TakeOver(epoch=0)),
        (None, "nrt", Arrival(), AWAY),
        (owner(OTHER), "", Arrival(), Refuse(status=409, why="room blue exists already, in iad")),
        (
            None,
            "nrt",
            Arrival(failed=FAILED),
            Refuse(status=503, why="no machine of rooms in region nrt could be reached (no_candidate)"),
        ),
        (
            None,
            "nrt",
            Arrival(source=sent("blue@0")),
            Refuse(status=503, why="the room was to be created in nrt, but the request came to ams"),
        ),
    ],
)
def test_creations(known: Owner | None, region: str, arrival: Arrival, decision: object) -> None:
    assert place_creation("blue", known, region=region, me=ME, arrival=arrival) == decision


rooms = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)


@given(rooms, st.integers(0, 10**9 - 1))
def test_state_survives_the_headers_in_both_directions(room: str, epoch: int) -> None:
    header = format_replay(Replay(prefer_instance="m2", state=format_state(room, epoch)))
    source = parse_source(format_source(sent(parse_replay(header).state)))
    assert known_epoch(room, source) == epoch
    assert known_epoch(f"{room}x", source) is None


@given(st.data())
def test_every_chain_of_replays_ends(data: st.DataObject) -> None:
    """The proxy may deliver to anybody it likes while machines take the room from each other: it still ends."""
    places = [Place(machine=f"m{n}", region="ams", app="rooms") for n in range(4)]
    epoch = data.draw(st.integers(1, 3))
    holder = data.draw(st.sampled_from(places))
    moves = data.draw(st.lists(st.sampled_from(places), max_size=4))
    arrival, hops = Arrival(), 0
    while True:
        me = data.draw(st.sampled_from(places))
        held = epoch if me == holder else None
        known = Owner(room="blue", epoch=epoch, place=holder, at=0.0)
        decision = place_request("blue", known, me=me, held=held, arrival=arrival)
        if not isinstance(decision, ReplayTo):
            break
        assert decision.replay.prefer_instance != me.machine, "a machine replayed to itself"
        hops += 1
        arrival = Arrival(source=sent(decision.replay.state, machine=me.machine))
        if moves:
            holder, epoch = moves.pop(), epoch + 1
    assert hops <= 5  # one, and one more for each time that the room changed hands meanwhile
