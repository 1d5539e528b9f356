"""How the app takes over an accepted connection: detached from ASGI where the server offers that, else by plain ASGI.

A server offers it as `EXTENSION` in the scope's extensions (`app.opening` does; any ASGI server works without).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from app.framing import short_reason, unframe
from app.wire import Receiver, Wire

EXTENSION = "flylab.member"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

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


class Detachable(Protocol):
    """A server's side of a connection that can be taken away from ASGI."""

    def detach(self, receiver: Receiver, /) -> Wire: ...


class Member:
    """What the app finds in the scope."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Detachable) -> None:
        self._protocol: Detachable | None = protocol

    def detach(self, receiver: Receiver) -> Wire:
        """Take the connection away from ASGI, once: right after ``websocket.accept``, before anything is awaited."""
        if self._protocol is None:
            raise RuntimeError("the connection was detached already")
        wire = self._protocol.detach(receiver)
        self._protocol = None
        return wire


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
        self._paused = 0  # the reasons
        self._writer: asyncio.Task[None] | None = None

    def write(self, frames: bytes) -> None:
        if self._close is None:
            self._frames.append(frames)
            self._held += len(frames)
            self._wake.set()
            self._set_reading()

    def buffered(self) -> int:
        return self._held

    def untaken(self) -> int:
        return self._held

    def pause(self, why: int) -> None:
        self._paused |= why
        self._set_reading()

    def resume(self, why: int) -> None:
        self._paused &= ~why
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
