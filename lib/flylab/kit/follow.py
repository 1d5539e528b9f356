"""Follows a stream of server-sent events from the local platform in the background and keeps what it said."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from flylab.kit.timeline import Change


class Follower:
    """Collects the JSON events of one stream from when ``started()`` returns until ``stop()``."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        self.seen: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._connected = asyncio.Event()
        self._task = asyncio.ensure_future(self._read())

    async def started(self, seconds: float = 5.0) -> "Follower":
        """Wait until the stream is open, so that nothing that happens afterwards is missed."""
        opened = asyncio.ensure_future(self._connected.wait())
        await asyncio.wait({opened, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        if self._task.done():
            await self._task  # raises what went wrong
        return self

    async def until(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 10.0) -> dict[str, Any]:
        """The first event, past or coming, that the condition likes; TimeoutError when none comes."""
        async with asyncio.timeout(seconds), self._changed:
            while True:
                for event in self.seen:
                    if condition(event):
                        return event
                await self._changed.wait()

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
            await self._task

    def changes(self, app: str) -> list[Change]:
        """The state changes of one app's machines, under their names."""
        return [
            Change(machine=event["name"], state=event["state"], at=event["at"])
            for event in self.seen
            if event["app"] == app and event["state"]
        ]

    async def _read(self) -> None:
        timeout = httpx.Timeout(10.0, read=None)
        async with (
            httpx.AsyncClient(verify=False, trust_env=False, timeout=timeout, headers=self.headers) as client,
            client.stream("GET", self.url) as answer,
        ):
            answer.raise_for_status()
            self._connected.set()
            async for event in _events(answer.aiter_lines()):
                async with self._changed:
                    self.seen.append(event)
                    self._changed.notify_all()


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """The JSON of every ``data:`` line; our streams put one event on one line."""
    async for line in lines:
        if line.startswith("data:"):
            yield json.loads(line[5:])
