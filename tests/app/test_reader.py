"""A log is read while it is written, shortened or broken."""

import asyncio

import pytest

from app.entries import Epoch, Said, format_entry
from app.layout import segment_key, snapshot_key
from app.reader import BrokenLog, read_log
from app.segments import Began, Checkpoint, Segment, format_checkpoint, format_segment
from app.store import StoreError, open_store
from tests.app.stores import Refused, Shelf, bucket, store_url  # noqa: F401 # fixtures

EPOCH = Epoch(seq=1, at=1.0, epoch=1, machine="m", region="ams", app="rooms", writer="w", why="made")


def line(seq: int) -> bytes:
    return format_entry(Said(seq=seq, at=1.0, by="a", client="page", op=seq, name="Ada", hue=0, text=str(seq)))


def segment(first: int, *lines: bytes) -> tuple[str, bytes]:
    last = first + len(lines) - 1
    held = Segment(epoch=1, writer="w", first=first, last=last, lines=lines)
    return segment_key("blue", first), format_segment(held)


def checkpoint(seq: int, *, reads: int = 0) -> tuple[str, bytes]:
    point = Checkpoint(
        seq=seq, reads=reads or seq + 1, epoch=EPOCH, began=(Began(1, 1, 1.0),), body=b"as of %d" % seq
    )  # fmt: skip
    return snapshot_key("blue", seq), format_checkpoint(point)


def a_log(last: int) -> dict[str, bytes]:
    """One entry per segment."""
    return dict([segment(1, format_entry(EPOCH)), *(segment(seq, line(seq)) for seq in range(2, last + 1))])


async def test_a_log_is_read_from_every_kind_of_store(store_url: str) -> None:  # noqa: F811
    store = open_store(store_url)
    assert (await read_log(store, "blue")).next == 1
    for key, body in [*a_log(6).items(), checkpoint(4), segment(7, line(7), line(8))]:
        await store.create(key, body)
    log = await read_log(store, "blue")
    assert log.snapshot == (4, b"as of 4")
    assert [entry.seq for entry in log.entries] == [5, 6, 7, 8]
    assert (log.next, log.epoch, log.starts) == (9, EPOCH, [(1, 1)])
    assert (await read_log(store, "blu")).next == 1


async def test_the_rest_of_a_segment_follows_a_snapshot_within_it() -> None:
    shelf = Shelf(dict([*a_log(1).items(), segment(2, *map(line, range(2, 9))), checkpoint(5, reads=2)]))
    log = await read_log(shelf, "blue")
    assert [entry.seq for entry in log.entries] == [6, 7, 8]
    del shelf.objects[segment_key("blue", 2)]
    with pytest.raises(BrokenLog, match="log/000000000002"):
        await read_log(shelf, "blue")


async def test_a_compaction_in_the_middle_of_reading_is_read_around() -> None:
    shelf = Shelf(a_log(9))
    fetched = 0

    async def compact(call: str, key: str) -> None:
        nonlocal fetched
        fetched += call == "get"
        if fetched == 4:
            shelf.objects.update([checkpoint(8), checkpoint(7)])
            for seq in range(2, 9):
                shelf.objects.pop(segment_key("blue", seq), None)

    shelf.before = compact
    log = await read_log(shelf, "blue")
    assert log.snapshot == (8, b"as of 8")
    assert [entry.seq for entry in log.entries] == [9]


async def test_a_listing_that_misses_what_was_just_deleted_is_repeated() -> None:
    shelf = Shelf(a_log(9))
    listings = 0

    async def delete_before_the_answer(call: str, key: str) -> None:
        nonlocal listings
        listings += call == "list"
        if call == "list" and listings == 1:
            for seq in range(2, 6):
                del shelf.objects[segment_key("blue", seq)]
        elif call == "get" and listings == 1:
            shelf.objects.update([checkpoint(6)])

    shelf.before = delete_before_the_answer
    assert (await read_log(shelf, "blue")).snapshot == (6, b"as of 6")
    assert listings == 2


async def test_a_log_that_is_shortened_at_every_look_is_looked_at_until_it_can_be_read() -> None:
    shelf = Shelf(dict([*a_log(30).items(), checkpoint(2)]))
    listings = done = 0

    async def shorten(call: str, key: str) -> None:
        nonlocal listings, done
        listings += call == "list"
        if call == "get" and done < listings <= 12:  # once between each of twelve listings and what it names
            done = listings
            shelf.objects.update([checkpoint(2 + done)])
            for seq in range(2, 3 + done):
                shelf.objects.pop(segment_key("blue", seq), None)
            shelf.objects.pop(snapshot_key("blue", 1 + done), None)

    shelf.before = shorten
    log = await read_log(shelf, "blue")
    assert log.snapshot == (14, b"as of 14")
    assert [entry.seq for entry in log.entries] == [*range(15, 31)]
    assert listings == 13


async def test_a_hole_is_an_error_that_names_it_and_changes_nothing() -> None:
    objects = a_log(9)
    del objects[segment_key("blue", 4)], objects[segment_key("blue", 5)]
    shelf = Shelf(dict(objects))
    with pytest.raises(BrokenLog, match=r"room blue cannot be opened: .*entries 4 to 5 are missing"):
        await read_log(shelf, "blue")
    assert shelf.objects == objects
    assert {call for call, _ in shelf.calls} == {"list", "get"}


GARBAGE = [b"", b"\x00\xff", b"{}", b"null\nnull", b'{"epoch":1,"writer":"w","first":4,"last":4}\nnot json']


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("key", [segment_key("blue", 4), snapshot_key("blue", 4)])
async def test_a_corrupt_object_is_an_error_that_names_it_and_changes_nothing(key: str, body: bytes) -> None:
    shelf = Shelf({**a_log(9), key: body})
    before = dict(shelf.objects)
    with pytest.raises(BrokenLog, match=f"room blue cannot be opened: .*{key}") as caught:
        await read_log(shelf, "blue")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert shelf.objects == before
    assert {call for call, _ in shelf.calls} == {"list", "get"}


async def test_without_an_answer_there_is_no_log() -> None:
    shelf = Shelf(a_log(3))

    async def refuse(call: str, key: str) -> None:
        if key == segment_key("blue", 2):
            raise Refused("no answer")

    shelf.before = refuse
    with pytest.raises(StoreError, match="no answer") as caught:
        await read_log(shelf, "blue")
    assert not isinstance(caught.value, BrokenLog)
    await asyncio.sleep(0)


async def test_many_segments_are_fetched_at_the_same_time() -> None:
    shelf, inside, most = Shelf(a_log(100)), 0, 0

    async def enter(call: str, key: str) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    shelf.before = enter
    assert (await read_log(shelf, "blue")).next == 101
    assert 8 <= most <= 64
