"""A member with a real WebSocket through an edge of the platform: comes back whenever the connection is lost."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.app.reliability.real_model import Client, Json
from tests.app.reliability.real_platform import REGIONS, Ground

OPEN = 5.0  # for an attempt to come in
BEAT = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 0.15, 1.0  # docs/protocol.md lets the longest be 10 s
PACE = 0.8  # seconds between two operations of a member, on average

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class Member:
    """Somebody in a room, from `live` until that is cancelled; ``busy`` is whether they still do something new.

    ``lives`` are those of their page, of which the last one is still open.
    """

    def __init__(self, ground: Ground, room: str, number: int, rng: Random) -> None:
        self.name = f"{room}-m{number}"
        self.lives: list[Client] = []
        self.lives.append(self._load())
        self.busy = True
        self._ground = ground
        self._room = room
        self._rng = rng
        self._binary = rng.random() < 0.3
        # Some notice soon that nothing comes any more, some late: those speak to a machine that has lost the room.
        self._patience = rng.choice((1.5, 3.0, 10.0))
        self._socket: ClientConnection | None = None
        self._writing = asyncio.Lock()
        self._heard_at = 0.0
        self._pings = 0
        self._back_at = 0.0

    @property
    def client(self) -> Client:
        """The page as it is now."""
        return self.lives[-1]

    async def live(self) -> None:
        """Be in the room."""
        doing = asyncio.ensure_future(self._do())
        pause = FIRST_PAUSE
        try:
            while True:
                client = self.client
                try:
                    await self._visit(client)
                except ConnectionClosed as exc:
                    pause = FIRST_PAUSE if client.live else pause
                    client.lost(str(exc))
                except (InvalidHandshake, InvalidMessage, OSError, TimeoutError, EOFError) as exc:
                    client.lost(f"{type(exc).__name__} {exc}")
                away = self._back_at - time.monotonic()
                await asyncio.sleep(max(away, pause * self._rng.uniform(1.0, 2.0)))
                pause = min(LONGEST_PAUSE, 2 * pause)
        finally:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)

    def cut(self) -> None:
        """Break the connection without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    def stay_away(self, seconds: float) -> None:
        """Break it, and come back later."""
        self._back_at = time.monotonic() + seconds
        self.cut()

    def load_again(self) -> None:
        """Forget everything but who they are; what waited may or may not have counted."""
        self.client.over = True
        self.lives.append(self._load())
        self.cut()

    async def order(self, message: Json) -> bool:
        """Send something without a number, such as ``move``; False without a connection."""
        if self.client.live:
            await self._send([message])
        return self.client.live

    def calm_down(self) -> None:
        """Do nothing new, and notice soon when the connection is dead."""
        self.busy = False
        self._patience = min(self._patience, 3.0)

    def _load(self) -> Client:
        client = f"{self.name}-{len(self.lives) + 1}"[-24:]
        return Client(f"secret-of-{self.name}", client, clock=time.monotonic)

    async def _visit(self, client: Client) -> None:
        region = self._rng.choice(REGIONS)
        port = self._ground.edges[region]
        address = f"ws://lobby.fly.dev/rooms/{self._room}/ws"
        socket = await connect(
            address,
            host="127.0.0.1",
            port=port,
            proxy=None,
            compression=None,
            open_timeout=OPEN,
            close_timeout=1,
            ping_interval=None,
        )
        self._socket = socket
        self._heard_at, self._pings = time.monotonic(), 0
        try:
            await self._send([client.hello()])
            while not client.over:  # it may have been loaded anew while it was coming in
                frame = await socket.recv()
                self._heard_at, self._pings = time.monotonic(), 0
                for message in _unpack(frame) if isinstance(frame, bytes) else json.loads(frame):
                    if message["t"] != "cursors":
                        await self._send(client.receive(message))
        finally:
            self._socket = None
            socket.transport.abort()

    async def _send(self, messages: list[Json]) -> None:
        socket = self._socket
        if socket is None or not messages:
            return
        async with self._writing:
            for message in messages:
                with suppress(ConnectionClosed):  # whoever reads notices
                    await socket.send(_pack(message) if self._binary else json.dumps(message))

    async def _do(self) -> None:
        """Do something now and then, and see whether the connection still lives."""
        due = 0.0
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * BEAT)
            now = time.monotonic()
            if self.busy and now >= due:
                due = now + self._rng.expovariate(1 / PACE)
                burst = self._rng.choice((1, 1, 1, 2, 5))
                operations = (self.client.operate(self._rng) for _ in range(burst))
                await self._send([operation for operation in operations if operation is not None])
            if self._socket is not None and now - self._heard_at > self._patience:
                if self._pings and now - self._heard_at > 2 * self._patience:
                    self.client.lost("no answer")
                    self._socket.transport.abort()
                elif not self._pings:
                    self._pings = 1
                    await self._send([{"t": "ping", "n": 1}])


def spread(rng: Random, members: Sequence[Member]) -> Sequence[Member]:
    """About half of them, at least one."""
    chosen = [member for member in members if rng.random() < 0.5]
    return chosen or members[:1]
