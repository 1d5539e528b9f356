"""What is read of a log, what it says, and what may be deleted of it."""

import pytest

from app.entries import AnyEntry, Epoch, Released, Said, format_entry
from app.history import (
    EPOCHS_KEPT,
    EPOCHS_KEPT_LEAST,
    HoleError,
    Load,
    assemble,
    keep_epochs,
    plan_compaction,
    plan_load,
)
from app.layout import segment_key, snapshot_key
from app.segments import Began, Checkpoint, Segment
from flylab.errors import ParseError


def epoch(seq: int, number: int, writer: str = "w") -> Epoch:
    return Epoch(
        seq=seq, at=float(seq), epoch=number, machine="m", region="ams", app="rooms", writer=writer, why="made"
    )  # fmt: skip


def said(seq: int) -> Said:
    return Said(seq=seq, at=1.0, by="a", client="page", op=seq, name="Ada", hue=0, text=str(seq))


def segment(*entries: AnyEntry, number: int = 1, writer: str = "w") -> Segment:
    lines = tuple(format_entry(entry) for entry in entries)
    return Segment(epoch=number, writer=writer, first=entries[0].seq, last=entries[-1].seq, lines=lines)


def test_the_newest_snapshot_is_read_and_the_segments_after_it() -> None:
    keys = [segment_key("blue", first) for first in (1, 5, 9, 12)] + [snapshot_key("blue", seq) for seq in (4, 8)]
    assert plan_load([*keys, "rooms/blue/log/notes.txt"]) == Load(8, (9, 12))
    assert plan_load(keys[:4]) == Load(None, (1, 5, 9, 12))
    assert plan_load([]) == Load(None, ())


def test_a_new_room() -> None:
    log = assemble("blue", None, [])
    assert (log.snapshot, log.entries, log.next, log.epoch, log.released, log.starts) == (None, [], 1, None, None, [])


def test_entries_follow_each_other_over_segments_and_epochs() -> None:
    log = assemble(
        "blue",
        None,
        [segment(epoch(1, 1)), segment(said(2), said(3)), segment(epoch(4, 2, "v"), number=2, writer="v")],
    )
    assert [entry.seq for entry in log.entries] == [1, 2, 3, 4]
    assert log.next == 5
    assert log.epoch == epoch(4, 2, "v")
    assert log.starts == [(1, 1), (2, 4)]
    assert log.segments == 3


def test_a_room_is_released_only_by_the_last_word() -> None:
    gone = Released(seq=2, at=2.0, epoch=1, why="empty", to="nrt")
    assert assemble("blue", None, [segment(epoch(1, 1)), segment(gone)]).released == gone
    again = segment(epoch(3, 2), number=2)
    assert assemble("blue", None, [segment(epoch(1, 1)), segment(gone), again]).released is None


def test_after_a_snapshot_the_rest_follows() -> None:
    point = Checkpoint(seq=3, reads=4, epoch=epoch(1, 1), began=(Began(1, 1, 1.0),), body=b"room")
    log = assemble("blue", point, [segment(said(4))])
    assert (log.snapshot, log.next, log.starts) == ((3, b"room"), 5, [(1, 1)])
    assert assemble("blue", point, []).next == 4


def test_a_snapshot_within_a_segment_is_followed_by_the_rest_of_it() -> None:
    point = Checkpoint(seq=3, reads=2, epoch=epoch(1, 1), began=(Began(1, 1, 1.0),), body=b"room")
    log = assemble("blue", point, [segment(said(2), said(3), said(4)), segment(said(5))])
    assert [entry.seq for entry in log.entries] == [4, 5]
    with pytest.raises(HoleError):
        assemble("blue", point, [segment(said(5))])


def test_a_hole_is_named() -> None:
    with pytest.raises(HoleError, match="entries 2 to 4 are missing"):
        assemble("blue", None, [segment(epoch(1, 1)), segment(said(5))])
    with pytest.raises(HoleError, match="entries 1 to 1 are missing"):
        assemble("blue", None, [segment(said(2))])


BROKEN = {
    "an entry that is none": Segment(epoch=1, writer="w", first=2, last=2, lines=(b"x",)),
    "an entry of another number": Segment(epoch=1, writer="w", first=2, last=2, lines=(format_entry(said(3)),)),
    "another epoch": segment(said(2), number=2),
    "another writer": segment(said(2), writer="v"),
    "an epoch that does not come next": segment(epoch(2, 3), number=3),
    "an epoch within a segment": segment(said(2), epoch(3, 2), number=2),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_follow_is_named(broken: Segment) -> None:
    with pytest.raises(ParseError, match="segment rooms/blue/log/000000000002"):
        assemble("blue", None, [segment(epoch(1, 1)), broken])


def test_a_log_that_does_not_begin_with_an_epoch_is_none() -> None:
    with pytest.raises(ParseError, match="not by the writer of None"):
        assemble("blue", None, [segment(said(1))])


def test_epochs_are_kept_for_a_day_and_the_newest_in_any_case() -> None:
    began = [Began(number, number, float(number)) for number in range(1, 121)]
    assert keep_epochs(began, 10.0) == tuple(began)
    late = keep_epochs(began, EPOCHS_KEPT + 1_000)
    assert late == tuple(began[-EPOCHS_KEPT_LEAST:])
    assert keep_epochs(began, EPOCHS_KEPT + 115.5, least=0) == tuple(began[115:])
    assert keep_epochs([], 0.0) == ()


def test_a_compaction_spares_epochs_snapshots_and_what_is_not_covered() -> None:
    keys = [segment_key("blue", first) for first in (1, 2, 5, 7, 9)]
    keys += [snapshot_key("blue", seq) for seq in (2, 4, 6)] + ["rooms/blue/log/notes.txt"]
    gone = plan_compaction(keys, reads=7, kept=[Began(1, 1, 0.0), Began(2, 5, 0.0)])
    assert gone == [segment_key("blue", 2), snapshot_key("blue", 2)]
