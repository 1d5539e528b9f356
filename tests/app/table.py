"""A room with its sessions and nothing around them: what members send goes in by calls, on a clock turned by hand."""

from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec

from app.access import Grant
from app.config import Limits
from app.entries import Epoch
from app.hub import Hub
from app.protocol import Path
from app.room import Room
from app.seats import Seat
from app.session import Session
from tests.app.test_fanout import FakeWire, Loop

LIMITS = Limits(messages_per_second=10, burst=20)
EPOCH = Epoch(seq=1, at=1.0, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made")


class Member:
    """A session with its wire, and the words of its member."""

    def __init__(
        self, table: "Table", name: str, grant: Grant | None = None, *, kernel: int | None = None, **hello: int
    ) -> None:
        self.wire = FakeWire(kernel=kernel)
        self.session = Session(table.hub, Path(), grant, limits=LIMITS, loop=table.loop, left=lambda: None)
        self.session.begin(self.wire)
        self.send("hello", v=2, key=f"key-of-{name}-0123456789", client=f"page-{name}", name=name, **hello)

    def send(self, t: str, **fields: Any) -> None:
        self.session.received(msgspec.json.encode({"t": t, **fields}), False)

    @property
    def seat(self) -> Seat:
        assert self.session.seat is not None
        return self.session.seat

    def errors(self) -> list[tuple[str, str]]:
        return [(one["code"], one["text"]) for one in self.wire.messages() if one["t"] == "error"]

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.wire.messages() if one["t"] == kind]

    @property
    def tokens(self) -> float:
        """What is left of the burst."""
        return self.session._bucket._tokens


class Ledger:
    """In place of a journal: stores nothing until it is told to."""

    def __init__(self) -> None:
        self.on_stored: Callable[[int], None] = lambda seq: None
        self.segments = 0
        self.waiting: deque[tuple[int, bytes]] = deque()

    def queue(self, seq: int, line: bytes) -> None:
        self.waiting.append((seq, line))

    @property
    def unstored_bytes(self) -> int:
        return sum(len(line) for _, line in self.waiting)

    def store(self) -> None:
        """The next entry is stored."""
        self.on_stored(self.waiting.popleft()[0])


class Table:
    """A room with members around it."""

    def __init__(self) -> None:
        self.loop = Loop()
        room = Room("blue")
        room.apply(EPOCH)
        self.journal = Ledger()
        self.hub = Hub(
            room,
            cast("Any", self.journal),
            EPOCH,
            limits=LIMITS,
            links=lambda: None,
            asked=lambda *order: None,
            changed=lambda hub: None,
            fill=[],
            pause=0.0,
        )

    def enter(self, name: str, grant: Grant | None = None, **options: Any) -> Member:
        return Member(self, name, grant, **options)

    def close(self) -> None:
        self.hub.fanout.close()

    def lock(self) -> None:
        """From now on everybody may look, and who has a link may edit."""
        self.hub.room.open_to("view", listed=False, at=1.0)
        self.hub.seats.admit_again()


def rects(count: int, **also: Any) -> list[dict[str, Any]]:
    return [{"id": f"s{n}", "set": {"kind": "rect", "x": n, "y": 0, **also}} for n in range(count)]
