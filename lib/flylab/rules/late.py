"""What one edge knows, a little late: machines and loads as they were when it last heard the news.

    platform ──put, drop──► View ──news──► LateView ──hear──► one edge        state and checks of machines
    edges ──reserve, release──► Loads ──────► LateLoads ──hear──► one edge    its own at once, those of others late

Fly says of states that they spread with a delay (monitoring/error-codes, PM11). An edge learns of one machine at once
when it has just had to do with it. Apps and hostnames are never late: names are looked up, not spread by the proxies.
"""

from flylab.rules.rows import AppRow, Loads, Row, View
from flylab.wire.machine import MachineState


class LateView(View):
    """A view of the same apps as ``truth``; what changes there changes here at the next ``hear``.

    ``every`` is the time between two of them.
    """

    def __init__(self, truth: View, every: float) -> None:
        super().__init__()
        self._truth = truth
        self.settled = 2 * every
        self._news: dict[str, None] = {}  # the ids of machines that have changed, in the order of their changes
        for row in truth.all_rows():
            super().put(row)
        truth.tell(self._note)

    def hear(self) -> None:
        """Take over all that has changed until now."""
        news, self._news = self._news, {}
        for machine_id in news:
            self._take_over(machine_id)

    def learn(self, machine_id: str) -> None:
        """Take over what is true of one machine now."""
        self._news.pop(machine_id, None)
        self._take_over(machine_id)

    def leave(self) -> None:
        """Hear no more."""
        self._truth.tell_no_more(self._note)

    def app(self, name: str) -> AppRow | None:
        return self._truth.app(name)

    def app_of_host(self, host: str) -> str | None:
        return self._truth.app_of_host(host)

    def _note(self, machine_id: str) -> None:
        self._news[machine_id] = None

    def _take_over(self, machine_id: str) -> None:
        row = self._truth.row(machine_id)
        if row is None:
            self.drop(machine_id)
        else:
            self.put(row)


class LateLoads(Loads):
    """Counts its own edge's requests at once, in ``shared`` as well, and those of the other edges as last heard."""

    def __init__(self, shared: Loads) -> None:
        super().__init__()
        self._shared = shared
        self._others: dict[str, int] = {}

    def of(self, machine_id: str) -> int:
        return self._loads.get(machine_id, 0) + self._others.get(machine_id, 0)

    def reserve(self, machine_id: str) -> None:
        self._loads[machine_id] = self._loads.get(machine_id, 0) + 1
        self._shared.reserve(machine_id)

    def enter(self, machine_id: str, below: int) -> bool:
        if self.of(machine_id) >= below:
            return False
        self.reserve(machine_id)
        return True

    def release(self, machine_id: str) -> None:
        self._shared.release(machine_id)
        super().release(machine_id)

    def hear(self) -> None:
        """Take over what the others hold now; whoever waits for a place looks again when there may be one."""
        before, own = self._others, self._loads
        held = {machine: load - own.get(machine, 0) for machine, load in self._shared.items()}
        self._others = {machine: load for machine, load in held.items() if load}
        if any(self._others.get(machine, 0) < load for machine, load in before.items()):
            self._tell()


def refusal(truth: View, row: Row) -> str | None:
    """Why the host of a machine that an edge holds for running does not pass the request on, as a code; None: it does.

    PR02: the host knows no such machine, or not as one that requests may be sent to. PM11: it was stopped a moment ago
    (both monitoring/error-codes).
    """
    now = truth.row(row.id)
    if now is None or now.cordoned:
        return "PR02"
    return None if now.state is MachineState.STARTED else "PM11"
