"""What is on the wire of each peer: classes with the same methods as `roomload.dialect.Dialect`.

None of them numbers its chat lines or tells when one is stored (``counts`` and ``stores`` are false). Chat lines come
back with the very text that was said, cursors with the very x and y, so both carry what the load writes into them.
"""

import json
from collections.abc import Iterator
from typing import Any

from flylab.measure.frames import masked
from peers.colyseus import Colyseus


class Json:
    """Messages are JSON objects with their kind under ``t``; the room is the path: ws, workerd, Deno and Quart."""

    counts = False
    stores = False
    introduces = False

    def path(self, room: str) -> str:
        return f"/rooms/{room}"

    def hello(self, *, binary: bool, epoch: int = 0, since: int = 0) -> bytes:
        return b""  # to connect is to join

    def welcomed(self, payload: bytes) -> tuple[int, int] | None:
        return (0, 0) if b'"welcome"' in payload else None

    def say(self, op: int, text: str) -> bytes:
        return masked(b'{"t":"say","text":%b}' % json.dumps(text).encode())

    def cursor(self, x: int, y: int, *, binary: bool) -> bytes:
        return masked(b'{"t":"cursor","x":%d,"y":%d}' % (x, y))

    def said(self, data: bytes, at: int, end: int) -> int:
        return data.count(b'{"t":"said"', at, end)

    def span(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        raise NotImplementedError("its lines have no numbers")

    def lines(self, payload: bytes) -> Iterator[tuple[int, str]]:
        if payload.startswith(b'{"t":"said"'):
            yield 0, json.loads(payload)["text"]

    def stored(self, payload: bytes) -> int:
        return 0

    def cursors(self, payload: bytes, *, binary: bool) -> Iterator[tuple[int, int]]:
        if payload.startswith(b'{"t":"cursor"'):
            message = json.loads(payload)
            yield message["x"], message["y"]


class SocketIO(Json):
    """Engine.IO 4 on a WebSocket from the start: ``0{…}`` opens, ``40`` joins the namespace, ``42[…]`` is an event."""

    introduces = True  # an event before the namespace is joined is lost

    def path(self, room: str) -> str:
        return f"/socket.io/?EIO=4&transport=websocket&room={room}"

    def hello(self, *, binary: bool, epoch: int = 0, since: int = 0) -> bytes:
        return masked(b"40")

    def welcomed(self, payload: bytes) -> tuple[int, int] | None:
        return (0, 0) if payload == b'42["welcome"]' else None

    def say(self, op: int, text: str) -> bytes:
        return masked(b'42["say",%b]' % json.dumps(text).encode())

    def cursor(self, x: int, y: int, *, binary: bool) -> bytes:
        return masked(b'42["cursor",%d,%d]' % (x, y))

    def said(self, data: bytes, at: int, end: int) -> int:
        return data.count(b'42["said"', at, end)

    def lines(self, payload: bytes) -> Iterator[tuple[int, str]]:
        if payload.startswith(b'42["said"'):
            yield 0, json.loads(payload[2:])[2]

    def cursors(self, payload: bytes, *, binary: bool) -> Iterator[tuple[int, int]]:
        if payload.startswith(b'42["cursor"'):
            _, _, x, y = json.loads(payload[2:])
            yield x, y


DIALECTS: dict[str, type[Any]] = {
    "ws": Json,
    "deno": Json,
    "socketio": SocketIO,
    "colyseus": Colyseus,
    "workerd": Json,
    "quart": Json,
}
