"""Joins a room as a browser would, through a chosen region's edge, and reads what the room says."""

import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from flylab.kit.target import Lab

PROTOCOL = 2  # docs/protocol.md


@dataclass(slots=True)
class Person:
    """Who somebody is in a room over several connections: their secret, their page, and how far they heard."""

    name: str = "visitor"
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    client: str = field(default_factory=lambda: secrets.token_hex(8))
    op: int = 0
    epoch: int = 0
    log: str = ""
    since: int = 0

    def hello(self) -> dict[str, Any]:
        return {
            "t": "hello",
            "v": PROTOCOL,
            "key": self.key,
            "client": self.client,
            "name": self.name,
            "epoch": self.epoch,
            "log": self.log,
            "since": self.since,
        }


@dataclass(slots=True)
class Visit:
    """One open connection to a room: its welcome, the hops that led there, and the socket."""

    socket: ClientConnection
    person: Person
    welcome: dict[str, Any]
    trace: dict[str, Any]
    waiting: deque[dict[str, Any]] = field(default_factory=deque)

    async def send(self, t: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"t": t, **fields}))

    async def say(self, text: str) -> int:
        """Send a line of chat and return the number of the operation."""
        self.person.op += 1
        await self.send("say", op=self.person.op, text=text)
        return self.person.op

    async def any(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        while not self.waiting:
            self.waiting.extend(json.loads(await self.socket.recv()))
        return self.waiting.popleft()

    async def next(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; others are passed over."""
        while (message := await self.any())["t"] != kind:
            pass
        return message

    async def chat(self) -> list[str]:
        """The lines that the room held when this visit began; to be asked for once, of a visit without a past."""
        parts = [await self.next("state") for _ in range(self.welcome["parts"])]
        return [line["text"] for part in parts for line in part["chat"]]


@asynccontextmanager
async def visit(
    lab: Lab, region: str, app: str, room: str, *, name: str = "visitor", person: Person | None = None
) -> AsyncIterator[Visit]:
    """Open the room's WebSocket at that region's edge, say hello, and wait for the welcome."""
    person = person or Person(name=name)
    if lab.target == "local":
        edge = httpx.URL(lab.edges[region])
        address, host, port = f"ws://{app}.fly.dev/rooms/{room}/ws", edge.host, edge.port
    else:
        address, host, port = f"wss://{app}.fly.dev/rooms/{room}/ws", f"{app}.fly.dev", 443
    headers = {"x-flylab-trace": "1"}
    async with connect(address, additional_headers=headers, proxy=None, host=host, port=port) as socket:
        await socket.send(json.dumps(person.hello()))
        answer = socket.response
        trace = json.loads(answer.headers.get("x-flylab-trace", "{}")) if answer else {}
        guest = Visit(socket, person, {}, trace)
        guest.welcome = await guest.next("welcome")
        yield guest


@asynccontextmanager
async def meet(lab: Lab, app: str, room: str, **where: str) -> AsyncIterator[list[Visit]]:
    """Several people in one room, named and placed by ``where``; they come one after the other."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(visit(lab, region, app, room, name=name)) for name, region in where.items()
        ]
