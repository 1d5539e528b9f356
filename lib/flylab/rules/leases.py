"""Leases: while somebody holds one on a machine, only calls that carry its nonce may change the machine.

What a call without the nonce meets is one table. Marks: DOCUMENTED and REPORTED are told apart where they matter.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.wire.fields import Json
from flylab.wire.lease import Lease
from flylab.wire.moment import format_moment

KIND = "lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Where Fly's documentation is silent, and where reports disagree."""

    default_ttl: int = 30  # seconds; assumed, Fly publishes none
    longest_ttl: int = 86_400  # seconds; our choice, Fly publishes none
    # Reported 2026-10: these two wait until the lease ends and then succeed. An older test (bfaas, 2024) saw a destroy
    # fail; false answers 409 at once.
    holds_stop: bool = True
    holds_destroy: bool = True
    refuses_autostart: bool = True  # reported: the proxy does not wake a leased machine, PM01


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLease:
    """Take a lease, or with the current nonce in ``given`` make it last longer; ``nonce`` is for a new one."""

    machine: str
    nonce: str
    owner: str
    ttl: int
    description: str = ""
    given: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLease:
    machine: str
    given: str


class Meets(Enum):
    """What a call without the nonce meets on a leased machine."""

    NOTHING = auto()  # it is carried out
    REFUSAL = auto()  # 409 at once
    HOLD = auto()  # it waits until the lease has ended


# By operation id of the official document; the rest meets nothing: metadata (reported), cordon, uncordon and signal
# (fly-go has long sent them without a nonce), exec and reading.
MEETS: dict[str, Meets] = {
    "Machines_start": Meets.REFUSAL,  # reported 2026-10, as are the next three
    "Machines_update": Meets.REFUSAL,
    "Machines_stop": Meets.HOLD,
    "Machines_delete": Meets.HOLD,
    "Machines_suspend": Meets.REFUSAL,  # assumed: fly-go sends the nonce
    "Machines_restart": Meets.REFUSAL,  # assumed: fly-go sends the nonce
    "Machines_set_memory_limit": Meets.REFUSAL,  # assumed
}


class Leases:
    """All leases, by machine; one whose time is over counts as none (a ``records.Collection``)."""

    def __init__(self, settings: LeaseSettings) -> None:
        self.settings = settings
        self._leases: dict[str, Lease] = {}

    def rows(self) -> dict[str, Lease]:
        return self._leases

    def document(self, key: str) -> Json | None:
        return self._leases[key].to_json() if key in self._leases else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._leases = {machine: Lease.from_json(document) for machine, document in documents.items()}

    def held(self, machine: str, now: float) -> Lease | None:
        lease = self._leases.get(machine)
        return lease if lease is not None and lease.expires_at > now else None

    def take(self, event: TakeLease, version: str, now: float) -> list[Kept]:
        """A new lease, or more time for the one whose nonce is given; raises ``lease_held``."""
        self.check_ttl(event.ttl)
        until = math.ceil(now + event.ttl)  # whole seconds on the wire, and never less than was asked for
        current = self.held(event.machine, now)
        if current is None:
            lease = Lease(
                nonce=event.nonce, owner=event.owner, description=event.description, expires_at=until, version=version
            )
        elif event.given == current.nonce:
            lease = replace(current, expires_at=max(until, current.expires_at), version=version)
        else:
            raise _held(event.machine, current)
        stale = self._forget(now, besides=event.machine)
        self._leases[event.machine] = lease
        return [*stale, Kept(KIND, event.machine)]

    def check_ttl(self, ttl: int, name: str = "ttl") -> None:
        if not 1 <= ttl <= self.settings.longest_ttl:
            text = f"{name} {ttl} is not between 1 and {self.settings.longest_ttl} seconds"
            raise RuleError("invalid_argument", text)

    def release(self, event: ReleaseLease, now: float) -> list[Kept]:
        current = self.held(event.machine, now)
        if current is None:
            raise RuleError("lease_not_found", "lease not found")
        if event.given != current.nonce:
            raise _held(event.machine, current)
        return self.drop(event.machine)

    def drop(self, machine: str) -> list[Kept]:
        """The machine is no more, or its lease is given back."""
        return [Kept(KIND, machine)] if self._leases.pop(machine, None) is not None else []

    def patience(self, operation: str, machine: str, nonce: str, now: float) -> float:
        """Seconds until the call is to be looked at again, 0 when it may go on now; raises ``lease_held``."""
        current = self.held(machine, now)
        meets = MEETS.get(operation, Meets.NOTHING)
        if current is None or nonce == current.nonce or meets is Meets.NOTHING:
            return 0.0
        holds = {"Machines_stop": self.settings.holds_stop, "Machines_delete": self.settings.holds_destroy}
        if meets is Meets.HOLD and holds[operation]:
            return current.expires_at - now
        raise _held(machine, current)

    def admit_autostart(self, machine: str, now: float) -> None:
        """Raise ``PM01`` when the proxy may not start the machine."""
        current = self.held(machine, now)
        if current is not None and self.settings.refuses_autostart:
            raise RuleError("PM01", f"machine {machine} was not woken: {_held(machine, current).text}")

    def _forget(self, now: float, besides: str) -> Iterable[Kept]:
        over = [key for key, lease in self._leases.items() if lease.expires_at <= now and key != besides]
        return [kept for machine in over for kept in self.drop(machine)]


def _held(machine: str, lease: Lease) -> RuleError:
    until = format_moment(lease.expires_at)
    return RuleError("lease_held", f"machine ID {machine} lease currently held by {lease.owner}, expires at {until}")
