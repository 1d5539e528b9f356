"""Requests of one edge that wait for a place at a hard limit: when one is given back, who came first is asked first."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Protocol

from flylab.rules.rows import Loads


class Waiter(Protocol):
    def offer(self) -> bool:
        """Look for a place again; False when there is none yet and it goes on waiting."""


class WaitingLine:
    """Waiters by what they want of their machine: when one gets nothing, nobody who wants the same is asked then.

    So a place that comes free costs two questions, however many wait.
    """

    def __init__(self, loads: Loads, soon: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._loads = loads
        self._soon = soon
        self._lines: dict[Hashable, dict[Waiter, None]] = {}
        self._of: dict[Waiter, Hashable] = {}
        self._listening = False

    def __len__(self) -> int:
        return len(self._of)

    def join(self, waiter: Waiter, wanted: Hashable) -> None:
        """Wait, at the end of the line unless it stands in it already."""
        if self._of.get(waiter, wanted) != wanted:
            self.leave(waiter)
        self._of[waiter] = wanted
        self._lines.setdefault(wanted, {})[waiter] = None
        self._listen()

    def leave(self, waiter: Waiter) -> None:
        """Wait no more; whoever does not wait is fine."""
        if waiter in self._of:
            wanted = self._of.pop(waiter)
            line = self._lines[wanted]
            del line[waiter]
            if not line:
                del self._lines[wanted]

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._loads.on_release(self._released)

    def _released(self) -> None:
        # In the middle of somebody's step: nobody may choose before that is over.
        soon = self._soon or asyncio.get_running_loop().call_soon
        soon(self._serve)

    def _serve(self) -> None:
        self._listening = False
        for line in list(self._lines.values()):
            for waiter in list(line):
                if not waiter.offer():
                    break
                self.leave(waiter)
        if self._of:
            self._listen()
