"""What has happened for certain and could not be written down: tried again, in its order, until it can be.

A request that cannot be written down is refused and undone. News of a process cannot be refused: a machine whose
process has ended would be shown as started for good.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from flylab.clock import Clock
from flylab.errors import FlylabError, LocalError
from flylab.rules.orders import FleetEvent

_log = logging.getLogger(__name__)
_AGAIN = 0.5  # seconds between two tries; our choice


class Backlog:
    """Hands events to ``apply``; it holds no more than the platform's machines and copies have news."""

    def __init__(self, apply: Callable[[FleetEvent], None], clock: Clock) -> None:
        self._apply = apply
        self._clock = clock
        self._events: deque[FleetEvent] = deque()
        self._task: asyncio.Task[None] | None = None

    def take(self, event: FleetEvent) -> None:
        """Apply it now, or after those that wait; what the rules refuse comes too late and is dropped."""
        if not self._events and self._done(event):
            return
        self._events.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._try_again())

    def close(self) -> None:
        """What waits is lost with the platform, whose machines are found stopped by the next one."""
        if self._task is not None:
            self._task.cancel()

    def _done(self, event: FleetEvent) -> bool:
        try:
            self._apply(event)
        except LocalError as exc:
            if not self._events:
                _log.error("%s, so %s waits", exc, type(event).__name__)
            return False
        except FlylabError as exc:
            _log.debug("%s came late: %s", event, exc)
        return True

    async def _try_again(self) -> None:
        while self._events:
            await self._clock.sleep(_AGAIN)
            while self._events and self._done(self._events[0]):
                self._events.popleft()
        self._task = None
