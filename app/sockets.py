"""The WebSocket of a room: decides before accepting, then reads one member's messages until either side ends it.

    upgrade ──► origin? name? ──► Rooms.arrive ──► a plain response (fly-replay, 4xx, 5xx), never accepted
                                      └──► Hub ──► accept ──► hello ──► welcome ──► messages in, frames out

In Quart any `receive` or `send` accepts, so everything up to `accept` works on the request alone.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import assert_never

from quart import Quart, Response, websocket

from app.arrival import read_arrival, read_path, same_origin
from app.config import Limits
from app.hub import Hub, Seat
from app.outbox import Close, Outbox
from app.ownership import parse_room
from app.placement import Refuse, ReplayTo
from app.protocol import (
    BAD_HELLO,
    FLOODING,
    FULL,
    VERSION,
    Cursor,
    Error,
    Hello,
    Path,
    Ping,
    Pong,
    Rename,
    Say,
    Unreadable,
    clean_text,
    format_message,
    parse_message,
)
from app.rate import Bucket
from app.responses import refuse_request, replay_request
from app.site import Site
from app.transport import EXTENSION

# A member who has not said hello after this is not one (our choice).
HELLO_TIMEOUT = 10.0
# Messages above the rate are dropped; after this many in one connection it ends (our choice).
MOST_DROPPED = 500


class Session:
    """One member's connection: checks what comes in and passes it to the hub."""

    def __init__(self, hub: Hub, outbox: Outbox, path: Path, *, limits: Limits, now: Callable[[], float]) -> None:
        self._hub = hub
        self._outbox = outbox
        self._path = path
        self._limits = limits
        self._now = now
        self._bucket = Bucket(rate=limits.messages_per_second, burst=limits.burst, now=now())
        self._dropped = 0
        self.seat: Seat | None = None

    def receive(self, text: str | bytes) -> None:
        """Act upon one frame; whatever is wrong with it is answered with an `Error` and harms nobody else."""
        if not self._bucket.take(self._now()):
            self._drop_message()
            return
        try:
            message = parse_message(text, most_bytes=self._limits.message_bytes)
        except Unreadable as exc:
            self._complain(exc.code, str(exc), op=exc.op)
            if self.seat is None:
                self._outbox.close(Close(BAD_HELLO, "hello expected"))
            return
        if isinstance(message, Hello):
            self._enter(message)
        elif self.seat is None:
            self._complain("hello-first", "the first message must be hello")
            self._outbox.close(Close(BAD_HELLO, "hello expected"))
        else:
            self._act(self.seat, message)

    def finish(self) -> None:
        """The connection is gone."""
        if self.seat is not None:
            self._hub.leave(self.seat)

    def _enter(self, hello: Hello) -> None:
        if self.seat is not None:
            self._complain("hello-again", "hello was said already")
        elif hello.v != VERSION:
            self._complain("version", f"this room speaks version {VERSION}, not {hello.v}; load the page again")
            self._outbox.close(Close(BAD_HELLO, f"version {VERSION} expected"))
        elif self._hub.connections >= self._limits.members:
            self._complain("full", f"room {self._hub.room.name} is full: {self._limits.members} connections")
            self._outbox.close(Close(FULL, "the room is full"))
        elif self._outbox.open:
            self.seat = self._hub.join(hello, self._outbox, self._path)

    def _act(self, seat: Seat, message: Say | Cursor | Rename | Ping) -> None:
        match message:
            case Say():
                text = clean_text(message.text)
                if text:
                    self._hub.say(seat, message, text)
                else:
                    self._complain("empty", "there is no text in this line", op=message.op)
            case Cursor():
                self._hub.point(seat, message)
            case Rename():
                self._hub.rename(seat, message)
            case Ping():
                self._outbox.put(format_message(Pong(n=message.n)))
            case _:
                assert_never(message)

    def _drop_message(self) -> None:
        self._dropped += 1
        # One warning for the first of each hundred, or the answers would be a flood of their own.
        if self._dropped % 100 == 1:
            self._complain("rate", f"more than {self._limits.messages_per_second} messages a second: dropped")
        if self._dropped >= MOST_DROPPED:
            self._outbox.close(Close(FLOODING, "too many messages"))

    def _complain(self, code: str, text: str, *, op: str | None = None) -> None:
        error = Error(code=code, text=text) if op is None else Error(code=code, text=text, op=op)
        self._outbox.put(format_message(error))


def add_sockets(app: Quart, site: Site) -> None:
    """Serve ``/rooms/<room>/ws``."""

    async def room_socket(room: str) -> Response | None:
        headers = websocket.headers
        if not same_origin(headers, allowed=site.settings.origins):
            return refuse_request(Refuse(status=403, why=f"pages of {headers['Origin']} may not open rooms here"))
        refusal = site.busy()
        if refusal is not None:
            return refuse_request(refusal)
        outcome = await site.rooms.arrive(parse_room(room), read_arrival(headers))
        match outcome:
            case ReplayTo():
                return replay_request(outcome)
            case Refuse():
                return refuse_request(outcome)
        await websocket.accept()
        with site.connection():
            await _talk(outcome, site)
        return None

    app.add_websocket("/rooms/<room>/ws", "room_socket", room_socket)


async def _talk(hub: Hub, site: Site) -> None:
    limits = site.settings.limits
    loop = asyncio.get_running_loop()
    outbox = Outbox(most_frames=limits.outbox_frames, most_bytes=limits.outbox_bytes, drop=_drop())
    session = Session(hub, outbox, read_path(websocket.headers), limits=limits, now=loop.time)
    hello = loop.call_later(HELLO_TIMEOUT, _expect_hello, session, outbox)
    writer = asyncio.create_task(_write(outbox, session, hub), name=f"writer {hub.room.name}")
    try:
        while True:
            session.receive(await websocket.receive())
    finally:
        hello.cancel()
        session.finish()
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def _write(outbox: Outbox, session: Session, hub: Hub) -> None:
    # uvicorn raises an OSError for a connection that is gone; the reader is cancelled at the same time.
    with contextlib.suppress(OSError):
        while isinstance(frame := await outbox.take(), str):
            await websocket.send(frame)
            if outbox.missed_moves and session.seat is not None:
                hub.catch_up(session.seat)
        await websocket.close(frame.code, frame.reason)


def _expect_hello(session: Session, outbox: Outbox) -> None:
    if session.seat is None:
        outbox.close(Close(BAD_HELLO, f"no hello within {HELLO_TIMEOUT:g} s"))


def _drop() -> Callable[[int, str], None]:
    extension = websocket.scope.get("extensions", {}).get(EXTENSION)
    if extension is not None:
        drop: Callable[[int, str], None] = extension["drop"]
        return drop
    # Another server than ours: ending the reader closes the connection, if only once the member has read on.
    reader = asyncio.current_task()
    assert reader is not None
    return lambda code, reason: (reader.cancel(), None)[1]
