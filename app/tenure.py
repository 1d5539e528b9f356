"""One writer's hold on one room's log: what to put, what an answer means, when to give up; pure.

A log is a row of segments, each stored under the number of its first entry by *put if absent*. Taking a room is putting
a segment with an `Epoch` entry under the next number; of any number of contenders one succeeds. From then on every
number can be written by the holder alone, or by somebody else who takes the room: so a writer whose key exists has lost
it (is *fenced*) and acknowledges nothing more, unless the object is its own, put by an attempt whose answer was lost.

A deleted segment's number could be written again. Whoever deletes segments has stored a snapshot that covers them
before, so a put is proven by a listing that was begun after it and shows no newer snapshot and no further segment.
Taking a room is always proven. A later put needs it only when the one before is older than `VERIFY_AFTER`: the only
segment that somebody else can have put there begins with an epoch, and those are kept much longer (app/history.py).
"""

from bisect import bisect_right
from random import Random

from msgspec import Struct

from app.entries import Epoch, format_entry
from app.layout import segment_key, segment_prefix, snapshot_key, snapshot_prefix
from app.segments import Segment, format_segment

# All of these are our choice.
STORAGE_SECONDS = 15.0  # how long a segment may stay unstored before the room is given up
LAST_TRY = 1.0  # what an attempt is given at least, however late
BACK_OFF = 0.1  # first pause between attempts, doubled each time, with jitter
LONGEST_BACK_OFF = 2.0
SEGMENT_BYTES = 1_000_000  # lines are gathered up to this size; a single longer line goes alone
VERIFY_AFTER = 3_600.0  # far less than `app.history.EPOCHS_KEPT`


class Put(Struct, frozen=True):
    """Create the object, answer with `Tenure.put_done`; an attempt may take ``within`` seconds."""

    key: str
    body: bytes
    within: float


class Verify(Struct, frozen=True):
    """List each prefix after its key, answer with `Tenure.verified`; an attempt may take ``within`` seconds."""

    listings: tuple[tuple[str, str], ...]
    within: float


class Look(Struct, frozen=True):
    """See whether there is an object under the key, answer with `Tenure.looked`."""

    key: str


class Retry(Struct, frozen=True):
    """Ask `next_put` again at this time."""

    at: float


class Acknowledge(Struct, frozen=True):
    """Everything up to ``seq`` is stored."""

    seq: int


class Lost(Struct, frozen=True):
    """The hold is over for good: ``fenced`` by another writer, or ``storage`` did not answer for too long."""

    why: str


Effect = Acknowledge | Retry | Lost


class _Flight(Struct):
    """A segment on its way: the same bytes under the same key until its outcome is known."""

    key: str
    body: bytes
    first: int
    last: int
    size: int  # of its lines
    since: float
    asked: float
    waiting: bool = False  # for the answer to an attempt
    attempts: int = 0
    stored: bool = False  # only the proof is missing
    doubtful: bool = False  # its number was taken and is free again


