"""The machines that requests without a wish may go to, and what an edge has looked up for each."""

from typing import TYPE_CHECKING

from flylab.rules.answering import http_options
from flylab.rules.routing import Choice, Wanted
from flylab.rules.shortlist import Kept
from flylab.rules.tallies import Times

if TYPE_CHECKING:
    from flylab.local.edge import Edge
    from flylab.local.pool import Line

_MOST = 1024  # apps with a port each that are remembered; our choice


class Target:
    """One machine; ``line`` are its connections that wait, None when nothing goes straight there."""

    __slots__ = ("answers", "below", "choice", "line", "machine", "moved", "options", "status", "version", "visits")

    def __init__(self, edge: "Edge", machine: str, below: int, choice: Choice, port: int | None) -> None:
        self.machine = machine
        self.below = below  # the load from which on it is not wanted
        self.choice = choice
        self.options = http_options(choice.service, port)  # those of its clients' connections
        self.version = -1  # of the view with which ``line`` was found
        self.line: Line | None = None
        self.status = 0  # of the last answer, with what such are counted in
        self.answers = self.visits = Times()
        self.moved = edge.tallies.moved(choice.row.app)

    def aim(self, edge: "Edge") -> None:
        """Find its connections anew."""
        choice, options = self.choice, self.options
        concurrency = choice.service.concurrency
        keep = edge.settings.always_reuse or (concurrency is not None and concurrency.type == "requests")
        changed = options.compress or options.shapes or options.h2_backend or options.idle_timeout is not None
        address = edge.platform.address(self.machine, choice.service.internal_port)
        self.version = edge.view.version
        self.line = None if address is None or not keep or changed else edge.pool.line((self.machine, address, False))

    def count(self, edge: "Edge", status: int) -> None:
        """Answers have this status from now on."""
        self.status = status
        self.answers = edge.tallies.answered(self.choice.row.app, status)
        self.visits = edge.tallies.visited(self.machine, status)


class Targets:
    """Those of one edge."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge
        self._found: dict[tuple[str, int | None], tuple[Kept, tuple[Target, ...]]] = {}

    def of(self, wanted: Wanted) -> tuple[Target, ...]:
        """For a request that wants no more than an app and a port; the same ones for as long as nothing changes."""
        edge, way = self._edge, (wanted.app, wanted.port)
        kept = edge.shortlist.kept(edge.view, wanted)
        if kept is None:
            self._found.pop(way, None)
            return ()
        found = self._found.get(way)
        if found is None or found[0] is not kept:
            if len(self._found) >= _MOST:
                self._found.clear()
            targets = tuple(Target(edge, *one, wanted.port) for one in kept.ready)
            found = self._found[way] = (kept, targets)
        return found[1]
