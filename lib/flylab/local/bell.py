"""Waking requests that wait for something to change: they look again at every ring and decide for themselves."""

import asyncio
from contextlib import suppress

from flylab.errors import RuleError


class Bell:
    """One ring wakes everybody who waits for that name."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def ring(self, name: str) -> None:
        for future in self._waiting.get(name, ()):
            if not future.done():
                future.set_result(None)

    async def wait(self, name: str, patience: float) -> None:
        """Return at the next ring, at the latest after ``patience`` seconds; raises ``unavailable`` at the end."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(name, set())
        waiting.add(future)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(patience, 0.001)):  # a timer may be early by a little: no busy loop
                    await future
        finally:
            waiting.discard(future)

    def close(self) -> None:
        """The platform ends: nobody waits any more."""
        for future in [future for waiting in self._waiting.values() for future in waiting]:
            if not future.done():
                future.set_exception(RuleError("unavailable", "the platform is stopping"))
