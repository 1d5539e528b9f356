"""Reads a room's log from the store while its writer may be writing and shortening it."""

import asyncio

from app.history import HoleError, Load, Log, assemble, plan_load
from app.layout import room_prefix, segment_key, snapshot_key
from app.segments import Checkpoint, Segment, parse_checkpoint, parse_segment
from app.store import Store, StoreError
from flylab.errors import ParseError

# How often a log is listed anew when objects are missing: so often while it stays the same, and so often at most while
# its writers go on writing and shortening it. And how many objects are fetched at once. All are our choices.
_LOOKS = 5
_MOST_LOOKS = 100
_FETCHES = 32


class BrokenLog(StoreError):
    """The log in the store cannot be read, now or later.

    ``named`` is the object that is missing or unreadable, which is all that visitors are told; the text adds why.
    """

    def __init__(self, room: str, named: str, why: str) -> None:
        self.named = named
        super().__init__(f"room {room} cannot be opened: {named}: {why}")


async def read_log(store: Store, room: str) -> Log:
    """The log as it is stored; raises `StoreError` without an answer and `BrokenLog` when it makes no sense."""
    trouble: ParseError | None = None
    before: Load | None = None
    same = 0
    for _ in range(_MOST_LOOKS):
        load = plan_load(await store.keys(room_prefix(room)))
        same = same + 1 if load == before else 0
        if same == _LOOKS:
            break
        before = load
        try:
            return assemble(room, *await _fetch(store, room, load))
        except ParseError as exc:
            # A writer may have deleted what it has just covered by a newer snapshot; then there is that to be found.
            trouble = exc
    assert trouble is not None
    named = f"log object {trouble.value}" if isinstance(trouble, HoleError) else trouble.what
    raise BrokenLog(room, named, trouble.why) from trouble


async def _fetch(store: Store, room: str, load: Load) -> tuple[Checkpoint | None, list[Segment]]:
    keys = [segment_key(room, first) for first in load.segments]
    if load.snapshot is None:
        return None, await _segments(store, room, keys)
    key = snapshot_key(room, load.snapshot)
    body, segments = await asyncio.gather(store.get(key), _segments(store, room, keys))
    checkpoint = parse_checkpoint(_present(body, room, key), key=key)
    if checkpoint.reads <= checkpoint.seq:
        segments = await _segments(store, room, [segment_key(room, checkpoint.reads)]) + segments
    return checkpoint, segments


async def _segments(store: Store, room: str, keys: list[str]) -> list[Segment]:
    found: list[Segment] = []
    for start in range(0, len(keys), _FETCHES):
        some = keys[start : start + _FETCHES]
        bodies = await asyncio.gather(*(store.get(key) for key in some))
        found += [parse_segment(_present(body, room, key), key=key) for key, body in zip(some, bodies, strict=True)]
    return found


def _present(body: bytes | None, room: str, key: str) -> bytes:
    if body is None:
        raise HoleError(f"log of room {room!r}", key, "it is missing")
    return body
