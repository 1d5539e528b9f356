"""The ASGI application: sockets of rooms and health checks at once, every page and all of the API through Quart.

    request ──► websocket? ──► sockets.py          (nothing of Quart is needed for a room's first message)
           ├──► /healthz… ──► answered here
           └──► everything else ──► Quart, imported when it is first needed or once the machine has a quiet moment

Importing Quart takes about 100 ms of a start that takes 300 (app/server.py), and one request through it 0.35 ms.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from app.responses import Answer, send_answer
from app.site import Site
from app.sockets import RoomSockets

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Front:
    """What uvicorn serves for one site."""

    def __init__(self, site: Site, *, pages: Callable[[Site], Asgi] | None = None) -> None:
        self._site = site
        self._sockets = RoomSockets(site)
        self._make_pages = pages or _quart
        self._pages: asyncio.Task[Asgi] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
        elif scope["path"] in ("/healthz", "/healthz/alive"):
            await send_answer(self._health(scope["path"], scope["method"]), send)
        else:
            pages = await asyncio.shield(self.warm())
            await pages(scope, receive, send)

    def warm(self) -> "asyncio.Task[Asgi]":
        """Have the pages ready, soon; sockets are served meanwhile."""
        if self._pages is None:
            self._pages = asyncio.create_task(asyncio.to_thread(self._make_pages, self._site), name="pages")
        return self._pages

    def _health(self, path: str, method: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return Answer(405, "a health check is a GET\n", headers={"Allow": "GET, HEAD"})
        ready, why = (True, "") if path == "/healthz/alive" else self._site.ready()
        body = {"alive": True} if path == "/healthz/alive" else {"alive": True, "ready": ready, "why": why}
        return Answer(200 if ready else 503, "" if method == "HEAD" else json.dumps(body), mimetype="application/json")


def _quart(site: Site) -> Asgi:
    from app.application import create_app

    app = create_app(site)
    site.boot.mark("pages")
    return app
