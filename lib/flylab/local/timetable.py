"""Starts the machines that have a ``schedule`` when they are due; one timer for all of them."""

import asyncio

from flylab.clock import Clock
from flylab.local.driver import Report
from flylab.rules import lifecycle as on
from flylab.rules.agenda import Agenda
from flylab.rules.life import Life
from flylab.rules.schedules import next_run, runs_now, schedule_of

_LOOK = 60.0  # seconds; our choice: the wall clock may be set and a laptop sleeps, so no timer is longer than that


class Timetable:
    """Told of every machine that changes, it reports ``Start`` for those that are due."""

    def __init__(self, clock: Clock, hour: float, report: Report) -> None:
        self._clock = clock
        self._hour = hour
        self._report = report
        self._agenda: Agenda[str] = Agenda()
        self._known: dict[str, tuple[Life, str]] = {}  # with the schedule that its moment was taken from
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def look(self, life: Life) -> None:
        """A machine is new, different or on its way out."""
        schedule = schedule_of(life.config)
        known, planned = self._known.get(life.id, (None, ""))
        if schedule == planned and (known is life or not schedule):
            return
        self._known[life.id] = (life, schedule)
        self._plan(life.id)
        self._set()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _plan(self, machine_id: str) -> None:
        due = next_run(self._known[machine_id][0], self._clock.wall(), hour=self._hour)
        if due is None:
            del self._known[machine_id]
            self._agenda.drop(machine_id)
        else:
            self._agenda.put(machine_id, due)

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._agenda.next_due()
        if due is not None and not self._closed:
            pause = min(max(due - self._clock.wall(), 0.0), _LOOK)
            self._timer = asyncio.get_running_loop().call_later(pause, self._run)

    def _run(self) -> None:
        for machine_id in self._agenda.take(self._clock.wall()):
            life, _ = self._known[machine_id]
            self._plan(machine_id)
            if runs_now(life):
                self._report(machine_id, on.Start(source="flyd"))
        self._set()
