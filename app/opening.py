"""uvicorn's WebSocket protocol for an app that detaches every connection which it accepts.

    upgrade ──► `handshake.judge` ──► the app decides (task, scope) ──► websocket.accept ──► detach ──► `Link`
                      └── a plain response                └── a plain response

No queue, no parser and no state machine stand between the two: half of what a connect costs with uvicorn's own. The app
finds `EXTENSION` in the scope's extensions; `app.transport.attend` uses it.
"""

import asyncio
import enum
import logging
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl

from app import handshake
from app.keepalive import Keepalive
from app.link import Link, Shared
from app.transport import EXTENSION, Member
from app.wire import Receiver, Wire

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

# What a client may send before it was accepted; no client should (our choice).
_EARLY_BYTES = 65_536

_log = logging.getLogger("uvicorn.error")


class _Stage(enum.Enum):
    DECIDING = enum.auto()
    ACCEPTED = enum.auto()
    OVER = enum.auto()  # detached, refused or gone


class Opening(asyncio.Protocol):
    """Handed to uvicorn as its ``ws`` class."""

    _of_server: ClassVar["WeakKeyDictionary[ServerState, Shared]"] = WeakKeyDictionary()

    def __init__(
        self, config: "Config", server_state: "ServerState", app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._stage = _Stage.DECIDING
        self._key = ""
        self._early = bytearray()
        self._answer: tuple[int, list[tuple[bytes, bytes]]] | None = None  # the beginning of a plain response
        self._body = b""
        self._connecting = True
        self._end: asyncio.Future[None] | None = None  # while the app waits for it
        self._http: Any = None

    # The transport's protocol ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._http = self.transport.get_protocol()
        self._state.connections.add(cast("Any", self))

    def data_received(self, data: bytes) -> None:
        if self._key:
            self._early += data
            if len(self._early) > _EARLY_BYTES:
                self.transport.pause_reading()
        elif self._stage is _Stage.DECIDING:
            self._begin(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(cast("Any", self))
        self._finish()

    def shutdown(self) -> None:
        """uvicorn's word that the server ends."""
        if self._stage is _Stage.DECIDING:
            self._refuse(503, [], b"the server ends\n")
        elif self._stage is _Stage.ACCEPTED:
            self._close(1012)

    # The app's side ----------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        if self._connecting:
            self._connecting = False
            return {"type": "websocket.connect"}
        if self._stage is not _Stage.OVER:
            if self._end is None:
                self._end = self._loop.create_future()
            await asyncio.shield(self._end)
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if self._stage is _Stage.OVER:
            raise ClientDisconnected
        if self._stage is _Stage.ACCEPTED:
            raise RuntimeError(f"a connection that was accepted is to be detached, but got {kind!r}")
        if self._answer is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"expected 'websocket.http.response.body', but got {kind!r}")
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self._refuse(*self._answer, self._body)
        elif kind == "websocket.accept":
            fields = [*self._state.default_headers, *message.get("headers", ())]
            answer = handshake.accepted(self._key, fields, message.get("subprotocol"))
            self._stage = _Stage.ACCEPTED
            if not self.transport.is_closing():
                self.transport.write(answer)
        elif kind == "websocket.close":
            self._refuse(403, [], b"")
        elif kind == "websocket.http.response.start":
            if not 200 <= message["status"] < 600:
                raise RuntimeError(f"{message['status']} is no status of a response")
            self._answer = message["status"], list(message.get("headers", ()))
        else:
            raise RuntimeError(
                "expected 'websocket.accept', 'websocket.close' or 'websocket.http.response.start',"
                f" but got {kind!r}"
            )  # fmt: skip

    def detach(self, receiver: Receiver) -> Wire:
        """See `app.transport.Member.detach`."""
        if self._stage is _Stage.OVER:
            raise ClientDisconnected
        if self._stage is not _Stage.ACCEPTED:
            raise RuntimeError("the connection must be accepted before it is detached")
        early = bytes(self._early)
        link = Link(self._shared(), self.transport, receiver, early)
        self._state.connections.discard(cast("Any", self))
        self._finish()
        if len(early) > _EARLY_BYTES:
            self.transport.resume_reading()
        receiver.begin(link)
        return link

    # Inside ------------------------------------------------------------------------------

    def _shared(self) -> Shared:
        """What all connections of this server share."""
        shared = self._of_server.get(self._state)
        if shared is None:
            shared = self._of_server[self._state] = Shared(
                loop=self._loop,
                keepalive=Keepalive(self._loop, self._config.ws_ping_interval),
                most_bytes=self._config.ws_max_size,
                connections=self._state.connections,
            )
        return shared

    def _begin(self, data: bytes) -> None:
        head = handshake.read(data)
        http, transport = self._http, self.transport
        # uvicorn writes the head anew, and 1.1 in it whatever it was.
        version = (getattr(http, "scope", None) or {}).get("http_version", head.version)
        if version != head.version:
            head = handshake.Head(head.method, head.target, version, head.fields)
        judged = handshake.judge(head)
        if isinstance(judged, handshake.Refusal):
            self._refuse(judged.status, list(judged.fields), f"{judged.why}\n".encode())
            return
        self._key = judged
        config = self._config
        raw_path, _, query = head.target.partition(b"?")
        path = raw_path.decode("ascii")
        scope = {
            "type": "websocket",
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(transport) else "ws",
            "server": http.server if hasattr(http, "server") else get_local_addr(transport),
            "client": http.client if hasattr(http, "client") else get_remote_addr(transport),
            "root_path": config.root_path,
            "path": config.root_path + (unquote(path) if "%" in path else path),
            "raw_path": config.root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": head.fields,
            "subprotocols": [token.decode("latin-1") for token in head.tokens(b"sec-websocket-protocol")],
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: Member(self)},
        }
        task = self._loop.create_task(self._run(scope))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await cast("Any", self._config.loaded_app)(scope, self.receive, self.send)
            if self._stage is _Stage.DECIDING:
                _log.error("ASGI callable returned without completing handshake.")
            elif self._stage is _Stage.ACCEPTED:
                _log.error("ASGI callable returned without detaching the connection.")
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self.shutdown()
            raise
        except BaseException:
            _log.exception("Exception in ASGI application\n")
        finally:
            # Whatever the app left open is an error of ours.
            if self._stage is _Stage.DECIDING:
                self._refuse(500, [], b"Internal Server Error")
            elif self._stage is _Stage.ACCEPTED:
                self._close(1011)

    def _close(self, code: int) -> None:
        """End a connection that was accepted and not detached."""
        self._finish()
        if not self.transport.is_closing():
            self.transport.write(b"\x88\x02" + code.to_bytes(2))
            self.transport.close()

    def _refuse(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        answer = handshake.response(status, fields, body, self._state.default_headers)
        self._finish()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()

    def _finish(self) -> None:
        """Nothing is to be decided any more; undo the cycles, so that all is freed now and not by the collector."""
        self._stage = _Stage.OVER
        self._early = bytearray()
        if hasattr(self._http, "parser"):
            self._http.parser = None
        self._http = None
        if self._end is not None and not self._end.done():
            self._end.set_result(None)
