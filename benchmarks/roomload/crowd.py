"""Members of rooms: most only count what they hear, a sample reads every word; together they know what was heard."""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from flylab.measure.connection import Connection
from roomload.dialect import Dialect, entrance

clock = time.perf_counter
OPENING = 64  # handshakes at once
DEADLINE = 20.0


@dataclass(frozen=True)
class Target:
    """The server under load."""

    dialect: Dialect
    port: int
    pid: int
    seconds: float  # how long a step takes


class Member:
    """In the room once `enter` is done. ``heard`` is set by the load."""

    def __init__(self, target: Target, room: str, *, binary: bool = False, kernel_bytes: int = 0) -> None:
        self.target = target
        self._kernel_bytes = kernel_bytes  # of the receive buffer; 0: as the kernel likes
        self.room = room
        self.binary = binary
        self.op = 0
        self.epoch = 0
        self.last = 0  # the number of the last line that it knows
        self.heard: Callable[[bytes, int, int, float], None] = lambda data, at, end, now: None

    async def enter(self, *, epoch: int = 0, since: int = 0) -> None:
        dialect, loop = self.target.dialect, asyncio.get_running_loop()
        welcome: asyncio.Future[None] = loop.create_future()

        def hear(data: bytes, at: int, end: int, now: float) -> None:
            if welcome.done():
                self.heard(data, at, end, now)
            elif (known := dialect.welcomed(data[at:end])) is not None:
                self.epoch, self.last = known[0], since or known[1]
                welcome.set_result(None)

        async with asyncio.timeout(DEADLINE):
            path = await entrance(dialect, self.room, self.target.port)
            sock = socket.socket()
            sock.setblocking(False)
            if self._kernel_bytes:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._kernel_bytes)
            await loop.sock_connect(sock, ("127.0.0.1", self.target.port))
            _, self.connection = await loop.create_connection(
                lambda: Connection(path, self.target.port, hear, clock=clock), sock=sock
            )
            await self.connection.opened
            self.connection.write(dialect.hello(binary=self.binary, epoch=epoch, since=since))
            await welcome

    def say(self, text: str) -> None:
        self.op += 1
        self.connection.write(self.target.dialect.say(self.op, text))

    def leave(self) -> None:
        self.connection.transport.abort()


async def enter_all(members: list[Member]) -> float:
    """Open all connections, some at a time; seconds from the first to the last welcome."""
    began = clock()
    waiting = iter(members)

    async def open_some() -> None:
        for member in waiting:
            await member.enter()

    await asyncio.gather(*(open_some() for _ in range(OPENING)))
    return clock() - began


class Counting:
    """Checks by the numbers alone that nothing is lost, doubled or out of order."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.dialect = member.target.dialect
        self.count = 0
        self.faults = 0
        member.heard = self.hear

    def hear(self, data: bytes, at: int, end: int, now: float) -> None:
        count = self.dialect.said(data, at, end)
        if count:
            self.count += count
            if self.dialect.counts:
                first, last = self.dialect.span(data, at, end)
                if first != self.member.last + 1 or last - first + 1 != count:
                    self.faults += 1
                self.member.last = last


class Reading(Counting):
    """Reads every line: how late it came, which it was, when it was stored."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        self.latencies: list[float] = []
        self.stored: list[float] = []
        self.numbers: list[int] = []
        self._unstored: list[tuple[int, float]] = []

    def clear(self) -> None:
        self.latencies.clear()
        self.stored.clear()

    def hear(self, data: bytes, at: int, end: int, now: float) -> None:
        payload = data[at:end]
        for seq, text in self.dialect.lines(payload):
            number, scheduled = text.split(" ", 2)[:2]
            due = int(scheduled) / 1e6
            self.latencies.append(now - due)
            self.numbers.append(int(number))
            self.count += 1
            if self.dialect.counts and seq != self.member.last + 1:
                self.faults += 1
            self.member.last = seq
            if self.dialect.stores:
                self._unstored.append((seq, due))
        if self.dialect.stores and (upto := self.dialect.stored(payload)):
            while self._unstored and self._unstored[0][0] <= upto:
                self.stored.append(now - self._unstored.pop(0)[1])

    @property
    def unstored(self) -> int:
        return len(self._unstored)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
