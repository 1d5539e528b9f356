"""Visitors that ask over HTTP/1.1 faster than a general client can: kept connections, the last used one first.

A general client takes so long for each request that it would be late itself at some thousand a second. Here a request
is made once and written as bytes; what comes back is parsed by httptools. Nothing is followed and nothing is kept.
"""

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import httptools

from flylab.measure.plan import Deed

Done = Callable[[float, str], None]  # when, and the outcome
FULL, LOST, SLOW = "too many in flight", "connection lost", "timeout"


class Address:
    """Where a target is: its host's name for the header, and what to connect to."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.name = parts.netloc.rpartition("@")[2]
        host = self.place = parts.hostname or ""  # without the port, which is another one in each run
        # Every name below .localhost is this computer (RFC 6761), which not every resolver knows.
        self.host = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None


def request(address: Address, deed: Deed) -> bytes:
    """The bytes of a request; it is the same each time."""
    body = deed.body.encode()
    lines = [f"{deed.do.upper()} {deed.path} HTTP/1.1"]
    if not any(name.lower() == "host" for name in deed.headers):
        lines.append(f"Host: {address.name}")
    lines += [f"{name}: {value}" for name, value in deed.headers.items()]
    if body or deed.do == "post":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, visitors: "Visitors") -> None:
        self._visitors = visitors
        self._done: Done | None = None
        self.asked_at = 0.0
        self.lost = False

    @property
    def waits(self) -> bool:
        return self._done is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self, data: bytes, done: Done, now: float) -> None:
        self._done, self.asked_at = done, now
        self._parser = httptools.HttpResponseParser(self)
        self._headed = self._bounded = False
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            self.transport.abort()  # an answer that nobody asked for
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as exc:
            self._finish(type(exc).__name__)
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._bounded = self._bounded or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # an interim answer: the real one follows
            self._headed = self._bounded = False
            return
        if self._parser.should_keep_alive():
            self._visitors.free.append(self)
        else:
            self.transport.close()
        self._finish(self._outcome())

    def fail(self, why: str) -> None:
        self._finish(why)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._visitors.all.discard(self)
        if self._done is not None:
            # An answer without a length ends with its connection.
            whole = exc is None and self._headed and not self._bounded
            self._finish(self._outcome() if whole else LOST)

    def _outcome(self) -> str:
        status = self._parser.get_status_code()
        return "ok" if status < 400 else str(status)

    def _finish(self, outcome: str) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self._visitors.clock(), outcome)


class Visitors:
    """A pool of connections to one address; ``ask`` returns at once."""

    def __init__(self, address: Address, *, clock: Callable[[], float], most: int, timeout: float) -> None:
        self.address, self.clock = address, clock
        self._most, self._timeout = most, timeout
        self.free: list[_Connection] = []
        self.all: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def ask(self, data: bytes, done: Done) -> None:
        """Send a request on an idle connection or a new one."""
        while self.free:
            connection = self.free.pop()
            if not (connection.lost or connection.transport.is_closing()):
                connection.ask(data, done, self.clock())
                return
        if len(self.all) + len(self._opening) >= self._most:
            done(self.clock(), FULL)
            return
        task = asyncio.get_running_loop().create_task(self._open(data, done))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, data: bytes, done: Done) -> None:
        loop, address = asyncio.get_running_loop(), self.address
        asked_at = self.clock()
        try:
            async with asyncio.timeout(self._timeout):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self), address.host, address.port, ssl=address.tls
                )
        except (OSError, TimeoutError) as exc:
            done(self.clock(), SLOW if isinstance(exc, TimeoutError) else type(exc).__name__)
            return
        self.all.add(connection)
        connection.ask(data, done, asked_at)

    def sweep(self) -> None:
        """End what has waited too long; to be called a few times a second."""
        before = self.clock() - self._timeout
        for connection in [each for each in self.all if each.waits and each.asked_at < before]:
            connection.fail(SLOW)

    async def warm(self, count: int) -> None:
        """Open connections before the run, so that their handshakes are not part of it."""
        loop, address = asyncio.get_running_loop(), self.address
        for _ in range(count):
            _, connection = await loop.create_connection(
                lambda: _Connection(self), address.host, address.port, ssl=address.tls
            )
            self.all.add(connection)
            self.free.append(connection)

    async def close(self) -> None:
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in list(self.all):
            connection.transport.abort()
