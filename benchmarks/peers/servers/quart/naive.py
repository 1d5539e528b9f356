"""Rooms on Quart, the way one writes them first: parse, put together again once, await a send to each member in turn.

python -m uvicorn --app-dir <this folder> naive:app --port <port>
"""

import contextlib
import itertools
import json
from collections import defaultdict
from typing import Any

from quart import Quart, Websocket, websocket

app = Quart(__name__)
rooms: defaultdict[str, set[Websocket]] = defaultdict(set)
joined = itertools.count(1)


async def tell(room: str, message: dict[str, Any]) -> None:
    text = json.dumps(message, separators=(",", ":"))
    for member in list(rooms[room]):
        with contextlib.suppress(OSError, RuntimeError):  # it is on its way out
            await member.send(text)


@app.websocket("/rooms/<room>")
async def member(room: str) -> None:
    me, by = websocket._get_current_object(), next(joined)  # type: ignore[attr-defined]
    rooms[room].add(me)
    try:
        await websocket.send(json.dumps({"t": "welcome", "by": by}))
        while True:
            message = json.loads(await websocket.receive())
            if message["t"] == "say":
                await tell(room, {"t": "said", "by": by, "text": message["text"]})
            elif message["t"] == "cursor":
                await tell(room, {"t": "cursor", "by": by, "x": message["x"], "y": message["y"]})
    finally:
        rooms[room].discard(me)
        if not rooms[room]:
            del rooms[room]
