"""What only the local platform has, below ``/_flylab/``: streams of events and exchanges, and what it is made of.

Nothing here needs a token: a browser's event stream cannot send one, and only this computer can connect.
A page whose name was made to point at this computer is refused (`refuse_rebinding`).
"""

import json
from collections.abc import AsyncIterator

from quart import Quart, Response, request

from flylab.local.api_requests import Control, answer
from flylab.local.events import Hub
from flylab.rules.life import Life
from flylab.wire.config import Guest
from flylab.wire.fields import Json


def register(api: Quart, control: Control) -> None:
    platform = control.platform

    @api.get("/_flylab/platform", endpoint="flylab_platform")
    async def describe() -> Response:
        return answer(control.describe())

    @api.get("/_flylab/ports", endpoint="flylab_ports")
    async def ports() -> Response:
        return answer(control.ports(request.args.get("app", "")))

    @api.get("/_flylab/machines", endpoint="flylab_machines")
    async def machines() -> Response:
        """All machines of all apps as they are, for whoever begins to follow: no limit of the API and no fault."""
        return answer([_shown(life) for life in platform.fleet.machines()])

    @api.get("/_flylab/events", endpoint="flylab_events")
    async def events() -> Response:
        return _stream(platform.events)

    @api.get("/_flylab/exchanges", endpoint="flylab_exchanges")
    async def exchanges() -> Response:
        return _stream(platform.exchanges)

    @api.get("/_flylab/events/recent", endpoint="flylab_recent_events")
    async def recent_events() -> Response:
        return answer(platform.events.recent())

    @api.get("/_flylab/exchanges/recent", endpoint="flylab_recent_exchanges")
    async def recent_exchanges() -> Response:
        return answer(platform.exchanges.recent())


def _shown(life: Life) -> Json:
    named = {"id": life.id, "name": life.name, "app": life.app, "region": life.region, "state": str(life.state)}
    return {**named, "guest": (life.config.guest or Guest()).to_json()}


def _stream(hub: Hub) -> Response:
    async def send() -> AsyncIterator[bytes]:
        with hub.follow() as items:
            yield b": following\n\n"  # nothing that happens after this line is missed
            async for item in items:
                yield b"data: " + json.dumps(item, separators=(",", ":")).encode() + b"\n\n"

    response = Response(send(), content_type="text/event-stream", headers={"cache-control": "no-store"})
    response.timeout = None
    return response
