"""Where a request is answered by a machine that can hold rooms: each row of the table."""

import pytest

from app.arrival import Arrival
from app.onward import MOST_AGAIN, REPLAY_TIMEOUT, Redirect, Refuse, ReplayTo, seal, signed
from app.ownership import Hint, Place
from app.placement import (
    Serve,
    Standing,
    Take,
    Tell,
    place_by_hint,
    place_creation,
    place_look,
    place_request,
    place_unread,
)
from app.signing import MOST_REPLAYS, Keys, Reading, Signer, State, Word
from flylab.wire.replay import FailureReason, Fallback, Replay, ReplayFailure, ReplaySource

ME = Place(machine="m1", region="ams", app="rooms")
OTHER = Place(machine="m2", region="iad", app="rooms")
SIGNER = Signer(b"a secret of at least sixteen")

MINE = Standing(epoch=3, holder=ME)
THEIRS = Standing(epoch=3, holder=OTHER)
JUST_THEIRS = Standing(epoch=3, holder=OTHER, fresh=True)
NOBODY = Standing()
RELEASED = Standing(epoch=3, holder=OTHER, released=True)
TO_TOKYO = Standing(epoch=3, holder=OTHER, released=True, to="nrt")
TO_HERE = Standing(epoch=3, holder=OTHER, released=True, to="ams")
FAILED = ReplayFailure(
    instance=None, app="rooms", region="nrt", replay_source="m1", reason=FailureReason.NO_CANDIDATE, elapsed_ms=5
)


def said(word: Word, epoch: int = 3, *, hops: int = 1, target: str = "", **more: object) -> State:
    return State(room="blue", word=word, epoch=epoch, hops=hops, target=target, **more)  # type: ignore[arg-type]


def came(word: Word, epoch: int = 3, *, unavailable: str = "", hops: int = 1, **more: object) -> Arrival:
    return Arrival(state=said(word, epoch, hops=hops, **more), hops=hops, unavailable=unavailable)  # type: ignore[arg-type]


def to_them(hops: int = 1, **more: object) -> ReplayTo:
    return ReplayTo(replay=Replay(prefer_instance="m2"), state=said(Word.HELD, hops=hops, target="m2", **more))


def to_region(region: str, epoch: int, hops: int = 1) -> ReplayTo:
    replay = Replay(regions=(region,), timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF)
    return ReplayTo(replay=replay, state=said(Word.FREE, epoch, hops=hops))


STRANGER = Arrival()
STRAY = "stray"
BEHIND = "log-behind"


