"""Members of rooms who do what a plan says, over bare sockets: what each has sent until it comes back to them.

A line or a shape is over when its own entry comes back to its author; a cursor when the next member of the room is told
of it or of a later position, because only the last one is passed on; a join when the newcomer is welcomed.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from flylab.measure.connection import Connection
from flylab.measure.frames import masked
from flylab.measure.plan import Deed, Rooms
from flylab.measure.visitors import LOST, Address, Done

OPENING = 64  # handshakes at once, before the run; our choice
WITHIN = 20.0  # seconds that a member may take to come in
CURSORS = 30_000  # positions before they begin anew; the canvas ends at 32,767
OWN = re.compile(rb'"client":"([^"]*)","op":(\d+)')  # of an entry
ECHOED = re.compile(rb'"op":(\d+)')
ERROR = re.compile(rb'"t":"error","code":"([^"]*)"[^{}]*?"op":(\d+)')
POINTS = re.compile(rb"\[(\d+),(-?\d+),(-?\d+)\]")


class Guest:
    """One member of one room."""

    def __init__(self, guests: "Guests", room: str, number: int) -> None:
        self._guests, self._room, self._number = guests, room, number
        self.client = f"load{guests.life}{number}"
        self._marks = (b'"said"', b'"edited"') if guests.rooms.dialect == "flylab" else (b'"op"',)
        self._op = 0
        self._open: dict[int, Done] = {}
        self._place = 0
        self._moving: deque[tuple[int, Done]] = deque()
        self.watched: dict[int, Guest] = {}  # whose cursors this member looks at, by the room's number for them
        self.n = 0

    async def enter(self) -> None:
        """Connect and be welcomed; raises OSError or TimeoutError."""
        guests, loop = self._guests, asyncio.get_running_loop()
        welcome: asyncio.Future[None] = loop.create_future()

        def first(data: bytes, at: int, end: int, now: float) -> None:
            if not welcome.done() and b'"welcome"' in data[at : at + 40]:
                self.n = int(json.loads(data[at:end])[0]["n"])
                self.connection.heard = self._hear
                welcome.set_result(None)

        path = guests.rooms.path.replace("{room}", self._room)
        async with asyncio.timeout(WITHIN):
            address = guests.address
            _, self.connection = await loop.create_connection(
                lambda: Connection(path, address.port, first, clock=guests.clock, host=address.name),
                address.host,
                address.port,
                ssl=address.tls,
            )
            self.connection.ended.add_done_callback(self._lost)
            await self.connection.opened
            if guests.rooms.dialect == "echo":
                self.connection.heard = self._hear
                return
            self.connection.write(masked(self._hello()))
            both: list[asyncio.Future[Any]] = [welcome, self.connection.ended]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not welcome.done():
            raise ConnectionError(self.connection.ended.result()[2:].decode(errors="replace") or "not welcomed")

    def say(self, size: int, done: Done) -> None:
        self._op += 1
        self._open[self._op] = done
        self.connection.write(masked(b'{"t":"say","op":%d,"text":"%b"}' % (self._op, b"x" * size)))

    def draw(self, done: Done) -> None:
        """One shape for each member, which moves: rooms do not fill up."""
        self._op += 1
        self._open[self._op] = done
        self.connection.write(
            masked(
                b'{"t":"edit","op":%d,"changes":[{"id":"load%d","set":{"kind":"rect","x":%d,"y":0,"w":9,"h":9}}]}'
                % (self._op, self._number, self._op % CURSORS)
            )
        )

    def point(self, done: Done) -> None:
        self._place = self._place % CURSORS + 1
        self._moving.append((self._place, done))
        self.connection.write(masked(b'{"t":"cursor","x":%d,"y":%d}' % (self._place, self._number % CURSORS)))

    def seen(self, place: int, now: float) -> None:
        """Somebody was told that the cursor is there: what was sent before is over too."""
        if any(place == sent for sent, _ in self._moving):
            while self._moving:
                sent, done = self._moving.popleft()
                done(now, "ok")
                if sent == place:
                    break

    def leave(self) -> None:
        self.connection.transport.abort()

    def _hello(self) -> bytes:
        said = {"t": "hello", "v": 2, "key": f"load-key-{self.client:->12}", "client": self.client, "name": self.client}
        return json.dumps(said).encode()

    def _hear(self, data: bytes, at: int, end: int, now: float) -> None:
        # Most of what comes is about others; a search for a few bytes finds out whether a frame is worth reading.
        if self._open and any(data.find(mark, at, end) >= 0 for mark in self._marks):
            if self._guests.rooms.dialect == "echo":
                for found in ECHOED.finditer(data, at, end):
                    self._close(int(found[1]), now, "ok")
            else:
                own = self.client.encode()
                for found in OWN.finditer(data, at, end):
                    if found[1] == own:
                        self._close(int(found[2]), now, "ok")
        if self.watched and data.find(b'"cursors"', at, end) >= 0:
            for found in POINTS.finditer(data, at, end):
                if (other := self.watched.get(int(found[1]))) is not None:
                    other.seen(int(found[2]), now)
        if data.find(b'"error"', at, end) >= 0:
            for found in ERROR.finditer(data, at, end):
                self._close(int(found[2]), now, found[1].decode())

    def _close(self, op: int, now: float, outcome: str) -> None:
        done = self._open.pop(op, None)
        if done is not None:
            done(now, outcome)

    def _lost(self, _: object) -> None:
        now = self._guests.clock()
        for done in [*self._open.values(), *(done for _, done in self._moving)]:
            done(now, LOST)
        self._open.clear()
        self._moving.clear()


class Guests:
    """The members of this process, in rooms of its own; ``life`` tells them from those of other processes."""

    def __init__(
        self, address: Address, rooms: Rooms, *, clock: Callable[[], float], life: str, numbers: range
    ) -> None:
        self.address, self.rooms, self.clock, self.life = address, rooms, clock, life
        names = [rooms.name.replace("{n}", str(n)) for n in numbers]
        self._names = names
        self._made = len(names) * rooms.members
        self.members = [
            Guest(self, name, place * rooms.members + seat)
            for seat in range(rooms.members)
            for place, name in enumerate(names)
        ]
        self._joining: set[asyncio.Task[None]] = set()

    async def enter(self) -> None:
        """Bring everybody in, some at a time."""
        waiting = iter(self.members)

        async def some() -> None:
            for member in waiting:
                await member.enter()

        await asyncio.gather(*(some() for _ in range(OPENING)))
        count = len(self._names)
        for place in range(count):
            seated = self.members[place::count]
            for member, watcher in zip(seated, [*seated[1:], seated[0]], strict=True):
                watcher.watched[member.n] = member

    def do(self, number: int, deed: Deed, done: Done) -> None:
        """Let the next member do it; ``number`` goes round all of them."""
        member = self.members[number % len(self.members)]
        if deed.do == "join":
            self._join(self._names[number % len(self._names)], done)
        elif member.connection.ended.done():
            done(self.clock(), LOST)
        elif deed.do == "say":
            member.say(deed.size, done)
        elif deed.do == "draw":
            member.draw(done)
        else:
            member.point(done)

    async def close(self) -> None:
        for task in self._joining:
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        for member in self.members:
            if hasattr(member, "connection"):
                member.leave()

    def _join(self, room: str, done: Done) -> None:
        newcomer = Guest(self, room, self._made)
        self._made += 1

        async def come() -> None:
            try:
                await newcomer.enter()
            except (OSError, TimeoutError) as exc:
                done(self.clock(), type(exc).__name__)
            else:
                done(self.clock(), "ok")
                newcomer.leave()

        task = asyncio.get_running_loop().create_task(come())
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)
