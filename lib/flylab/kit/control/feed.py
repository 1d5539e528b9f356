"""Follows a local platform's streams and folds them into a picture, through its ends and new beginnings.

/_flylab/platform, machines ─┐
/_flylab/events ─────────────┼──► Picture ──take──► whoever listens, ten times a second at most
/_flylab/exchanges ──────────┘

The streams are opened first and what is there is read then, so that nothing falls between. When a stream ends (the
platform is gone, or we were too slow for it) all of that is done again, with pauses that grow.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx

from flylab.clock import Clock, SystemClock
from flylab.errors import LocalError, UsageError
from flylab.kit.control.picture import Json, Picture
from flylab.kit.control.recording import Recording

BATCHES = 10.0  # a second, at most: a page that draws them is busy a small part of the time; our choice
IDLE = 1.0  # seconds between batches when nothing happens, so that gauges fall and a page knows that we are there
LOOK = 0.5  # seconds in which machines nobody knows are gathered before their sizes are asked for; our choice
FAULTS = 2.0  # seconds between looks at what is armed: no stream tells it; our choice
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before a lost platform is tried again; the last one stays; our choice

Listener = Callable[[Json], None]


class Source(Protocol):
    """What a feed needs of a lab (kit/target.py): its platform's address."""

    platform: Any