@pytest.mark.parametrize(
    ("standing", "held", "arrival", "decision"),
    [
        # held by this process, whatever the request says
        (MINE, 3, STRANGER, Serve()),
        (MINE, 3, came(Word.LOST), Serve()),
        (MINE, 3, came(Word.GAVE, 2), Serve()),
        (MINE, 4, STRANGER, Serve()),  # the log was read before we took it
        # nobody's
        (NOBODY, None, STRANGER, Take(epoch=0, why="made")),
        (NOBODY, None, came(Word.FREE, 0), Take(epoch=0, why="made")),
        (NOBODY, None, came(Word.HINT, 9), Take(epoch=0, why="made")),  # a hint proves nothing
        (NOBODY, None, came(Word.LOST, 9), Take(epoch=0, why="made")),
        (RELEASED, None, STRANGER, Take(epoch=3, why="woken")),
        (RELEASED, None, came(Word.SEEK, 0), Take(epoch=3, why="woken")),
        (TO_HERE, None, STRANGER, Take(epoch=3, why="moved")),
        # to go on in another region
        (TO_TOKYO, None, STRANGER, to_region("nrt", 3)),
        (TO_TOKYO, None, came(Word.FREE, 0), to_region("nrt", 3, hops=2)),  # by somebody who did not know of the move
        (TO_TOKYO, None, came(Word.FREE, 3), Take(epoch=3, why="moved")),
        (TO_TOKYO, None, came(Word.LOST, 3), Take(epoch=3, why="moved")),
        (TO_TOKYO, None, Arrival(failed=FAILED), Take(epoch=3, why="moved")),
        # this machine's, in an earlier life
        (MINE, None, STRANGER, Take(epoch=3, why="woken")),
        (MINE, 2, STRANGER, Take(epoch=3, why="woken")),
        (MINE, None, came(Word.HINT), Take(epoch=3, why="woken")),
        (MINE, None, came(Word.HELD), Take(epoch=3, why="woken")),
        # another machine's
        (THEIRS, None, came(Word.LOST), Take(epoch=3, why="taken")),
        (THEIRS, None, came(Word.GAVE), Take(epoch=3, why="taken")),
        (THEIRS, None, came(Word.HINT, unavailable="m2"), Take(epoch=3, why="taken")),
        (THEIRS, None, came(Word.HELD, unavailable="m2"), Take(epoch=3, why="taken")),
        # its machine was just woken, and not every edge knows that it is up
        (JUST_THEIRS, None, came(Word.HINT, unavailable="m2"), "settling"),
        (JUST_THEIRS, None, came(Word.HELD, unavailable="m2"), "settling"),
        (JUST_THEIRS, None, came(Word.LOST), Take(epoch=3, why="taken")),
        (JUST_THEIRS, None, came(Word.GAVE), Take(epoch=3, why="taken")),
        (JUST_THEIRS, None, STRANGER, to_them()),
        (THEIRS, None, STRANGER, to_them()),
        (THEIRS, 2, STRANGER, to_them()),
        (THEIRS, None, Arrival(hops=2), to_them(hops=3)),
        (THEIRS, None, Arrival(unavailable="m2"), to_them()),  # nobody who knew the holder says so
        (THEIRS, None, came(Word.FREE), to_them(hops=2)),
        (THEIRS, None, came(Word.FREE, 0), to_them(hops=2)),
        (THEIRS, None, came(Word.LOST, 2), to_them(hops=2)),  # the race was lost
        (THEIRS, None, came(Word.GAVE, 2), to_them(hops=2)),
        (THEIRS, None, came(Word.HINT, 2, unavailable="m2"), to_them(hops=2)),  # of another epoch
        (THEIRS, None, came(Word.HINT, 3, unavailable="m7"), to_them(hops=2)),  # the hint named another machine
        (THEIRS, None, came(Word.HINT, 3), to_them(hops=2)),
        (THEIRS, None, came(Word.HINT, 9), to_them(hops=2)),  # a hint proves nothing
        (THEIRS, None, came(Word.LOST, 9), to_them(hops=2)),
        (THEIRS, None, came(Word.HELD, 2), to_them(hops=2)),
        (THEIRS, None, came(Word.SEEK, 0, tried=("m2",)), to_them(hops=2, tried=("m2",))),
        (THEIRS, None, came(Word.FREE, 0, lobby="front"), to_them(hops=2, lobby="front")),
        (THEIRS, None, came(Word.HELD), STRAY),
        (THEIRS, None, came(Word.HELD, unavailable="m7"), STRAY),
        # our log lags behind the sender's
        (THEIRS, None, came(Word.HELD, 4), BEHIND),
        (THEIRS, None, came(Word.GAVE, 4), BEHIND),
        (MINE, None, came(Word.HELD, 4), BEHIND),
        (NOBODY, None, came(Word.GAVE, 1), BEHIND),
        (RELEASED, None, came(Word.HELD, 4), BEHIND),
        # no replay is left
        (THEIRS, None, Arrival(hops=MOST_REPLAYS), "too-many-replays"),
        (TO_TOKYO, None, Arrival(hops=MOST_REPLAYS), "too-many-replays"),
        (THEIRS, None, Arrival(failed=FAILED), "unreachable"),
    ],
)
def test_each_row_of_the_table(standing: Standing, held: int | None, arrival: Arrival, decision: object) -> None:
    found = place_request("blue", standing, me=ME, held=held, arrival=arrival)
    if isinstance(decision, str):
        assert isinstance(found, Refuse)
        assert (found.status, found.reason) == (503, decision)
        assert found.why
    else:
        assert found == decision


