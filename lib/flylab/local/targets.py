"""The machines that requests without a wish may go to, and what an edge has looked up for each."""

from typing import TYPE_CHECKING

from flylab.local.dials import Dial, Dialler
from flylab.local.repeat import NOTHING_KNOWN
from flylab.local.trace import Lines
from flylab.rules.answering import http_options
from flylab.rules.hops import Hop
from flylab.rules.onward import Onward
from flylab.rules.routing import Choice, Wanted
from flylab.rules.shortlist import Kept
from flylab.rules.straight import visited
from flylab.rules.tallies import Times
from flylab.wire.machine import MachineState
from flylab.wire.port_options import HttpOptions

if TYPE_CHECKING:
    from flylab.local.edge import Edge
    from flylab.local.pool import Line
    from flylab.local.upstream import Upstream

_MOST = 1024  # apps with a port each that are remembered, and replays; our choice
_SHORT = 512  # characters of a replay that is remembered; our choice


class Target:
    """One machine; without an address nothing goes straight there."""

    __slots__ = (
        "address",
        "answers",
        "below",
        "choice",
        "key",
        "known",
        "line",
        "machine",
        "moved",
        "options",
        "status",
        "traces",
        "version",
        "visits",
    )

    def __init__(self, edge: "Edge", machine: str, below: int, choice: Choice, port: int | None) -> None:
        self.machine = machine
        self.below = below  # the load from which on it is not wanted
        self.choice = choice
        self.options = http_options(choice.service, port)  # those of its clients' connections
        self.version = -1  # of the view with which the next three were found
        self.address: tuple[str, int] | None = None
        self.key: object = None  # of connections that are kept
        self.line: Line | None = None  # those of them that wait
        self.known = NOTHING_KNOWN  # the last whole answer on a connection that is not kept
        self.status = 0  # of the last answer, with what such are counted in
        self.answers = self.visits = Times()
        self.traces: Lines | None = None  # of answers with that status
        self.moved = edge.tallies.moved(choice.row.app)

    def take(self, edge: "Edge", options: HttpOptions) -> bool:
        """Take the machine's place; False when nothing goes straight there, or it has none."""
        if self.version != edge.view.version:
            self._aim(edge)
        return self.address is not None and self.options is options and edge.loads.enter(self.machine, self.below)

    def kept(self, edge: "Edge") -> "Upstream | None":
        """A connection that waits for its next request."""
        line = self.line
        if not line:
            line = self.line = edge.pool.line(self.key)  # it may be another one by now
        return line.pop() if line else None

    def is_up(self, edge: "Edge") -> bool:
        """Whether the machine is started, as far as this edge knows."""
        row = edge.view.row(self.machine)
        return row is not None and row.state is MachineState.STARTED

    def dial(self, edge: "Edge", dialler: Dialler) -> Dial:
        """A new one."""
        assert self.address is not None  # or nothing goes there
        return edge.dials.dial(dialler, self.address, self.key, self.choice.row.region, self.known)

    def _aim(self, edge: "Edge") -> None:
        choice, options = self.choice, self.options
        concurrency = choice.service.concurrency
        keep = edge.settings.always_reuse or (concurrency is not None and concurrency.type == "requests")
        changed = options.compress or options.shapes or options.h2_backend or options.idle_timeout is not None
        address = None if changed else edge.platform.address(self.machine, choice.service.internal_port)
        self.version = edge.view.version
        self.address = address
        self.key = (self.machine, address, False) if keep and address is not None else None
        self.line = edge.pool.line(self.key)

    def hops(self, began: float, ended: float, status: int) -> list[Hop]:
        """The only one of a request that came here and was answered."""
        return [visited(self.choice, began, ended, status)]

    def count(self, edge: "Edge", status: int) -> None:
        """Answers have this status from now on."""
        self.status = status
        self.traces = None
        self.answers = edge.tallies.answered(self.choice.row.app, status)
        self.visits = edge.tallies.visited(self.machine, status)


def free(targets: tuple[Target, ...], edge: "Edge") -> Target | None:
    """One of those that are below their loads, by chance; whoever takes it looks again."""
    if len(targets) == 1:
        return targets[0]
    of = edge.loads.of
    equal = [one for one in targets if of(one.machine) < one.below]
    if not equal:
        return None
    return equal[0] if len(equal) == 1 else edge.rng.choice(equal)


class Second:
    """A replay that many requests are told in the same words, and the machines that it leads to."""

    __slots__ = ("answers", "first", "onward", "port", "said", "status", "targets", "version", "visits")

    def __init__(self, version: int, port: int | None, onward: Onward | None, targets: tuple[Target, ...]) -> None:
        self.version = version
        self.port = port
        self.onward = onward
        self.targets = targets
        self.said = self.status = 0  # of the last two answers, with what such are counted in
        self.answers = self.first = self.visits = Times()

    def count(self, edge: "Edge", app: str, machines: tuple[str, str], statuses: tuple[int, int]) -> None:
        """Both answers have these statuses from now on."""
        self.said, self.status = statuses
        self.answers = edge.tallies.answered(app, statuses[1])
        self.first, self.visits = (edge.tallies.visited(*one) for one in zip(machines, statuses, strict=True))


class Targets:
    """Those of one edge."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge
        self._found: dict[tuple[str, int | None], tuple[Kept, tuple[Target, ...]]] = {}
        self._seconds: dict[tuple[str, str, int | None], Second] = {}  # by words, origin and port

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

    def after(self, words: str, origin: Target, port: int | None) -> Second:
        """Where a machine's replay leads; nowhere when it must be looked at by itself."""
        edge, key = self._edge, (words, origin.machine, port)
        version = edge.view.version
        if len(words) > _SHORT:
            return Second(version, port, None, ())
        second = self._seconds.get(key)
        if second is None or second.version != version:
            if len(self._seconds) >= _MOST:
                self._seconds.clear()
            then = edge.onward(words, origin.choice.row, port)
            # To itself is unusual: its place would be given back and taken in the same step.
            ready = () if then is None else [one for one in then.ready if one[0] != origin.machine]
            targets = tuple(Target(edge, *one, port) for one in ready)
            second = self._seconds[key] = Second(version, port, then if targets else None, targets)
        return second
