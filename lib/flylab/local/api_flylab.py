"""What only the local platform has, below ``/_flylab/``: streams of events and exchanges, logs, and what it is made of.

Nothing here needs a token: a browser's event stream cannot send one, and only this computer can connect.
"""

import json
from collections.abc import AsyncIterator

from quart import Quart, Response

from flylab.local.api_requests import Control, answer, count
from flylab.local.events import Hub

_TAIL = 200  # lines of a log when the request does not say; our choice


def register(api: Quart, control: Control) -> None:
    platform = control.platform

    @api.get("/_flylab/platform", endpoint="flylab_platform")
    async def describe() -> Response:
        return answer(control.describe())

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

    @api.get("/_flylab/apps/<app_name>/machines/<machine_id>/logs", endpoint="flylab_logs")
    async def logs(app_name: str, machine_id: str) -> Response:
        control.life(app_name, machine_id)
        lines = platform.driver.log_tail(machine_id, count("lines", _TAIL, 100_000))
        return Response(lines, content_type="text/plain; charset=utf-8")


def _stream(hub: Hub) -> Response:
    async def send() -> AsyncIterator[bytes]:
        with hub.follow() as items:
            yield b": following\n\n"  # nothing that happens after this line is missed
            async for item in items:
                yield b"data: " + json.dumps(item, separators=(",", ":")).encode() + b"\n\n"

    response = Response(send(), content_type="text/event-stream", headers={"cache-control": "no-store"})
    response.timeout = None
    return response
