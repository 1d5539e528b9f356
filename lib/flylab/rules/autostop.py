"""Which machine the proxy takes down and when, and the steps on the way; sockets, timers and machines are elsewhere.

    pass ─► SoftCordon ── a short wait ─► CloseSockets (1001) ── a shorter one ─► TakeDown (stop or suspend)
                 └── a request that has nowhere better to go ─► Uncordon

Sources: reference/fly-proxy-autostop-autostart for the formula, and for the steps what Fly's staff wrote
(community.fly.io/t/27544). ``now`` is in seconds of any clock that only goes forward.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flylab.rules.standing import Group, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class AutostopSettings:
    """The pace of autostop; Fly says "every few minutes", and idle times of 3 to 8 minutes were measured."""

    period: float = 60.0  # assumed: seconds from one pass over all groups to the next
    idle: float = 330.0  # assumed: for how long there has to be one too many; fits the measured idle times
    cordon_wait: float = 2.0  # assumed: from the soft-cordon to the close frames
    close_wait: float = 1.0  # our choice: how long clients may take to answer a close frame before the machine is told
    request_cancels: bool = True  # our choice: a request with nowhere better to go in the first wait keeps the machine
    enabled: bool = True  # false: nothing is ever stopped by itself

    @property
    def tick(self) -> float:
        """How often the loads are looked at; a second unless everything is faster."""
        return max(0.01, min(1.0, self.period, self.idle / 4 or self.period))


@dataclass(frozen=True, slots=True)
class SoftCordon:
    """New requests go elsewhere from now on."""

    machine: str


@dataclass(frozen=True, slots=True)
class Uncordon:
    """It stays after all, or is no longer ours to stop."""

    machine: str


@dataclass(frozen=True, slots=True)
class CloseSockets:
    """Close every WebSocket to the machine with code 1001."""

    machine: str


@dataclass(frozen=True, slots=True)
class TakeDown:
    """Stop it as its configuration says, or suspend it; ``running`` are in its group, with this one."""

    machine: str
    suspend: bool
    group: Group
    running: int


Step = SoftCordon | Uncordon | CloseSockets | TakeDown


@dataclass(slots=True)
class _Leaving:
    """A machine on its way down, and when its next step is due."""

    standing: Standing
    due: float
    closing: bool = False


class Autostop:
    """Every started machine with services, and since when one of them is not needed."""

    def __init__(self, settings: AutostopSettings, now: float) -> None:
        self.settings = settings
        self._machines: dict[str, Standing] = {}
        self._groups: dict[Group, dict[str, Standing]] = {}
        self._quiet: dict[str, float] = {}  # since when a machine has had no load
        self._spare: dict[Group, float] = {}  # since when a group has had one too many
        self._leaving: dict[str, _Leaving] = {}
        self._next_pass = now + settings.period

    def put(self, machine: Standing, now: float) -> None:
        """It has started, or is different."""
        known = self._machines.get(machine.id)
        if known == machine:
            return
        if known is not None:
            self._take_out(known)
        self._machines[machine.id] = machine
        self._groups.setdefault(machine.group, {})[machine.id] = machine
        self._quiet.setdefault(machine.id, now)

    def drop(self, machine_id: str) -> list[Step]:
        """It is not started any more, or no longer the proxy's; unknown ones are fine."""
        known = self._machines.pop(machine_id, None)
        if known is not None:
            self._take_out(known)
            del self._quiet[machine_id]
        return [] if self._leaving.pop(machine_id, None) is None else [Uncordon(machine_id)]

    def call_off(self, machine_id: str, now: float) -> list[Step]:
        """A request needs it; too late once its sockets are being closed."""
        leaving = self._leaving.get(machine_id)
        if leaving is None or leaving.closing:
            return []
        del self._leaving[machine_id]
        self._quiet[machine_id] = now
        self._spare.pop(leaving.standing.group, None)
        return [Uncordon(machine_id)]

    def tick(
        self, load: Callable[[str], int], touched: Iterable[str], now: float, primary: Callable[[Standing], str]
    ) -> list[Step]:
        """Look at the loads, take the steps that are due and begin new ones in a pass.

        ``touched`` are machines that had a request since the last look, however short; ``primary`` names the primary
        region of a machine's app.
        """
        if not any(machine.mode != "off" for machine in self._machines.values()):
            return []
        loads = {machine: load(machine) for machine in self._machines}
        self._note(loads, frozenset(touched), now)
        steps = self._go_on(loads, now)
        if now >= self._next_pass:
            self._next_pass = now + self.settings.period
            if self.settings.enabled:
                steps += self._pass(loads, now, primary)
        return steps

    def _note(self, loads: Mapping[str, int], touched: frozenset[str], now: float) -> None:
        for machine, load in loads.items():
            if load or machine in touched:
                self._quiet[machine] = now
        for group, machines in self._groups.items():
            if excess(machines.values(), loads) >= 1:
                self._spare.setdefault(group, now)
            else:
                self._spare.pop(group, None)

    def _go_on(self, loads: Mapping[str, int], now: float) -> list[Step]:
        steps: list[Step] = []
        for machine, leaving in list(self._leaving.items()):
            if leaving.closing and (now >= leaving.due or not loads.get(machine)):
                del self._leaving[machine]
                group = leaving.standing.group
                running = len(self._groups.get(group, ()))
                steps.append(TakeDown(machine, leaving.standing.mode == "suspend", group, running))
            elif not leaving.closing and now >= leaving.due:
                leaving.closing, leaving.due = True, now + self.settings.close_wait
                steps.append(CloseSockets(machine))
        return steps

    def _pass(self, loads: Mapping[str, int], now: float, primary: Callable[[Standing], str]) -> list[Step]:
        steps: list[Step] = []
        for group, machines in self._groups.items():
            if any(machine in self._leaving for machine in machines):
                continue  # one at a time
            chosen = self._one_too_many(group, machines, loads, now, primary)
            if chosen is not None:
                self._leaving[chosen.id] = _Leaving(chosen, now + self.settings.cordon_wait)
                steps.append(SoftCordon(chosen.id))
        return steps

    def _one_too_many(
        self,
        group: Group,
        machines: Mapping[str, Standing],
        loads: Mapping[str, int],
        now: float,
        primary: Callable[[Standing], str],
    ) -> Standing | None:
        least = sorted(machines.values(), key=lambda machine: (loads[machine.id], machine.id))
        chosen = next((machine for machine in least if machine.mode != "off"), None)
        if chosen is None:
            return None
        if group.region == primary(chosen) and len(machines) <= max(machine.minimum for machine in least):
            return None
        since = self._quiet[chosen.id] if len(machines) == 1 else self._spare.get(group, now)
        return chosen if now - since >= self.settings.idle else None

    def _take_out(self, known: Standing) -> None:
        machines = self._groups[known.group]
        del machines[known.id]
        if not machines:
            del self._groups[known.group]
            self._spare.pop(known.group, None)


def excess(running: Iterable[Standing], loads: Mapping[str, int]) -> int:
    """How many of several running machines are too many: n − (those at or over their soft limit + 1)."""
    machines = list(running)
    over = sum(1 for machine in machines if loads.get(machine.id, 0) >= machine.soft_limit)
    return len(machines) - (over + 1)
