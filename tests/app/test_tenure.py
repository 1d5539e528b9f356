"""The rule of one writer: tables first, then the traps one by one, then arbitrary schedules (test_tenures.py)."""

from random import Random

import pytest

from app.entries import Epoch
from app.layout import segment_key, segment_prefix, snapshot_key, snapshot_prefix
from app.segments import parse_segment
from app.tenure import (
    LAST_TRY,
    LONGEST_BACK_OFF,
    SEGMENT_BYTES,
    STORAGE_SECONDS,
    VERIFY_AFTER,
    Acknowledge,
    Look,
    Lost,
    Put,
    Retry,
    Tenure,
    Verify,
)


def new_tenure(seq: int = 1, *, seed: int = 0) -> Tenure:
    epoch = Epoch(seq=seq, at=0.0, epoch=1, machine="m", region="ams", app="rooms", writer="w", why="made")
    return Tenure("blue", epoch, Random(seed))


def put(tenure: Tenure, now: float) -> Put:
    step = tenure.next_put(now)
    assert isinstance(step, Put)
    return step


def held(seq: int = 1, *, now: float = 0.0) -> Tenure:
    """A tenure that has just taken its room."""
    tenure = new_tenure(seq)
    put(tenure, now)
    assert tenure.put_done(now, created=True) == []
    assert isinstance(tenure.next_put(now), Verify)
    assert tenure.verified(now, newer=False) == [Acknowledge(seq)]
    return tenure


def test_taking_a_room_is_a_put_and_a_proof() -> None:
    tenure = new_tenure(7)
    step = put(tenure, 0.0)
    assert step.key == segment_key("blue", 7)
    assert parse_segment(step.body, key=step.key).first == 7
    assert tenure.next_put(0.0) is None
    assert tenure.put_done(0.1, created=True) == []
    assert not tenure.held
    listings = tenure.next_put(0.1)
    assert isinstance(listings, Verify)
    assert listings.listings == (
        (snapshot_prefix("blue"), snapshot_key("blue", 6)),
        (segment_prefix("blue"), segment_key("blue", 7)),
    )
    assert tenure.verified(0.2, newer=False) == [Acknowledge(7)]
    assert tenure.held


def test_who_finds_something_newer_has_not_taken_the_room() -> None:
    tenure = new_tenure(7)
    put(tenure, 0.0)
    tenure.put_done(0.1, created=True)
    tenure.next_put(0.1)
    assert tenure.verified(0.2, newer=True) == [Lost("fenced")]
    assert not tenure.held
    assert tenure.next_put(0.3) is None


def test_who_finds_the_key_taken_has_lost_for_good() -> None:
    tenure = held()
    tenure.queue(2, b"two")
    put(tenure, 1.0)
    assert tenure.put_done(1.1, created=False, found=b"of somebody else") == [Lost("fenced")]
    tenure.queue(3, b"three")
    assert not tenure.pending
    assert tenure.next_put(2.0) is None
    assert (tenure.stored, tenure.lost) == (1, "fenced")


def test_what_is_queued_meanwhile_goes_together() -> None:
    tenure = held()
    tenure.queue(2, b"2")
    put(tenure, 1.0)
    for seq in range(3, 1_003):
        tenure.queue(seq, b"%d" % seq)
    assert tenure.put_done(1.1, created=True) == [Acknowledge(2)]
    step = put(tenure, 1.1)
    segment = parse_segment(step.body, key=step.key)
    assert (segment.first, segment.last, len(segment.lines)) == (3, 1_002, 1_000)
    assert tenure.put_done(1.2, created=True) == [Acknowledge(1_002)]
    assert tenure.segments == 3


