"""What a lobby does with a visitor: each row of the table, and what it notes when a replay came back."""

import pytest

from app.arrival import Arrival
from app.onward import REPLAY_TIMEOUT, Refuse, ReplayTo
from app.ownership import Hint, Place
from app.reception import Choose, note_failure, receive_visitor, to_any, to_chosen
from app.signing import MOST_REPLAYS, State, Word
from flylab.wire.replay import FailureReason, Fallback, Replay, ReplayFailure

ME = Place(machine="f1", region="ams", app="front")
STRANGER = Arrival(edge="lhr")


def hint(epoch: int = 3, machine: str = "m2", *, awake: bool = True, to: str = "", app: str = "rooms") -> Hint:
    place = Place(machine=machine, region="iad", app=app)
    return Hint(room="blue", epoch=epoch, place=place, at=0.0, awake=awake, to=to)


def passed(word: Word, epoch: int, *tried: str, hops: int = 2) -> Arrival:
    state = State(room="blue", word=word, epoch=epoch, hops=hops, tried=tried, lobby="front")
    return Arrival(edge="lhr", state=state, hops=hops)


def to_holder(epoch: int = 3, hops: int = 1, tried: tuple[str, ...] = ()) -> ReplayTo:
    return ReplayTo(
        replay=Replay(prefer_instance="m2", app="rooms", timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF),
        state=State(room="blue", word=Word.HINT, epoch=epoch, hops=hops, target="m2", tried=tried, lobby="front"),
    )


@pytest.mark.parametrize(
    ("known", "arrival", "decision"),
    [
        (None, STRANGER, Choose(epoch=0, word=Word.FREE)),
        (hint(), STRANGER, to_holder()),
        (hint(awake=False), STRANGER, Choose(epoch=3, word=Word.FREE)),
        (hint(awake=False, to="nrt"), STRANGER, Choose(epoch=3, word=Word.FREE, region="nrt")),
        (hint(machine="", awake=False), STRANGER, Choose(epoch=3, word=Word.LOST)),
        (hint(app="front"), STRANGER, Choose(epoch=3, word=Word.LOST)),  # from the time of a single app
        # passed back by a machine of the rooms app
        (None, passed(Word.FREE, 0, "m1"), Choose(epoch=0, word=Word.FREE)),
        (hint(), passed(Word.GAVE, 3, "m2"), Choose(epoch=3, word=Word.GAVE)),
        (hint(), passed(Word.LOST, 5, "m2"), Choose(epoch=5, word=Word.LOST)),
        (hint(awake=False, to="nrt"), passed(Word.FREE, 3, "m1"), Choose(epoch=3, word=Word.FREE, region="nrt")),
        (hint(4), passed(Word.GAVE, 3, "m2"), to_holder(4, hops=3, tried=("m2",))),  # somebody took it meanwhile
        (hint(), passed(Word.SEEK, 0, "m1"), to_holder(hops=3, tried=("m1",))),
        (None, passed(Word.SEEK, 0, "m1"), Choose(epoch=0, word=Word.FREE)),
        (hint(), passed(Word.HELD, 9), to_holder(hops=3)),
    ],
)
def test_each_row_of_the_table(known: Hint | None, arrival: Arrival, decision: object) -> None:
    assert receive_visitor("blue", known, me=ME, rooms_app="rooms", arrival=arrival) == decision


def test_no_replay_is_left_for_a_request_that_went_round() -> None:
    found = receive_visitor("blue", hint(), me=ME, rooms_app="rooms", arrival=Arrival(hops=MOST_REPLAYS))
    assert isinstance(found, Refuse)
    assert (found.status, found.reason) == (503, "too-many-replays")


def test_a_chosen_machine_gets_the_visitor_and_the_room() -> None:
    choice = Choose(epoch=3, word=Word.LOST)
    found = to_chosen("blue", choice, "m7", me=ME, rooms_app="rooms", arrival=passed(Word.SEEK, 0, "m1"))
    assert found == ReplayTo(
        replay=Replay(prefer_instance="m7", app="rooms", timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF),
        state=State(room="blue", word=Word.LOST, epoch=3, hops=3, target="m7", tried=("m1",), lobby="front"),
    )


def test_without_a_choice_the_proxy_looks_near_and_then_anywhere() -> None:
    found = to_any("blue", Choose(epoch=0, word=Word.FREE), ("lhr", "ams"), me=ME, rooms_app="rooms", arrival=STRANGER)
    assert isinstance(found, ReplayTo)
    assert found.replay.regions == ("lhr", "ams", "any")
    assert found.replay.app == "rooms"
    assert found.state == State(room="blue", word=Word.FREE, epoch=0, hops=1, lobby="front")


def failure(instance: str | None) -> ReplayFailure:
    return ReplayFailure(
        instance=instance,
        app="rooms",
        region=None,
        replay_source="f1",
        reason=FailureReason.TIMEOUT,
        elapsed_ms=15_000,
    )


def test_a_holder_that_could_not_be_reached_is_noted() -> None:
    noted = note_failure(hint(), failure("m2"))
    assert noted == hint(machine="", awake=False)
    placed = receive_visitor("blue", noted, me=ME, rooms_app="rooms", arrival=STRANGER)
    assert placed == Choose(epoch=3, word=Word.LOST)


@pytest.mark.parametrize(
    ("known", "instance"),
    [(None, "m2"), (hint(), "m7"), (hint(), None), (hint(awake=False), "m2"), (hint(machine="", awake=False), None)],
)
def test_what_has_nothing_to_do_with_the_hint_is_not_noted(known: Hint | None, instance: str | None) -> None:
    assert note_failure(known, failure(instance)) is None
