"""One room's log in the object store: reads it, takes it, and stores what is queued; decides nothing (app/tenure.py).

queue ──► Tenure.next_put ──► Store.create ──► Tenure.put_done ──► on_stored
                 ▲                                    │
                 └──── what was queued meanwhile ◄────┘
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import assert_never

from app import logs
from app.entries import Epoch
from app.gate import Gate
from app.history import Log, keep_epochs, plan_compaction
from app.layout import room_prefix, snapshot_key
from app.ownership import Place
from app.reader import BrokenLog, read_log
from app.segments import Began, Checkpoint, format_checkpoint
from app.store import Store, StoreError
from app.tenure import LONGEST_BACK_OFF, STORAGE_SECONDS, Acknowledge, Effect, Lost, Put, Retry, Tenure, Verify

__all__ = ["BrokenLog", "Journal", "Log"]

_log = logging.getLogger("app")


class Journal:
    """One hold on one room, from `read` over `take` to `release` or `close`; a room that was lost needs a new one.

    ``clock`` goes into entries; ``elapsed`` (app/elapsed.py; else ``clock``) tells how long something has taken.
    ``on_stored`` is called with the number up to which everything is stored, ``on_lost`` once, with ``fenced`` or
    ``storage``; both are for whoever took the room to set.
    """

    def __init__(
        self,
        store: Store,
        room: str,
        *,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] | None = None,
        gate: AbstractAsyncContextManager[None] | None = None,
        rng: Random | None = None,
        storage: float = STORAGE_SECONDS,
        new_tenure: Callable[..., Tenure] = Tenure,
    ) -> None:
        self.on_stored: Callable[[int], None] = lambda seq: None
        self.on_lost: Callable[[str], None] = lambda why: None
        self._store = store
        self._room = room
        self._clock = clock
        self._elapsed = elapsed or clock
        self._gate = gate or Gate()
        self._rng = rng or Random()
        self._storage = storage
        self._new_tenure = new_tenure
        self._tenure: Tenure | None = None
        self._began: tuple[Began, ...] = ()
        self._covered = 0
        self._read_segments = 0
        self._trouble = ""
        self._writing: asyncio.Task[None] | None = None
        self._waiters: list[tuple[int, asyncio.Future[bool]]] = []
        self._over = False  # nothing is acknowledged any more
        self._sealed = False  # nothing is taken in any more
        self._snapshotting = False

    @property
    def segments(self) -> int:
        """How many segments whoever reads the log now has to fetch; a snapshot makes it small again."""
        return self._read_segments + (self._tenure.segments if self._tenure is not None else 0)

    @property
    def unstored_bytes(self) -> int:
        """What waits to be stored or is on its way."""
        return self._tenure.unstored_bytes if self._tenure is not None else 0

    async def read(self) -> Log:
        """The log as it is stored; raises `StoreError` without an answer and `BrokenLog` when it makes no sense."""
        return await read_log(self._store, self._room)

    # Writing -----------------------------------------------------------------

    async def take(self, log: Log, *, place: Place, writer: str, why: str) -> Epoch | None:
        """Take the room as the log leaves it, or None when somebody else was first.

        Raises `StoreError` when the store does not say; the room may then be ours by the log, and must be read anew.
        """
        epoch = Epoch(
            seq=log.next,
            at=self._clock(),
            epoch=(log.epoch.epoch if log.epoch is not None else 0) + 1,
            machine=place.machine,
            region=place.region,
            app=place.app,
            writer=writer,
            why=why,
        )
        tenure = self._tenure = self._new_tenure(self._room, epoch, self._rng, storage=self._storage)
        await self._run(tenure, announce=False)
        if tenure.lost == "fenced":
            return None
        if tenure.lost:
            raise StoreError(f"room {self._room} could not be taken: {self._trouble}")
        self._began = (*log.began, Began(epoch.epoch, epoch.seq, epoch.at))
        self._covered = log.snapshot[0] if log.snapshot is not None else 0
        self._read_segments = log.segments
        return epoch

    def queue(self, seq: int, line: bytes) -> None:
        """Have the next entry stored; what is queued in one turn of the loop, or during a put, is stored together."""
        if self._sealed:
            return
        tenure = self._taken()
        tenure.queue(seq, line)
        if self._writing is None and not tenure.lost:
            self._writing = asyncio.create_task(self._write(tenure), name=f"store {self._room}")

    async def flush(self, *, within: float) -> bool:
        """Wait until everything queued so far is stored; False when the room is lost or the time is over before."""
        tenure = self._taken()
        return await self._stored_within(tenure.last, within) and not tenure.lost

    async def verify(self) -> None:
        """See whether somebody else has taken the room; raises `StoreError` when the store does not answer."""
        tenure = self._tenure
        step = None if tenure is None or self._over else tenure.look(self._elapsed())
        if tenure is None or step is None:
            return
        last, asked = tenure.last, self._elapsed()
        if isinstance(step, Verify):
            newer = await self._newer(step)
        else:
            newer = await self._store.get(step.key) is not None
        if not self._over:
            self._perform(tenure.looked(last, asked, newer=newer), announce=True)

    async def release(self, line: bytes, seq: int, *, within: float) -> bool:
        """Store a last entry, and nothing ever after; False when it is not known to be stored."""
        self.queue(seq, line)
        self._sealed = True
        try:
            return await self._stored_within(seq, within)
        finally:
            await self.close()

    async def close(self) -> None:
        """Write nothing more; what is not stored yet may or may not be in the end."""
        self._over = self._sealed = True
        if self._tenure is not None:
            self._settle()
        task = self._writing
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def _write(self, tenure: Tenure) -> None:
        try:
            await self._run(tenure, announce=True)
        except Exception:
            # Whoever is told failed at it: a room whose entries are not acknowledged is of no use.
            _log.exception("room given up", extra={"fields": {"room": self._room, "seq": tenure.stored + 1}})
            if not tenure.lost:
                self._perform(tenure.give_up(), announce=True)
        finally:
            self._writing = None

    async def _run(self, tenure: Tenure, *, announce: bool) -> None:
        while tenure.pending:
            pause = self._perform(await self._attempt(tenure), announce=announce)
            if pause > 0:
                await asyncio.sleep(pause)

    async def _attempt(self, tenure: Tenure) -> list[Effect]:
        step: Put | Verify | None = None
        created, found, newer = False, None, False
        try:
            async with asyncio.timeout(self._storage) as limit, self._gate:
                # Chosen only now: what was queued during the wait at the gate goes along.
                step = tenure.next_put(self._elapsed())
                if step is None:
                    return []
                limit.reschedule(asyncio.get_running_loop().time() + step.within)
                if isinstance(step, Verify):
                    newer = await self._newer(step)
                else:
                    created = await self._store.create(step.key, step.body)
                    found = None if created else await self._store.get(step.key)
        except (StoreError, TimeoutError) as exc:
            self._trouble = str(exc) or "the store does not keep up"
            logs.warn("not stored yet", room=self._room, seq=tenure.stored + 1, why=self._trouble)
            return tenure.give_up() if step is None else tenure.failed(self._elapsed())
        now = self._elapsed()
        if isinstance(step, Verify):
            return tenure.verified(now, newer=newer)
        return tenure.put_done(now, created=created, found=found)

    async def _newer(self, step: Verify) -> bool:
        for prefix, after in step.listings:
            if await self._store.keys(prefix, after=after):
                return True
        return False

    def _perform(self, effects: list[Effect], *, announce: bool) -> float:
        """Tell what happened; returns how long to wait before the next attempt."""
        pause = 0.0
        for effect in effects:
            match effect:
                case Acknowledge(seq=seq):
                    self._settle()
                    if announce:
                        self.on_stored(seq)
                case Retry(at=at):
                    pause = min(at - self._elapsed(), LONGEST_BACK_OFF)
                case Lost(why=why):
                    self._settle()
                    if announce:
                        self.on_lost(why)
                case _:
                    assert_never(effect)
        return pause

    # Snapshots ---------------------------------------------------------------

    async def snapshot(self, seq: int, body: bytes) -> bool:
        """Store the room as of entry ``seq`` once all up to there is stored, read it back, delete what it covers.

        False when it is not stored, which is logged and harms nothing; nor does it when what it covers stays.
        """
        tenure = self._taken()
        if self._snapshotting or seq < max(tenure.epoch.seq, self._covered):
            return False
        self._snapshotting = True
        try:
            if not await self._stored(seq):
                return False
            await self._put_snapshot(tenure, seq, body)
        except StoreError as exc:
            logs.warn("no snapshot", room=self._room, seq=seq, why=str(exc))
            return False
        finally:
            self._snapshotting = False
        return True

    async def _put_snapshot(self, tenure: Tenure, seq: int, body: bytes) -> None:
        key = snapshot_key(self._room, seq)
        kept = keep_epochs(self._began, self._clock())
        reads = tenure.reads_after(seq)
        stored = format_checkpoint(Checkpoint(seq=seq, reads=reads, epoch=tenure.epoch, began=kept, body=body))
        async with self._gate:
            await self._store.put(key, stored)
        if await self._store.get(key) != stored:
            raise StoreError(f"{key} does not hold what was put there")
        self._covered, self._began, self._read_segments = seq, kept, 0
        tenure.covered(reads)
        try:
            old = plan_compaction(await self._store.keys(room_prefix(self._room)), reads=reads, kept=kept)
            await self._store.delete(old)
        except StoreError as exc:
            # The snapshot stands all the same, and the next one deletes what was left.
            logs.warn("old segments stay", room=self._room, seq=seq, why=str(exc))

    # Waiting -----------------------------------------------------------------

    def _taken(self) -> Tenure:
        assert self._tenure is not None, "the room was not taken"
        return self._tenure

    async def _stored(self, seq: int) -> bool:
        tenure = self._taken()
        if tenure.stored >= seq or tenure.lost or self._over:
            return tenure.stored >= seq
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.append((seq, waiter))
        return await waiter

    async def _stored_within(self, seq: int, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                return await self._stored(seq)
        except TimeoutError:
            return False

    def _settle(self) -> None:
        """Answer those who wait for what is stored by now; all of them when nothing more will be."""
        tenure = self._taken()
        ended = bool(tenure.lost) or self._over
        waiting, self._waiters = self._waiters, []
        for seq, waiter in waiting:
            if waiter.done():
                continue
            if tenure.stored >= seq or ended:
                waiter.set_result(tenure.stored >= seq)
            else:
                self._waiters.append((seq, waiter))
