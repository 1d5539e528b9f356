"""The WebSocket of a room: everything is decided on the request alone, before the connection is accepted.

    upgrade ──► origin? name? link? ──► Rooms or Lobby ──► a plain response (fly-replay, 4xx, 5xx), never accepted
                                             └──► Hub ──► accepted ──► Session: hello ──► welcome ──► …

Bare ASGI, since a room's first message must not wait for Quart (app/front.py).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from app import logs
from app.access import Grant
from app.arrival import read_path
from app.arrival import receive as read
from app.hub import Hub
from app.onward import Onward, Refuse
from app.origin import same_origin
from app.ownership import parse_room
from app.responses import answer, send_answer
from app.session import Session
from app.site import Site
from app.store import StoreError
from app.transport import attend
from flylab.errors import ParseError

_ADDRESS = re.compile(r"/rooms/([^/]+)/ws")

Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Fields:
    """A request's headers by lower-case name; of several with one name the first."""

    __slots__ = ("_values",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in raw:
            self._values.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def get(self, key: str, default: str = "", /) -> str:
        return self._values.get(key.lower(), default)


class RoomSockets:
    """Serves ``/rooms/<room>/ws``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            outcome = await self._decide(scope)
        except ParseError as exc:
            outcome = Refuse(status=400, why=str(exc), reason="malformed")
        except StoreError as exc:
            outcome = Refuse(status=503, why=str(exc), reason="storage")
        if not isinstance(outcome, tuple):
            await send_answer(answer(outcome), send, upgrade=True)
            return
        hub, grant, headers = outcome
        site = self._site
        session = Session(
            hub,
            read_path(headers),
            grant,
            limits=site.settings.limits,
            loop=asyncio.get_running_loop(),
            left=site.left,
        )
        site.entered()
        try:
            await attend(scope, receive, send, session)
        except BaseException:
            session.lost()
            raise

    async def _decide(self, scope: Message) -> Onward | tuple[Hub, Grant | None, Fields]:
        site = self._site
        headers = Fields(scope["headers"])
        found = _ADDRESS.fullmatch(scope["path"])
        if found is None:
            return Refuse(status=404, why="there is no WebSocket at this address", reason="not-found")
        if not same_origin(headers, allowed=site.settings.origins):
            why = f"pages of {headers.get('origin')[:100]} may not open rooms here; ROOM_ORIGINS can name it"
            return Refuse(status=403, why=why, reason="origin")
        room = parse_room(found[1])
        query = scope["query_string"].decode("latin-1")
        arrival = await read(headers, site.keys, room=room, target=f"{scope['path']}?{query}")
        grant = await site.grant(room, _key(query))
        if isinstance(grant, Refuse):
            return grant
        if site.lobby is not None:
            return await site.lobby.route(room, arrival)
        outcome = await site.rooms.arrive(room, arrival, grant, knocks=True, crowded=site.crowded)
        if isinstance(outcome, Hub) and site.crowded:
            return site.full()
        if isinstance(outcome, Hub):
            return outcome, grant, headers
        logs.say("passed on", room=room, answer=type(outcome).__name__.lower())
        return outcome


def _key(query: str) -> str:
    return parse_qs(query).get("k", [""])[0] if "k=" in query else ""
