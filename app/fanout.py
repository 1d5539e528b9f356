"""One room's outgoing side: what goes to all is gathered, encoded once and written to each member's connection.

    publish, tell, stored, moved ──► gathered ──► flush ──► one frame for JSON, one for msgpack ──► Wire.write of each
                    └──► window                     └──► a member who does not take it is behind: nothing, until it
                                                         drained; then what it missed of the log, and who is here now

A flush comes at the end of the loop's turn after a quiet moment, else as `app.pacing` says.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from app.batch import Batch, encode, encode_lines
from app.entries import AnyEntry, Change
from app.greeting import Greetings, Parts
from app.listener import Listener, Missed
from app.pacing import Pacer
from app.protocol import SLOW, Cursors, Drags, Member, Members, Selected, ServerMessage, Stored
from app.window import Window
from app.wire import Wire

__all__ = ["FLUSH_BYTES", "HIGH", "Fanout", "Listener", "Presence", "Wire", "encode"]

# A member with more than this in its buffer is behind: it gets newer things later instead of old ones as well.
HIGH = 65_536
# What is gathered is sent before it is larger than this, so that HIGH and one flush bound what a member can hold.
FLUSH_BYTES = 262_144
# Missed entries are sent in frames of about this size, so many bytes in one turn of the loop.
CHUNK_BYTES = 65_536
TURN_BYTES = 262_144


class Presence(Protocol):
    """What the fan-out asks of `app.presence`: what changed since it last asked (``take_…``), and all there is."""

    def take_cursors(self) -> list[list[int]]: ...
    def take_drags(self) -> list[tuple[int, list[Change]]]: ...
    def take_selected(self) -> list[tuple[int, list[str]]]: ...
    def members(self) -> list[Member]: ...
    def cursors(self) -> list[list[int]]: ...
    def drags(self) -> list[tuple[int, list[Change]]]: ...
    def selected(self) -> list[tuple[int, list[str]]]: ...


class Fanout:
    """See above. Everything is synchronous and from the event loop; `close` ends its timer."""

    def __init__(
        self,
        presence: Presence,
        *,
        window_bytes: int,
        loop: asyncio.AbstractEventLoop | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._presence = presence
        self._loop = loop or asyncio.get_running_loop()
        self._clock = clock
        self.window = Window(window_bytes)
        self._pacer = Pacer()
        self._handle: asyncio.Handle | None = None
        self._urgent = False
        self._flushes = 0
        self._batch = Batch()  # what has gathered since the last flush
        self._moved = False
        self._sent = 0  # the last entry that was flushed
        self._stored = 0
        self._stored_sent = 0
        # Who is up to date, who will be after leaving out what their welcome held, and who is not.
        self._current: dict[Listener, None] = {}
        self._fresh: dict[Listener, None] = {}
        self._behind: dict[Listener, None] = {}
        self.greetings = Greetings(self._loop, covers=self.window.covers, give_up=self._give_up)
        self._chunk: tuple[tuple[bool, int, int], int, bytes] | None = None

    # What happens in the room ------------------------------------------------------------

    def fill(self, seq: int, line: bytes) -> None:
        """An entry from before, read from the store: kept for members who come back, sent to nobody."""
        self.window.append(seq, line)
        self._sent = seq

    def start(self, seq: int) -> None:
        """The log stands at ``seq``, all of it stored."""
        self._sent = self._stored = self._stored_sent = seq
        self.window.start(seq)

    def publish(self, seq: int, entry: AnyEntry, line: bytes) -> None:
        """An entry of the log for everybody; ``line`` is its JSON."""
        self.window.append(seq, line)
        self._batch.add(entry, line, entry=True)
        self._gathered()

    def tell(self, message: ServerMessage) -> None:
        """A message about who is here for everybody who is up to date; the others get `Members` later."""
        self._batch.people = True
        self._batch.add(message)
        self._gathered()

    def stored(self, seq: int) -> None:
        """Everything up to ``seq`` is in the store; members hear of the highest only."""
        if seq > self._stored:
            self._stored = seq
            self._plan(patient=True)

    def moved(self) -> None:
        """The presence has cursors, drags or selections to take."""
        if not self._moved:
            self._moved = True
            self._plan(patient=True)

    # Who hears it --------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._current) + len(self._fresh) + len(self._behind)

    def join(self, wire: Wire, seq: int, first: Iterable[bytes] = (), parts: Parts | None = None) -> Listener:
        """Add a member who knows the log up to ``seq`` once it has got ``first``: its welcome, then those of ``parts``.

        From there on it gets each later entry once, in order, as fast as it takes them; ``window`` must cover ``seq``.
        What was published or told before and still waits to be flushed is in its welcome, if that is up to date.
        """
        waits = len(self._batch) if seq == self.window.next - 1 else self._batch.upto(seq - self._sent)
        listener = Listener(wire, seq, first, knows=(waits, self._flushes))
        self._behind[listener] = None
        self._catch_up(listener)
        if listener.first:
            self.greetings.add(listener, parts)
        return listener

    def leave(self, listener: Listener) -> None:
        """The connection is gone; safe to call twice."""
        self.greetings.remove(listener)
        for group in (self._current, self._fresh, self._behind):
            group.pop(listener, None)

    def drained(self, listener: Listener) -> None:
        """The member's connection has taken all it had been given."""
        if listener in self._behind:
            self._catch_up(listener)

    def dismiss(self, message: ServerMessage, code: int, reason: str) -> None:
        """Say a last word to everybody and end all connections."""
        self.tell(message)
        self.flush()
        self.greetings.close()
        for group in (self._fresh, self._behind):
            for listener in group:
                listener.wire.write(encode([message], binary=listener.wire.binary))
        for group in (self._current, self._fresh, self._behind):
            for listener in tuple(group):
                listener.wire.close(code, reason)

    def close(self) -> None:
        """Nothing more is sent."""
        self._unplan()
        self.greetings.close()

    # Inside ----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what has gathered, now."""
        self._unplan()
        began = self._clock()
        if self._moved:
            self._take_moves()
        if self._stored > self._stored_sent:
            self._stored_sent = self._stored
            self._batch.add(Stored(seq=self._stored))
        batch = self._batch
        if not batch:
            return
        self._batch = Batch()
        missed = Missed.PEOPLE if batch.people else Missed.MOVES
        before, self._sent = self._sent, max(self._sent, self.window.next - 1)
        for listener in self._behind:
            listener.missed = max(listener.missed, missed)
        slow: list[Listener] = []
        for listener in self._current:
            wire = listener.wire
            if wire.buffered() > HIGH:
                slow.append(listener)
            else:
                wire.write(batch.frame(binary=wire.binary))
        for listener in slow:
            del self._current[listener]
            self._behind[listener] = None
            listener.seq = before
            listener.missed = missed
        if self._fresh:
            self._greet(batch)
        self._flushes += 1
        self._pacer.flushed(began, self._clock())

    def _gathered(self) -> None:
        if self._batch.held_bytes > FLUSH_BYTES:
            self.flush()
        else:
            self._plan(patient=False)

    def _take_moves(self) -> None:
        self._moved = False
        presence = self._presence
        if cursors := presence.take_cursors():
            self._batch.add(Cursors(c=cursors))
        if drags := presence.take_drags():
            self._batch.add(Drags(d=drags))
        if selected := presence.take_selected():
            self._batch.add(Selected(s=selected))

    def _greet(self, batch: Batch) -> None:
        """Give those who came since the last flush what came after them."""
        fresh, self._fresh = self._fresh, {}
        for listener in fresh:
            known, _ = listener.knows
            if known < len(batch):
                listener.wire.write(batch.rest(known, binary=listener.wire.binary))
            self._current[listener] = None

    def _catch_up(self, listener: Listener) -> None:
        """Send what one member lacks, as much as it takes; at the end of it the member is up to date."""
        wire, budget = listener.wire, TURN_BYTES
        while listener in self._behind:
            if wire.buffered():
                return  # `drained` will come
            if budget <= 0:
                self._loop.call_soon(self.drained, listener)
                return
            if listener.first:
                frames = listener.first.popleft()
                if not listener.first:
                    listener.first = None
                    self.greetings.remove(listener)
            elif listener.seq < self._sent:
                if not self.window.covers(listener.seq):
                    self._give_up(listener, "too far behind; reconnect to catch up")
                    return
                listener.seq, frames = self._missed(listener.seq, binary=wire.binary)
            else:
                del self._behind[listener]
                waits, flush = listener.knows
                (self._fresh if waits and flush == self._flushes else self._current)[listener] = None
                if listener.missed:
                    wire.write(encode(self._now(listener.missed), binary=wire.binary))
                    listener.missed = Missed.NOTHING
                return
            wire.write(frames)
            budget -= len(frames)

    def _give_up(self, listener: Listener, why: str) -> None:
        self.leave(listener)
        listener.first = None
        listener.wire.drop(SLOW, why)

    def _missed(self, since: int, *, binary: bool) -> tuple[int, bytes]:
        """Entries after ``since`` in a frame, and the last's number; made once for those who fell behind together."""
        key = (binary, since, self._sent)
        if self._chunk is None or self._chunk[0] != key:
            lines = self.window.after(since, upto=self._sent, most_bytes=CHUNK_BYTES)
            self._chunk = key, since + len(lines), encode_lines(lines, binary=binary)
        return self._chunk[1:]

    def _now(self, missed: Missed) -> list[ServerMessage]:
        """What somebody needs who missed messages that are not in the log."""
        presence = self._presence
        people: list[ServerMessage] = [Members(members=presence.members())] if missed is Missed.PEOPLE else []
        return [
            *people,
            Cursors(c=presence.cursors(), whole=True),
            Drags(d=presence.drags()),
            Selected(s=presence.selected()),
            Stored(seq=self._stored_sent),
        ]

    def _unplan(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _plan(self, *, patient: bool) -> None:
        """See to it that a flush comes, no later than it is due."""
        if self._handle is not None:
            if patient or self._urgent:
                return
            self._handle.cancel()
        self._urgent = not patient
        now = self._clock()
        delay = self._pacer.due(now, patient=patient) - now
        self._handle = self._loop.call_later(delay, self.flush) if delay > 0 else self._loop.call_soon(self.flush)
