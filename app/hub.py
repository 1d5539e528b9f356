"""One room as this machine holds it: applies what members do, tells the others, and has the journal store it.

    member ──► Room decides ──► Fanout: every member, once a flush       (at once, tentative)
                   └──────────► Journal: one put in flight ──► `stored` to everybody

Every method but those of a room's end is synchronous, so nothing comes between two steps.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from app.access import EDIT, Grant, Links, admit, held, may, renew, why_not
from app.config import Limits
from app.deeds import ACTS, tell_links
from app.entries import AnyEntry, Epoch, Released, format_entry
from app.fanout import Fanout, encode
from app.greeting import Parts
from app.journal import Journal
from app.orders import seconds_left
from app.ownership import Hint, Place
from app.presence import Presence, member_id
from app.protocol import (
    VERSION,
    Accepted,
    ClientMessage,
    Cursor,
    Drags,
    Error,
    Hello,
    Path,
    ServerMessage,
    Welcome,
    clean_name,
)
from app.room import Room, encode_snapshot
from app.seats import Seat, Seats
from app.wire import Wire

# Segments that the next holder may have to fetch, and entries that make a snapshot worth it at the end (our choices).
_MOST_SEGMENTS = 200
_WORTH_A_SNAPSHOT = 20
# While a room has more bytes of entries to store than this, and until it has half of it, nothing is read from its
# editors (our choice: several segments; a store that does not answer ends the room long before memory does).
MOST_UNSTORED = 8 * 1024 * 1024
# A greeting and a state of fewer bytes go out in one write (our choice).
_ONE_WRITE = 16_384


class Hub:
    """The shell around one `Room`. ``asked`` gets what only the machine can do: ``move`` to a region, ``sleep``.

    ``pause``: seconds between such orders of those who edit because everybody may.
    """

    def __init__(
        self,
        room: Room,
        journal: Journal,
        epoch: Epoch,
        *,
        limits: Limits,
        links: Callable[[], Links | None],
        asked: Callable[["Hub", str, str], None],
        changed: Callable[["Hub"], None],
        fill: list[tuple[int, bytes]],
        pause: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.room = room
        self.journal = journal
        self.epoch = epoch
        self.stored = room.seq
        self.empty_since: float | None = None
        self.visited = False  # whether somebody was in it, or left something in it in an earlier epoch
        self.expected = 0  # connections that have not said hello yet
        self.presence = Presence()
        self.lines = 0
        self._limits = limits
        self.links = links
        self.asked = asked
        self.changed = changed
        self.wall = wall
        self._pause = pause
        self.asking: dict[Seat, None] = {}  # they are told the links when these are stored
        self._farewell: tuple[ServerMessage, int, str] | None = None
        self._snapshot_at = room.seq - len(fill)
        self._snapshotting = False
        self._parts: Parts | None = None
        self.fanout = Fanout(self.presence, window_bytes=limits.window_bytes)
        self.seats = Seats(room, self.presence, self.fanout.tell)
        for seq, line in fill:
            self.fanout.fill(seq, line)
        self.fanout.start(room.seq)
        journal.on_stored = self._on_stored

    @property
    def name(self) -> str:
        return self.room.name

    @property
    def place(self) -> Place:
        return Place(machine=self.epoch.machine, region=self.epoch.region, app=self.epoch.app)

    @property
    def connections(self) -> int:
        return len(self.seats)

    @property
    def leaving(self) -> bool:
        """Whether the room has been told to go; whoever comes now is sent away at once."""
        return self._farewell is not None

    @property
    def folds(self) -> bool:
        """Whether enough was written for a snapshot when the room is given up."""
        return self.room.seq - self._snapshot_at >= _WORTH_A_SNAPSHOT

    def edges(self) -> list[str]:
        """The edges through which the members came, one per member."""
        return [member.region for member in self.presence.members() if member.region]

    def hint(self, *, awake: bool = True, to: str = "") -> Hint:
        """What the lobbies are told of this room."""
        gate = self.room.gate
        return Hint(
            room=self.name,
            epoch=self.epoch.epoch,
            place=self.place,
            at=self.wall(),
            awake=awake,
            to=to,
            public=gate.public,
            listed=gate.listed,
            members=len(self.presence),
            edit=gate.edit,
            view=gate.view,
        )

    # Coming and going ------------------------------------------------------------

    def admit(self, grant: Grant | None) -> str | None:
        """The role of somebody who comes in with this link, or without one; None: not at all."""
        return admit(self.room.gate, grant)

    def renewed(self, grant: Grant | None, key: str) -> Grant | None:
        """What a link counts as for the member who holds this secret."""
        if grant is None or self.room.revoked is None:
            return grant
        return renew(self.room.gate, self.room.revoked, grant, member=member_id(key))

    def why_not(self, grant: Grant | None) -> str:
        """The sentence for somebody who may not come in."""
        return why_not(self.room.gate, grant)

    def join(self, hello: Hello, wire: Wire, path: Path, grant: Grant | None, role: str) -> Seat | None:
        """Seat a connection, unless the room has just been given up.

        Its welcome holds the room as of a number, or says from where it is resumed, and every later entry follows: no
        gap and no duplicate, because nothing else runs between taking the one and subscribing to the other.
        """
        if self._farewell is not None:
            message, code, reason = self._farewell
            self.tell(wire, message)
            wire.close(code, reason)
            return None
        by = member_id(hello.key)
        name = clean_name(hello.name) or f"guest {by[:4]}"
        member, news = self.presence.enter(by, name, region=path.edge, role=role)
        if news is not None:
            self.fanout.tell(news)
        since = self.room.since(hello.epoch, hello.since, hello.log)
        resumed = since is not None and self.fanout.window.covers(hello.since)
        parts = None if resumed else self._state(binary=wire.binary)
        seq = self.room.seq if parts is None else parts.seq
        op, skipped = self.room.known(by, hello.client, upto=seq)
        place, gate = self.place, self.room.gate
        welcome = Welcome(
            v=VERSION,
            you=by,
            n=member.n,
            role=role,
            room=self.name,
            machine=place.machine,
            region=place.region,
            epoch=self.epoch.epoch,
            log=self.room.log,
            seq=seq,
            stored=self.stored,
            resumed=resumed,
            parts=0 if parts is None else len(parts.frames),
            op=op,
            skipped=skipped,
            members=self.presence.members(),
            cursors=[(n, x, y) for n, x, y in self.presence.cursors()],
            selected=self.presence.selected(),
            path=path,
            public=gate.public,
            listed=gate.listed,
        )
        seat = Seat(by, hello.client, wire, grant, role)
        self.seats.add(seat)
        self.empty_since = None
        self.visited = True
        greeting: list[ServerMessage] = [welcome]
        if drags := self.presence.drags():
            greeting.append(Drags(d=drags))
        first = [encode(greeting, binary=wire.binary), *(() if parts is None else parts.frames)]
        if sum(map(len, first)) < _ONE_WRITE:
            first = [b"".join(first)]
        seat.listener = self.fanout.join(wire, hello.since if resumed else seq, first, parts)
        self.changed(self)
        return seat

    def leave(self, seat: Seat) -> None:
        """The connection is gone; safe to call twice."""
        if not self.seats.remove(seat):
            return
        if seat.listener is not None:
            self.fanout.leave(seat.listener)
        news = self.presence.leave(seat.member, seat.role)
        if news is not None:
            self.fanout.tell(news)
        if not self.seats:
            self.changed(self)

    def drained(self, seat: Seat) -> None:
        """The member has taken what it was sent."""
        if seat.listener is not None:
            self.fanout.drained(seat.listener)

    def tell(self, wire: Wire, message: ServerMessage) -> None:
        """One message for one member."""
        wire.write(encode([message], binary=wire.binary))

    # What members do -------------------------------------------------------------

    def point(self, seat: Seat, cursor: Cursor) -> None:
        """Move a member's cursor; the others see it with the next flush."""
        self.presence.point(seat.member, cursor.x, cursor.y)
        self.fanout.moved()

    def act(self, seat: Seat, message: ClientMessage) -> None:
        """Do what a member asks, or say why not."""
        if self._farewell is not None:
            return  # it is told so already, and asks again wherever it comes back to
        if seat.role != EDIT and not may(seat.role, message):
            op = getattr(message, "op", None)
            text = "you may look at this room, not change it"
            error = Error(code="read-only", text=text) if op is None else Error(code="read-only", text=text, op=op)
            seat.tell(error)
            return
        ACTS[type(message)](self, seat, message)

    def order_in(self, grant: Grant | None, *, member: str = "") -> int:
        """Seconds until somebody may move the room or put it to sleep (0: now); ``member``, if they are in it."""
        return seconds_left(
            by_link=held(self.room.gate, grant) == EDIT,
            others=len(self.presence) > bool(member),
            ordered=self.room.ordered,
            pause=self._pause,
            now=self.wall(),
        )

    # The log ---------------------------------------------------------------------

    def write(self, entry: AnyEntry) -> None:
        """An entry that the room has applied goes to everybody and into the store."""
        line = format_entry(entry)
        self.lines += 1
        self.fanout.publish(entry.seq, entry, line)
        self.journal.queue(entry.seq, line)
        if not self.seats.backlog and self.journal.unstored_bytes > MOST_UNSTORED:
            self.seats.backlog = True
        if not self._snapshotting and (
            entry.seq - self._snapshot_at >= self._limits.snapshot_entries or self.journal.segments >= _MOST_SEGMENTS
        ):
            self._snapshotting = True
            self.asked(self, "snapshot", "")

    def log(self, seat: Seat, outcome: AnyEntry | Accepted | Error) -> bool:
        if type(outcome) is Accepted or type(outcome) is Error:
            seat.tell(outcome)
            return False
        self.write(outcome)  # type: ignore[arg-type] # the two others are answered above
        return True

    def _on_stored(self, seq: int) -> None:
        self.stored = seq
        self.fanout.stored(seq)
        if self.asking and seq >= self.room.gated:
            asking, self.asking = self.asking, {}
            for seat in asking:
                if seat in self.seats:
                    tell_links(self, seat)
        if self.seats.backlog and self.journal.unstored_bytes < MOST_UNSTORED // 2:
            self.seats.backlog = False

    async def snapshot(self) -> None:
        """Fold the log as it is now and store that once all of it is stored; costs nothing when it fails."""
        try:
            seq, body = self.room.seq, encode_snapshot(self.room.snapshot())
            await self.journal.snapshot(seq, body)
            self._snapshot_at = seq  # also when it failed: a store in trouble is not helped by one with every entry
        finally:
            self._snapshotting = False

    # The end ---------------------------------------------------------------------

    def halt(self, message: ServerMessage, code: int, reason: str) -> None:
        """From now on nothing is taken in; the message and the close follow with `dismiss`."""
        if self._farewell is None:
            self._farewell = message, code, reason

    async def release(self, *, why: str, to: str, within: float) -> bool:
        """Have all of the room stored, folded and given up, for whoever is asked next.

        True when the log says so; else the next holder finds an epoch without an end, which is as good.
        """
        if not await self.journal.flush(within=within):
            return False
        if self.folds:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self.journal.snapshot(self.room.seq, encode_snapshot(self.room.snapshot()))
        entry = Released(seq=self.room.seq + 1, at=self.wall(), epoch=self.epoch.epoch, why=why, to=to)
        line = format_entry(entry)
        if not await self.journal.release(line, entry.seq, within=within):
            return False
        self.room.apply(entry)
        self.fanout.publish(entry.seq, entry, line)
        self._on_stored(entry.seq)
        return True

    def redirect(self, message: ServerMessage) -> None:
        """A better last word, as long as it has not been said."""
        if self._farewell is not None:
            self._farewell = message, *self._farewell[1:]

    def dismiss(self) -> None:
        """Say the last word to everybody and close all connections."""
        if self._farewell is not None:
            self.fanout.dismiss(*self._farewell)

    async def close(self) -> None:
        self.fanout.close()
        await self.journal.close()

    # Inside ----------------------------------------------------------------------

    def _state(self, *, binary: bool) -> Parts:
        """The room in frames, made once for all who come while nothing changes; else perhaps as it was a while ago."""
        known, seq = self._parts, self.room.seq
        if known is None or known.seq != seq or known.binary != binary:
            known = self.fanout.greetings.choose(seq, binary=binary)
            if known is None:
                frames = [encode([part], binary=binary) for part in self.room.state()]
                known = Parts(seq, frames, binary=binary)
            self._parts = known
        return known
