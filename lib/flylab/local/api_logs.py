"""Logs of machines, and what the proxy says of them, below ``/_flylab/``: of one or of an app, once or followed.

GET /_flylab/apps/<app>/machines/<id>/logs?lines=           text, as it was printed
GET /_flylab/apps/<app>/logs?machine=&region=&since=&limit=  JSON, a list of lines; both take all of these
…&follow=true                                                server-sent events, one for each line
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from quart import Quart, Response, request

from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, count, flag
from flylab.local.logs import Tail, history
from flylab.wire.log import LogLine
from flylab.wire.moment import format_moment, parse_moment

_TAIL = 200  # lines when the request does not say; our choice
_MOST = 100_000  # lines; our choice
_PAUSE = 0.1  # seconds between looks of a follower who has seen everything; our choice


def register(api: Quart, control: Control) -> None:
    platform = control.platform

    @api.get("/_flylab/apps/<app_name>/machines/<machine_id>/logs", endpoint="flylab_machine_logs")
    async def machine_logs(app_name: str, machine_id: str) -> Response:
        control.life(app_name, machine_id)
        if not {"since", "limit", "follow"} & request.args.keys():
            lines = count("lines", _TAIL, _MOST)
            text = await asyncio.to_thread(platform.driver.log_tail, machine_id, lines)
            return Response(text, content_type="text/plain; charset=utf-8")
        return await _logs(control, app_name, machine_id, "")

    @api.get("/_flylab/apps/<app_name>/logs", endpoint="flylab_app_logs")
    async def app_logs(app_name: str) -> Response:
        platform.fleet.app(app_name)
        machine_id, region = request.args.get("machine", ""), request.args.get("region", "")
        if machine_id:
            control.life(app_name, machine_id)
        if region and all(region != known.code for known in control.regions):
            here = ", ".join(known.code for known in control.regions)
            raise RuleError("invalid_argument", f"region '{region}' is unknown; regions here: {here}")
        return await _logs(control, app_name, machine_id, region)


async def _logs(control: Control, app: str, machine_id: str, region: str) -> Response:
    since, limit = request.args.get("since", ""), count("limit", _TAIL, _MOST)
    if since:
        since = format_moment(parse_moment(since, "since"))
    watch = Watch(control, app, machine_id, region)
    if flag("follow"):
        response = Response(
            watch.follow(since, limit), content_type="text/event-stream", headers={"cache-control": "no-store"}
        )
        response.timeout = None
        return response
    try:
        watch.look()
        lines = await asyncio.to_thread(watch.history, since, limit)
        return answer([line.to_json() for line in lines])
    finally:
        watch.close()


class Watch:
    """The logs that one request looks at; machines come and go meanwhile."""

    def __init__(self, control: Control, app: str, machine_id: str, region: str) -> None:
        self._platform = control.platform
        self._app, self._machine, self._region = app, machine_id, region
        self._tails: dict[str, Tail] = {}
        # Held by the thread that reads: whoever closes waits for it, so that no file is closed under a read.
        self._reading = threading.Lock()

    def look(self) -> bool:
        """Find the machines; false when the app is gone."""
        try:
            lives = {life.id: life for life in self._platform.fleet.machines(self._platform.fleet.app(self._app).name)}
        except RuleError:
            return False
        for life in lives.values():
            wanted = self._machine in ("", life.id) and self._region in ("", life.region)
            if wanted and life.id not in self._tails:
                self._tails[life.id] = Tail(self._log(life.id), life.id, life.region)
        self._tails.setdefault("", Tail(self._platform.proxy_log.path(self._app)))
        for gone in self._tails.keys() - lives.keys() - {""}:
            self._tails.pop(gone).close()
        return not self._machine or self._machine in lives

    def _wanted(self, line: LogLine) -> bool:
        """What the proxy says of other machines and regions is left out; the logs of machines are chosen whole."""
        return self._machine in ("", line.machine) and self._region in ("", line.region)

    def _log(self, machine_id: str) -> Path:
        return self._platform.driver.log(machine_id)

    async def follow(self, since: str, limit: int) -> AsyncIterator[bytes]:
        """What there is, then what comes, until the machine, the app or the platform is gone or nobody listens."""
        try:
            yield b": following\n\n"
            self.look()
            if not since:
                yield _events(await asyncio.to_thread(self.history, "", limit))
            last = False
            while True:
                # Looked at before reading: what is printed until the very end is told too.
                last = last or self._platform.events.closed or not self.look()
                news, some = await asyncio.to_thread(self._news, since)
                if some:
                    yield news
                elif last:
                    return
                else:
                    await self._platform.clock.sleep(_PAUSE)
        finally:
            self.close()

    def history(self, since: str, limit: int) -> list[LogLine]:
        with self._reading:
            return history(list(self._tails.values()), since=since, limit=limit, wanted=self._wanted)

    def _news(self, since: str) -> tuple[bytes, bool]:
        """One chunk of each log as events; whether anything was there."""
        with self._reading:
            lines = [line for tail in list(self._tails.values()) for line in tail.lines()]
        wanted = (line for line in lines if line.at >= since and self._wanted(line))
        return _events(sorted(wanted, key=lambda line: line.at)), bool(lines)

    def close(self) -> None:
        with self._reading:
            for tail in self._tails.values():
                tail.close()


def _events(lines: list[LogLine]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(line.to_json(), separators=(",", ":")).encode() for line in lines)
