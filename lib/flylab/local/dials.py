"""New connections to machines for requests that go straight: nothing of ours waits for one, and one look at the clock
is for all of them.

Straight ──► dial ──► the loop connects ──► Upstream.connection_made ──► Straight.on_connected
                              └──► refused, too late ──────────────────► Straight.on_refused
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from flylab.local.distant import new_upstream
from flylab.local.repeat import Repeat
from flylab.local.upstream import Upstream

if TYPE_CHECKING:
    from flylab.local.edge import Edge

Connecting = asyncio.Task[tuple[asyncio.Transport, Upstream]]


class Dialler(Protocol):
    """Who wants a connection."""

    def on_connected(self, upstream: Upstream) -> None: ...

    def on_refused(self, code: str) -> None:
        """There is none, for a reason of monitoring/error-codes."""


class Dial:
    """One connection under way; ``dialler`` is None once it has been told, or does not want it any more."""

    __slots__ = ("deadline", "dialler", "upstream")

    def __init__(self, dialler: Dialler, upstream: Upstream, deadline: float) -> None:
        self.dialler: Dialler | None = dialler
        self.upstream = upstream
        self.deadline = deadline

    def made(self, upstream: Upstream) -> None:
        """It is connected."""
        dialler, self.dialler = self.dialler, None
        if dialler is None:
            upstream.close()
        else:
            dialler.on_connected(upstream)


class Dials:
    """Those of one edge."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge
        self._open: dict[Connecting, Dial] = {}
        self._closed = False

    def dial(self, dialler: Dialler, address: tuple[str, int], key: object, region: str, known: Repeat) -> Dial:
        """Connect; ``known`` is what such a connection may hear again."""
        edge = self._edge
        upstream = new_upstream(key, delay=edge.latency.one_way(edge.region, region), pool=edge.pool)
        upstream.known = known
        dial = upstream.dialled = Dial(dialler, upstream, edge.loop.time() + edge.settings.connect_timeout)
        task: Connecting = edge.loop.create_task(edge.loop.create_connection(lambda: upstream, *address))
        self._open[task] = dial
        task.add_done_callback(self._done)
        return dial

    def sweep(self, now: float) -> None:
        """Give up those that take too long."""
        for task in [task for task, dial in self._open.items() if dial.deadline <= now]:
            task.cancel()

    async def close(self) -> None:
        """End all; nobody is told."""
        self._closed = True
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: Connecting) -> None:
        dial = self._open.pop(task)
        if task.cancelled():
            code = "PC05"
        elif (why := task.exception()) is not None:
            code = "PC01" if isinstance(why, ConnectionRefusedError) else "PC06"
        else:
            return  # whoever wanted it was told when it was made
        # Given up between its making and our hearing of it, it would not be told of its end (uvloop).
        self._edge.pool.closed(dial.upstream)
        dialler, dial.dialler = dial.dialler, None
        if dialler is not None and not self._closed:
            dialler.on_refused(code)
