"""Which machine takes a room next, or where one is to be made; pure: the machines are as the API lists them.

Regions are asked in order, nearest first. In each:

    running ▸ stopped, with autostart ▸ being made ▸ make one, unless one in a region nearly as near could take it

Two lobbies that decide for the same room at the same time choose alike, because ties are broken by room and machine and
not by chance; two that make a machine choose the same name, and only one of them can have it. A machine that said that
it is full is among the ``tried``; after two of those no third running one is tried before the empty ones.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from app.proximity import by_closeness, offered, round_trip
from flylab.wire.machine import Machine, MachineConfig, MachineState
from flylab.wire.services import Service

# A running machine so little farther away (ms, round trip) is better than a new one that somebody pays for; our choice.
NEARLY = 20.0
# Running machines that may turn a room away before empty ones are asked; our choice.
PATIENCE = 2

_COMING = frozenset({MachineState.CREATED, MachineState.CREATING, MachineState.STARTING, MachineState.RESTARTING})
_ASLEEP = frozenset({MachineState.STOPPED, MachineState.SUSPENDED})
_GONE = frozenset({MachineState.DESTROYING, MachineState.DESTROYED, MachineState.LAUNCH_FAILED})
# Belongs to one machine and must not be copied to another: volumes, schedules, whose stand-in it is.
_OWN = frozenset({"standbys", "schedule"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """This machine can take the room; ``coming``: only once it has started."""

    machine: str
    region: str
    coming: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """A machine is to be made, under this name."""

    region: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """No machine can take the room and none may be made."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may be made: machines in all, machines a region, and in which regions; none without ``regions``."""

    most: int
    most_per_region: int
    regions: frozenset[str]


def order_regions(edge: str, machines: Iterable[Machine], *, wanted: str, offered_here: Sequence[str]) -> list[str]:
    """Every region that could take a room, in the order in which to ask: the wanted one, then by closeness.

    ``offered_here`` are the regions of the setting ``ROOM_REGIONS``, all of Fly's when it is empty.
    """
    regions = {*(offered_here or offered()), *(machine.region for machine in machines)}
    near = by_closeness(wanted or edge, regions)
    return [wanted, *(region for region in near if region != wanted)] if wanted else list(near)


def plan(
    room: str, machines: Collection[Machine], *, order: Sequence[str], bounds: Bounds, tried: Collection[str], edge: str
) -> Use | Make | Nowhere:
    """Where the room goes; ``edge`` is where the visitor is, or empty when they asked for the first region."""
    free = [machine for machine in machines if machine.id not in tried]
    ready = {region: _pick(room, free, region, turned_away=len(tried)) for region in order}
    for region in order:
        here = ready[region]
        if here is not None:
            return here
        name = _new_name(machines, region, bounds)
        if name is None:
            continue
        if edge:
            reach = round_trip(edge, region) + NEARLY
            nearby = (ready[other] for other in order if round_trip(edge, other) <= reach)
            spared = next((use for use in nearby if use is not None), None)
            if spared is not None:
                return spared
        return Make(region=region, name=name)
    live = [machine for machine in machines if machine.state not in _GONE]
    if live:
        return Nowhere(why=f"none of {len(live)} machines can take another room, and no further one may be made")
    return Nowhere(why="there is no machine for rooms, and none may be made")


def template(machines: Iterable[Machine]) -> MachineConfig | None:
    """The configuration of the machine that was changed last, for a new one; None when none is known completely."""
    known = [m for m in machines if m.config.image and m.state not in _GONE and public_service(m) is not None]
    if not known:
        return None
    config = max(known, key=lambda machine: (machine.updated_at, machine.id)).config
    return replace(config, mounts=(), extra={key: value for key, value in config.extra.items() if key not in _OWN})


def public_service(machine: Machine) -> Service | None:
    """The service through which the proxy reaches the machine, if any."""
    for service in machine.config.services:
        if any(port.port in (80, 443) and "http" in port.handlers for port in service.ports):
            return service
    return None


def _pick(room: str, machines: Iterable[Machine], region: str, *, turned_away: int) -> Use | None:
    ranked = []
    for machine in machines:
        rank = _rank(machine, turned_away=turned_away) if machine.region == region else None
        if rank is not None:
            ranked.append((rank, _draw(room, machine.id), machine))
    if not ranked:
        return None
    _, _, best = min(ranked, key=lambda entry: entry[:2])
    return Use(machine=best.id, region=region, coming=best.state in _COMING)


def _rank(machine: Machine, *, turned_away: int) -> int | None:
    service = public_service(machine)
    if service is None or machine.cordoned or machine.host_status != "ok":
        return None
    if machine.state is MachineState.STARTED:
        if any(check.get("status") == "critical" for check in machine.checks):
            return None
        return 0 if turned_away < PATIENCE else 3
    if machine.state in _ASLEEP:
        return 1 if service.autostart else None
    return 2 if machine.state in _COMING else None


def _new_name(machines: Iterable[Machine], region: str, bounds: Bounds) -> str | None:
    live = [machine for machine in machines if machine.state not in _GONE]
    here = sum(machine.region == region for machine in live)
    if region not in bounds.regions or here >= bounds.most_per_region or len(live) >= bounds.most:
        return None
    # Numbers up to the bound alone, so that even lobbies that see different lists cannot exceed it together.
    taken = {machine.name for machine in live}
    names = (f"rooms-{region}-{number}" for number in range(1, bounds.most_per_region + 1))
    return next((name for name in names if name not in taken), None)


def _draw(room: str, machine: str) -> bytes:
    return hashlib.blake2b(f"{room}/{machine}".encode(), digest_size=8).digest()