class Feed:
    """One platform's picture, kept up from ``start`` to ``stop``; ``lab`` may be exchanged for another meanwhile."""

    def __init__(self, lab: Source, *, picture: Picture | None = None, clock: Clock | None = None) -> None:
        if lab.platform is None:
            raise UsageError("the control room follows a local platform, and Fly has no such streams")
        self._lab = lab
        self._elsewhere = asyncio.Event()  # another lab is to be followed
        self.picture = picture or Picture()
        self.clock = clock or SystemClock()
        self.batches = 0
        self.trouble = ""  # why the platform was lost, or not found
        self.recordings: list[Recording] = []
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._unknown = asyncio.Event()
        self._news = asyncio.Event()
        self._moved = asyncio.Condition()
        self._look = asyncio.Event()

    async def __aenter__(self) -> "Feed":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, seconds: float = 10.0) -> "Feed":
        """Follow from now on; returns when the first picture is whole, and raises LocalError when there is none."""
        if not self._tasks:
            self._tasks = [asyncio.ensure_future(work()) for work in (self._follow, self._tell)]
        try:
            await self.until(lambda picture: picture.platform == "live", seconds)
        except LocalError as exc:
            await self.stop()
            why = f": {self.trouble}" if self.trouble else ""
            raise LocalError(f"no local platform answers at {self.lab.platform.address.api}{why}") from exc
        return self

    async def stop(self) -> None:
        """Follow no more; the picture stays as it is. Twice does no harm."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            self.picture.ended()
            self._give(self.picture.take(self.clock.wall()))

    @property
    def lab(self) -> Source:
        """Whose platform is followed; another one is followed at once."""
        return self._lab

    @lab.setter
    def lab(self, lab: Source) -> None:
        self._lab = lab
        self._elsewhere.set()

    @property
    def running(self) -> bool:
        return bool(self._tasks)

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call it with each batch; the returned function ends that. One that raises is heard no more."""
        self._listeners.append(callback)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return end

    async def until(self, condition: Callable[[Picture], bool], seconds: float = 10.0) -> Picture:
        """Return as soon as the picture is so; raises LocalError after so many seconds."""

        async def wait() -> None:
            async with self._moved:
                while not condition(self.picture):
                    await self._moved.wait()

        try:
            await asyncio.wait_for(wait(), seconds)
        except TimeoutError:
            raise LocalError(f"the platform did not get there within {seconds:g} s") from None
        return self.picture

    def look(self) -> None:
        """Look at once at what no stream tells: the faults that are armed."""
        self._look.set()

    def record(self) -> Recording:
        """Everything from now on as a recording; it goes on until its ``end``."""
        return Recording.of(self)

    def say(self, caption: Mapping[str, Any]) -> None:
        """What is explained from now on, for the recordings that go on."""
        for recording in self.recordings:
            recording.say(caption)

    # ── from the platform ───────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> None:
        failed = 0
        while True:
            came = await self._attend()
            self.picture.lost()
            await self._changed()
            failed = 0 if came else failed + 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSES[min(failed, len(PAUSES) - 1)]):
                    await self._elsewhere.wait()

    async def _attend(self) -> bool:
        """Follow until the platform goes away; whether it was there at all."""
        self._elsewhere.clear()
        address = self.lab.platform.address
        headers = {"authorization": f"Bearer {address.token}"}
        timeout = httpx.Timeout(10.0, read=None)
        limits = httpx.Limits(max_connections=10)
        came = False
        async with httpx.AsyncClient(
            base_url=address.api, headers=headers, verify=False, trust_env=False, timeout=timeout, limits=limits
        ) as http:
            opened = [asyncio.Event(), asyncio.Event()]
            streams = [
                asyncio.ensure_future(self._stream(http, "events", self._event, opened[0])),
                asyncio.ensure_future(self._stream(http, "exchanges", self._exchange, opened[1])),
            ]
            work = [asyncio.ensure_future(self._keep_up(http, opened)), asyncio.ensure_future(self._elsewhere.wait())]
            try:
                await asyncio.wait([*streams, *work], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*streams, *work):
                    task.cancel()
                results = await asyncio.gather(*streams, *work, return_exceptions=True)
                came = self.picture.platform == "live"
        # Whatever went wrong, also with what we were told: the feed goes on, and says so.
        wrong = [result for result in results if isinstance(result, Exception)]
        self.trouble = f"{type(wrong[0]).__name__}: {wrong[0]}" if wrong else "its streams have ended"
        return came

    async def _stream(
        self, http: httpx.AsyncClient, name: str, hear: Callable[[Json], None], opened: asyncio.Event
    ) -> None:
        async with http.stream("GET", f"/_flylab/{name}") as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    hear(json.loads(line[5:]))
                    await self._changed()
                elif line.startswith(":"):
                    opened.set()

    async def _keep_up(self, http: httpx.AsyncClient, opened: list[asyncio.Event]) -> None:
        for each in opened:
            await each.wait()
        await self._read_all(http)
        looks = asyncio.ensure_future(self._look_at_faults(http))
        try:
            while True:
                await self._unknown.wait()
                await self.clock.sleep(LOOK)
                self._unknown.clear()
                for machine in await _get(http, "/_flylab/machines"):
                    self.picture.priced(machine["id"], machine["guest"], machine["region"])
                await self._changed()
        finally:
            looks.cancel()
            await asyncio.gather(looks, return_exceptions=True)

    async def _read_all(self, http: httpx.AsyncClient) -> None:
        about = await _get(http, "/_flylab/platform")
        self.picture.listed(await _get(http, "/_flylab/machines"))
        self.picture.fault(about.get("faults") or [])
        self.picture.world({**about, "edges": list(about.get("edges") or {})})
        await self._changed()

    async def _look_at_faults(self, http: httpx.AsyncClient) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAULTS):
                    await self._look.wait()
            self._look.clear()
            try:
                told = await _get(http, "/_flylab/faults")
            except httpx.HTTPError:  # the streams tell whether it is gone
                continue
            armed = told.get("faults") or []
            if armed != self.picture.faults:
                self.picture.fault(armed)
                await self._changed()

    def _event(self, event: Json) -> None:
        if self.picture.machine(event):
            self._unknown.set()

    def _exchange(self, record: Json) -> None:
        self.picture.exchange(record)

    # ── to whoever listens ──────────────────────────────────────────────────────────────────────────────────────

    async def _changed(self) -> None:
        self._news.set()
        async with self._moved:
            self._moved.notify_all()

    async def _tell(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE):
                    await self._news.wait()
            self._news.clear()
            self._give(self.picture.take(self.clock.wall()))
            await self.clock.sleep(1 / BATCHES)

    def _give(self, batch: Json) -> None:
        self.batches += 1
        for recording in self.recordings:
            recording.hear(batch)
        for listener in list(self._listeners):
            try:
                listener(batch)
            except Exception as error:  # somebody else's code must not end the feed, and is not asked again
                self._listeners.remove(listener)
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a listener of the control room's feed failed and is heard no more", "exception": error}
                )


async def _get(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(path, timeout=10.0)
    answer.raise_for_status()
    return answer.json()
