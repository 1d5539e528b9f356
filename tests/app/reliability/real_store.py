"""The object store's connection of one machine, broken on purpose; and what really is in a room's log.

    Rooms, Lobby ──► WatchedStore ──► FaultyStore ──► the folder that all machines share
                                          └── reads what is wrong from a small file, again whenever that has changed

Whatever a machine deletes of a log is kept aside, so that the whole of it can be checked in the end.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec

from app.entries import AnyEntry, parse_entry
from app.history import Log
from app.layout import parse_key, segment_prefix
from app.reader import read_log
from app.segments import Segment, parse_segment
from app.store import Store, StoreError

KINDS = ("silent", "slow", "error", "answer lost")
SILENCE = 2.0  # seconds after which a call counts as unanswered; app/store.py gives it 10
LATE = 4.0  # a request that was held back arrives within this
SLOW = 0.6
DELETED = "deleted/"

_Result = TypeVar("_Result")
_Work = Callable[[], Awaitable[_Result]]


class Trouble(msgspec.Struct, frozen=True):
    """What is wrong with the connection: one of `KINDS` or nothing, for this share of all calls."""

    kind: str = ""
    share: float = 1.0


class FaultyStore:
    """A `Store` around another one."""

    def __init__(self, store: Store, control: Path, rng: Random) -> None:
        self._store = store
        self._control = control
        self._rng = rng
        self._seen: tuple[int, int] | None = None
        self._trouble = Trouble()
        self._late: set[asyncio.Task[Any]] = set()

    @property
    def shared(self) -> bool:
        return self._store.shared

    async def create(self, key: str, body: bytes) -> bool:
        return await self._call(key, lambda: self._store.create(key, body))

    async def put(self, key: str, body: bytes) -> None:
        await self._call(key, lambda: self._store.put(key, body))

    async def get(self, key: str) -> bytes | None:
        return await self._call(key, lambda: self._store.get(key))

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        return await self._call(prefix, lambda: self._store.keys(prefix, after=after))

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            await self._call(keys[0], lambda: self._delete(keys))

    async def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            named = parse_key(key)
            body = await self._store.get(key) if named is not None and named[0] == "log" else None
            if body is not None:
                await self._store.put(f"{DELETED}{key}/{time.time_ns():020d}", body)
        await self._store.delete(keys)

    async def _call(self, key: str, work: _Work[_Result]) -> _Result:
        trouble = self._read()
        if not trouble.kind or self._rng.random() >= trouble.share:
            return await work()
        match trouble.kind:
            case "error":
                raise StoreError(f"on purpose: refused, {key}")
            case "answer lost":
                await work()
                raise StoreError(f"on purpose: carried out, and the answer was lost, {key}")
            case "slow":
                return await asyncio.shield(self._detached(self._slowly(work)))
            case _:
                if self._rng.random() < 0.6:
                    self._detached(self._some_time(work))
                await asyncio.sleep(SILENCE)
                raise StoreError(f"on purpose: no answer, {key}")

    async def _slowly(self, work: _Work[_Result]) -> _Result:
        await asyncio.sleep(self._rng.random() * SLOW)
        result = await work()
        await asyncio.sleep(self._rng.random() * SLOW)
        return result

    async def _some_time(self, work: _Work[_Result]) -> None:
        """What was asked for is done, perhaps long after whoever asked has given up."""
        await asyncio.sleep(self._rng.choice((0.0, self._rng.random() * LATE)))
        try:
            await work()
        except StoreError:
            return

    def _detached(self, work: Coroutine[None, None, _Result]) -> "asyncio.Task[_Result]":
        # Goes on when its caller gives up: a request that has left cannot be called back.
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return task

    def _read(self) -> Trouble:
        try:
            found = os.stat(self._control)
            seen = found.st_ino, found.st_mtime_ns
            if seen != self._seen:
                self._trouble = msgspec.json.decode(self._control.read_bytes(), type=Trouble)
                self._seen = seen
        except FileNotFoundError:
            return Trouble()
        return self._trouble


def control_file(folder: Path, machine: str) -> Path:
    """Where the machine's `FaultyStore` looks."""
    return folder / f"{machine}.json"


def make_trouble(folder: Path, machine: str, trouble: Trouble) -> None:
    """Have the machine's connection fail like this from now on; whole at once, since it may be read at any time."""
    target = control_file(folder, machine)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(trouble))
    fresh.replace(target)


async def read_history(store: Store, room: str) -> tuple[list[AnyEntry], Log]:
    """All entries that ever were in the log, and the log as the next machine would read it.

    The first object under a number counts. A machine that took the room too late may have put another one there after
    the first was deleted (it looks whether the log has gone on before it counts that as a success); the checks find out
    whether anybody was told so.
    """
    log = await read_log(store, room)
    found: dict[int, Segment] = {}
    deleted = await store.keys(DELETED + segment_prefix(room))
    present = await store.keys(segment_prefix(room))
    for path in (*deleted, *present):
        key = path.removeprefix(DELETED).rpartition("/")[0] if path.startswith(DELETED) else path
        body = await store.get(path)
        if body is None:
            raise StoreError(f"{path} vanished")
        segment = parse_segment(body, key=key)
        found.setdefault(segment.first, segment)
    entries: list[AnyEntry] = []
    while (segment := found.get(len(entries) + 1)) is not None:  # type: ignore[assignment] # None ends the loop
        entries += [parse_entry(line) for line in segment.lines]
    return entries, log