def elsewhere(word: Word, epoch: int, hops: int = 1, **replay: object) -> ReplayTo:
    asked: dict[str, object] = {"elsewhere": True} | replay
    return ReplayTo(
        replay=Replay(timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF, **asked),  # type: ignore[arg-type]
        state=said(word, epoch, hops=hops, tried=("m1",)),
    )


@pytest.mark.parametrize(
    ("standing", "arrival", "word", "epoch"),
    [
        (NOBODY, STRANGER, Word.FREE, 0),
        (RELEASED, STRANGER, Word.FREE, 3),
        (TO_HERE, STRANGER, Word.FREE, 3),
        (MINE, STRANGER, Word.GAVE, 3),
        (THEIRS, came(Word.LOST), Word.LOST, 3),
        (THEIRS, came(Word.GAVE), Word.LOST, 3),
        (THEIRS, came(Word.HINT, unavailable="m2"), Word.LOST, 3),
    ],
)
@pytest.mark.parametrize("unable", ["full", "closing"])
def test_a_machine_that_can_take_no_room_passes_it_on_with_the_right_word(
    standing: Standing, arrival: Arrival, word: Word, epoch: int, unable: str
) -> None:
    found = place_request("blue", standing, me=ME, held=None, arrival=arrival, unable=unable)
    assert found == elsewhere(word, epoch, hops=arrival.hops + 1)


@pytest.mark.parametrize("standing", [MINE, THEIRS])
def test_a_machine_that_can_take_no_room_still_serves_its_own_and_shows_the_way_to_others(standing: Standing) -> None:
    able = place_request("blue", standing, me=ME, held=3 if standing is MINE else None, arrival=STRANGER)
    unable = place_request(
        "blue", standing, me=ME, held=3 if standing is MINE else None, arrival=STRANGER, unable="closing"
    )
    assert able == unable


@pytest.mark.parametrize(
    ("arrival", "gave_up", "word", "epoch"),
    [
        (STRANGER, None, Word.SEEK, 0),
        (STRANGER, 3, Word.GAVE, 3),
        (came(Word.HINT, target="m1"), None, Word.GAVE, 3),  # sent here as to the holder, which this process is not
        (came(Word.HELD, target="m1"), None, Word.GAVE, 3),
        (came(Word.HELD, target="m1"), 3, Word.GAVE, 3),
        (came(Word.HELD, 4, target="m1"), 3, Word.GAVE, 4),
        (came(Word.HELD, 2, target="m1"), 3, Word.GAVE, 3),
        (came(Word.HELD, unavailable="m2", target="m2"), None, Word.LOST, 3),
        # A visitor's fly-force-instance-id beats the replay's own target: nobody has missed the holder.
        (came(Word.HELD, target="m2"), None, Word.SEEK, 0),
        (came(Word.HINT, target="m2", unavailable="m7"), None, Word.SEEK, 0),
        (came(Word.HELD, target="m2"), 2, Word.GAVE, 2),
        (came(Word.FREE), None, Word.FREE, 3),
        (came(Word.LOST), None, Word.LOST, 3),
        (came(Word.GAVE), None, Word.GAVE, 3),
        (came(Word.SEEK, 0), None, Word.SEEK, 0),
    ],
)
def test_a_machine_without_the_store_passes_on_what_it_can_vouch_for(
    arrival: Arrival, gave_up: int | None, word: Word, epoch: int
) -> None:
    found = place_unread("blue", me=ME, held=None, gave_up=gave_up, arrival=arrival)
    assert found == elsewhere(word, epoch, hops=arrival.hops + 1)
    assert place_unread("blue", me=ME, held=3, gave_up=gave_up, arrival=arrival) == Serve()


def test_a_room_that_was_given_up_is_believed_of_that_epoch_alone() -> None:
    passed = place_unread("blue", me=OTHER, held=None, gave_up=3, arrival=STRANGER)
    assert isinstance(passed, ReplayTo)
    arrival = Arrival(state=passed.state, hops=1)
    assert place_request("blue", THEIRS, me=ME, held=None, arrival=arrival) == Take(epoch=3, why="taken")
    newer = Standing(epoch=4, holder=OTHER)
    assert isinstance(place_request("blue", newer, me=ME, held=None, arrival=arrival), ReplayTo)


