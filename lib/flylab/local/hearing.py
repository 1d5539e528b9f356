"""What one edge hears of other edges and of the platform, and when; with ``propagation`` 0 it sees all at once."""

import asyncio
from random import Random

from flylab.rules.late import LateLoads, LateView, refusal
from flylab.rules.rows import Loads, Row, View


class Hearing:
    """Holds the ``view`` and the ``loads`` that an edge decides by."""

    def __init__(self, truth: View, shared: Loads, propagation: float, rng: Random) -> None:
        self._truth = truth
        self._every = propagation
        self._rng = rng
        self._late: tuple[LateView, LateLoads] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.view, self.loads = truth, shared
        if propagation > 0:
            self._late = LateView(truth, propagation), LateLoads(shared)
            self.view, self.loads = self._late

    @property
    def late(self) -> bool:
        """Whether anything is heard later than it is so."""
        return self._late is not None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear the news from now on, each edge at moments of its own."""
        if self._late is not None and self._timer is None:
            self._timer = loop.call_later(self._every * self._rng.random(), self._hear, loop)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._late is not None:
            self._late[0].leave()

    def refusal(self, row: Row) -> str | None:
        """The code with which the machine's host refuses what an old view sends there; the edge knows better then."""
        if self._late is None:
            return None
        code = refusal(self._truth, row)
        if code is not None:
            self.learn(row.id)
        return code

    def learn(self, machine_id: str) -> None:
        """The edge has just had to do with this machine."""
        if self._late is not None:
            self._late[0].learn(machine_id)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._late is not None:
            for late in self._late:
                late.hear()
        self._timer = loop.call_later(self._every, self._hear, loop)
