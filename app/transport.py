"""uvicorn's WebSocket protocol, from which an accepted connection can be detached.

    upgrade ──► the app decides (task, scope, queue) ──► websocket.accept ──► detach ──► `Link`: the socket alone
                          └── a plain response                  └── not detached: as on any other server

The app finds `EXTENSION` in the scope's extensions. `attend` uses it, and does the same work by plain ASGI without it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.framing import short_reason, unframe
from app.keepalive import Keepalive
from app.link import Link, Shared
from app.wire import Receiver, Wire

if TYPE_CHECKING:
    from uvicorn.server import ServerState

EXTENSION = "flylab.member"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What a client may send before it was accepted; no client should (our choice).
_EARLY_BYTES = 65_536
# As in app/link.py, for other servers.
_GRACE = 1.0
_UNREAD_BYTES = 262_144


async def attend(scope: Message, receive: Receive, send: Send, receiver: Receiver) -> None:
    """Accept the connection, and tell the receiver everything from then on.

    Returns at once where the connection can be detached, else when it is over.
    """
    await send({"type": "websocket.accept"})
    member: Member | None = scope.get("extensions", {}).get(EXTENSION)
    if member is not None:
        member.detach(receiver)
        return
    await AsgiWire(send).run(receive, receiver)


class Member:
    """What the app finds in the scope."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: "MemberProtocol") -> None:
        self._protocol: MemberProtocol | None = protocol

    def detach(self, receiver: Receiver) -> Wire:
        """Take the connection away from ASGI, once: right after ``websocket.accept``, before anything is awaited."""
        if self._protocol is None:
            raise RuntimeError("the connection was detached already")
        wire = self._protocol.detach(receiver)
        self._protocol = None
        return wire


class MemberProtocol(WebSocketsSansIOProtocol):
    """Handed to uvicorn as its ``ws`` class."""

    _of_server: ClassVar["WeakKeyDictionary[ServerState, Shared]"] = WeakKeyDictionary()

    def __init__(self, config: Any, server_state: "ServerState", app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._server_state = server_state
        self._early: bytearray | None = bytearray()  # until it is known who reads
        self._http: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._http = cast("asyncio.Transport", transport).get_protocol()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._early is None or not self.handshake_initiated:
            super().data_received(data)
            return
        self._early += data
        if len(self._early) > _EARLY_BYTES:
            self.transport.pause_reading()

    async def run_asgi(self) -> None:
        cast("dict[str, Any]", self.scope["extensions"])[EXTENSION] = Member(self)
        await super().run_asgi()

    def start_keepalive(self) -> None:
        """Called when the handshake is done; at the end of this turn it is known whether the app detached."""
        self.loop.call_soon(self._attach)

    def detach(self, receiver: Receiver) -> Wire:
        """See `Member.detach`."""
        if not (self.handshake_complete or self.transport.is_closing()) or self.close_sent:
            raise RuntimeError("the connection must be accepted before it is detached")
        if self._early is None:
            raise RuntimeError("the connection must be detached right after it was accepted")
        early, self._early = bytes(self._early), None
        shared = self._of_server.get(self._server_state)
        if shared is None:
            keepalive = Keepalive(self.loop, self.ping_interval)
            most_bytes = self.config.ws_max_size
            shared = Shared(loop=self.loop, keepalive=keepalive, most_bytes=most_bytes, connections=self.connections)
            self._of_server[self._server_state] = shared
        link = Link(shared, self.transport, receiver, early)
        self.connections.discard(self)
        if early:
            self.transport.resume_reading()
        self._forget()
        receiver.begin(link)
        return link

    def _attach(self) -> None:
        if self._early is None or self.disconnected:
            return
        early, self._early = bytes(self._early), None
        super().start_keepalive()
        if early:
            self.transport.resume_reading()
            super().data_received(early)

    def _forget(self) -> None:
        """Undo the cycles of the handshake, so that it is freed now and not when the collector comes by."""
        self.transport = _Gone()
        self.conn.parser.close()
        self.scope = cast("Any", {})
        if hasattr(self._http, "parser"):
            self._http.parser = None
        self._http = None


class _Gone(asyncio.Transport):
    """In place of a transport that was taken away; uvicorn closes it when the app returns."""

    def close(self) -> None:
        """Not ours any more."""

    def is_closing(self) -> bool:
        return True


class AsgiWire:
    """A `Wire` over ``websocket.send``: frames wait in a queue for the one task that sends them."""

    def __init__(self, send: Send) -> None:
        self.binary = False
        self._send = send
        self._frames: deque[bytes] = deque()
        self._held = 0
        self._close: tuple[int, str] | None = None
        self._wake = asyncio.Event()
        self._readable = asyncio.Event()
        self._readable.set()
        self._paused = False
        self._writer: asyncio.Task[None] | None = None

    def write(self, frames: bytes) -> None:
        if self._close is None:
            self._frames.append(frames)
            self._held += len(frames)
            self._wake.set()
            self._set_reading()

    def buffered(self) -> int:
        return self._held

    def pause(self) -> None:
        self._paused = True
        self._set_reading()

    def resume(self) -> None:
        self._paused = False
        self._set_reading()

    def close(self, code: int, reason: str = "") -> None:
        if self._close is None:
            self._close = code, short_reason(reason)
            self._wake.set()

    def drop(self, code: int, reason: str = "") -> None:
        self.close(code, reason)
        self._frames.clear()
        if self._writer is not None:
            asyncio.get_running_loop().call_later(_GRACE, self._writer.cancel)

    async def run(self, receive: Receive, receiver: Receiver) -> None:
        """Read and write until the connection is over."""
        receiver.begin(self)
        reader = asyncio.create_task(self._read(receive, receiver))
        self._writer = asyncio.create_task(self._write(receiver))
        try:
            await asyncio.wait({reader, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            self._writer.cancel()
            outcomes = await asyncio.gather(reader, self._writer, return_exceptions=True)
            self._close = self._close or (1006, "")
            receiver.lost()
        for outcome in outcomes:
            # A server raises an OSError for a connection that is gone.
            if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                raise outcome

    async def _read(self, receive: Receive, receiver: Receiver) -> None:
        while True:
            await self._readable.wait()
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] == "websocket.receive" and self._close is None:
                text = event.get("text")
                if text is None:
                    receiver.received(event["bytes"], True)
                else:
                    receiver.received(text.encode(), False)

    async def _write(self, receiver: Receiver) -> None:
        while True:
            while self._frames:
                frames = self._frames.popleft()
                for payload, binary in unframe(frames):
                    if binary:
                        await self._send({"type": "websocket.send", "bytes": payload})
                    else:
                        await self._send({"type": "websocket.send", "text": payload.decode()})
                self._held -= len(frames)
                self._set_reading()
                if not self._frames:
                    receiver.drained()
            if self._close is not None:
                code, reason = self._close
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._wake.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await self._wake.wait()

    def _set_reading(self) -> None:
        if self._paused or self._held > _UNREAD_BYTES:
            self._readable.clear()
        else:
            self._readable.set()
