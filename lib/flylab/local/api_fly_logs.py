"""Logs at the path where Fly's clients ask for them, which on Fly is on another host than the Machines API.

GET /api/v1/apps/<app>/logs?instance=&region=&next_token=
"""

import asyncio

from quart import Quart, Response, request

from flylab.errors import ParseError
from flylab.local.api_access import authenticate
from flylab.local.api_logs import Watch
from flylab.local.api_requests import Control, answer
from flylab.wire.log import LogLine
from flylab.wire.moment import format_moment, parse_moment

_PAGE = 100  # lines of one answer; our choice


def register(api: Quart, control: Control) -> None:
    platform = control.platform

    @api.get("/api/v1/apps/<app_name>/logs", endpoint="fly_logs")
    async def fly_logs(app_name: str) -> Response:
        header = request.headers.get("authorization", "")
        # Clients send `Bearer`, `FlyV1`, or the bare token (fly-go's resource_logs.go; flaude 0.6.1).
        for holder in authenticate(header if " " in header else f"Bearer {header}", control):
            holder.permit("fly_logs", app_name, "", app_exists=True, reads=True)
        platform.fleet.app(app_name)
        since, seen = _read_token(request.args.get("next_token", ""))
        watch = Watch(control, app_name, request.args.get("instance", ""), request.args.get("region", ""))
        try:
            watch.look()
            lines = await asyncio.to_thread(watch.history, since, _PAGE + seen)
        finally:
            watch.close()
        fresh = lines[seen:]
        return answer({"data": [_entry(line) for line in fresh], "meta": {"next_token": _token(lines, since, seen)}})


def _entry(line: LogLine) -> dict[str, object]:
    meta = {"instance": line.machine, "region": line.region, "event": {"provider": line.provider}}
    attributes = {"timestamp": line.at, "message": line.text, "level": line.level or "info", "meta": meta}
    return {"id": line.at, "type": "log", "attributes": attributes | {"instance": line.machine, "region": line.region}}


def _token(lines: list[LogLine], since: str, seen: int) -> str:
    """Where the next answer goes on: the last moment, and how many lines of that millisecond were told."""
    if not lines:
        return f"{since},{seen}" if since else ""
    last = lines[-1].at
    return f"{last},{sum(line.at == last for line in lines)}"


def _read_token(token: str) -> tuple[str, int]:
    if not token:
        return "", 0
    moment, _, seen = token.partition(",")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 6):
        raise ParseError("next_token", token, "send the one of the answer before")
    return format_moment(parse_moment(moment, "next_token")), int(seen)