def test_a_segment_has_a_size() -> None:
    tenure = held()
    sizes = [SEGMENT_BYTES // 2, SEGMENT_BYTES // 2 - 1, 1, 3 * SEGMENT_BYTES, 1]
    for seq, size in enumerate(sizes, 2):
        tenure.queue(seq, b"x" * size)
    stored = []
    while tenure.pending:
        step = put(tenure, 1.0)
        stored.append([len(line) for line in parse_segment(step.body, key=step.key).lines])
        tenure.put_done(1.0, created=True)
    assert stored == [sizes[:2], sizes[2:3], sizes[3:4], sizes[4:]]


def test_what_is_not_stored_yet_is_counted_in_bytes() -> None:
    tenure = held()
    assert tenure.unstored_bytes == 0
    tenure.queue(2, b"12345")
    put(tenure, 0.0)
    tenure.queue(3, b"123")
    assert tenure.unstored_bytes == 8
    tenure.failed(0.1)
    assert tenure.unstored_bytes == 8
    put(tenure, 1.0)
    assert tenure.put_done(1.1, created=True) == [Acknowledge(2)]
    assert tenure.unstored_bytes == 3
    tenure.give_up()
    tenure.queue(4, b"ignored")
    assert tenure.unstored_bytes == 0


def test_entries_come_in_order_and_on_one_line() -> None:
    tenure = held()
    for seq, line in ((3, b"x"), (1, b"x"), (2, b"a\nb")):
        with pytest.raises(ValueError, match="cannot follow entry 1"):
            tenure.queue(seq, line)


def test_an_answer_to_nothing_is_a_mistake() -> None:
    tenure = held()
    with pytest.raises(ValueError, match="nothing that was asked"):
        tenure.put_done(0.0, created=True)


def test_the_same_bytes_are_put_again_until_they_are_ours() -> None:
    tenure = held()
    tenure.queue(2, b"two")
    first = put(tenure, 1.0)
    [retry] = tenure.failed(1.5)
    assert isinstance(retry, Retry)
    assert 1.5 < retry.at <= 1.6
    tenure.queue(3, b"three")
    again = put(tenure, retry.at)
    assert (again.key, again.body) == (first.key, first.body)
    assert tenure.put_done(2.0, created=False, found=first.body) == [Acknowledge(2)]
    assert put(tenure, 2.0).key == segment_key("blue", 3)


def test_two_holds_by_one_writer_never_store_the_same_bytes() -> None:
    one, other = new_tenure(seed=1), new_tenure(seed=2)
    ours = put(one, 0.0)
    put(other, 0.0)
    assert other.put_done(0.1, created=False, found=ours.body) == [Lost("fenced")]


def test_attempts_are_spaced_and_end() -> None:
    tenure, now = held(), 100.0
    tenure.queue(2, b"two")
    pauses = []
    while True:
        step = put(tenure, now)
        assert step.within >= LAST_TRY
        assert step.within <= STORAGE_SECONDS
        now += 0.05
        [effect] = tenure.failed(now)
        if isinstance(effect, Lost):
            break
        assert isinstance(effect, Retry)
        pauses.append(effect.at - now)
        now = effect.at
    assert effect == Lost("storage")
    assert STORAGE_SECONDS <= now - 100.0 <= STORAGE_SECONDS + LAST_TRY
    assert pauses[0] <= 0.1
    assert max(pauses) <= LONGEST_BACK_OFF
    assert len(pauses) < 30
    assert pauses[5] > 5 * pauses[0]


def test_nobody_who_cannot_reach_the_store_at_all_goes_on() -> None:
    tenure = held()
    tenure.queue(2, b"two")
    assert tenure.give_up() == [Lost("storage")]
    assert not tenure.pending


def test_a_key_that_was_taken_and_is_free_again_is_proven() -> None:
    tenure = held()
    tenure.queue(2, b"two")
    put(tenure, 1.0)
    [retry] = tenure.put_done(1.1, created=False, found=None)
    assert isinstance(retry, Retry)
    put(tenure, 2.0)
    assert tenure.put_done(2.1, created=True) == []
    assert isinstance(tenure.next_put(2.1), Verify)
    assert tenure.verified(2.2, newer=True) == [Lost("fenced")]


@pytest.mark.parametrize(("pause", "proof"), [(VERIFY_AFTER, False), (VERIFY_AFTER + 1, True), (-1.0, True)])
def test_after_a_long_pause_or_a_clock_set_back_a_put_is_proven(pause: float, proof: bool) -> None:
    tenure = held(now=10_000.0)
    tenure.queue(2, b"two")
    put(tenure, 10_000.0 + pause)
    done = tenure.put_done(10_000.0 + pause, created=True)
    assert done == ([] if proof else [Acknowledge(2)])


def test_a_put_during_which_the_machine_slept_is_proven() -> None:
    tenure = held()
    tenure.queue(2, b"two")
    put(tenure, 1.0)
    assert tenure.put_done(1.0 + 30 * 3_600, created=True) == []


def test_a_proof_that_fails_is_tried_again() -> None:
    tenure = new_tenure()
    put(tenure, 0.0)
    tenure.put_done(0.0, created=True)
    assert isinstance(tenure.next_put(0.0), Verify)
    [retry] = tenure.failed(1.0)
    assert isinstance(retry, Retry)
    assert isinstance(tenure.next_put(retry.at), Verify)
    assert tenure.verified(2.0, newer=False) == [Acknowledge(1)]


def test_a_look_is_cheap_while_the_last_proof_is_young() -> None:
    tenure = held()
    assert tenure.look(1.0) == Look(segment_key("blue", 2))
    later = tenure.look(VERIFY_AFTER + 1)
    assert isinstance(later, Verify)
    assert later.listings[0] == (snapshot_prefix("blue"), snapshot_key("blue", 1))
    assert later.listings[1] == (segment_prefix("blue"), segment_key("blue", 1))
    assert tenure.looked(1, VERIFY_AFTER + 1, newer=False) == []
    assert isinstance(tenure.look(VERIFY_AFTER + 2), Look)
    assert tenure.looked(1, VERIFY_AFTER + 2, newer=True) == [Lost("fenced")]
    assert tenure.look(VERIFY_AFTER + 3) is None


def test_a_look_never_takes_our_own_segment_for_somebody_elses() -> None:
    tenure = held()
    assert isinstance(tenure.look(1.0), Look)
    tenure.queue(2, b"two")
    assert tenure.look(1.0) is None
    put(tenure, 1.0)
    tenure.put_done(1.1, created=True)
    assert tenure.looked(1, 1.0, newer=True) == []
    assert tenure.held


def test_what_a_snapshot_leaves_to_be_read() -> None:
    tenure = held(5)
    for first, count in ((6, 3), (9, 1), (10, 2)):
        for seq in range(first, first + count):
            tenure.queue(seq, b"x")
        put(tenure, 1.0)
        tenure.put_done(1.0, created=True)
    assert [tenure.reads_after(seq) for seq in range(5, 12)] == [6, 6, 6, 9, 10, 10, 12]
    tenure.covered(tenure.reads_after(7))
    assert tenure.segments == 3
    assert [tenure.reads_after(seq) for seq in (7, 8, 10)] == [6, 9, 10]
    tenure.covered(tenure.reads_after(11))
    assert tenure.segments == 0
    assert tenure.reads_after(11) == 12


def test_how_long_a_segment_may_stay_unstored_can_be_set() -> None:
    epoch = Epoch(seq=1, at=0.0, epoch=1, machine="m", region="ams", app="rooms", writer="w", why="made")
    tenure = Tenure("blue", epoch, Random(0), storage=2.0)
    assert put(tenure, 100.0).within == 2.0
    assert isinstance(tenure.failed(101.9)[0], Retry)
    assert put(tenure, 102.0).within == LAST_TRY
    assert tenure.failed(102.0) == [Lost("storage")]