class Tenure:
    """What one writer knows of its hold, from taking the room with ``epoch`` on. One put is in flight at most."""

    def __init__(self, room: str, epoch: Epoch, rng: Random, *, storage: float = STORAGE_SECONDS) -> None:
        self.room = room
        self.epoch = epoch
        self.stored = epoch.seq - 1
        self.last = epoch.seq - 1
        self.lost = ""
        self.unstored_bytes = 0
        self.hold = f"{rng.getrandbits(64):016x}"
        self._rng = rng
        self._storage = storage
        self._lines: list[bytes] = []
        self._flight: _Flight | None = None
        self._proven: float | None = None
        self._firsts: list[int] = []
        self.queue(epoch.seq, format_entry(epoch))

    @property
    def held(self) -> bool:
        """Whether the room is ours as far as we know."""
        return self.stored >= self.epoch.seq and not self.lost

    @property
    def pending(self) -> bool:
        """Whether there is something to store, or to prove."""
        return bool(self._lines or self._flight is not None)

    @property
    def segments(self) -> int:
        """Segments that were stored under this hold and are not covered by a snapshot of it."""
        return len(self._firsts)

    def queue(self, seq: int, line: bytes) -> None:
        """The next entry; ignored once the room is lost."""
        if self.lost:
            return
        if seq != self.last + 1 or b"\n" in line:
            raise ValueError(f"room {self.room}: entry {seq} cannot follow entry {self.last}, or has a line break")
        self.last = seq
        self.unstored_bytes += len(line)
        self._lines.append(line)

    def next_put(self, now: float) -> Put | Verify | None:
        """What to do now; None while an answer is awaited, when everything is stored, or when the room is lost."""
        if self.lost:
            return None
        flight = self._flight
        if flight is None:
            if not self._lines:
                return None
            flight = self._flight = self._gather(now)
        elif flight.waiting:
            return None
        flight.waiting = True
        flight.asked = now
        within = max(LAST_TRY, flight.since + self._storage - now)
        if flight.stored:
            return self._listings(flight.first - 1, flight.first, within)
        return Put(flight.key, flight.body, within)

    def put_done(self, now: float, *, created: bool, found: bytes | None = None) -> list[Effect]:
        """The store answered; when the object existed, ``found`` is what it holds (None: it is gone again)."""
        flight = self._answered()
        if not created and found is None:
            flight.doubtful = True
            return self._again(flight, now)
        if not created and found != flight.body:
            return self._lose("fenced")
        if self._overdue(now) or flight.doubtful:
            flight.stored = True
            return []
        return self._acknowledge(flight)

    def verified(self, now: float, *, newer: bool) -> list[Effect]:
        """The listings of `Verify` are there; ``newer`` when any of them shows a key."""
        flight = self._answered()
        return self._lose("fenced") if newer else self._acknowledge(flight)

    def failed(self, now: float) -> list[Effect]:
        """The store did not answer: the attempt may have been carried out, or may be yet."""
        return self._again(self._answered(), now)

    def give_up(self) -> list[Effect]:
        """There was no getting through to the store at all."""
        return self._lose("storage")

    def look(self, now: float) -> Look | Verify | None:
        """How to see whether somebody else has taken the room; None while a put will show it anyway.

        Report it with `looked`, together with the ``last`` and the time of when it was begun.
        """
        if self.lost or self._flight is not None or self._lines:
            return None
        if self._overdue(now):
            return self._listings(self.stored, self.stored, self._storage)
        return Look(segment_key(self.room, self.stored + 1))

    def looked(self, last: int, asked: float, *, newer: bool) -> list[Effect]:
        """The answer to `look`, ``newer`` when it shows anything; worthless if entries came since: it may be one."""
        if self.lost or last != self.last:
            return []
        if newer:
            return self._lose("fenced")
        self._proven = asked
        return []

    def reads_after(self, seq: int) -> int:
        """The number of the first segment that a reader with a snapshot at ``seq`` still needs."""
        at = bisect_right(self._firsts, seq)
        end = self._firsts[at] - 1 if at < len(self._firsts) else self.stored
        return seq + 1 if seq >= end or at == 0 else self._firsts[at - 1]

    def covered(self, reads: int) -> None:
        """A snapshot is stored; segments before number ``reads`` are not needed any more."""
        del self._firsts[: bisect_right(self._firsts, reads - 1)]

    def _gather(self, now: float) -> _Flight:
        count, size = 1, len(self._lines[0])
        while count < len(self._lines) and (size := size + 1 + len(self._lines[count])) <= SEGMENT_BYTES:
            count += 1
        lines = tuple(self._lines[:count])
        del self._lines[:count]
        first, last = self.stored + 1, self.stored + count
        segment = Segment(
            epoch=self.epoch.epoch, writer=self.epoch.writer, first=first, last=last, lines=lines, hold=self.hold
        )
        body, weight = format_segment(segment), sum(map(len, lines))
        return _Flight(segment_key(self.room, first), body, first, last, weight, since=now, asked=now)

    def _overdue(self, now: float) -> bool:
        return self._proven is None or not 0 <= now - self._proven <= VERIFY_AFTER

    def _listings(self, snapshot: int, segment: int, within: float) -> Verify:
        snapshots = snapshot_prefix(self.room), snapshot_key(self.room, snapshot)
        return Verify((snapshots, (segment_prefix(self.room), segment_key(self.room, segment))), within)

    def _answered(self) -> _Flight:
        flight = self._flight
        if flight is None or not flight.waiting:
            raise ValueError(f"room {self.room}: an answer to nothing that was asked")
        flight.waiting = False
        return flight

    def _acknowledge(self, flight: _Flight) -> list[Effect]:
        self._flight = None
        self._proven = flight.asked if flight.stored else flight.since
        self._firsts.append(flight.first)
        self.stored = flight.last
        self.unstored_bytes -= flight.size
        return [Acknowledge(flight.last)]

    def _again(self, flight: _Flight, now: float) -> list[Effect]:
        until = flight.since + self._storage
        if now >= until:
            return self._lose("storage")
        pause = min(LONGEST_BACK_OFF, BACK_OFF * 2**flight.attempts) * self._rng.uniform(0.5, 1.0)
        flight.attempts += 1
        return [Retry(min(now + pause, until))]

    def _lose(self, why: str) -> list[Effect]:
        self.lost = why
        self._flight = None
        self._lines.clear()
        self.unstored_bytes = 0
        return [Lost(why)]
