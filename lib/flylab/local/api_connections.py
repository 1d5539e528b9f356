"""Bounds on the API's connections: how many, how long a head is, how slowly it comes; uvicorn has none of these.

A body is bounded by the application (``body_limit``) and in time by Quart (60 s), but only where the application reads
it: what nobody reads counts as the slow head of a next request.
"""

import asyncio
import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flylab.local.settings import ApiSettings

_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def bounded(settings: ApiSettings) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn; each event loop's connections are counted by uvicorn itself."""

    class Bounded(HttpToolsProtocol):
        _part = ""  # of a request that has begun and not ended: head or body
        _begun = False  # whether a first head has come
        _head = 0  # bytes of a head that has not ended
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            if len(self.connections) > settings.connections:
                self._refuse(503, f"more than {settings.connections} connections are open")
            self._watch()

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            if self._part == "head":
                self._head += len(data)
                if self._head > settings.head_limit:
                    self._refuse(431, f"the request's head is longer than {settings.head_limit} bytes")
            self._watch()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._part, self._head = "head", 0

        def on_headers_complete(self) -> None:
            self._part, self._begun = "body", True
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._part = ""
            super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, f"cannot read the request: {msg}")

        def _unsupported_upgrade_warning(self) -> None:
            """Nothing: the request is answered as if it had not asked, and the log is the user's."""

        def _watch(self) -> None:
            """Let the time run while a head is incomplete, and while a body comes that nobody will read.

            Pieces do not prolong it. Between two requests uvicorn's own time runs.
            """
            unread = self._part == "body" and self.cycle.response_complete
            begins = not self._begun or self._part == "head"
            if self.transport.is_closing() or not (begins or unread):
                self._unwatch()
            elif self._timer is None:
                self._timer = self.loop.call_later(settings.head_time, self._too_slow)

        def _unwatch(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            self._timer = None
            if self._part == "head":
                self._refuse(408, f"the request's head took longer than {settings.head_time:g} s")
            else:
                self.transport.close()

        def _refuse(self, status: int, text: str) -> None:
            body = json.dumps({"error": text}).encode()
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            if not self.transport.is_closing():
                self.transport.write(head.encode() + body)
                self.transport.close()

    return Bounded
