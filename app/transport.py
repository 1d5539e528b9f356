"""uvicorn's WebSocket protocol with a way to end a connection whose member does not read, and one mended frame.

A plain close waits until everything before it has been sent, which never happens for such a member. The app finds
`drop` in the scope's extensions (`EXTENSION`) and does without it on any other server.
"""

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

EXTENSION = "flylab.drop"

# Time for a close frame to reach a member who does read (our choice).
_GRACE = 1.0


class MemberProtocol(WebSocketsSansIOProtocol):
    """Handed to uvicorn as its ``ws`` class."""

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = {"drop": self.drop}
        await super().run_asgi()

    async def receive(self) -> "ASGIReceiveEvent":
        event = await super().receive()
        # Quart 0.22 looks for text in an empty binary frame, finds none and ends the connection with a traceback.
        if event["type"] == "websocket.receive" and event.get("bytes") == b"":
            return {"type": "websocket.receive", "text": ""}
        return event

    def drop(self, code: int, reason: str) -> None:
        """Send a close frame behind whatever is buffered, and cut the connection soon after, read or not."""
        if self.transport.is_closing():
            return
        if not self.close_sent:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._cut()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut()

    def _cut(self) -> None:
        transport: Any = self.transport
        self.loop.call_later(_GRACE, transport.abort)