def test_a_request_is_passed_back_to_the_lobby_that_sent_it() -> None:
    arrival = came(Word.FREE, 0, hops=3, tried=("m5",), lobby="front")
    found = place_request("blue", NOBODY, me=ME, held=None, arrival=arrival, unable="full")
    assert found == ReplayTo(
        replay=Replay(app="front", timeout=REPLAY_TIMEOUT, fallback=Fallback.FORCE_SELF),
        state=said(Word.FREE, 0, hops=4, tried=("m5", "m1"), lobby="front"),
    )


def test_a_request_that_was_passed_on_before_goes_to_another_region_first() -> None:
    arrival = Arrival(edge="lhr", state=said(Word.FREE, 0, tried=("m5",)), hops=1)
    found = place_request("blue", NOBODY, me=ME, held=None, arrival=arrival, unable="full")
    assert isinstance(found, ReplayTo)
    assert found.replay.regions[0] == "lhr"
    assert "ams" not in found.replay.regions
    assert found.replay.regions[-1] == "any"
    assert found.replay.elsewhere


@pytest.mark.parametrize("arrival", [Arrival(failed=FAILED), Arrival(hops=MOST_REPLAYS)])
@pytest.mark.parametrize("unable", ["full", "closing", "storage"])
def test_who_cannot_be_passed_on_is_told_why(arrival: Arrival, unable: str) -> None:
    refused = place_request("blue", NOBODY, me=ME, held=None, arrival=arrival, unable=unable)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.reason) == (503, unable)
    assert "m1" in refused.why
    assert "blue" in refused.why


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_that_came_back_is_asked_for_again_a_few_times(method: str) -> None:
    arrival = Arrival(failed=FAILED, method=method, target="/rooms/blue?k=a", again=MOST_AGAIN - 1)
    found = place_request("blue", THEIRS, me=ME, held=None, arrival=arrival)
    assert isinstance(found, Redirect)
    assert (found.location, found.reason) == (f"/rooms/blue?k=a&again={MOST_AGAIN}", "unreachable")
    last = Arrival(failed=FAILED, method=method, target=found.location, again=MOST_AGAIN)
    assert isinstance(place_request("blue", THEIRS, me=ME, held=None, arrival=last), Refuse)


@pytest.mark.parametrize("method", ["", "POST", "PUT"])
def test_whoever_cannot_follow_is_refused(method: str) -> None:
    arrival = Arrival(failed=FAILED, method=method, target="/rooms/blue/ws")
    assert isinstance(place_request("blue", THEIRS, me=ME, held=None, arrival=arrival), Refuse)


@pytest.mark.parametrize(
    ("standing", "region", "arrival", "unable", "decision"),
    [
        (NOBODY, "", STRANGER, "", Take(epoch=0, why="made")),
        (NOBODY, "ams", STRANGER, "", Take(epoch=0, why="made")),
        (NOBODY, "nrt", STRANGER, "", to_region("nrt", 0)),
        (NOBODY, "nrt", came(Word.FREE, 0), "", Take(epoch=0, why="made")),  # the region is full, says the lobby
        (NOBODY, "nrt", came(Word.SEEK, 0), "", to_region("nrt", 0, hops=2)),
        (NOBODY, "", STRANGER, "full", elsewhere(Word.FREE, 0)),
        (NOBODY, "nrt", STRANGER, "full", to_region("nrt", 0)),
    ],
)
def test_where_a_room_is_made(standing: Standing, region: str, arrival: Arrival, unable: str, decision: object) -> None:
    assert place_creation("blue", standing, region=region, me=ME, arrival=arrival, unable=unable) == decision


@pytest.mark.parametrize(
    ("standing", "arrival", "status", "reason"),
    [
        (THEIRS, STRANGER, 409, "exists"),
        (RELEASED, STRANGER, 409, "exists"),
        (MINE, came(Word.FREE, 0), 409, "exists"),
        (NOBODY, Arrival(failed=FAILED), 503, "region-unreachable"),
    ],
)
def test_where_a_room_cannot_be_made(standing: Standing, arrival: Arrival, status: int, reason: str) -> None:
    found = place_creation("blue", standing, region="nrt", me=ME, arrival=arrival)
    assert isinstance(found, Refuse)
    assert (found.status, found.reason) == (status, reason)


