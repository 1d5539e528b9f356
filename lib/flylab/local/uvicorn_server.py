"""The API on uvicorn inside our own event loop, without uvicorn's signal handlers; it says when it is ready."""

import asyncio
import contextlib
import copy
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from quart import Quart

from flylab.local.api_connections import bounded
from flylab.local.fault_gate import CUT
from flylab.local.settings import ApiSettings

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

MACHINE = "flylab.machine"  # in the scope of a request that came through a machine's own socket: its id
_GRACE = 1  # seconds that open requests get at the end; waits and streams have been ended before


class ApiServer:
    """Serves one application on one bound socket between ``start`` and ``stop``."""

    def __init__(self, api: Quart, listener: socket.socket, settings: ApiSettings) -> None:
        app: Any = api  # two descriptions of ASGI that do not know each other

        async def cuttable(scope: Any, receive: Any, send: Any) -> None:
            # `send` is a method of uvicorn's request, which knows its connection.
            await app({**scope, CUT: send.__self__.transport.abort}, receive, send)

        config = uvicorn.Config(
            cuttable,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            http=bounded(settings),
            ws="none",
            interface="asgi3",
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            ready.cancel()
            self._task.result()

    def protocols(self, machine_id: str) -> Callable[[], asyncio.Protocol]:
        """What serves the connections of a machine's own socket: the same application, told whose socket it is."""
        config = self._server.config
        if not config.loaded:
            config.load()
        app = config.loaded_app

        async def told(scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
            await app({**scope, MACHINE: machine_id}, receive, send)

        own = copy.copy(config)
        own.loaded_app = told
        make: Callable[..., asyncio.Protocol] = own.http_protocol_class
        return lambda: make(config=own, server_state=self._server.server_state, app_state={})

    async def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # `server.py` has its own
