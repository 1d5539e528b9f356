"""The rules with one of them broken, each in the way that somebody might get it wrong. For tests only."""

from collections.abc import Sequence
from typing import Any

from app.entries import AnyEntry
from app.room import Room
from app.segments import Began
from app.tenure import Effect, Put, Tenure, Verify
from tests.app.reliability.hold import Hold, Welcome
from tests.app.reliability.machine import Rules
from tests.app.reliability.model import Member


class Unfenced(Tenure):
    """An object of somebody else under the key is taken for a stored one."""

    def put_done(self, now: float, *, created: bool, found: bytes | None = None) -> list[Effect]:
        flight = self._flight
        assert flight is not None
        return super().put_done(now, created=created, found=flight.body if found is not None else None)

    def verified(self, now: float, *, newer: bool) -> list[Effect]:
        return super().verified(now, newer=False)

    def looked(self, last: int, asked: float, *, newer: bool) -> list[Effect]:
        return super().looked(last, asked, newer=False)


class Unverified(Tenure):
    """Whatever could be created counts, without a look whether the log has gone on."""

    def next_put(self, now: float) -> Put | Verify | None:
        self._proven = now
        return super().next_put(now)

    def put_done(self, now: float, *, created: bool, found: bytes | None = None) -> list[Effect]:
        self._proven = now
        return super().put_done(now, created=created, found=found)


class Hasty(Hold):
    """An entry is acknowledged as soon as it is on its way."""

    def write(self, entry: AnyEntry) -> None:
        super().write(entry)
        if self.tenure.held:
            self.stored = entry.seq
            self.machine.checks.acknowledged(self, entry.seq)
            for connection in self.connections:
                connection.send(entry.seq)


class Trusting(Room):
    """Whoever comes back goes on after what they heard last, whichever epoch that was in."""

    def since(self, epoch: int, since: int, log: str = "") -> int | None:
        return since + 1 if since <= self.seq else None


class Forgetful(Room):
    """What comes again is done again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._operations.find = lambda by, client, op: 0  # type: ignore[method-assign]
        self._operations.known = lambda by, client: (0, [])  # type: ignore[method-assign]


class Eager(Hold):
    """A snapshot is stored as soon as it is folded, whatever of it is stored in the log."""

    def _fold(self) -> None:
        super()._fold()
        if self._snapshot is not None:
            self._store_snapshot()


class Literal(Member):
    """Where an operation was heard to be in the log still counts after coming back, maybe to another log."""

    def _place(self, heard: int | None, m: Welcome) -> int:
        return m.seq if heard is None else heard


def keep_none(began: Sequence[Began], now: float, least: int) -> tuple[Began, ...]:
    """Segments that begin an epoch are deleted like all others."""
    return ()


BROKEN = {
    "no fencing": Rules(tenure=Unfenced),
    "acknowledged before it is stored": Rules(hold=Hasty),
    "epochs deleted, nothing verified": Rules(tenure=Unverified, keep=keep_none),
    "nothing verified": Rules(tenure=Unverified),
    "epochs deleted": Rules(keep=keep_none),
    "snapshots of what is not stored": Rules(hold=Eager),
    "resumed whatever the epoch": Rules(room=Trusting),
    "no memory of operations": Rules(room=Forgetful),
}