@pytest.mark.parametrize(
    ("standing", "held", "arrival", "decision"),
    [
        (MINE, 3, STRANGER, Serve()),
        (MINE, None, STRANGER, Tell()),
        (NOBODY, None, STRANGER, Tell()),
        (NOBODY, None, came(Word.FREE, 0), Tell()),
        (RELEASED, None, came(Word.FREE), Tell()),
        (TO_TOKYO, None, STRANGER, Tell()),
        (THEIRS, None, STRANGER, to_them()),
        (THEIRS, None, came(Word.HINT), to_them(hops=2)),
        (THEIRS, None, came(Word.LOST), to_them(hops=2)),
        (THEIRS, None, came(Word.HELD), Tell()),
        (THEIRS, None, came(Word.HINT, unavailable="m2"), Tell()),
        (THEIRS, None, Arrival(failed=FAILED), Tell()),
        (THEIRS, None, Arrival(failed=FAILED, method="GET", target="/api/rooms/blue"), Tell()),
        (THEIRS, None, Arrival(hops=MOST_REPLAYS), Tell()),
    ],
)
def test_a_look_asks_the_holder_and_never_takes(
    standing: Standing, held: int | None, arrival: Arrival, decision: object
) -> None:
    assert place_look("blue", standing, me=ME, held=held, arrival=arrival) == decision


def a_hint(epoch: int = 3, machine: str = "m2", *, awake: bool = True, app: str = "rooms") -> Hint:
    return Hint(room="blue", epoch=epoch, place=Place(machine=machine, region="iad", app=app), at=0.0, awake=awake)


SOURCE = ReplaySource(instance="m9", region="nrt", t=1)


@pytest.mark.parametrize(
    ("hint", "arrival", "replayed"),
    [
        (a_hint(), STRANGER, True),
        (a_hint(99), STRANGER, True),  # it proves nothing, and the word says so
        (None, STRANGER, False),
        (a_hint(awake=False), STRANGER, False),
        (a_hint(machine=""), STRANGER, False),
        (a_hint(machine="m1"), STRANGER, False),
        (a_hint(app="front"), STRANGER, False),
        (a_hint(), Arrival(source=SOURCE, hops=2), False),
        (a_hint(), Arrival(failed=FAILED), False),
    ],
)
def test_a_first_request_may_follow_the_hint_and_no_other(hint: Hint | None, arrival: Arrival, replayed: bool) -> None:
    found = place_by_hint("blue", hint, me=ME, arrival=arrival)
    if not replayed or hint is None:
        assert found is None
    else:
        assert found == ReplayTo(replay=Replay(prefer_instance="m2"), state=said(Word.HINT, hint.epoch, target="m2"))


def test_a_replay_is_sealed_with_its_state() -> None:
    sealed = seal(to_them(hops=2), SIGNER)
    assert isinstance(sealed, ReplayTo)
    assert SIGNER.read(sealed.replay.state, room="blue") == Reading(said(Word.HELD, hops=2, target="m2"), 2)
    assert sealed.state is None


def test_without_a_signer_only_the_first_replay_goes_out_and_says_nothing() -> None:
    assert seal(to_them(), None) == ReplayTo(replay=Replay(prefer_instance="m2"))
    refused = seal(to_them(hops=2), None)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.reason) == (503, "unsigned")


async def test_what_is_no_replay_needs_no_signature() -> None:
    class Never:
        async def get(self, key: str) -> bytes:
            raise AssertionError("nobody needs the store")

    refused = Refuse(status=503, why="closed")
    assert await signed(refused, Keys(Never())) is refused  # type: ignore[arg-type]
    sealed = await signed(to_them(), Keys(Never(), "a secret of at least sixteen"))  # type: ignore[arg-type]
    assert isinstance(sealed, ReplayTo)
    assert sealed.replay.state is not None
