"""Joins a room as a browser would, through a chosen region's edge, and reads what the room says."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from flylab.kit.target import Lab


@dataclass(slots=True)
class Visit:
    """One open connection to a room: its welcome, the hops that led there, and the socket."""

    socket: ClientConnection
    welcome: dict[str, Any]
    trace: dict[str, Any]

    async def say(self, text: str) -> str:
        """Send a line of chat and return its operation id."""
        op = secrets.token_hex(6)
        await self.socket.send(json.dumps({"t": "say", "op": op, "text": text}))
        return op

    async def any(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def next(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; others are passed over."""
        while (message := await self.any())["t"] != kind:
            pass
        return message


@asynccontextmanager
async def visit(lab: Lab, region: str, app: str, room: str, *, name: str = "visitor") -> AsyncIterator[Visit]:
    """Open the room's WebSocket at that region's edge, say hello, and wait for the welcome."""
    if lab.target == "local":
        edge = httpx.URL(lab.edges[region])
        address, host, port = f"ws://{app}.fly.dev/rooms/{room}/ws", edge.host, edge.port
    else:
        address, host, port = f"wss://{app}.fly.dev/rooms/{room}/ws", f"{app}.fly.dev", 443
    headers = {"x-flylab-trace": "1"}
    async with connect(address, additional_headers=headers, proxy=None, host=host, port=port) as socket:
        hello = {"t": "hello", "v": 1, "key": secrets.token_urlsafe(18), "name": name}
        await socket.send(json.dumps(hello))
        answer = socket.response
        trace = json.loads(answer.headers.get("x-flylab-trace", "{}")) if answer else {}
        guest = Visit(socket, {}, trace)
        guest.welcome = await guest.next("welcome")
        yield guest


@asynccontextmanager
async def meet(lab: Lab, app: str, room: str, **where: str) -> AsyncIterator[list[Visit]]:
    """Several people in one room, named and placed by ``where``; they come one after the other."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(visit(lab, region, app, room, name=name)) for name, region in where.items()
        ]
