"""One room as this machine holds it: applies what members do, tells the others, and has the journal store it.

    member ──► Room.say ──► outbox of every member          (at once, one encoding for all)
                  └──────► pending ──► Journal.append ──► `stored` to everybody
                           (one append in flight; what comes meanwhile is the next batch)

Cursor moves are gathered for a tick and sent as one message; they are never stored.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.config import Limits
from app.journal import Fenced, Journal
from app.outbox import Close, Outbox
from app.ownership import Owner
from app.protocol import (
    VERSION,
    Accepted,
    Cursor,
    Cursors,
    Hello,
    Path,
    Rename,
    Said,
    Say,
    ServerMessage,
    Stored,
    Welcome,
    clean_name,
    format_message,
)
from app.room import Room, member_id

# How long cursor moves are gathered: 30 messages a second are smooth to the eye (our choice).
TICK = 0.033


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """One member's connection to the room."""

    member: str
    outbox: Outbox


class Hub:
    """The shell around one `Room`. Every method but `store` is synchronous, so nothing comes between two steps."""

    def __init__(
        self,
        owner: Owner,
        room: Room,
        journal: Journal,
        *,
        limits: Limits,
        lost: Callable[["Hub"], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.owner = owner
        self.room = room
        self.journal = journal
        self.stored = room.seq
        self._limits = limits
        self._lost = lost
        self._wall = wall
        self._seats: set[Seat] = set()
        self._pending: list[Said] = []
        self._storing: asyncio.Task[None] | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._farewell: tuple[ServerMessage, Close] | None = None

    @property
    def connections(self) -> int:
        return len(self._seats)

    def join(self, hello: Hello, outbox: Outbox, path: Path) -> Seat | None:
        """Seat a connection, unless the room has just been given up.

        Its welcome holds the log up to now, and every later entry follows: no gap and no duplicate, because nothing
        else runs between taking the one and subscribing to the other.
        """
        if self._farewell is not None:
            message, close = self._farewell
            outbox.put(format_message(message))
            outbox.close(close)
            return None
        member = member_id(hello.key)
        name = clean_name(hello.name) or f"guest {member[:4]}"
        news = self.room.enter(member, name, region=path.edge)
        if news is not None:
            self._tell(news)
        missed = self.room.since(hello.since) if hello.log == self.journal.log else None
        seat = Seat(member, outbox)
        self._seats.add(seat)
        place = self.owner.place
        welcome = Welcome(
            v=VERSION,
            you=member,
            room=self.room.name,
            machine=place.machine,
            region=place.region,
            epoch=self.owner.epoch,
            log=self.journal.log,
            seq=self.room.seq,
            stored=self.stored,
            resumed=missed is not None,
            entries=self.room.tail() if missed is None else missed,
            members=self.room.members,
            cursors=self.room.cursors(),
            path=path,
        )
        outbox.put(format_message(welcome))
        return seat

    def leave(self, seat: Seat) -> None:
        """The connection is gone; safe to call twice."""
        if seat not in self._seats:
            return
        self._seats.remove(seat)
        news = self.room.leave(seat.member)
        if news is not None:
            self._tell(news)

    def say(self, seat: Seat, say: Say, text: str) -> None:
        """Put a line into the log, tell everybody, and have it stored."""
        outcome = self.room.say(seat.member, say.op, text, at=self._wall())
        if isinstance(outcome, Accepted):
            seat.outbox.put(format_message(outcome))
            return
        self._tell(outcome)
        self._pending.append(outcome)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store(), name=f"store {self.room.name}")

    def rename(self, seat: Seat, rename: Rename) -> None:
        name = clean_name(rename.name)
        news = self.room.rename(seat.member, name) if name else None
        if news is not None:
            self._tell(news)

    def point(self, seat: Seat, cursor: Cursor) -> None:
        """Move a member's cursor; others see it at the end of the tick."""
        self.room.point(seat.member, cursor.x, cursor.y)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK, self._tell_moves)

    def catch_up(self, seat: Seat) -> None:
        """Give a member who had fallen behind the cursors as they are now, in place of the moves that were skipped."""
        seat.outbox.missed_moves = False
        seat.outbox.put(format_message(Cursors(c=[*self.room.cursors()], whole=True)))

    def dismiss(self, message: ServerMessage, close: Close) -> None:
        """Say a last word to everybody, also to those who are still on their way in, and close."""
        self._farewell = (message, close)
        self._tell(message)
        for seat in self._seats:
            seat.outbox.close(close)

    async def finish(self) -> None:
        """Let the batch in flight be stored, and stop ticking."""
        if self._tick is not None:
            self._tick.cancel()
        if self._storing is not None:
            await self._storing

    def _tell(self, message: ServerMessage) -> None:
        frame = format_message(message)
        for seat in self._seats:
            seat.outbox.put(frame)

    def _tell_moves(self) -> None:
        self._tick = None
        moves = self.room.take_moves()
        if moves is None:
            return
        frame = format_message(moves)
        for seat in self._seats:
            seat.outbox.put_moves(frame)

    async def _store(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending, []
                await self.journal.append(batch)
                self.stored = batch[-1].seq
                self._tell(Stored(seq=self.stored))
        except Fenced:
            self._lost(self)
        finally:
            self._storing = None
