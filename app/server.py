"""Serves a site with uvicorn inside this process: the port opens last, and members are told before it closes.

Where the start goes, medians on two shared cores with bytecode on disk (`/api/where` shows the steps of any start):

    interpreter   20 ms     asyncio and logging   45 ms     uvicorn, httptools   25 ms
    obstore, msgspec   50 ms     our modules, uvloop, listening   30 ms     Quart, for the first page only   105 ms

That was before uvicorn's command line was left out (app/lean.py), which takes a tenth off what all imports compute.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from app import logs, masking
from app.front import Front
from app.heads import HeadProtocol
from app.idle import Idle
from app.opening import Opening
from app.site import Site
from flylab.errors import UsageError

# Of the time until the platform kills us (`Settings.leave`) rooms get all but this: a second in which members take in
# their last message, a moment for requests to finish, and what closing thousands of sockets takes (our choice).
_FAREWELL = 1.0
_FINISH = 0.4
_AFTER_ROOMS = _FAREWELL + _FINISH + 0.6
# The pages are made ready this long after the port opened, unless somebody asks for one before (our choice).
_WARM_AFTER = 0.5
_TEND_EVERY = 1.0


class RoomServer(Server):
    """uvicorn's server, with our farewell in front of its own."""

    def __init__(self, config: Config, site: Site, front: Front, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._site = site
        self._front = front
        self._listening = listening
        self._tending: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._site.boot.mark("listening")
        self._listening()
        self._tending = asyncio.create_task(self._tend(), name="tend")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._tending is not None:
            self._tending.cancel()
        within = self._site.settings.leave - _AFTER_ROOMS
        await self._site.holding.close("this machine is going away", within=within)
        if self._site.lobby is not None:
            await self._site.lobby.close()
        await self._site.emptied(within=_FAREWELL)
        await super().shutdown(sockets)

    async def _tend(self) -> None:
        """Once a second: look after the rooms, and end a machine that has had nothing to do for long enough."""
        site, loop = self._site, asyncio.get_running_loop()
        idle = Idle(after=site.settings.idle_after, now=loop.time())
        await asyncio.sleep(_WARM_AFTER)
        self._front.warm()
        await asyncio.to_thread(masking.hurry)
        while True:
            await asyncio.sleep(_TEND_EVERY)
            try:
                site.holding.tend()
            except Exception:
                logs.LOG.exception("rooms not looked after")
            if idle.look(loop.time(), rooms=len(site.holding), connections=site.connections):
                logs.say("ending: nothing to do", seconds=site.settings.idle_after)
                self.should_exit = True
                return


def bind(host: str, port: int) -> socket.socket:
    """Take the port without listening yet: connections are still refused, and a port in use is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as exc:
        sock.close()
        raise UsageError(f"cannot listen on {host}:{port}: {(exc.strerror or str(exc)).lower()}") from exc
    return sock


def serve(site: Site, sock: socket.socket, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``announce`` gets the address once connections are answered."""
    front = Front(site)
    config = Config(
        front,
        lifespan="off",
        proxy_headers=False,  # what Fly's proxy says is read where it is needed (app/arrival.py)
        http=HeadProtocol,
        ws=Opening,
        ws_max_size=2 * site.settings.limits.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=site.settings.heartbeat,
        ws_ping_timeout=site.settings.heartbeat,
        timeout_graceful_shutdown=_FINISH,  # type: ignore[arg-type] # it goes to asyncio.wait_for, which takes fractions
        server_header=False,
        access_log=False,
        log_config=None,
    )
    host, port = sock.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    server = RoomServer(config, site, front, lambda: announce(address))
    # uvicorn raises the signal again when it is done; with its own handler still there, that ends nothing twice.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    _run(server.serve([sock]))


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # not on Windows; the standard loop serves as well, more slowly
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
